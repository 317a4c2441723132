// TcpClients: limits of connections, in all and by client.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "dnsd/config.h"

namespace dnsd {

/// How many connections there are, in all and by client. Any thread.
class TcpClients {
 public:
  explicit TcpClients(const TcpLimits& limits) : limits_(limits) {}

  /// What a client may not multiply: its IPv4 address, or the /64 of its IPv6 address.
  using Key = std::array<std::uint8_t, 16>;
  static Key key_of(const boost::asio::ip::address& address);

  class Slot {
   public:
    /// Of take_for_proxy(): it is this client's from now on. False: the client has too many.
    bool assign(const Key& key);
    Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(other.key_) {}
    Slot& operator=(Slot&& other) = delete;
    ~Slot() {
      if (owner_) owner_->release(key_);
    }

   private:
    friend class TcpClients;
    Slot(TcpClients* owner, const std::optional<Key>& key) : owner_(owner), key_(key) {}
    TcpClients* owner_;
    std::optional<Key> key_;
  };
  /// Empty when a limit is reached.
  std::optional<Slot> take(const Key& key);
  /// Counts in all only: who stands behind it is many clients.
  std::optional<Slot> take_for_proxy();
  /// True when nobody gets a slot until another gives one back; of one client's own limit,
  /// has_too_many() tells.
  bool is_full() const;
  bool has_too_many(const Key& key);
  /// True when three quarters of the connections are in use: idle ones are then given less time
  /// (RFC 7766 §6.2.3).
  bool crowded() const;
  const TcpLimits& limits() const { return limits_; }
  /// How long a connection may be idle, as things are now.
  std::chrono::milliseconds idle_timeout() const;
  /// The same as clients are told it, in units of 100 ms; 0 when there is no room for another
  /// connection, which asks them to leave (RFC 7828 §3.3.2).
  std::uint16_t keepalive() const;

 private:
  bool add(const Key& key);  // under the mutex
  void release(const std::optional<Key>& key);
  const TcpLimits limits_;
  std::mutex mutex_;
  std::atomic<std::size_t> total_{0};  // written under the mutex
  std::map<Key, std::size_t> by_client_;
};

}  // namespace dnsd
