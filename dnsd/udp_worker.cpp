#include "dnsd/udp_worker.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "dnsd/query.h"

namespace dnsd {
namespace {

using boost::asio::ip::udp;

// Datagrams in one system call. More gain little, since a datagram's own cost in the kernel
// remains.
constexpr std::size_t BATCH = 64;
// Any datagram fits. Memory that none of them reaches is never touched, so it costs nothing. The
// odd cache lines keep the starts of the buffers, which is what most datagrams use, from sharing
// one set of the cache.
constexpr std::size_t RECEIVE_OCTETS = 65536 + 192;
constexpr std::size_t SEND_OCTETS = UdpWorker::MAX_ANSWER_OCTETS + 192;
// For a burst of some ten thousand queries; the system's limit (net.core.rmem_max) may make it
// less.
constexpr int SOCKET_BUFFER_OCTETS = 8 << 20;

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// Room for the one control message that is asked for: where a datagram came to.
struct alignas(cmsghdr) Control {
  std::uint8_t octets[CMSG_SPACE(sizeof(in6_pktinfo))];
};
static_assert(sizeof(in6_pktinfo) >= sizeof(in_pktinfo));

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

std::string to_text(const udp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
}

bool set_option(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

void enlarge_buffer(int fd, int forced, int option) {
  // Beyond the system's limit only with CAP_NET_ADMIN; what it takes of the rest is good enough.
  if (!set_option(fd, SOL_SOCKET, forced, SOCKET_BUFFER_OCTETS)) {
    static_cast<void>(set_option(fd, SOL_SOCKET, option, SOCKET_BUFFER_OCTETS));
  }
}

/// A bound socket. Shared with those who answer later; the last of them closes it.
struct Socket {
  Socket(const udp::endpoint& endpoint, std::shared_ptr<UdpCounters> its_counters)
      : descriptor(
            socket(endpoint.protocol().family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
        counters(std::move(its_counters)),
        any_address(endpoint.address().is_unspecified()) {
    const int fd = descriptor.get();
    const bool v6 = endpoint.address().is_v6();
    bool good = fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (good && v6) good = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (good && any_address) {
      good = v6 ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (good) good = bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
    if (!good) {
      const int error = errno;
      throw std::system_error(error, std::generic_category(),
                              "cannot listen on " + to_text(endpoint) + " (UDP)");
    }
    // Forged "fragmentation needed" messages shall not make our answers come in fragments.
    static_cast<void>(v6 ? set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
                         : set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT));
    enlarge_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    enlarge_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  }

  Descriptor descriptor;
  std::shared_ptr<UdpCounters> counters;
  bool any_address;  // answers must say which address they leave from
};

void count(std::atomic<std::uint64_t>& counter, std::size_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

Peer peer_of(const SocketAddress& address) {
  Peer peer;
  if (address.any.sa_family == AF_INET6) {
    std::memcpy(peer.address.data(), &address.v6.sin6_addr, 16);
    peer.port = ntohs(address.v6.sin6_port);
  } else {
    peer.address[10] = peer.address[11] = 0xFF;  // RFC 4291 §2.5.5.2
    std::memcpy(peer.address.data() + 12, &address.v4.sin_addr, 4);
    peer.port = ntohs(address.v4.sin_port);
  }
  return peer;
}

/// Turns "it came to" into "it shall leave from": the same address, by whatever interface routing
/// says.
void reverse_control(msghdr& message) {
  cmsghdr* const control = CMSG_FIRSTHDR(&message);
  if (control == nullptr) return;
  if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(control), sizeof(info));
    info.ipi_ifindex = 0;
    std::memcpy(CMSG_DATA(control), &info, sizeof(info));
  } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info;
    std::memcpy(&info, CMSG_DATA(control), sizeof(info));
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) return;  // means nothing without its interface
    info.ipi6_ifindex = 0;
    std::memcpy(CMSG_DATA(control), &info, sizeof(info));
  }
}

/// Sends one answer when the worker has long gone on.
class LaterAnswer {
 public:
  LaterAnswer(std::shared_ptr<Socket> socket, const msghdr& request)
      : socket_(std::move(socket)),
        peer_size_(request.msg_namelen),
        control_size_(request.msg_controllen) {
    std::memcpy(&peer_, request.msg_name, peer_size_);
    if (control_size_ != 0) std::memcpy(&control_, request.msg_control, control_size_);
  }

  void send(std::span<std::uint8_t> octets) {
    iovec data{octets.data(), octets.size()};
    msghdr message{};
    message.msg_name = &peer_;
    message.msg_namelen = peer_size_;
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control_size_ != 0 ? &control_ : nullptr;
    message.msg_controllen = control_size_;
    ssize_t sent = 0;
    do {
      sent = sendmsg(socket_->descriptor.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    socket_->counters->later.count_shared(octets);
    count(sent < 0 ? socket_->counters->send_errors : socket_->counters->sent);
  }

 private:
  std::shared_ptr<Socket> socket_;
  SocketAddress peer_{};
  socklen_t peer_size_;
  Control control_{};
  std::size_t control_size_;
};

/// The memory of a batch, made once.
struct Batch {
  mmsghdr in[BATCH] = {};
  mmsghdr out[BATCH] = {};
  iovec in_data[BATCH] = {};
  iovec out_data[BATCH] = {};
  SocketAddress peers[BATCH] = {};
  Control controls[BATCH] = {};
  std::unique_ptr<std::uint8_t[]> received =
      std::make_unique_for_overwrite<std::uint8_t[]>(BATCH * RECEIVE_OCTETS);
  std::unique_ptr<std::uint8_t[]> answers =
      std::make_unique_for_overwrite<std::uint8_t[]>(BATCH * SEND_OCTETS);

  Batch() {
    for (std::size_t i = 0; i < BATCH; ++i) {
      in_data[i] = {received.get() + i * RECEIVE_OCTETS, RECEIVE_OCTETS};
      in[i].msg_hdr.msg_name = &peers[i];
      in[i].msg_hdr.msg_iov = &in_data[i];
      in[i].msg_hdr.msg_iovlen = 1;
      out[i].msg_hdr.msg_iov = &out_data[i];
      out[i].msg_hdr.msg_iovlen = 1;
    }
  }

  /// Receives what is there, BATCH at the most. @return how many, or -1 with errno
  int receive(const Socket& socket) {
    for (std::size_t i = 0; i < BATCH; ++i) {
      msghdr& message = in[i].msg_hdr;
      message.msg_namelen = sizeof(SocketAddress);
      message.msg_control = socket.any_address ? &controls[i] : nullptr;
      message.msg_controllen = socket.any_address ? sizeof(Control) : 0;
    }
    return recvmmsg(socket.descriptor.get(), in, BATCH, MSG_DONTWAIT, nullptr);
  }

  std::span<std::uint8_t> answer_room(std::size_t i) const {
    return {answers.get() + i * SEND_OCTETS, UdpWorker::MAX_ANSWER_OCTETS};
  }
};

}  // namespace

struct UdpWorker::Impl {
  Impl(std::span<const udp::endpoint> listen, StatePublisher& publisher,
       DatagramHandler its_handler)
      : handler(std::move(its_handler)),
        reader(publisher),
        wake(checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    for (const udp::endpoint& endpoint : listen) {
      sockets.push_back(std::make_shared<Socket>(endpoint, counters));
      watched.push_back({sockets.back()->descriptor.get(), POLLIN, POLLIN});
    }
    watched.push_back({wake.get(), POLLIN, 0});
  }

  void run() {
    pthread_setname_np(pthread_self(), "dnsd-udp");
    while (!stopping.load(std::memory_order_acquire)) {
      bool more = false;
      for (std::size_t i = 0; i < sockets.size(); ++i) {
        if (watched[i].revents != 0) more = serve_batch(i) || more;
      }
      if (more && sockets.size() == 1) continue;
      if (!more) reader.idle();
      wait(more ? 0 : -1);
    }
    reader.idle();
  }

  /// Says in `watched` which sockets have something. A standing registration (epoll) would be
  /// called for each datagram that comes while all of us is busy, which takes 5 % of the queries.
  void wait(int timeout_milliseconds) {
    if (poll(watched.data(), watched.size(), timeout_milliseconds) < 0) {
      for (pollfd& one : watched) one.revents = 0;  // a signal
    }
  }

  /// @return whether there may be more
  bool serve_batch(std::size_t index) {
    const Socket& socket = *sockets[index];
    const int n = batch->receive(socket);
    if (n < 0) {
      // EAGAIN, or what the network reported of an earlier answer: nothing that keeps the next
      // datagram away.
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        count(counters->receive_errors);
      return false;
    }
    const auto received = static_cast<std::size_t>(n);
    count(counters->received, received);
    count(counters->batches);
    // Taken after the datagrams: who saw an update answered is shown it.
    const State& state = reader.current();
    prefetch(state, received);
    std::size_t answers = 0;
    std::size_t unanswered = 0;
    for (std::size_t i = 0; i < received; ++i) {
      msghdr& message = batch->in[i].msg_hdr;
      if (socket.any_address) reverse_control(message);
      current_socket = index;
      current_message = &message;
      answer_comes_later = false;
      const std::size_t size =
          handler(state, {batch->received.get() + i * RECEIVE_OCTETS, batch->in[i].msg_len},
                  glimpses[i], peer_of(batch->peers[i]), batch->answer_room(answers), send_later);
      if (size == 0) {
        unanswered += answer_comes_later ? 0 : 1;
        continue;
      }
      counters->answers.count(batch->answer_room(answers).first(size));
      msghdr& answer = batch->out[answers].msg_hdr;
      batch->out_data[answers] = {batch->answer_room(answers).data(), size};
      answer.msg_name = message.msg_name;
      answer.msg_namelen = message.msg_namelen;
      answer.msg_control = message.msg_control;
      answer.msg_controllen = message.msg_controllen;
      ++answers;
    }
    if (unanswered != 0) count(counters->unanswered, unanswered);
    send(socket, answers);
    return received == BATCH;
  }

  /// In a large zone each name waits for memory some ten times; here the whole batch waits at once.
  void prefetch(const State& state, std::size_t received) {
    zones::NameView names[BATCH];
    for (std::size_t i = 0; i < received; ++i) {
      names[i] =
          peek_question_name({batch->received.get() + i * RECEIVE_OCTETS, batch->in[i].msg_len});
    }
    std::fill_n(glimpses, received, zones::Glimpse{});
    state.catalogue.prefetch(std::span(names).first(received), glimpses);
  }

  void send(const Socket& socket, std::size_t answers) {
    std::size_t done = 0;
    std::size_t errors = 0;
    while (done < answers) {
      const int n = sendmmsg(socket.descriptor.get(), batch->out + done,
                             static_cast<unsigned>(answers - done), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) {
        done += static_cast<std::size_t>(n);
      } else if (errno != EINTR) {
        // The error is the first answer's alone. It is lost, as UDP allows; its asker will ask
        // again.
        ++done;
        ++errors;
      }
    }
    count(counters->sent, answers - errors);
    if (errors != 0) count(counters->send_errors, errors);
  }

  std::shared_ptr<UdpCounters> counters = std::make_shared<UdpCounters>();
  std::vector<std::shared_ptr<Socket>> sockets;
  std::vector<pollfd> watched;  // the sockets, then `wake`
  DatagramHandler handler;
  StateReader reader;
  Descriptor wake;
  std::atomic<bool> stopping{false};
  std::unique_ptr<Batch> batch = std::make_unique<Batch>();
  zones::Glimpse glimpses[BATCH] = {};
  std::size_t current_socket = 0;
  const msghdr* current_message = nullptr;
  bool answer_comes_later = false;  // to that message
  // Made once; captures no more than std::function keeps without allocation.
  const std::function<SendLater()> send_later = [this]() -> SendLater {
    answer_comes_later = true;
    return [later = LaterAnswer(sockets[current_socket], *current_message)](
               std::vector<std::uint8_t> octets) mutable { later.send(octets); };
  };
  std::thread thread;
};

UdpWorker::UdpWorker(std::span<const udp::endpoint> listen, StatePublisher& publisher,
                     DatagramHandler handler)
    : impl_(std::make_unique<Impl>(listen, publisher, std::move(handler))) {}

UdpWorker::~UdpWorker() { stop(); }

std::vector<udp::endpoint> UdpWorker::endpoints() const {
  std::vector<udp::endpoint> result;
  for (const std::shared_ptr<Socket>& socket : impl_->sockets) {
    udp::endpoint endpoint;
    auto size = static_cast<socklen_t>(endpoint.capacity());
    checked(getsockname(socket->descriptor.get(), endpoint.data(), &size), "getsockname");
    endpoint.resize(size);
    result.push_back(endpoint);
  }
  return result;
}

void UdpWorker::start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void UdpWorker::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the worker is awake.
  static_cast<void>(!write(impl_->wake.get(), &one, sizeof(one)));
  impl_->thread.join();
}

const UdpCounters& UdpWorker::counters() const { return *impl_->counters; }

}  // namespace dnsd
