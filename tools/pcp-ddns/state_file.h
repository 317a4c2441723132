// What the agent has to know after a restart: its secret, what was mapped, what may be published.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keys/secret.h"
#include "tools/pcp-ddns/mapping.h"
#include "tools/pcp-ddns/records.h"
#include "zones/result.h"

namespace pcp_ddns {

/// What was assigned last: suggested again, so that the port stays (RFC 6887 §11.2.1).
struct SavedMapping {
  std::uint8_t protocol = 0;
  std::uint16_t internal_port = 0;
  External external;
  Address internal{};  // of another host; zeros: this one
  bool operator==(const SavedMapping&) const = default;
};

struct State {
  std::shared_ptr<const keys::Secret> secret;  // always there
  std::vector<SavedMapping> mappings;
  /// By the provider's name: records of ours that are, or may be, on its server. TTLs are not kept.
  std::map<std::string, std::vector<OwnRecord>> published;
};

/// Lines of text. It holds the secret: wipe() it after use.
std::string to_text(const State& state);
/// The error names the line, never the secret.
zones::Result<State, std::string> parse_state(std::string_view text);

/// The file, mode 0600: replaced as a whole, and only when something has changed.
class StateFile {
 public:
  explicit StateFile(std::filesystem::path path) : path_(std::move(path)) {}
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  /// Without a file: a state with a new secret, which is written at once, so that a folder that
  /// cannot be written shows at the start. The error is a sentence.
  zones::Result<State, std::string> load();
  /// @return empty, or what went wrong; the file is then as it was
  std::string save(const State& state);
  /// Writes it beside the file, which load() takes up: it survives the end of this process at once,
  /// and a power cut after settle(), for which a disk may take seconds.
  std::string stage(const State& state);
  /// What was staged becomes the file. The destructor does so as well.
  std::string settle();
  bool is_staged() const { return staged_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
  std::filesystem::path fresh() const { return path_.string() + ".new"; }

  std::string written_;  // or staged
  bool staged_ = false;
};

}  // namespace pcp_ddns
