#include "dnsd/http/listener.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <latch>
#include <thread>

#include "dnsd/coroutine_end.h"
#include "dnsd/http/connection.h"
#include "dnsd/log.h"
#include "dnsd/tcp_acceptor.h"

namespace dnsd::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);
constexpr auto ACCEPT_PAUSE = std::chrono::milliseconds(100);
constexpr auto CERTIFICATE_PERIOD = std::chrono::seconds(2);
constexpr int NICE = 5;  // where processors are short, DNS comes first

TcpLimits connection_limits(const HttpLimits& limits) {
  TcpLimits tcp;
  tcp.max_connections = limits.max_connections;
  tcp.max_connections_per_client = limits.max_connections_per_client;
  tcp.idle_timeout = limits.idle_timeout;
  return tcp;
}

/// On the thread's own context. @return false when it has no connection
asio::awaitable<bool> close_idlest(HttpThread& thread) {
  if (thread.connections.empty()) co_return false;
  thread.connections.front()->give_way();
  co_return true;
}

void run_thread(asio::io_context& context) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);  // OpenSSL writes without MSG_NOSIGNAL
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), NICE));
  context.run();
}

struct Door {
  tcp::acceptor acceptor;  // on the first thread
  bool is_tls;
};

}  // namespace

struct Listener::Impl {
  using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

  Impl(const std::vector<Endpoint>& listen, const std::vector<Endpoint>& tls_listen,
       TlsStore* tls_store, StatePublisher& publisher, const HttpLimits& wanted,
       ProxyConfig believed)
      : limits(wanted),
        proxies(std::move(believed)),
        tls(tls_store),
        clients(connection_limits(wanted)),
        doors_open(static_cast<std::ptrdiff_t>(listen.size() + tls_listen.size())) {
    for (std::size_t i = 0; i < limits.threads; ++i) {
      threads.push_back(std::make_unique<HttpThread>(publisher));
    }
    for (const Endpoint& endpoint : listen) add_door(endpoint, false);
    for (const Endpoint& endpoint : tls_listen) add_door(endpoint, true);
  }
  void add_door(const Endpoint& endpoint, bool is_tls) {
    const tcp::endpoint wanted(endpoint.address(), endpoint.port());
    doors.push_back({bind_tcp(threads.front()->context, wanted), is_tls});
  }

  asio::awaitable<void> accept(Door& door);
  asio::awaitable<void> make_room(std::size_t first_thread);
  asio::awaitable<void> watch_certificate();
  void drain();
  std::vector<Endpoint> endpoints(bool is_tls) const;

  const HttpLimits limits;
  const ProxyConfig proxies;
  TlsStore* const tls;
  const Routes* routes = nullptr;
  TcpClients clients;
  HttpCounters counters;
  LogLimiter shortage_log{1};
  LogLimiter proxy_log;
  std::vector<std::unique_ptr<HttpThread>> threads;
  std::vector<Door> doors;
  std::optional<asio::steady_timer> certificate_timer;  // of the first thread
  std::size_t next_thread = 0;
  std::vector<WorkGuard> guards;
  std::vector<std::thread> running;
  std::latch doors_open;
  bool drained = false;
};

/// Never ends before the acceptor is closed.
asio::awaitable<void> Listener::Impl::accept(Door& door) {
  struct CountDown {
    std::latch& latch;
    ~CountDown() { latch.count_down(); }
  };
  const CountDown ended{doors_open};
  while (door.acceptor.is_open()) {
    const std::size_t index = next_thread++ % threads.size();
    HttpThread& thread = *threads[index];
    auto [error, socket] = co_await door.acceptor.async_accept(AS_TUPLE);
    if (error && is_shortage(error)) {
      std::uint64_t suppressed = 0;
      if (shortage_log.allow(suppressed)) {
        spdlog::error("cannot accept HTTP connections: {}; trying again", error.message());
      }
      asio::steady_timer pause(door.acceptor.get_executor(), ACCEPT_PAUSE);
      co_await pause.async_wait(AS_TUPLE);
    }
    if (error) continue;  // or the peer is gone already
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) continue;
    const tcp::endpoint local = socket.local_endpoint(error);
    if (error) continue;
    const TcpClients::Key key = TcpClients::key_of(remote.address());
    const bool is_proxy = proxies.is_on() && proxies.trusts(remote.address());
    if (proxies.protocol && !is_proxy) {  // whoever passes by the proxy could claim to be anybody
      counters.refused.fetch_add(1, std::memory_order_relaxed);
      warn(proxy_log, [&] {
        return "HTTP connection of " + to_text(Endpoint(remote.address(), remote.port())) +
               " closed: it is none of 'trusted-proxies'";
      });
      continue;
    }
    if (clients.is_full() && (is_proxy || !clients.has_too_many(key))) co_await make_room(index);
    auto slot = is_proxy ? clients.take_for_proxy() : clients.take(key);
    if (!slot) {
      counters.refused.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    counters.accepted.fetch_add(1, std::memory_order_relaxed);
    const HttpShared shared{limits, *routes, clients, counters, proxies, proxy_log};
    auto connection =
        std::make_shared<Connection>(std::move(socket), door.is_tls ? tls->current() : nullptr,
                                     remote, local, thread, shared, std::move(*slot));
    asio::co_spawn(thread.context, Connection::serve(std::move(connection)),
                   CoroutineEnd{"HTTP connection"});
  }
}

/// Each thread knows the order of its own connections only; since they are given out in turn, its
/// idlest one is among the idlest of all.
asio::awaitable<void> Listener::Impl::make_room(std::size_t first_thread) {
  for (std::size_t i = 0; i < threads.size(); ++i) {
    HttpThread& thread = *threads[(first_thread + i) % threads.size()];
    const bool closed =
        co_await asio::co_spawn(thread.context, close_idlest(thread), asio::use_awaitable);
    if (closed) co_return;
  }
}

asio::awaitable<void> Listener::Impl::watch_certificate() {
  while (doors.front().acceptor.is_open()) {
    certificate_timer->expires_after(CERTIFICATE_PERIOD);
    co_await certificate_timer->async_wait(AS_TUPLE);
    if (doors.front().acceptor.is_open()) tls->reload_if_changed();
  }
}

void Listener::Impl::drain() {
  if (running.empty() || drained) return;
  drained = true;
  asio::post(threads.front()->context, [this] {
    for (Door& door : doors) {
      error_code ignored;
      door.acceptor.close(ignored);
    }
    if (certificate_timer) certificate_timer->cancel();
  });
  doors_open.wait();  // so that no connection comes to a thread any more
  for (const auto& thread : threads) {
    asio::post(thread->context, [&thread = *thread] {
      thread.draining = true;
      for (auto at = thread.connections.begin(); at != thread.connections.end();) {
        Connection* const connection = *at++;  // which may take itself out of the list
        connection->drain();
      }
    });
  }
}

std::vector<Endpoint> Listener::Impl::endpoints(bool is_tls) const {
  std::vector<Endpoint> bound;
  for (const Door& door : doors) {
    if (door.is_tls != is_tls) continue;
    const tcp::endpoint endpoint = door.acceptor.local_endpoint();
    bound.emplace_back(endpoint.address(), endpoint.port());
  }
  return bound;
}

Listener::Listener(const std::vector<Endpoint>& listen, const std::vector<Endpoint>& tls_listen,
                   TlsStore* tls, StatePublisher& publisher, const HttpLimits& limits,
                   ProxyConfig proxies)
    : impl_(
          std::make_unique<Impl>(listen, tls_listen, tls, publisher, limits, std::move(proxies))) {}

Listener::~Listener() { stop(); }

std::vector<Endpoint> Listener::endpoints() const { return impl_->endpoints(false); }

std::vector<Endpoint> Listener::tls_endpoints() const { return impl_->endpoints(true); }

void Listener::start(const Routes& routes) {
  impl_->routes = &routes;
  for (Door& door : impl_->doors) listen_tcp(door.acceptor);
  for (Door& door : impl_->doors) {
    asio::co_spawn(door.acceptor.get_executor(), impl_->accept(door),
                   CoroutineEnd{"HTTP listener"});
  }
  if (impl_->tls) {
    asio::io_context& context = impl_->threads.front()->context;
    impl_->certificate_timer.emplace(context);
    asio::co_spawn(context, impl_->watch_certificate(), CoroutineEnd{"certificate watch"});
  }
  for (const auto& thread : impl_->threads) {
    impl_->guards.emplace_back(thread->context.get_executor());
    impl_->running.emplace_back([&context = thread->context] { run_thread(context); });
  }
}

void Listener::check_certificate() {
  if (!impl_->tls || impl_->running.empty()) return;
  asio::post(impl_->threads.front()->context, [tls = impl_->tls] { tls->reload_if_changed(); });
}

void Listener::drain() { impl_->drain(); }

void Listener::stop() {
  impl_->drain();
  for (const auto& thread : impl_->threads) {
    if (impl_->running.empty()) break;
    asio::post(thread->context, [&thread = *thread] {
      for (auto at = thread.connections.begin(); at != thread.connections.end();) {
        Connection* const connection = *at++;
        connection->close();
      }
      thread.readiness.close();
    });
  }
  impl_->guards.clear();
  for (std::thread& thread : impl_->running) thread.join();
  impl_->running.clear();
}

const HttpCounters& Listener::counters() const { return impl_->counters; }

}  // namespace dnsd::http
