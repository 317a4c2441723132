// How far each upstream has acknowledged the journal, on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "zones/store.h"

namespace dnsd {

struct UpstreamPosition {
  zones::Lsn lsn = 0;                     // the newest batch that it has, whole
  std::optional<std::uint32_t> serial{};  // of the zone here then; none: not known

  bool operator==(const UpstreamPosition&) const = default;
};

/// A small text file beside the store, a line an upstream. What it lacks costs a full
/// synchronisation, and what it has too old costs sending again, so it may be written later than
/// the changes were acknowledged.
class UpstreamPositions {
 public:
  explicit UpstreamPositions(std::filesystem::path file) : file_(std::move(file)) {}

  /// @return empty, or why the file counts for nothing
  std::string load();
  /// @param upstream  three words, as "dyn.example. 192.0.2.1:53 all": with other records asked for
  ///                  it is another upstream, which has to be synchronised
  std::optional<UpstreamPosition> get(const std::string& upstream) const;
  /// Also to forget one: nullopt.
  void set(const std::string& upstream, const std::optional<UpstreamPosition>& position);
  /// What a known upstream refused, as RefusedNames tells it; forgotten with the position.
  std::string refused(const std::string& upstream) const;
  void set_refused(const std::string& upstream, const std::string& text);
  bool is_changed() const { return changed_; }
  /// Durable on return, the old file or the new one at any time. @return empty, or what went wrong
  std::string save();
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  std::map<std::string, UpstreamPosition> positions_;
  std::map<std::string, std::string> refused_;  // not empty
  bool changed_ = false;
};

}  // namespace dnsd
