// The marker beside a store's file: it tells which store was here, so that its loss does not go
// unnoticed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace zones {

using StoreIdentity = std::array<std::uint8_t, 16>;

/// A file of its own, "<database>.marker", read and written through the SQLite VFS of the database.
class StoreMarker {
 public:
  /// @param vfs  a registered VFS; empty: the default
  StoreMarker(const std::string& database, const std::string& vfs);

  const std::string& path() const { return path_; }
  bool exists() const;
  /// The store it tells of; nullopt when it cannot be read or is not whole.
  std::optional<StoreIdentity> read() const;
  /// Durable on return; false when that failed.
  bool write(const StoreIdentity& identity) const;

 private:
  std::string path_;
  std::string vfs_;
};

}  // namespace zones
