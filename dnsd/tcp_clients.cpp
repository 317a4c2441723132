#include "dnsd/tcp_clients.h"

#include <algorithm>
#include <limits>

#include "dnsd/endpoint.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t CROWDED_DIVISOR = 10;  // of the idle timeout

}  // namespace

TcpClients::Key TcpClients::key_of(const asio::ip::address& address) {
  constexpr std::size_t PREFIX_OCTETS = 8;
  Key key = mapped_octets(address);
  if (address.is_v6()) std::fill(key.begin() + PREFIX_OCTETS, key.end(), std::uint8_t{0});
  return key;
}

std::optional<TcpClients::Slot> TcpClients::take(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (total_ >= limits_.max_connections) return std::nullopt;
  if (!add(key)) return std::nullopt;
  ++total_;
  return Slot(this, key);
}

std::optional<TcpClients::Slot> TcpClients::take_for_proxy() {
  const std::lock_guard lock(mutex_);
  if (total_ >= limits_.max_connections) return std::nullopt;
  ++total_;
  return Slot(this, std::nullopt);
}

bool TcpClients::Slot::assign(const Key& key) {
  const std::lock_guard lock(owner_->mutex_);
  if (!owner_->add(key)) return false;
  key_ = key;
  return true;
}

bool TcpClients::add(const Key& key) {
  std::size_t& count = by_client_[key];
  if (count >= limits_.max_connections_per_client) return false;
  ++count;
  return true;
}

bool TcpClients::is_full() const {
  return total_.load(std::memory_order_relaxed) >= limits_.max_connections;
}

bool TcpClients::has_too_many(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_client_.find(key);
  return found != by_client_.end() && found->second >= limits_.max_connections_per_client;
}

void TcpClients::release(const std::optional<Key>& key) {
  const std::lock_guard lock(mutex_);
  --total_;
  if (!key) return;
  const auto found = by_client_.find(*key);
  if (--found->second == 0) by_client_.erase(found);
}

bool TcpClients::crowded() const {
  return total_.load(std::memory_order_relaxed) >=
         limits_.max_connections - limits_.max_connections / 4;
}

std::chrono::milliseconds TcpClients::idle_timeout() const {
  return crowded() ? limits_.idle_timeout / CROWDED_DIVISOR : limits_.idle_timeout;
}

std::uint16_t TcpClients::keepalive() const {
  if (is_full()) return 0;
  constexpr std::chrono::milliseconds UNIT(100);
  constexpr std::int64_t MAX = std::numeric_limits<std::uint16_t>::max();
  return static_cast<std::uint16_t>(std::min(MAX, idle_timeout() / UNIT));
}

}  // namespace dnsd
