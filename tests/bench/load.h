// The load generator's parts: a window of requests, each answer checked.
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace load {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string server = "127.0.0.1:5300";
  std::string zone = "dyn.example.";
  std::uint32_t hosts = 100'000;  // as tests/bench/make_zone made them
  std::uint32_t nxdomain_percent = 0;
  double seconds = 3;  // measured, after `warm_up_seconds`
  double warm_up_seconds = 0.5;
  std::uint32_t window = 200;  // requests in flight; 1 to MAX_WINDOW
  pid_t server_pid = 0;        // whose CPU time, with that of its children, is taken; 0: nobody's
  bool echo = false;           // the server sends back what it gets
  std::uint32_t connections = 0;  // TCP, with the window shared among so many; 0: UDP
  bool connection_each = false;   // TCP, a connection for each query
  std::uint32_t rate = 0;  // updates a second, at most `window` in flight; 0: all it can take
  std::string key_name;    // of updates
  std::string key_algorithm = "hmac-sha256";
  std::string key_secret;
  bool key_each = false;  // each host's update is signed by a key of its name
  bool once = false;      // each host in turn, until each has been updated
  std::uint32_t lease_seconds =
      0;  // update all four records of a host, with this lease; 0: its address
};

// The kernel counts about 768 octets against the receive buffer for a small datagram, and gives 208
// KiB to a server that does not ask for more: a larger window would measure losses.
constexpr std::uint32_t MAX_WINDOW = 256;

struct Figures {
  std::uint64_t answers = 0;  // right ones
  std::uint64_t wrong =
      0;  // ID known, but RCODE, flags, counts, question or signature are not as they should be
  std::uint64_t lost = 0;  // not answered within a second
  double seconds = 0;
  double server_cpu_seconds = 0;
  double own_cpu_seconds = 0;
  std::vector<double> latencies_ms;  // of updates, and of some queries over UDP
  std::string first_wrong;           // what was wrong with the first wrong answer
};

/// Ends the program with a message when a window's settings are impossible or nobody answers.
Figures run_queries(const Options& options);
Figures run_tcp_queries(const Options& options);
Figures run_updates(const Options& options);

/// Of "address:port"; ends the program with a message when it is not that.
sockaddr_in address_of(const std::string& server);
/// A UDP socket that is connected to `server` ("address:port") and whose receives end after 100 ms.
int connect_udp(const std::string& server);
/// CPU seconds, user and system, of a process and all that it started and that still run.
double cpu_seconds(pid_t pid);
double own_cpu_seconds();
double seconds_since(Clock::time_point start);

/// Calls `run_for` for the warm-up, forgets what that counted, then for the time that is measured.
template <class RunFor>
void measure(const Options& options, Figures& figures, RunFor run_for) {
  run_for(options.warm_up_seconds);
  figures = {};
  const double server_before = cpu_seconds(options.server_pid);
  const double own_before = own_cpu_seconds();
  const auto start = Clock::now();
  run_for(options.seconds);
  figures.seconds = seconds_since(start);
  figures.own_cpu_seconds = own_cpu_seconds() - own_before;
  figures.server_cpu_seconds = cpu_seconds(options.server_pid) - server_before;
}

/// xorshift64*: fast, and the same sequence each time.
class Random {
 public:
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const std::uint64_t value = (state_ * 0x2545F4914F6CDD1DULL) >> 32;
    return static_cast<std::uint32_t>((value * limit) >> 32);
  }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
};

/// A message written octet by octet, so that the generator shares no encoder with the server that
/// it checks.
class Packet {
 public:
  void clear() { octets_.clear(); }
  void u8(std::uint8_t value) { octets_.push_back(value); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  /// "a.b." in wire form, uncompressed; no escapes.
  void name(const std::string& text);
  std::vector<std::uint8_t>& octets() { return octets_; }
  const std::vector<std::uint8_t>& octets() const { return octets_; }
  std::size_t size() const { return octets_.size(); }

 private:
  std::vector<std::uint8_t> octets_;
};

inline std::uint16_t u16_at(std::span<const std::uint8_t> octets, std::size_t offset) {
  return static_cast<std::uint16_t>(octets[offset] << 8 | octets[offset + 1]);
}

constexpr std::size_t HOST_DIGITS = 7;  // h0000000
/// Writes the seven digits of a host's label.
inline void write_digits(std::uint8_t* at, std::uint32_t host) {
  for (std::size_t i = HOST_DIGITS; i-- > 0; host /= 10) {
    at[i] = static_cast<std::uint8_t>('0' + host % 10);
  }
}

}  // namespace load
