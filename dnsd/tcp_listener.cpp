#include "dnsd/tcp_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <latch>
#include <thread>

#include "dnsd/coroutine_end.h"
#include "dnsd/endpoint.h"
#include "dnsd/log.h"
#include "dnsd/tcp_acceptor.h"
#include "dnsd/tcp_connection.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int FAST_OPEN_QUEUE = 64;  // connections whose handshake is not over
constexpr auto ACCEPT_PAUSE = std::chrono::milliseconds(100);

tcp::acceptor bind(asio::io_context& context, const tcp::endpoint& endpoint) {
  tcp::acceptor acceptor = bind_tcp(context, endpoint);
  // Clients that were here before save a round trip (RFC 7766 §9, RFC 9210 §4.1), where the
  // system's net.ipv4.tcp_fastopen has bit 2. The client proved its address then (RFC 7413 §4.1.2),
  // and an UPDATE that comes twice is carried out once.
  const int queue = FAST_OPEN_QUEUE;
  static_cast<void>(
      setsockopt(acceptor.native_handle(), IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
  // What is accepted has it from here, without a call for each.
  error_code ignored;
  acceptor.set_option(tcp::no_delay(true), ignored);
  return acceptor;
}

/// On the thread's own context. @return false when it has no connection
asio::awaitable<bool> close_idlest(TcpThread& thread) {
  if (thread.connections.empty()) co_return false;
  thread.connections.front()->give_way();
  co_return true;
}

Peer peer_of(const tcp::endpoint& endpoint) {
  Peer peer;
  peer.address = mapped_octets(endpoint.address());
  peer.port = endpoint.port();
  peer.transport = Transport::TCP;
  return peer;
}

}  // namespace

struct TcpListener::Impl {
  using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

  Impl(std::span<const tcp::endpoint> listen, StatePublisher& publisher, const TcpLimits& limits)
      : clients(limits), acceptors_running(static_cast<std::ptrdiff_t>(listen.size())) {
    for (std::size_t i = 0; i < limits.threads; ++i) {
      threads.push_back(std::make_unique<TcpThread>(publisher));
    }
    for (const tcp::endpoint& endpoint : listen) {
      acceptors.push_back(bind(threads.front()->context, endpoint));
    }
  }

  asio::awaitable<void> accept(tcp::acceptor& acceptor);
  asio::awaitable<void> make_room(std::size_t first_thread);
  void drain();

  Dispatcher* dispatcher = nullptr;
  TcpClients clients;
  TcpCounters counters;
  LogLimiter shortage_log{1};
  std::vector<std::unique_ptr<TcpThread>> threads;
  std::vector<tcp::acceptor> acceptors;  // on the first thread
  std::size_t next_thread = 0;
  std::vector<WorkGuard> guards;
  std::vector<std::thread> running;
  std::latch acceptors_running;
  bool drained = false;
};

/// Never ends before the acceptor is closed.
asio::awaitable<void> TcpListener::Impl::accept(tcp::acceptor& acceptor) {
  struct CountDown {
    std::latch& latch;
    ~CountDown() { latch.count_down(); }
  };
  const CountDown ended{acceptors_running};
  constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);
  while (acceptor.is_open()) {
    const std::size_t index = next_thread++ % threads.size();
    TcpThread& thread = *threads[index];
    tcp::endpoint remote;
    auto [error, socket] = co_await acceptor.async_accept(
        asio::any_io_executor(thread.context.get_executor()), remote, AS_TUPLE);
    if (error && is_shortage(error)) {
      std::uint64_t suppressed = 0;
      if (shortage_log.allow(suppressed)) {
        spdlog::error("cannot accept TCP connections: {}; trying again", error.message());
      }
      asio::steady_timer pause(acceptor.get_executor(), ACCEPT_PAUSE);
      co_await pause.async_wait(AS_TUPLE);
    }
    if (error) continue;  // or the peer is gone already
    const TcpClients::Key key = TcpClients::key_of(remote.address());
    if (clients.is_full() && !clients.has_too_many(key)) co_await make_room(index);
    auto slot = clients.take(key);
    if (!slot) {
      counters.refused.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    counters.accepted.fetch_add(1, std::memory_order_relaxed);
    auto connection =
        std::make_shared<TcpConnection>(std::move(socket), peer_of(remote), thread, *dispatcher,
                                        clients, std::move(*slot), counters);
    asio::co_spawn(thread.context, TcpConnection::serve(std::move(connection)),
                   CoroutineEnd{"TCP connection"});
  }
}

/// Each thread knows the order of its own connections only; since they are given out in turn, its
/// idlest one is among the idlest of all.
asio::awaitable<void> TcpListener::Impl::make_room(std::size_t first_thread) {
  for (std::size_t i = 0; i < threads.size(); ++i) {
    TcpThread& thread = *threads[(first_thread + i) % threads.size()];
    const bool closed =
        co_await asio::co_spawn(thread.context, close_idlest(thread), asio::use_awaitable);
    if (closed) co_return;
  }
}

void TcpListener::Impl::drain() {
  if (running.empty() || drained) return;
  drained = true;
  asio::post(threads.front()->context, [this] {
    for (tcp::acceptor& acceptor : acceptors) {
      error_code ignored;
      acceptor.close(ignored);
    }
  });
  acceptors_running.wait();  // so that no connection comes to a thread any more
  for (const auto& thread : threads) {
    asio::post(thread->context, [&thread = *thread] {
      thread.draining = true;
      for (TcpConnection* connection : thread.connections) connection->drain();
    });
  }
}

TcpListener::TcpListener(std::span<const tcp::endpoint> listen, StatePublisher& publisher,
                         TcpLimits limits)
    : impl_(std::make_unique<Impl>(listen, publisher, limits)) {}

TcpListener::~TcpListener() { stop(); }

std::vector<tcp::endpoint> TcpListener::endpoints() const {
  std::vector<tcp::endpoint> endpoints;
  for (const tcp::acceptor& acceptor : impl_->acceptors) {
    endpoints.push_back(acceptor.local_endpoint());
  }
  return endpoints;
}

void TcpListener::start(Dispatcher& dispatcher) {
  impl_->dispatcher = &dispatcher;
  for (tcp::acceptor& acceptor : impl_->acceptors) listen_tcp(acceptor);
  for (tcp::acceptor& acceptor : impl_->acceptors) {
    asio::co_spawn(acceptor.get_executor(), impl_->accept(acceptor), CoroutineEnd{"TCP listener"});
  }
  for (const auto& thread : impl_->threads) {
    impl_->guards.emplace_back(thread->context.get_executor());
    impl_->running.emplace_back([&context = thread->context] { context.run(); });
  }
}

void TcpListener::drain() { impl_->drain(); }

void TcpListener::stop() {
  impl_->drain();
  for (const auto& thread : impl_->threads) {
    if (impl_->running.empty()) break;
    asio::post(thread->context, [&thread = *thread] {
      thread.stopping = true;
      for (auto at = thread.connections.begin(); at != thread.connections.end();) {
        TcpConnection* const connection = *at++;  // which may take itself out of the list
        connection->stop();
      }
    });
  }
  impl_->guards.clear();
  for (std::thread& thread : impl_->running) thread.join();
  impl_->running.clear();
}

const TcpCounters& TcpListener::counters() const { return impl_->counters; }

}  // namespace dnsd
