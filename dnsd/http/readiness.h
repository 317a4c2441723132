// Readiness: tells which of a thread's connections can be read or written. Asio would arm each
// socket anew for each wait, a system call for each request; here each is registered once,
// edge-triggered, with an epoll of our own, and Asio waits for that epoll as for one descriptor: a
// system call for all connections that became ready together.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace dnsd::http {

/// What is to be called once, with the outcome of a wait. Holds a handler that can only be moved,
/// within itself: there is one for each request.
class Waiter {
 public:
  using Error = boost::system::error_code;

  Waiter() = default;
  template <class Handler>
  requires(!std::is_same_v<std::remove_cvref_t<Handler>, Waiter>) explicit Waiter(
      Handler&& handler) {
    using Held = std::remove_cvref_t<Handler>;
    static_assert(sizeof(Held) <= SIZE && std::is_nothrow_move_constructible_v<Held>);
    new (place_.data()) Held(std::forward<Handler>(handler));
    act_ = [](Act act, void* place, void* other) {
      Held& held = *std::launder(static_cast<Held*>(place));
      if (act == Act::MOVE) new (other) Held(std::move(held));
      if (act == Act::CALL) {
        Held taken(std::move(held));
        held.~Held();
        std::move(taken)(*static_cast<const Error*>(other));
        return;
      }
      held.~Held();
    };
  }
  Waiter(Waiter&& other) noexcept { take(other); }
  Waiter& operator=(Waiter&& other) noexcept {
    if (this == &other) return *this;
    drop();
    take(other);
    return *this;
  }
  ~Waiter() { drop(); }

  explicit operator bool() const { return act_ != nullptr; }
  /// Is empty from then on, before the handler runs.
  void operator()(Error error) { std::exchange(act_, nullptr)(Act::CALL, place_.data(), &error); }

 private:
  enum class Act : std::uint8_t { MOVE, CALL, DESTROY };
  static constexpr std::size_t SIZE = 64;

  void take(Waiter& other) {
    act_ = std::exchange(other.act_, nullptr);
    if (act_) act_(Act::MOVE, other.place_.data(), place_.data());
  }
  void drop() {
    if (act_) std::exchange(act_, nullptr)(Act::DESTROY, place_.data(), nullptr);
  }

  void (*act_)(Act, void*, void*) = nullptr;
  alignas(std::max_align_t) std::array<std::byte, SIZE> place_;
};

/// Belongs to one thread, that of `context`; so do its watches, which it must outlive.
class Readiness {
 public:
  class Watch;

  /// Throws std::system_error.
  explicit Readiness(boost::asio::io_context& context);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// Waits end with an error from now on, and the context has no work of this any more.
  void close();

 private:
  static constexpr std::size_t BATCH = 128;

  void arm();
  void take_batch();

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor epoll_;
  std::array<epoll_event, BATCH> events_;
  std::span<epoll_event> batch_;  // of events_, those that were not looked at yet
};

/// Of one socket, which must be non-blocking. Remembers an edge until the socket's user says that
/// an operation would have blocked: so none is lost that comes while nobody waits, and what was
/// left in the socket needs no other edge.
class Readiness::Watch {
 public:
  Watch() = default;
  /// Closes.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// First of all. @return false when it cannot be watched: waits end with an error
  bool open(Readiness& readiness, int socket);
  /// A wait ends with operation_aborted. The socket is to be closed next: that unregisters it.
  void close();

  enum class Side : std::uint8_t { READ, WRITE };
  void would_block(Side side);
  /// A read got less than it had room for, so nothing is left, unless the peer has ended.
  void was_emptied();
  /// One wait at a time. The handler is never called from within, also when the socket is ready
  /// already: a peer that sends without end gets its turn after the others.
  template <class Token>
  auto async_wait(Side side, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this, side](auto handler) { wait(side, Waiter(std::move(handler))); }, token);
  }

 private:
  friend class Readiness;
  bool is_ready(Side side) const { return side == Side::READ ? can_read_ : can_write_; }
  void wait(Side side, Waiter waiter);
  void take(std::uint32_t events);

  boost::asio::io_context* context_ = nullptr;
  Readiness* readiness_ = nullptr;  // while it is open
  Waiter waiter_;
  Side side_ = Side::READ;
  bool can_read_ = false;
  bool can_write_ = true;
  bool has_ended_ = false;  // the peer's side, or the whole: there will be no other edge
};

}  // namespace dnsd::http
