#include "zones/store_marker.h"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace zones {
namespace {

constexpr std::string_view PREFIX = "dnsd store ";
constexpr std::string_view EXPLANATION =
    "\nThe database beside this file has held zones. Remove this file only to begin with an empty "
    "store.\n";

// An open file of a VFS.
class VfsFile {
 public:
  VfsFile(sqlite3_vfs* vfs, const std::string& path, int flags) {
    if (vfs == nullptr) return;
    // SQLite wants names as it lays them out itself: absolute, and ended by a list of no
    // parameters.
    name_.resize(static_cast<std::size_t>(vfs->mxPathname) + 4);
    if (vfs->xFullPathname(vfs, path.c_str(), vfs->mxPathname + 1, name_.data()) != SQLITE_OK)
      return;
    memory_.resize(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
    auto* file = reinterpret_cast<sqlite3_file*>(memory_.data());
    const int result = vfs->xOpen(vfs, name_.data(), file, flags, nullptr);
    if (result == SQLITE_OK) {
      file_ = file;
    } else if (file->pMethods != nullptr) {
      file->pMethods->xClose(file);
    }
  }
  ~VfsFile() {
    if (file_ != nullptr) file_->pMethods->xClose(file_);
  }
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  bool is_open() const { return file_ != nullptr; }
  bool read(std::string& content) {
    return file_->pMethods->xRead(file_, content.data(), static_cast<int>(content.size()), 0) ==
           SQLITE_OK;
  }
  bool write(const std::string& content) {
    return file_->pMethods->xTruncate(file_, 0) == SQLITE_OK &&
           file_->pMethods->xWrite(file_, content.data(), static_cast<int>(content.size()), 0) ==
               SQLITE_OK &&
           file_->pMethods->xSync(file_, SQLITE_SYNC_FULL) == SQLITE_OK;
  }

 private:
  std::string name_;
  std::vector<std::max_align_t> memory_;
  sqlite3_file* file_ = nullptr;
};

sqlite3_vfs* find_vfs(const std::string& name) {
  return sqlite3_vfs_find(name.empty() ? nullptr : name.c_str());
}

}  // namespace

StoreMarker::StoreMarker(const std::string& database, const std::string& vfs)
    : path_(database + ".marker"), vfs_(vfs) {}

bool StoreMarker::exists() const {
  sqlite3_vfs* vfs = find_vfs(vfs_);
  int found = 0;
  return vfs != nullptr &&
         vfs->xAccess(vfs, path_.c_str(), SQLITE_ACCESS_EXISTS, &found) == SQLITE_OK && found != 0;
}

std::optional<StoreIdentity> StoreMarker::read() const {
  VfsFile file(find_vfs(vfs_), path_, SQLITE_OPEN_READONLY | SQLITE_OPEN_SUPER_JOURNAL);
  StoreIdentity identity{};
  std::string content(PREFIX.size() + 2 * identity.size(), '\0');
  if (!file.is_open() || !file.read(content) || !content.starts_with(PREFIX)) return std::nullopt;
  for (std::size_t i = 0; i < identity.size(); ++i) {
    const char* digits = content.data() + PREFIX.size() + 2 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, identity[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
  }
  return identity;
}

bool StoreMarker::write(const StoreIdentity& identity) const {
  constexpr std::string_view DIGITS = "0123456789abcdef";
  std::string content(PREFIX);
  for (const std::uint8_t octet : identity) {
    content += DIGITS[octet >> 4];
    content += DIGITS[octet & 15];
  }
  content += EXPLANATION;
  // A super-journal is the one kind of file whose first sync makes its folder's entry durable as
  // well.
  VfsFile file(find_vfs(vfs_), path_,
               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL);
  return file.is_open() && file.write(content);
}

}  // namespace zones
