#include "dnsd/upstream_position.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace dnsd {
namespace {

constexpr const char* HEAD = "dnsd-upstreams 1";

std::string failed(const std::filesystem::path& file) {
  return file.string() + ": " + std::strerror(errno);
}

bool write_all(int file, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t size = ::write(file, text.data() + at, text.size() - at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    at += static_cast<std::size_t>(size);
  }
  return ::fsync(file) == 0;
}

void sync_folder(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

}  // namespace

std::string UpstreamPositions::load() {
  positions_.clear();
  refused_.clear();
  std::error_code unknown;
  if (!std::filesystem::exists(file_, unknown)) return {};
  std::ifstream in(file_);
  std::string line;
  if (!std::getline(in, line) || line != HEAD) return file_.string() + " is not as dnsd wrote it";
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string zone;
    std::string server;
    std::string filter;
    std::string serial;
    UpstreamPosition position;
    if (!(words >> zone >> server >> filter >> position.lsn >> serial)) {
      positions_.clear();
      return file_.string() + " is not as dnsd wrote it";
    }
    if (serial != "-") {
      std::uint32_t number = 0;
      if (!(std::istringstream(serial) >> number)) continue;
      position.serial = number;
    }
    const std::string upstream = zone + " " + server + " " + filter;
    positions_[upstream] = position;
    std::string refused;
    if (std::getline(words >> std::ws, refused)) refused_[upstream] = refused;
  }
  return {};
}

std::optional<UpstreamPosition> UpstreamPositions::get(const std::string& upstream) const {
  const auto found = positions_.find(upstream);
  return found == positions_.end() ? std::nullopt : std::optional(found->second);
}

void UpstreamPositions::set(const std::string& upstream,
                            const std::optional<UpstreamPosition>& position) {
  if (get(upstream) == position) return;
  if (position) {
    positions_[upstream] = *position;
  } else {
    positions_.erase(upstream);
    refused_.erase(upstream);
  }
  changed_ = true;
}

std::string UpstreamPositions::refused(const std::string& upstream) const {
  const auto found = refused_.find(upstream);
  return found == refused_.end() ? std::string() : found->second;
}

void UpstreamPositions::set_refused(const std::string& upstream, const std::string& text) {
  if (refused(upstream) == text) return;
  if (text.empty()) {
    refused_.erase(upstream);
  } else {
    refused_[upstream] = text;
  }
  changed_ = true;
}

std::string UpstreamPositions::save() {
  std::string text = std::string(HEAD) + "\n";
  for (const auto& [upstream, position] : positions_) {
    text += upstream + " " + std::to_string(position.lsn) + " " +
            (position.serial ? std::to_string(*position.serial) : "-");
    if (const std::string names = refused(upstream); !names.empty()) text += " " + names;
    text += "\n";
  }
  const std::filesystem::path next = file_.string() + ".new";
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed(next);
  const bool written = write_all(file, text);
  const std::string problem = written ? std::string() : failed(next);
  ::close(file);
  if (!written) return problem;
  if (::rename(next.c_str(), file_.c_str()) != 0) return failed(file_);
  sync_folder(file_);
  changed_ = false;
  return {};
}

}  // namespace dnsd
