// Queries: batches of datagrams out and in, so that the generator is faster than the servers it
// measures.
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "load.h"

namespace load {
namespace {

constexpr std::size_t BATCH = 64;
constexpr std::size_t MAX_ANSWER_OCTETS = 1500;

enum Type : std::uint16_t { A = 1, TXT = 16, SRV = 33 };

/// One place in the window. Its query's ID is its number and, above it, a count of its queries.
struct Slot {
  Packet query;
  std::size_t digits_at = 0;
  std::uint8_t want_rcode = 0;
  bool in_flight = false;
  Clock::time_point sent;
};

class QueryLoad {
 public:
  explicit QueryLoad(const Options& options)
      : options_(options), fd_(connect_udp(options.server)), slots_(options.window) {
    for (std::uint32_t i = 0; i < options.window; ++i) free_.push_back(i);
    for (std::size_t i = 0; i < BATCH; ++i) {
      in_parts_[i] = {.iov_base = (*buffers_)[i].data(), .iov_len = MAX_ANSWER_OCTETS};
      in_[i].msg_hdr.msg_iov = &in_parts_[i];
      in_[i].msg_hdr.msg_iovlen = 1;
      out_[i].msg_hdr.msg_iov = &out_parts_[i];
      out_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  ~QueryLoad() { close(fd_); }
  QueryLoad(const QueryLoad&) = delete;
  QueryLoad& operator=(const QueryLoad&) = delete;

  Figures run() {
    measure(options_, figures_, [this](double seconds) { run_for(seconds); });
    return figures_;
  }

 private:
  void run_for(double seconds) {
    const auto start = Clock::now();
    do {
      send_free();
      receive();
    } while (seconds_since(start) < seconds);
  }

  void make_query(std::uint32_t number) {
    Slot& slot = slots_[number];
    const std::uint32_t kind = random_.below(3);
    const bool exists = random_.below(100) >= options_.nxdomain_percent;
    const auto count = static_cast<std::uint16_t>(++queries_ % 64);
    Packet& query = slot.query;
    query.clear();
    query.u16(static_cast<std::uint16_t>(count << 10 | number));
    query.u16(0);
    query.u16(1);
    query.u16(0);
    query.u32(0);
    if (kind == 2) {
      // "_http._tcp" before the host; what does not exist is a host in every case.
      static constexpr char SERVICE[] = "\5_http\4_tcp";
      query.octets().insert(query.octets().end(), SERVICE, SERVICE + sizeof SERVICE - 1);
    }
    query.u8(1 + HOST_DIGITS);
    query.u8(exists ? 'h' : 'x');
    slot.digits_at = query.size();
    query.octets().resize(query.size() + HOST_DIGITS);
    write_digits(query.octets().data() + slot.digits_at, random_.below(options_.hosts));
    query.octets().insert(query.octets().end(), zone_.octets().begin(), zone_.octets().end());
    query.u16(kind == 0 ? A : kind == 1 ? TXT : SRV);
    query.u16(1);
    slot.want_rcode = exists ? 0 : 3;
  }

  void send_free() {
    while (!free_.empty()) {
      std::size_t count = 0;
      const auto now = Clock::now();
      while (count < BATCH && !free_.empty()) {
        const std::uint32_t number = free_.back();
        free_.pop_back();
        make_query(number);
        Slot& slot = slots_[number];
        slot.sent = now;
        slot.in_flight = true;
        out_parts_[count++] = {.iov_base = slot.query.octets().data(),
                               .iov_len = slot.query.size()};
      }
      // What the kernel does not take is lost, and found to be so after a second.
      static_cast<void>(sendmmsg(fd_, out_.data(), static_cast<unsigned>(count), 0));
    }
  }

  void receive() {
    const int count = recvmmsg(fd_, in_.data(), BATCH, MSG_WAITFORONE, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      take({(*buffers_)[at].data(), in_[at].msg_len});
    }
    if (count <= 0 || ++receives_ % 4096 == 0) find_lost();
  }

  void take(std::span<const std::uint8_t> answer) {
    if (answer.size() < 12) return wrong("shorter than a header");
    const std::uint32_t number = u16_at(answer, 0) & 1023U;
    if (number >= slots_.size()) return wrong("an ID that was not asked");
    Slot& slot = slots_[number];
    auto& query = slot.query.octets();
    // An answer that comes after its second is over is not wrong, only late.
    if (!slot.in_flight || std::memcmp(query.data(), answer.data(), 2) != 0) return;
    slot.in_flight = false;
    free_.push_back(number);
    if (options_.echo) {
      if (answer.size() != query.size()) return wrong("not an echo");
    } else {
      if ((answer[2] & 0x80) == 0) return wrong("QR is clear");
      if ((answer[2] & 0x02) != 0) return wrong("TC is set");
      if ((answer[3] & 0x0F) != slot.want_rcode) return wrong("RCODE");
      if (u16_at(answer, 4) != 1) return wrong("QDCOUNT");
      if (slot.want_rcode == 0 ? u16_at(answer, 6) == 0 : u16_at(answer, 8) == 0) {
        return wrong("no record in the section where one belongs");
      }
    }
    if (answer.size() < query.size() ||
        std::memcmp(query.data() + 12, answer.data() + 12, query.size() - 12) != 0) {
      return wrong("another question");
    }
    ++figures_.answers;
  }

  void wrong(const char* what) {
    if (figures_.wrong++ == 0) figures_.first_wrong = what;
  }

  void find_lost() {
    const auto now = Clock::now();
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].in_flight || now - slots_[i].sent < std::chrono::seconds(1)) continue;
      slots_[i].in_flight = false;
      free_.push_back(i);
      ++figures_.lost;
    }
  }

  Packet encoded_zone() const {
    Packet packet;
    packet.name(options_.zone);
    return packet;
  }

  const Options& options_;
  int fd_;
  std::vector<Slot> slots_;
  Packet zone_ = encoded_zone();
  std::vector<std::uint32_t> free_;
  std::uint64_t queries_ = 0;
  std::uint64_t receives_ = 0;
  Random random_;
  Figures figures_;
  std::array<mmsghdr, BATCH> in_{};
  std::array<mmsghdr, BATCH> out_{};
  std::array<iovec, BATCH> in_parts_{};
  std::array<iovec, BATCH> out_parts_{};
  using Buffers = std::array<std::array<std::uint8_t, MAX_ANSWER_OCTETS>, BATCH>;
  std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
};

}  // namespace

Figures run_queries(const Options& options) { return QueryLoad(options).run(); }

}  // namespace load
