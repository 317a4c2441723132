// Key files and -y: whatever a file says, it is keys or an error that names its place.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "fuzz.h"
#include "keys/key_file.h"

namespace {

/// A folder of this process, gone with it.
struct Folder {
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("dnsd-key-file-fuzz-" + std::to_string(::getpid()));
};

void write(const std::filesystem::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary) << text;
}

/// From a file it is what it is from octets; any name of the pair of files leads to it.
void from_files(const Folder& folder, std::string_view text) {
  const std::filesystem::path stem = folder.path / "Kh1.dyn.example.+163+12345";
  const std::filesystem::path file = stem.string() + ".private";
  write(file, text);
  const auto parsed = keys::parse_key_file(text, file);
  const std::string key_file = stem.string() + ".key";
  write(key_file, "h1.dyn.example. IN KEY 512 3 163 AAAA\n");
  for (const auto& name : {file, std::filesystem::path(key_file), stem}) {
    const auto keys = keys::read_key_file(name);
    fuzz::require(keys.has_value() == parsed.has_value(), "a file holds what its octets say");
    fuzz::require(keys || keys.error().to_text() == parsed.error().to_text(), "or the same error");
  }
  static_cast<void>(keys::key_file_warning(file));
  // Renamed, its name stands in the record beside it.
  write(folder.path / "renamed.key", text.substr(0, text.find('\n')));
  static_cast<void>(keys::parse_key_file(text, folder.path / "renamed.private"));
  fuzz::require(!keys::read_key_file(folder.path / "none"), "no file, no key");
  fuzz::require(!keys::read_key_file(folder.path), "a folder is no file");
  fuzz::require(!keys::key_file_warning(folder.path / "none"), "no file, no warning");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  // A K file's name and algorithm are part of its own name.
  for (const char* file : {"keys.conf", "Kh1.dyn.example.+163+12345.private"}) {
    const auto keys = keys::parse_key_file(text, file);
    if (!keys) {
      fuzz::require(!keys.error().to_text().empty(), "an error is told");
      continue;
    }
    fuzz::require(!keys->empty(), "at least one key");
    for (const keys::TsigKey& key : *keys) {
      const auto again = keys::parse_key_file(keys::to_named_conf(key), "again");
      fuzz::require(again && again->size() == 1, "what we write can be read");
      fuzz::require(
          again->front().name == key.name && again->front().algorithm == key.algorithm &&
              keys::equal_constant_time(again->front().secret->octets(), key.secret->octets()),
          "and it is the same key");
    }
  }
  static const Folder folder;
  from_files(folder, text);
  const auto option = keys::parse_key_option(text);
  fuzz::require(option.has_value() || !option.error().empty(), "an error is told");
  return 0;
}
