#include "keys/key_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "keys/key_file.h"
#include "keys/key_file_parsers.h"
#include "keys/protected_memory.h"

namespace keys {
namespace {

/// Also the longest line.
constexpr std::size_t PIECE_OCTETS = 65'536;
/// A file of less than twice as much is read by one thread.
constexpr std::size_t OCTETS_A_THREAD = std::size_t{4} << 20;
constexpr std::size_t MOST_THREADS = 4;

/// Octets of the file, which hold secrets.
class Buffer {
 public:
  Buffer() : octets_(static_cast<char*>(protected_allocate(PIECE_OCTETS))) {}
  ~Buffer() { protected_free(octets_, PIECE_OCTETS); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::string_view text() const { return {octets_, size_}; }
  bool is_full() const { return size_ == PIECE_OCTETS; }
  void assign(std::string_view text) { size_ = text.copy(octets_, PIECE_OCTETS); }
  void cut(std::size_t size) { size_ = size; }
  /// @return what read() does
  ssize_t fill(int descriptor) {
    ssize_t count = 0;
    do {
      count = read(descriptor, octets_ + size_, PIECE_OCTETS - size_);
    } while (count < 0 && errno == EINTR);
    if (count > 0) size_ += static_cast<std::size_t>(count);
    return count;
  }

 private:
  char* const octets_;
  std::size_t size_ = 0;
};

/// A file in pieces of whole lines. Any thread may take the next one.
class File {
 public:
  // O_NONBLOCK: not to wait for the other end of a FIFO.
  explicit File(const std::filesystem::path& file)
      : descriptor_(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
      fail(std::string("cannot be opened: ") + std::strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
      fail("is not a regular file");
    } else {
      octets_ = static_cast<std::size_t>(status.st_size);
    }
  }
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::size_t octets() const { return octets_; }
  const std::optional<std::string>& failure() const { return failure_; }
  void end() {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  /// False at the end.
  /// @param first_line  the number of the piece's first one
  bool next(Buffer& piece, std::size_t& first_line) {
    const std::lock_guard lock(mutex_);
    if (has_ended_) return false;
    piece.assign(rest_.text());
    while (!piece.is_full() && !has_ended_) {
      const ssize_t count = piece.fill(descriptor_);
      if (count < 0) return fail(std::string("cannot be read: ") + std::strerror(errno));
      has_ended_ = count == 0;  // and the last line may have no end
    }
    if (!has_ended_) {
      const std::size_t end = piece.text().rfind('\n') + 1;  // 0 when there is none
      if (end == 0) return fail("has a line longer than any key");
      rest_.assign(piece.text().substr(end));
      piece.cut(end);
    }
    first_line = next_line_;
    next_line_ += static_cast<std::size_t>(std::ranges::count(piece.text(), '\n'));
    return true;
  }

 private:
  bool fail(std::string what) {
    failure_ = std::move(what);
    has_ended_ = true;
    return false;
  }

  const int descriptor_;
  std::size_t octets_ = 0;
  std::mutex mutex_;
  Buffer rest_;  // of the piece before
  std::size_t next_line_ = 1;
  bool has_ended_ = false;
  std::optional<std::string> failure_;
};

/// What make_key() says shows what it takes for the name: in a line in another order the secret.
const std::string WRONG_LINE =
    "expected [ALGORITHM:]NAME:SECRET, such as hmac-sha256:h1.example.:BASE64 (hmac-md5 is not "
    "offered); the line is not shown, for there may be a secret in it";

/// What several threads make of a file.
class Reading {
 public:
  Reading(File& file, const TakeKey& take, const TakeFault& wrong)
      : file_(file), take_(take), wrong_(wrong) {}

  void run() {
    Buffer piece;
    std::vector<Line> lines;
    for (std::size_t number = 0; file_.next(piece, number);) {
      lines.clear();
      for (std::string_view rest = piece.text(); !rest.empty(); ++number) {
        const std::string_view line = trimmed(take_line(rest));
        if (!line.empty() && !line.starts_with('#')) {
          lines.push_back({number, parse_key_option(line)});
        }
      }
      const std::lock_guard lock(mutex_);
      for (Line& line : lines) tell(line);
    }
  }

 private:
  struct Line {
    std::size_t number;
    zones::Result<TsigKey, std::string> key;
  };

  void tell(Line& line) {
    if (has_enough_) return;
    if (line.key) {
      take_(*line.key, line.number);
    } else if (!wrong_(line.number, WRONG_LINE)) {
      has_enough_ = true;
      file_.end();
    }
  }

  File& file_;
  std::mutex mutex_;
  const TakeKey& take_;
  const TakeFault& wrong_;
  bool has_enough_ = false;
};

}  // namespace

std::optional<std::string> read_key_list(const std::filesystem::path& path, const TakeKey& take,
                                         const TakeFault& wrong) {
  File file(path);
  Reading reading(file, take, wrong);
  const std::size_t threads = std::min({file.octets() / OCTETS_A_THREAD, MOST_THREADS,
                                        std::size_t{std::thread::hardware_concurrency()}});
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < threads; ++i) {
    others.push_back(std::async(std::launch::async, [&] { reading.run(); }));
  }
  reading.run();
  for (std::future<void>& other : others) other.get();
  return file.failure();
}

}  // namespace keys
