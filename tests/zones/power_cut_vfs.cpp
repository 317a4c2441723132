#include "zones/power_cut_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace zones::test {

struct PowerCutVfs::File {
  struct Pending {
    std::size_t offset = 0;
    std::string octets;
    bool truncates = false;  // to `offset`
  };
  std::string content;                                 // as the process sees it
  std::string durable;                                 // as of the last sync
  std::vector<Pending> pending;                        // in between
  std::vector<std::unique_ptr<char[]>> shared_memory;  // the index of the WAL; no cut leaves any
};

namespace {

// What SQLite holds of an open file.
struct Handle {
  sqlite3_file base;  // first: SQLite knows only this
  PowerCutVfs* vfs;
  std::shared_ptr<PowerCutVfs::File>* file;
  bool syncs_folder;  // with its first sync
};

Handle& handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

void put(std::string& content, std::size_t offset, const char* octets, std::size_t size) {
  if (content.size() < offset + size) content.resize(offset + size, '\0');
  std::memcpy(content.data() + offset, octets, size);
}

// Sector by sector: all of it, nothing, or its beginning.
void put_torn(std::string& content, const PowerCutVfs::File::Pending& write,
              std::mt19937_64& random) {
  constexpr std::size_t SECTOR_OCTETS = 512;
  const bool whole = random() % 2 == 0;
  for (std::size_t at = 0; at < write.octets.size();) {
    const std::size_t to_boundary = SECTOR_OCTETS - (write.offset + at) % SECTOR_OCTETS;
    const std::size_t size = std::min(to_boundary, write.octets.size() - at);
    const auto fate = whole ? 0 : random() % 3;
    const std::size_t kept = fate == 0 ? size : fate == 1 ? 0 : random() % size;
    if (kept > 0) put(content, write.offset + at, write.octets.data() + at, kept);
    at += size;
  }
}

}  // namespace

struct PowerCutVfs::Methods {
  static int before(PowerCutVfs& vfs, Call call) {
    return vfs.before ? vfs.before(call) : SQLITE_OK;
  }
  static void after(PowerCutVfs& vfs, Call call) {
    if (vfs.after) vfs.after(call);
  }

  static int close(sqlite3_file* file) {
    delete handle(file).file;
    file->pMethods = nullptr;
    return SQLITE_OK;
  }
  static int read(sqlite3_file* file, void* buffer, int size, sqlite3_int64 offset) {
    const std::string& content = (*handle(file).file)->content;
    const auto from = static_cast<std::size_t>(offset);
    const auto wanted = static_cast<std::size_t>(size);
    const std::size_t got = from < content.size() ? std::min(wanted, content.size() - from) : 0;
    std::memcpy(buffer, content.data() + (got == 0 ? 0 : from), got);
    std::memset(static_cast<char*>(buffer) + got, 0, wanted - got);
    return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int write(sqlite3_file* file, const void* buffer, int size, sqlite3_int64 offset) {
    PowerCutVfs& vfs = *handle(file).vfs;
    File& target = **handle(file).file;
    const int result = before(vfs, Call::WRITE);
    const std::size_t octets = static_cast<std::size_t>(size) / (result == SQLITE_OK ? 1 : 2);
    target.pending.push_back({static_cast<std::size_t>(offset),
                              std::string(static_cast<const char*>(buffer), octets), false});
    put(target.content, static_cast<std::size_t>(offset), static_cast<const char*>(buffer), octets);
    if (result == SQLITE_OK) after(vfs, Call::WRITE);
    return result;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    PowerCutVfs& vfs = *handle(file).vfs;
    File& target = **handle(file).file;
    if (const int result = before(vfs, Call::TRUNCATE); result != SQLITE_OK)
      return SQLITE_IOERR_TRUNCATE;
    target.pending.push_back({static_cast<std::size_t>(size), {}, true});
    target.content.resize(static_cast<std::size_t>(size));
    after(vfs, Call::TRUNCATE);
    return SQLITE_OK;
  }
  static int sync(sqlite3_file* file, int) {
    PowerCutVfs& vfs = *handle(file).vfs;
    File& target = **handle(file).file;
    if (const int result = before(vfs, Call::SYNC); result != SQLITE_OK) return SQLITE_IOERR_FSYNC;
    target.durable = target.content;
    target.pending.clear();
    if (handle(file).syncs_folder) vfs.durable_names_ = vfs.names_;
    handle(file).syncs_folder = false;
    after(vfs, Call::SYNC);
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>((*handle(file).file)->content.size());
    return SQLITE_OK;
  }
  static int lock(sqlite3_file*, int) { return SQLITE_OK; }
  static int check_reserved_lock(sqlite3_file*, int* result) {
    *result = 0;
    return SQLITE_OK;
  }
  static int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 512; }
  static int device_characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int shared_memory(sqlite3_file* file, int number, int size, int extend,
                           void volatile** memory) {
    auto& regions = (*handle(file).file)->shared_memory;
    const auto wanted = static_cast<std::size_t>(number);
    while (extend != 0 && regions.size() <= wanted) {
      regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
    }
    *memory = wanted < regions.size() ? regions[wanted].get() : nullptr;
    return SQLITE_OK;
  }
  static int lock_shared_memory(sqlite3_file*, int, int, int) { return SQLITE_OK; }
  static void order_shared_memory(sqlite3_file*) {}  // one thread
  static int leave_shared_memory(sqlite3_file* file, int) {
    (*handle(file).file)->shared_memory.clear();
    return SQLITE_OK;
  }

  static PowerCutVfs& self(sqlite3_vfs* vfs) { return *static_cast<PowerCutVfs*>(vfs->pAppData); }

  static int open(sqlite3_vfs* base, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    static const sqlite3_io_methods METHODS = {2,
                                               close,
                                               read,
                                               write,
                                               truncate,
                                               sync,
                                               file_size,
                                               lock,
                                               lock,
                                               check_reserved_lock,
                                               file_control,
                                               sector_size,
                                               device_characteristics,
                                               shared_memory,
                                               lock_shared_memory,
                                               order_shared_memory,
                                               leave_shared_memory,
                                               nullptr,
                                               nullptr};
    file->pMethods = nullptr;
    PowerCutVfs& vfs = self(base);
    if (const int result = before(vfs, Call::OPEN); result != SQLITE_OK) return SQLITE_CANTOPEN;
    std::shared_ptr<File> target = std::make_shared<File>();
    bool is_new = false;
    if (name != nullptr) {
      const auto found = vfs.names_.find(name);
      if (found != vfs.names_.end()) {
        target = found->second;
      } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
        return SQLITE_CANTOPEN;
      } else {
        vfs.names_[name] = target;
        is_new = true;
      }
    }
    Handle* const opened = new (file) Handle;
    opened->base.pMethods = &METHODS;
    opened->vfs = &vfs;
    opened->file = new std::shared_ptr<File>(std::move(target));
    opened->syncs_folder =
        is_new &&
        (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    if (out_flags != nullptr) *out_flags = flags;
    after(vfs, Call::OPEN);
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs* base, const char* name, int syncs_folder) {
    PowerCutVfs& vfs = self(base);
    if (const int result = before(vfs, Call::REMOVE); result != SQLITE_OK)
      return SQLITE_IOERR_DELETE;
    if (vfs.names_.erase(name) == 0) return SQLITE_IOERR_DELETE_NOENT;
    if (syncs_folder != 0) vfs.durable_names_ = vfs.names_;
    after(vfs, Call::REMOVE);
    return SQLITE_OK;
  }
  static int access(sqlite3_vfs* base, const char* name, int, int* result) {
    *result = self(base).names_.contains(name) ? 1 : 0;
    return SQLITE_OK;
  }
  static int full_path_name(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }
  static int randomness(sqlite3_vfs*, int size, char* out) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    return system->xRandomness(system, size, out);
  }
  static int sleep(sqlite3_vfs*, int) { return SQLITE_OK; }
  static int current_time(sqlite3_vfs*, double* now) {
    *now = 2460000.5;
    return SQLITE_OK;
  }
  static int last_error(sqlite3_vfs*, int, char*) { return 0; }
};

PowerCutVfs::PowerCutVfs(std::string name, DiskImage image)
    : name_(std::move(name)), vfs_(std::make_unique<sqlite3_vfs>()) {
  for (auto& [file, content] : image) {
    auto made = std::make_shared<File>();
    made->durable = content;
    made->content = std::move(content);
    names_[file] = made;
  }
  durable_names_ = names_;
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(Handle);
  vfs_->mxPathname = 512;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = Methods::open;
  vfs_->xDelete = Methods::remove;
  vfs_->xAccess = Methods::access;
  vfs_->xFullPathname = Methods::full_path_name;
  vfs_->xRandomness = Methods::randomness;
  vfs_->xSleep = Methods::sleep;
  vfs_->xCurrentTime = Methods::current_time;
  vfs_->xGetLastError = Methods::last_error;
  sqlite3_vfs_register(vfs_.get(), 0);
}

PowerCutVfs::~PowerCutVfs() { sqlite3_vfs_unregister(vfs_.get()); }

DiskImage PowerCutVfs::after_cut(Survivors survivors, std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  const bool new_names =
      survivors == Survivors::ALL || (survivors == Survivors::SOME && random() % 2 == 0);
  DiskImage image;
  for (const auto& [name, file] : new_names ? names_ : durable_names_) {
    if (survivors == Survivors::ALL) {
      image[name] = file->content;
      continue;
    }
    std::string content = file->durable;
    if (survivors == Survivors::SOME) {
      for (const File::Pending& write : file->pending) {
        if (!write.truncates) {
          put_torn(content, write, random);
        } else if (random() % 2 == 0) {
          content.resize(write.offset);
        }
      }
    }
    image[name] = std::move(content);
  }
  return image;
}

}  // namespace zones::test
