#include "dnsd/reachability_prober.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <new>
#include <thread>
#include <utility>

#include "dnsd/endpoint.h"
#include "dnsd/published_endpoints.h"
#include "dnsd/source_budget.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using zones::Reachability;
using zones::TransportEndpoint;

// How many of one address may come at once.
constexpr std::uint32_t ADDRESS_BURST = 8;
constexpr std::chrono::nanoseconds MINUTE = std::chrono::minutes(1);

tcp::endpoint to_asio(const TransportEndpoint& endpoint) {
  return {unmapped(asio::ip::address_v6(endpoint.address)), endpoint.port};
}

std::string to_text(const TransportEndpoint& endpoint) {
  return dnsd::to_text(Endpoint(to_asio(endpoint).address(), endpoint.port));
}

}  // namespace

struct ReachabilityProber::Impl {
  explicit Impl(const ProberLimits& limits_in) : limits(limits_in) {}

  /// One endpoint that is being tried. Kept by its handlers.
  struct Try {
    Try(asio::io_context& context, const TransportEndpoint& endpoint_in)
        : endpoint(endpoint_in), socket(context), timer(context) {}
    const TransportEndpoint endpoint;
    tcp::socket socket;
    asio::steady_timer timer;
    bool decided = false;
  };

  // --- the writer's thread ---
  void consider(const PublishedEndpoint& published, const AcceptedUpdate& update);
  bool take_budgets(const TransportEndpoint& endpoint, const ReachabilityRules& rules);

  // --- the prober's ---
  void begin(const TransportEndpoint& endpoint);
  void connect(const TransportEndpoint& endpoint);
  void connected(Try& attempt);
  void decide(Try& attempt, Reachability state, const char* what);
  void note(const TransportEndpoint& endpoint, Reachability state, const char* what);

  const ProberLimits limits;
  std::shared_ptr<ReachabilityTable> table = std::make_shared<ReachabilityTable>();
  ProberCounters counters;
  SourceBuckets address_buckets;
  Bucket total_bucket;
  std::atomic<std::size_t> unfinished{0};  // posted, waiting or in flight

  asio::io_context context{1};
  std::deque<TransportEndpoint> waiting;
  std::size_t in_flight = 0;
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

void ReachabilityProber::Impl::consider(const PublishedEndpoint& published,
                                        const AcceptedUpdate& update) {
  // Nor is what is known of another's host for this key to change.
  if (!update.may_change(published.target)) {
    ++counters.skipped_by_rule;
    return;
  }
  const TransportEndpoint& endpoint = published.endpoint;
  const bool is_new = published.is_new;
  const auto now = std::chrono::steady_clock::now();
  const auto known = table->find(endpoint, now);
  const bool is_known = known.state != Reachability::UNKNOWN;
  if (known.state == Reachability::TRYING && known.age <= 2 * limits.timeout) return;
  if (is_known && !is_new && known.age < limits.again) return;
  const bool is_permitted = update.rules.permit(endpoint, update.source, update.source_proven);
  if (!is_permitted || !take_budgets(endpoint, update.rules)) {
    ++(is_permitted ? counters.skipped_by_limit : counters.skipped_by_rule);
    // Somebody else's may be what was tried before.
    table->set(endpoint, Reachability::UNKNOWN, now);
    return;
  }
  table->set(endpoint, Reachability::TRYING, now);
  unfinished.fetch_add(1, std::memory_order_relaxed);
  try {
    asio::post(context, [this, endpoint] { begin(endpoint); });
  } catch (...) {
    unfinished.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

bool ReachabilityProber::Impl::take_budgets(const TransportEndpoint& endpoint,
                                            const ReachabilityRules& rules) {
  if (unfinished.load(std::memory_order_relaxed) >= limits.in_flight + limits.queue) return false;
  const auto now = std::chrono::steady_clock::now();
  const std::int64_t interval = (MINUTE / std::max<std::uint32_t>(rules.address_rate, 1)).count();
  // The address's first: one that floods takes nothing from the others.
  return address_buckets.of(endpoint.address).take(interval, now, interval * ADDRESS_BURST) &&
         total_bucket.take(Budget::interval_of(rules.rate), now);
}

void ReachabilityProber::Impl::begin(const TransportEndpoint& endpoint) {
  if (in_flight == limits.in_flight) {
    waiting.push_back(endpoint);
  } else {
    connect(endpoint);
  }
}

// connect() by hand: Asio does not tell whether an error came at once, which then is the server's
// own (no route), or from the network.
void ReachabilityProber::Impl::connect(const TransportEndpoint& endpoint) {
  ++counters.tried;
  const tcp::endpoint peer = to_asio(endpoint);
  const auto attempt = std::make_shared<Try>(context, endpoint);
  ++in_flight;
  error_code failed;
  attempt->socket.open(peer.protocol(), failed);
  if (!failed) attempt->socket.non_blocking(true, failed);
  if (failed) return decide(*attempt, Reachability::UNKNOWN, failed.message().c_str());
  if (::connect(attempt->socket.native_handle(), peer.data(),
                static_cast<socklen_t>(peer.size())) == 0) {
    return decide(*attempt, Reachability::ANSWERED, "answered");
  }
  if (errno == ECONNREFUSED) return decide(*attempt, Reachability::REFUSED, "refused");  // loopback
  if (errno != EINPROGRESS) {
    const error_code own(errno, boost::system::system_category());
    return decide(*attempt, Reachability::UNKNOWN, own.message().c_str());
  }
  try {
    attempt->timer.expires_after(limits.timeout);
    attempt->timer.async_wait([this, attempt](error_code cancelled) {
      if (!cancelled) decide(*attempt, Reachability::SILENT, "silent");
    });
    attempt->socket.async_wait(tcp::socket::wait_write, [this, attempt](error_code cancelled) {
      if (!cancelled) connected(*attempt);
    });
  } catch (const std::bad_alloc&) {
    decide(*attempt, Reachability::UNKNOWN, "not tried: no memory");
  }
}

void ReachabilityProber::Impl::connected(Try& attempt) {
  int code = 0;
  socklen_t size = sizeof(code);
  if (getsockopt(attempt.socket.native_handle(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) {
    code = errno;
  }
  if (code == 0) return decide(attempt, Reachability::ANSWERED, "answered");
  if (code == ETIMEDOUT) return decide(attempt, Reachability::SILENT, "silent");
  const error_code why(code, boost::system::system_category());
  decide(attempt, Reachability::REFUSED,
         code == ECONNREFUSED ? "refused" : ("refused: " + why.message()).c_str());
}

void ReachabilityProber::Impl::decide(Try& attempt, Reachability state, const char* what) {
  if (std::exchange(attempt.decided, true)) return;
  note(attempt.endpoint, state, what);
  error_code ignored;
  attempt.timer.cancel();
  attempt.socket.close(ignored);
  --in_flight;
  unfinished.fetch_sub(1, std::memory_order_relaxed);
  if (waiting.empty()) return;
  const TransportEndpoint next = waiting.front();
  waiting.pop_front();
  // Not from here: one that fails at once would call this again.
  asio::post(context, [this, next] { begin(next); });
}

void ReachabilityProber::Impl::note(const TransportEndpoint& endpoint, Reachability state,
                                    const char* what) {
  // Counted before it can be seen.
  switch (state) {
    case Reachability::ANSWERED:
      ++counters.answered;
      break;
    case Reachability::REFUSED:
      ++counters.refused;
      break;
    case Reachability::SILENT:
      ++counters.silent;
      break;
    case Reachability::UNKNOWN:
    case Reachability::TRYING:
      ++counters.failed;
      break;
  }
  table->set(endpoint, state, std::chrono::steady_clock::now());
  spdlog::debug("reachability: {} {}", to_text(endpoint), what);
}

ReachabilityProber::ReachabilityProber(const ProberLimits& limits)
    : impl_(std::make_unique<Impl>(limits)) {}

void ReachabilityProber::start() {
  Impl* const impl = impl_.get();
  impl->thread = std::thread([impl] {
    pthread_setname_np(pthread_self(), "dnsd-reach");
    for (;;) {
      try {
        impl->context.run();
        return;
      } catch (const std::exception& error) {  // no memory left
        spdlog::error("reachability: {}", error.what());
      }
    }
  });
}

ReachabilityProber::~ReachabilityProber() { stop(); }

void ReachabilityProber::consider(const AcceptedUpdate& update) noexcept {
  try {
    for (const auto& published :
         published_endpoints(update.catalogue, update.message, update.touched)) {
      impl_->consider(published, update);
    }
  } catch (const std::exception& error) {  // no memory left
    spdlog::error("reachability: {}", error.what());
  }
}

void ReachabilityProber::stop() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::shared_ptr<const ReachabilityTable> ReachabilityProber::table() const { return impl_->table; }

const ProberCounters& ReachabilityProber::counters() const { return impl_->counters; }

}  // namespace dnsd
