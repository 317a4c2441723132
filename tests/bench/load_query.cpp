// Queries: batches of datagrams out and in, so that the generator is faster than the servers it
// measures.
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "load_question.h"

namespace load {
namespace {

constexpr std::size_t BATCH = 64;
constexpr std::uint64_t TIMED = 16;  // one answer of so many
constexpr std::size_t MAX_ANSWER_OCTETS = 1500;

/// One place in the window. Its query's ID is its number and, above it, a count of all queries.
struct Slot {
  Question question;
  bool in_flight = false;
  Clock::time_point sent;
};

class QueryLoad {
 public:
  explicit QueryLoad(const Options& options)
      : options_(options),
        fd_(connect_udp(options.server)),
        slots_(options.window),
        questions_(options) {
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

  void send_free() {
    while (!free_.empty()) {
      std::size_t count = 0;
      const auto now = Clock::now();
      while (count < BATCH && !free_.empty()) {
        const std::uint32_t number = free_.back();
        free_.pop_back();
        Slot& slot = slots_[number];
        const auto query_count = static_cast<std::uint16_t>(++queries_ % 64);
        questions_.make(static_cast<std::uint16_t>(query_count << 10 | number), slot.question);
        slot.sent = now;
        slot.in_flight = true;
        out_parts_[count++] = {.iov_base = slot.question.query.octets().data(),
                               .iov_len = slot.question.query.size()};
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
    // An answer that comes after its second is over is not wrong, only late.
    if (!slot.in_flight ||
        std::memcmp(slot.question.query.octets().data(), answer.data(), 2) != 0) {
      return;
    }
    slot.in_flight = false;
    free_.push_back(number);
    if (const char* const fault = questions_.fault_of(answer, slot.question)) return wrong(fault);
    if (++figures_.answers % TIMED == 0) {
      figures_.latencies_ms.push_back(seconds_since(slot.sent) * 1000);
    }
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

  const Options& options_;
  int fd_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t queries_ = 0;
  std::uint64_t receives_ = 0;
  Questions questions_;
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
