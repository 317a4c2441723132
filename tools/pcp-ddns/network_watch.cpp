#include "tools/pcp-ddns/network_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pcp_ddns {
namespace {

using boost::system::error_code;

// An interface that comes up brings address and routes one after the other.
constexpr std::chrono::milliseconds SETTLE{200};

}  // namespace

std::string NetworkWatch::open(std::function<void()> on_change) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return std::strerror(errno);
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups =
      RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) != 0) {
    std::string failure = std::strerror(errno);
    ::close(fd);
    return failure;
  }
  descriptor_.assign(fd);
  on_change_ = std::move(on_change);
  wait();
  return {};
}

void NetworkWatch::close() {
  error_code ignored;
  descriptor_.close(ignored);
  timer_.cancel();
}

void NetworkWatch::wait() {
  descriptor_.async_wait(
      boost::asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
        if (error) return;
        // What they say is of no interest, that there are some is; and so is that some were lost
        // (ENOBUFS).
        std::array<char, 8192> buffer;
        while (recv(descriptor_.native_handle(), buffer.data(), buffer.size(), 0) > 0) {
        }
        timer_.expires_after(SETTLE);
        timer_.async_wait([this](const error_code& stopped) {
          if (!stopped) on_change_();
        });
        wait();
      });
}

}  // namespace pcp_ddns
