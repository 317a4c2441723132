// A disk for SQLite that loses power: files in memory that know what has been synced, and what has
// not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace zones::test {

/// What the platter holds: files by name.
using DiskImage = std::map<std::string, std::string>;

/// An SQLite VFS with files of its own in memory, registered under its name as long as it lives. A
/// write is on the disk for sure once its file has been synced; a new or removed name once its
/// folder has been, which SQLite's default VFS does with the first sync of a journal, and so does
/// this one. As there, a write leaves the octets around it alone
/// (SQLITE_IOCAP_POWERSAFE_OVERWRITE). One thread.
class PowerCutVfs {
 public:
  enum class Call { WRITE, SYNC, OPEN, TRUNCATE, REMOVE };
  /// What of the octets not yet synced a power cut leaves.
  enum class Survivors {
    NONE,  // the disk had written nothing on its own
    SOME,  // any sectors of any writes, some of them in part
    ALL,   // everything, as when only the process ends
  };

  explicit PowerCutVfs(std::string name, DiskImage image = {});
  ~PowerCutVfs();
  PowerCutVfs(const PowerCutVfs&) = delete;
  PowerCutVfs& operator=(const PowerCutVfs&) = delete;

  const std::string& name() const { return name_; }
  /// The disk after a power cut at this moment.
  DiskImage after_cut(Survivors survivors, std::uint64_t seed) const;

  /// Called before each call takes effect. A result other than SQLITE_OK makes the call fail with
  /// it, having done nothing, or half of the octets for a write.
  std::function<int(Call)> before;
  /// Called when a call has taken effect.
  std::function<void(Call)> after;

  struct File;  // for the functions that SQLite calls
  struct Methods;

 private:
  friend struct Methods;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  std::map<std::string, std::shared_ptr<File>> names_;          // as the process sees them
  std::map<std::string, std::shared_ptr<File>> durable_names_;  // as the disk does
};

}  // namespace zones::test
