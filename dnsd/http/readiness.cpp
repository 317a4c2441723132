#include "dnsd/http/readiness.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>

namespace dnsd::http {

namespace asio = boost::asio;

Readiness::Readiness(asio::io_context& context) : context_(context), epoll_(context) {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  epoll_.assign(descriptor);
  arm();
}

Readiness::~Readiness() = default;

void Readiness::close() {
  boost::system::error_code ignored;
  epoll_.close(ignored);
}

void Readiness::arm() {
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error || !epoll_.is_open()) return;
                      take_batch();
                      arm();
                    });
}

/// One batch, then Asio's timers and posts have their turn: what is left is there at the next wait.
void Readiness::take_batch() {
  const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), BATCH, 0);
  if (count <= 0) return;
  batch_ = std::span(events_).first(static_cast<std::size_t>(count));
  while (!batch_.empty()) {
    const epoll_event event = batch_.front();
    batch_ = batch_.subspan(1);
    // Null: a connection closed this one in the meantime.
    if (event.data.ptr) static_cast<Watch*>(event.data.ptr)->take(event.events);
  }
}

Readiness::Watch::~Watch() { close(); }

bool Readiness::Watch::open(Readiness& readiness, int socket) {
  context_ = &readiness.context_;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  const int epoll = readiness.epoll_.is_open() ? readiness.epoll_.native_handle() : -1;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) return false;
  readiness_ = &readiness;
  return true;
}

void Readiness::Watch::close() {
  if (!readiness_) return;
  for (epoll_event& event : readiness_->batch_) {
    if (event.data.ptr == this) event.data.ptr = nullptr;
  }
  Readiness& readiness = *std::exchange(readiness_, nullptr);
  if (!waiter_) return;
  asio::post(readiness.context_,
             [waiter = std::move(waiter_)]() mutable { waiter(asio::error::operation_aborted); });
}

void Readiness::Watch::would_block(Side side) {
  (side == Side::READ ? can_read_ : can_write_) = false;
}

void Readiness::Watch::was_emptied() {
  if (!has_ended_) can_read_ = false;
}

void Readiness::Watch::wait(Side side, Waiter waiter) {
  const bool is_open = readiness_ && readiness_->epoll_.is_open();
  if (is_open && !is_ready(side)) {
    side_ = side;
    waiter_ = std::move(waiter);
    return;
  }
  asio::post(*context_, [waiter = std::move(waiter), is_open]() mutable {
    waiter(is_open ? boost::system::error_code() : asio::error::operation_aborted);
  });
}

void Readiness::Watch::take(std::uint32_t events) {
  constexpr std::uint32_t END = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (events & END) has_ended_ = true;
  if (events & (EPOLLIN | END)) can_read_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) can_write_ = true;
  if (!waiter_ || !is_ready(side_)) return;
  Waiter waiter = std::move(waiter_);
  waiter({});  // after which this may be gone
}

}  // namespace dnsd::http
