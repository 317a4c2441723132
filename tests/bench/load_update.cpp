// Updates: each replaces the address of one host, or all of its records with a lease; it is signed
// by TSIG, and counts when a signed NOERROR has come.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>

#include "keys/keyring.h"
#include "keys/tsig.h"
#include "load.h"

namespace load {
namespace {

constexpr std::uint32_t TTL = 60;
constexpr std::uint8_t UPDATE = 5 << 3;  // the opcode in its octet of the header
enum Type : std::uint16_t { A = 1, SOA = 6, TXT = 16, SRV = 33, OPT = 41 };
enum Class : std::uint16_t { IN = 1, ANY = 255 };

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

[[noreturn]] void stop(const char* what) {
  std::fprintf(stderr, "load: %s\n", what);
  std::exit(2);
}

keys::TsigKey make_key(const Options& options) {
  const auto name = zones::Name::from_text(options.key_name);
  const auto algorithm = keys::algorithm_from_text(options.key_algorithm);
  auto secret = keys::Secret::from_base64(options.key_secret);
  if (!name || !algorithm || !secret) stop("the key's name, algorithm or secret is wrong");
  return {.name = *name,
          .algorithm = *algorithm,
          .secret = std::make_shared<const keys::Secret>(std::move(*secret))};
}

struct Slot {
  explicit Slot(const keys::TsigKey& key) : exchange(key) {}
  keys::TsigClient exchange;
  std::uint16_t id = 0;
  std::uint32_t host = 0;
  int fd = -1;  // at a rate each has its own: the updates are those of many hosts
  bool in_flight = false;
  Clock::time_point sent;
};

class UpdateLoad {
 public:
  explicit UpdateLoad(const Options& options)
      : options_(options), key_(make_key(options)), fd_(connect_udp(options.server)) {
    slots_.reserve(options.window);
    for (std::uint32_t i = 0; i < options.window; ++i) {
      Slot& slot = slots_.emplace_back(key_);
      if (options.rate == 0) continue;
      slot.fd = connect_udp(options.server);
      epoll_event event{.events = EPOLLIN, .data = {.fd = slot.fd}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, slot.fd, &event);
    }
  }
  ~UpdateLoad() {
    for (const Slot& slot : slots_) {
      if (slot.fd >= 0) close(slot.fd);
    }
    close(epoll_);
    close(fd_);
  }
  UpdateLoad(const UpdateLoad&) = delete;
  UpdateLoad& operator=(const UpdateLoad&) = delete;

  Figures run() {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) idle_.push_back(i);
    next_ = Clock::now();
    measure(options_, figures_, [this](double seconds) { run_for(seconds); });
    return figures_;
  }

 private:
  void run_for(double seconds) {
    const auto start = Clock::now();
    std::array<std::uint8_t, 4096> buffer{};
    do {
      const int wait_ms = send_due();
      if (options_.rate > 0) {
        take_all(wait_ms >= 0 ? wait_ms : 100, buffer);
        continue;
      }
      if (wait_ms >= 0) {
        pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
        if (poll(&ready, 1, wait_ms) == 0) continue;
      }
      const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
      if (size > 0) {
        take({buffer.data(), static_cast<std::size_t>(size)});
      }
      if (size <= 0 || ++receives_ % 4096 == 0) find_lost();
    } while (seconds_since(start) < seconds && !is_done());
  }

  /// Answers at the slots' own sockets.
  void take_all(int wait_ms, std::span<std::uint8_t> buffer) {
    std::array<epoll_event, 64> events{};
    const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < ready; ++i) {
      const ssize_t size = recv(events[static_cast<std::size_t>(i)].data.fd, buffer.data(),
                                buffer.size(), MSG_DONTWAIT);
      if (size > 0) take(buffer.first(static_cast<std::size_t>(size)));
    }
    if (ready <= 0 || ++receives_ % 4096 == 0) find_lost();
  }

  bool is_done() const {
    return options_.once && idle_.size() == slots_.size() && again_.empty() &&
           next_host_ == options_.hosts;
  }

  /// The host of the next update. Empty when each has had its own.
  std::optional<std::uint32_t> next_host() {
    if (!options_.once) return random_.below(options_.hosts);
    if (!again_.empty()) {
      const std::uint32_t host = again_.back();
      again_.pop_back();
      return host;
    }
    if (next_host_ == options_.hosts) return std::nullopt;
    return next_host_++;
  }

  /// Sends what is to be sent by now: without a rate whatever slot is idle.
  /// @return milliseconds to the next one; -1: after an answer
  int send_due() {
    while (!idle_.empty()) {
      const auto now = Clock::now();
      if (options_.rate > 0 && now < next_) {
        return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next_ - now).count());
      }
      const auto host = next_host();
      if (!host) return -1;
      const std::uint32_t number = idle_.front();
      idle_.pop_front();
      slots_[number].host = *host;
      // At a rate, an update that had to wait for a slot has waited all the same.
      send(number, options_.rate > 0 ? next_ : now);
      if (options_.rate > 0) next_ += std::chrono::nanoseconds(1'000'000'000 / options_.rate);
    }
    return -1;
  }

  void send(std::uint32_t number, Clock::time_point due) {
    Slot& slot = slots_[number];
    slot.id = static_cast<std::uint16_t>((++sent_ % 256) << 8 | number);
    std::string host = "h0000000." + options_.zone;
    write_digits(reinterpret_cast<std::uint8_t*>(host.data()) + 1, slot.host);
    const bool all = options_.lease_seconds != 0;
    packet_.clear();
    packet_.u16(slot.id);
    packet_.u8(UPDATE);
    packet_.u8(0);
    packet_.u16(1);            // zone
    packet_.u16(0);            // prerequisites
    packet_.u16(all ? 5 : 2);  // updates
    packet_.u16(all ? 1 : 0);
    packet_.name(options_.zone);
    packet_.u16(SOA);
    packet_.u16(IN);
    // Delete the RRset (RFC 2136 §2.5.2), add a record (§2.5.1).
    head(host, A, ANY, 0, 0);
    head(host, A, IN, TTL, 4);
    packet_.u32(0xC6120000U | random_.below(0x20000U));  // 198.18.0.0/15, for benchmarks (RFC 2544)
    if (all) leased_rest(host, slot.host);
    if (options_.key_each) {
      key_.name = *zones::Name::from_text(host);
      slot.exchange = keys::TsigClient(key_);
    }
    slot.exchange.sign(packet_.octets(), wall_clock());
    slot.sent = due;
    slot.in_flight = true;
    static_cast<void>(
        ::send(slot.fd >= 0 ? slot.fd : fd_, packet_.octets().data(), packet_.size(), 0));
  }

  void head(const std::string& owner, Type type, Class rrclass, std::uint32_t ttl,
            std::size_t rdata_octets) {
    packet_.name(owner);
    packet_.u16(type);
    packet_.u16(rrclass);
    packet_.u32(ttl);
    packet_.u16(static_cast<std::uint16_t>(rdata_octets));
  }

  /// What make_zone gave the host besides its address, and the option (RFC 9664 §4).
  void leased_rest(const std::string& host, std::uint32_t number) {
    const std::string text = "host " + std::to_string(number);
    head(host, TXT, IN, TTL, 1 + text.size());
    packet_.u8(static_cast<std::uint8_t>(text.size()));
    for (const char c : text) packet_.u8(static_cast<std::uint8_t>(c));
    std::uint32_t port = 1024 + number % 64000;
    for (const char* service : {"_http._tcp.", "_sip._udp."}) {
      head(service + host, SRV, IN, TTL, 6 + host.size() + 1);
      packet_.u32(0);
      packet_.u16(static_cast<std::uint16_t>(port++));
      packet_.name(host);
    }
    constexpr std::uint16_t UPDATE_LEASE = 2, UDP_OCTETS = 1232;
    packet_.u8(0);
    packet_.u16(OPT);
    packet_.u16(UDP_OCTETS);
    packet_.u32(0);
    packet_.u16(8);
    packet_.u16(UPDATE_LEASE);
    packet_.u16(4);
    packet_.u32(options_.lease_seconds);
  }

  void take(std::span<const std::uint8_t> answer) {
    if (answer.size() < 12) return wrong("shorter than a header");
    const std::uint16_t id = u16_at(answer, 0);
    const std::uint32_t number = id & 255U;
    if (number >= slots_.size()) return wrong("an ID that was not sent");
    Slot& slot = slots_[number];
    if (!slot.in_flight || slot.id != id) return;  // late
    slot.in_flight = false;
    std::uint16_t tsig_error = 0;
    std::optional<std::chrono::sys_seconds> server_time;
    const auto verdict = slot.exchange.verify(answer, wall_clock(), tsig_error, server_time);
    if ((answer[2] & 0xF8) != (0x80 | UPDATE)) {
      wrong("not a response to an UPDATE");
    } else if ((answer[3] & 0x0F) != 0) {
      wrong("RCODE " + std::to_string(answer[3] & 0x0F) + ", TSIG error " +
            std::to_string(tsig_error));
    } else if (verdict != keys::TsigClient::Verdict::VALID) {
      wrong("its signature is not valid");
    } else {
      ++figures_.answers;
      figures_.latencies_ms.push_back(seconds_since(slot.sent) * 1000);
    }
    idle_.push_back(number);
  }

  void wrong(const std::string& what) {
    if (figures_.wrong++ == 0) figures_.first_wrong = what;
  }

  void find_lost() {
    const auto now = Clock::now();
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].in_flight || now - slots_[i].sent < std::chrono::seconds(1)) continue;
      ++figures_.lost;
      slots_[i].in_flight = false;
      idle_.push_back(i);
      if (options_.once) again_.push_back(slots_[i].host);
    }
  }

  const Options& options_;
  keys::TsigKey key_;
  int fd_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Slot> slots_;
  std::deque<std::uint32_t> idle_;    // the first one rested longest
  Clock::time_point next_;            // at a rate, when the next update is due
  std::uint32_t next_host_ = 0;       // of `once`
  std::vector<std::uint32_t> again_;  // likewise: what was lost
  Packet packet_;
  std::uint64_t sent_ = 0;
  std::uint64_t receives_ = 0;
  Random random_;
  Figures figures_;
};

}  // namespace

Figures run_updates(const Options& options) { return UpdateLoad(options).run(); }

}  // namespace load
