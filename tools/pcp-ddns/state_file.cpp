#include "tools/pcp-ddns/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tools/pcp-ddns/agent_secret.h"
#include "zones/number.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

constexpr std::string_view FIRST_LINE = "pcp-ddns state 1";
constexpr std::string_view END = "end";  // a file without was not written to its end
constexpr std::string_view LAST_LINE = "\nend\n";

std::string system_error() { return std::strerror(errno); }

std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

bool read_secret(std::string_view line, State& state) {
  auto secret = keys::Secret::from_base64(line);
  if (!secret || secret->octets().size() < AGENT_SECRET_OCTETS || state.secret) return false;
  state.secret = std::make_shared<const keys::Secret>(std::move(*secret));
  return true;
}

bool read_mapping(std::string_view line, State& state) {
  SavedMapping mapping;
  const bool right = zones::read_number(take_word(line), mapping.protocol) &&
                     zones::read_number(take_word(line), mapping.internal_port);
  const auto address = keys::address_from_text(take_word(line));
  if (!right || !address || !zones::read_number(take_word(line), mapping.external.port)) {
    return false;
  }
  if (!line.empty()) {
    const auto internal = keys::address_from_text(line);
    if (!internal) return false;
    mapping.internal = *internal;
  }
  mapping.external.address = *address;
  state.mappings.push_back(mapping);
  return true;
}

bool read_record(std::string_view line, bool confirmed, State& state) {
  const std::string provider(take_word(line));
  zones::Record record;
  const auto owner = zones::Name::from_text(take_word(line));
  if (provider.empty() || !owner || !zones::type_from_text(take_word(line), record.type)) {
    return false;
  }
  auto rdata = zones::rdata_from_text(record.type, line);
  if (!rdata) return false;
  record.owner = *owner;
  record.rdata = std::move(*rdata);
  state.published[provider].push_back({std::move(record), confirmed});
  return true;
}

bool read_line(std::string_view line, State& state) {
  const std::string_view word = take_word(line);
  if (word == "secret") return read_secret(line, state);
  if (word == "mapping") return read_mapping(line, state);
  if (word == "published" || word == "tried") return read_record(line, word == "published", state);
  return word == END;
}

/// What was there stays until all of it is written. @return empty, or what went wrong
std::string write_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path part = path.string() + ".part";
  const int file = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return system_error();
  std::string failure;
  for (std::string_view rest : {text, std::string_view(END), std::string_view("\n")}) {
    while (!rest.empty() && failure.empty()) {
      const ssize_t count = write(file, rest.data(), rest.size());
      if (count < 0 && errno != EINTR) failure = system_error();
      if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  close(file);
  if (failure.empty() && std::rename(part.c_str(), path.c_str()) != 0) failure = system_error();
  if (!failure.empty()) unlink(part.c_str());
  return failure;
}

/// A file's content, or a folder's names: so that they survive a power cut.
std::string sync(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error();
  const std::string failure = fsync(file) != 0 ? system_error() : "";
  close(file);
  return failure;
}

zones::Result<std::string, std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream octets;
  if (in) octets << in.rdbuf();
  if (!in) return tl::unexpected(path.string() + " cannot be read: " + system_error());
  return std::move(octets).str();
}

/// False: it was written by an older version, or not to its end.
bool take_end(std::string& text) {
  if (!text.ends_with(LAST_LINE)) return false;
  text.resize(text.size() - LAST_LINE.size() + 1);
  return true;
}

}  // namespace

std::string to_text(const State& state) {
  std::string secret = state.secret->to_base64();
  std::string text;
  text.append(FIRST_LINE).append("\nsecret ").append(secret).append("\n");
  keys::wipe(secret);
  for (const SavedMapping& mapping : state.mappings) {
    text += "mapping " + std::to_string(mapping.protocol) + " " +
            std::to_string(mapping.internal_port) + " " + keys::to_text(mapping.external.address) +
            " " + std::to_string(mapping.external.port);
    if (mapping.internal != Address{}) text += " " + keys::to_text(mapping.internal);
    text += "\n";
  }
  for (const auto& [provider, records] : state.published) {
    for (const auto& [record, confirmed] : records) {
      text += (confirmed ? "published " : "tried ") + provider + " " + record.owner.to_text() +
              " " + zones::to_text(record.type) + " " +
              zones::rdata_to_text(record.type, record.rdata) + "\n";
    }
  }
  return text;
}

zones::Result<State, std::string> parse_state(std::string_view text) {
  State state;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::string_view line = text.substr(0, text.find('\n'));
    const bool whole = line.size() < text.size();
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const bool right = number == 1 ? line == FIRST_LINE : whole && read_line(line, state);
    if (!right) return tl::unexpected("line " + std::to_string(number) + " is not of a state file");
  }
  if (!state.secret) return tl::unexpected(std::string("there is no line with a secret"));
  return state;
}

StateFile::~StateFile() {
  settle();
  keys::wipe(written_);
}

zones::Result<State, std::string> StateFile::load() {
  std::error_code error;
  if (auto text = read_file(fresh())) {
    auto state = parse_state(*text);
    if (take_end(*text) && state) {
      written_ = std::move(*text);
      staged_ = true;
      return state;
    }
    keys::wipe(*text);
  }
  if (!std::filesystem::exists(path_, error) && !error) {
    State state;
    state.secret = std::make_shared<const keys::Secret>(keys::Secret::random(AGENT_SECRET_OCTETS));
    if (std::string failure = save(state); !failure.empty()) {
      return tl::unexpected(path_.string() + " cannot be written: " + failure);
    }
    return state;
  }
  auto text = read_file(path_);
  if (!text) return tl::unexpected(text.error());
  auto state = parse_state(*text);
  if (!state) {
    keys::wipe(*text);
    return tl::unexpected(path_.string() + ": " + state.error() +
                          "; remove the file to begin anew (what was published ends with its "
                          "lease)");
  }
  take_end(*text);
  written_ = std::move(*text);
  return state;
}

std::string StateFile::stage(const State& state) {
  std::string text = to_text(state);
  if (text == written_) {
    keys::wipe(text);
    return {};
  }
  if (std::string failure = write_file(fresh(), text); !failure.empty()) {
    keys::wipe(text);
    return failure;
  }
  staged_ = true;
  keys::wipe(written_);
  written_ = std::move(text);
  return {};
}

std::string StateFile::settle() {
  if (!staged_) return {};
  std::string failure = sync(fresh());
  if (!failure.empty() && write_file(fresh(), written_).empty()) failure = sync(fresh());
  if (failure.empty() && std::rename(fresh().c_str(), path_.c_str()) != 0) failure = system_error();
  if (!failure.empty()) return failure;
  sync(path_.parent_path());
  staged_ = false;
  return {};
}

std::string StateFile::save(const State& state) {
  std::string failure = stage(state);
  return failure.empty() ? settle() : failure;
}

}  // namespace pcp_ddns
