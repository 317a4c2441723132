// Any text as a configuration: it is right, or there are errors of one line each; and what is right
// is the same when it is read again.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "dnsd/config.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_one_line(const std::vector<dnsd::ConfigProblem>& problems, std::size_t lines) {
  std::size_t before = 0;
  for (const dnsd::ConfigProblem& problem : problems) {
    const std::string text = problem.to_text();
    require(text.find('\n') == std::string::npos && !problem.what.empty());
    require(problem.line >= before && problem.line <= lines);
    before = problem.line;
  }
}

constexpr const char* SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr const char* PUBLIC = "IN KEY 512 3 15 HKhRehq0JPrV7OhiPQDGT/DGz1RxQLXyidpeYa7vjkc=\n";

/// What the seeds' secret-file and public-key-file lead to; gone with the process.
struct Folder {
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
    write("secret", SECRET);
    write("open", SECRET);
    write("short", "AAEC");
    write("empty", "");
    write("nonsense", "nothing that is a key\n");
    write("large", std::string(70'000, 'A'));
    write("h1.key", std::string("key \"h1.dyn.example\" { algorithm hmac-sha512; secret \"") +
                        SECRET + "\"; };\nkey \"h2.dyn.example\" { algorithm hmac-sha1; secret \"" +
                        SECRET + "\"; };\n");
    write("public.key", std::string("; a comment\nh1.dyn.example. ") + PUBLIC);
    write("dnskey.key", "h1.dyn.example. IN DNSKEY 256 3 15 AAAA\n");
    write("bad.key", "h1.dyn.example. IN KEY 512 3 15 AAAA\n");
    write("cut.key", "h1.dyn.example. IN\n");
    ::chmod((path / "open").c_str(), 0644);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const char* name, const std::string& text) {
    std::ofstream(path / name) << text;
    ::chmod((path / name).c_str(), 0600);
  }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("dnsd-config-fuzz-" + std::to_string(::getpid()));
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  static const Folder folder;
  const std::filesystem::path file = folder.path / "dnsd.toml";
  const dnsd::ConfigResult result = dnsd::parse_config(text, file);
  require(result.config.has_value() == result.errors.empty());
  require_one_line(result.errors, lines);
  require_one_line(result.warnings, lines);
  if (!result.config) return 0;

  const dnsd::Config& config = *result.config;
  require(!config.listen.empty());
  for (const dnsd::Endpoint& endpoint : config.listen) {
    require(dnsd::endpoint_from_text(dnsd::to_text(endpoint)) == endpoint);
  }
  const auto policy = dnsd::make_policy(config);
  require(policy->keyring.size() == config.keyring.size());
  for (const dnsd::ZoneConfig& zone : config.zones)
    require(policy->grants_of(zone.name) != nullptr);
  const dnsd::ConfigResult again = dnsd::parse_config(text, file);
  require(again.config && dnsd::needs_restart(config, *again.config).empty());
  return 0;
}
