#include "tools/common/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tools {

std::string write_private_file(const std::filesystem::path& path, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    const std::string hint = errno == EEXIST ? "; it is not overwritten, choose another name" : "";
    return path.string() + ": " + std::strerror(errno) + hint;
  }
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(file, text.data() + written, text.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    written += static_cast<std::size_t>(size);
  }
  const bool good = written == text.size() && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (good) return {};
  ::unlink(path.c_str());
  return path.string() + ": " + std::strerror(error);
}

}  // namespace tools
