#include "dnsd/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "dnsd/dispatch.h"
#include "dnsd/first_come.h"
#include "dnsd/history_reader.h"
#include "dnsd/http/account.h"
#include "dnsd/http/admin.h"
#include "dnsd/http/dyndns.h"
#include "dnsd/http/listener.h"
#include "dnsd/http/portal.h"
#include "dnsd/log.h"
#include "dnsd/privileges.h"
#include "dnsd/published_times.h"
#include "dnsd/reachability_prober.h"
#include "dnsd/server_zones.h"
#include "dnsd/tcp_listener.h"
#include "dnsd/udp_worker.h"
#include "dnsd/update_grants.h"
#include "dnsd/update_writer.h"
#include "dnsd/upstream.h"
#include "zones/counted.h"
#include "zones/loader.h"
#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Room for every connection: the usual soft limit of 1024 files is for programs that use select().
void raise_file_limit(std::size_t connections) {
  constexpr std::size_t OTHER_FILES = 512;  // sockets of workers, the store, the log
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < connections + OTHER_FILES) {
    spdlog::warn("the limit of open files is {}: too few for max-connections = {}", limit.rlim_max,
                 connections);
  }
}

// Of [admin]: for programs that ask now and then.
const http::HttpLimits ADMIN_LIMITS{
    .max_body_octets = 0, .max_connections = 100, .max_connections_per_client = 100};

/// False for a host that somebody may have published in a served zone: a path there is that host's.
bool is_own_host(const Config& config, std::string_view host) {
  const auto name = zones::Name::from_text(host);
  if (!name || name->is_root() || keys::address_from_text(host)) return true;
  return std::ranges::find(config.portal.names, *name) != config.portal.names.end() ||
         std::ranges::none_of(config.zones, [&](const ZoneConfig& zone) {
           return name->is_at_or_below(zone.name.view());
         });
}

/// True for a name that the update's key may change, by a grant or as the first that claimed it.
bool is_own_name(const State& state, const UpdateJob& job, zones::NameView name) {
  if (is_first_come(state.catalogue, *state.policy, job)) {
    return name.is_at_or_below(job.key.view());
  }
  const auto zone = state.catalogue.enclosing(name);
  const keys::Requester requester{job.key.view(), job.source, job.source_proven};
  return zone && may_change(*state.policy, zone->apex(), requester, name);
}

bool takes_free_port(const std::vector<Endpoint>& listen) {
  return std::ranges::any_of(listen, [](const Endpoint& endpoint) { return endpoint.port() == 0; });
}

}  // namespace

struct Server::Impl {
  explicit Impl(Config started) : config(std::move(started)) {}
  ~Impl() { stop(); }

  void load_zones();
  void bind();
  void bind_http();
  void reload_http();
  void start_threads();
  void start_admin();
  void stop();

  std::shared_ptr<const Policy> new_policy(const Config& wanted) {
    auto policy = make_policy(wanted, {limiter, prober ? prober->table() : nullptr});
    limiter = policy->rate_limit;
    return policy;
  }
  std::size_t worker_count() const {
    return config.workers != 0 ? config.workers
                               : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  }

  Config config;  // as started with, but the keys
  std::vector<Endpoint> endpoints;
  std::unique_ptr<zones::Store> store;               // until the writer takes it
  std::unique_ptr<zones::CatalogueBuilder> builder;  // likewise
  zones::Loaded loaded;                              // likewise
  std::unique_ptr<LeaseTable> leases;                // likewise
  std::unique_ptr<StatePublisher> publisher;
  std::unique_ptr<Upstreams> upstreams;        // null: none are configured
  std::unique_ptr<ReachabilityProber> prober;  // null: nothing is tried
  std::shared_ptr<ResponseLimiter> limiter;    // of the newest policy
  std::unique_ptr<UpdateWriter> writer;
  std::unique_ptr<Dispatcher> dispatcher;
  std::unique_ptr<TcpListener> tcp;
  std::vector<std::unique_ptr<UdpWorker>> udp;
  std::unique_ptr<http::TlsStore> tls;
  std::unique_ptr<http::Listener> http;
  std::unique_ptr<http::Portal> portal;
  http::Routes routes;  // of `http`
  http::LoginGate gate;
  std::unique_ptr<http::DynDnsHandler> dyndns;
  std::unique_ptr<PublishedTimes> times;
  std::unique_ptr<HistoryReader> history;
  std::unique_ptr<http::AccountHandler> account;
  std::unique_ptr<http::AdminHandler> admin_handler;
  http::Routes admin_routes;
  std::unique_ptr<http::Listener> admin;
  bool running = false;
};

void Server::Impl::load_zones() {
  const auto begin = std::chrono::steady_clock::now();
  store = std::make_unique<zones::SqliteStore>(config.store_path);
  builder = std::make_unique<zones::CatalogueBuilder>();
  leases = std::make_unique<LeaseTable>();
  loaded = zones::load(*store, *builder, leases.get());
  leases->commit();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (const std::size_t stored = builder->working().size(); stored > 0) {
    spdlog::info("loaded {}, {}, {}, {} of the journal replayed, in {:.2f} s",
                 zones::counted(stored, "zone"), zones::counted(loaded.names, "name"),
                 zones::counted(leases->lease_count(), "lease"),
                 zones::counted(loaded.batches, "batch"), took.count());
  }
  import_zones(*store, *builder, config.zones);
  rest_zones(*store, *builder, loaded, *leases, config.zones);
  State first;
  first.catalogue = builder->freeze();
  first.version = builder->version();
  first.policy = new_policy(config);
  config.keyring = {};  // lest it stays after a reload
  publisher = std::make_unique<StatePublisher>(std::move(first));
}

/// TCP first: without SO_REUSEPORT it notices another server on the port.
void Server::Impl::bind() {
  constexpr int TRIES = 20;  // a free TCP port may be taken in UDP
  for (int attempt = 1;; ++attempt) {
    std::vector<boost::asio::ip::tcp::endpoint> wanted;
    for (const Endpoint& endpoint : config.listen) {
      wanted.emplace_back(endpoint.address(), endpoint.port());
    }
    tcp = std::make_unique<TcpListener>(wanted, *publisher, config.tcp);
    endpoints.clear();
    for (const auto& bound : tcp->endpoints())
      endpoints.emplace_back(bound.address(), bound.port());
    udp.clear();
    try {
      for (std::size_t i = 0; i < worker_count(); ++i) {
        udp.push_back(std::make_unique<UdpWorker>(
            endpoints, *publisher,
            [this](const State& state, std::span<const std::uint8_t> octets,
                   const zones::Glimpse& glimpse, const Peer& peer, std::span<std::uint8_t> out,
                   const std::function<SendLater()>& send_later) {
              return dispatcher->handle(state, octets, peer, out, send_later, nullptr, nullptr,
                                        glimpse);
            }));
      }
      return;
    } catch (const std::system_error&) {
      if (!takes_free_port(config.listen) || attempt == TRIES) throw;
    }
  }
}

/// The certificate is loaded as the user who will load it again.
void Server::Impl::bind_http() {
  if (!config.admin_listen.empty()) {
    admin = std::make_unique<http::Listener>(config.admin_listen, std::vector<Endpoint>{}, nullptr,
                                             *publisher, ADMIN_LIMITS);
  }
  if (!config.http.is_on()) return;
  http = std::make_unique<http::Listener>(config.http.listen, config.http.tls_listen, tls.get(),
                                          *publisher, config.http.limits, config.http.proxies);
  std::set<std::uint16_t> ports = {80,
                                   443};  // where visitors come from, whatever a NAT makes of it
  for (const auto& bound : {http->endpoints(), http->tls_endpoints()}) {
    for (const Endpoint& endpoint : bound) ports.insert(endpoint.port());
  }
  const auto page = http::PageTemplate::load(config.http.page_template);
  if (!page) throw StartError(page.error());
  portal = std::make_unique<http::Portal>(config.http.redirect, *page, std::move(ports));
  routes.set_fallback(*portal);
}

/// What of it lies in files of its own.
void Server::Impl::reload_http() {
  http->check_certificate();
  const auto page = http::PageTemplate::load(config.http.page_template);
  if (page) {
    portal->set_page(*page);
  } else {
    spdlog::error("the portal's page is as before: {}", page.error());
  }
}

void Server::Impl::start_threads() {
  UpdateWriter::OnCommit on_commit;
  if (std::ranges::any_of(config.zones, [](const auto& zone) { return !zone.upstreams.empty(); })) {
    upstreams = std::make_unique<Upstreams>(config.zones, config.store_path, *publisher);
    on_commit = [this](zones::Lsn lsn) { upstreams->committed(lsn); };
  }
  UpdateWriter::OnAccepted on_accepted;
  if (prober) {
    prober->start();
    on_accepted = [this](const State& state, const UpdateJob& job,
                         std::span<const zones::Name> touched) {
      const std::function<bool(zones::NameView)> own = [&](zones::NameView target) {
        return is_own_name(state, job, target);
      };
      prober->consider({.catalogue = state.catalogue,
                        .rules = state.policy->reachability_rules,
                        .message = job.message,
                        .touched = touched,
                        .source = job.source,
                        .source_proven = job.source_proven,
                        .may_change = own});
    };
  }
  writer = std::make_unique<UpdateWriter>(std::move(store), std::move(builder), *publisher,
                                          std::move(loaded), config.update, now, std::move(leases),
                                          std::move(on_commit), std::move(on_accepted));
  if (upstreams) upstreams->start();
  dispatcher = std::make_unique<Dispatcher>(*writer, now, config.tcp.max_transfers, config.sig0);
  tcp->start(*dispatcher);
  for (const auto& worker : udp) worker->start();
  const auto is_ours = [this](const http::Request& request) {
    return is_own_host(config, request.host);
  };
  if (http && config.http.dyndns) {
    dyndns = std::make_unique<http::DynDnsHandler>(*writer, gate, now, config.http.dyndns_plain);
    dyndns->add_to(routes, is_ours);
  }
  if (http && config.http.account) {
    history = std::make_unique<HistoryReader>(config.store_path);
    account = std::make_unique<http::AccountHandler>(*writer, *history, gate, now);
    account->add_to(routes, is_ours);
  }
  if (http) {
    times = std::make_unique<PublishedTimes>(config.store_path);
    portal->set_times(*times);
    http->start(routes);
  }
  if (admin) start_admin();
  running = true;
}

void Server::Impl::start_admin() {
  MetricsSources sources{.tcp = &tcp->counters(),
                         .dispatch = &dispatcher->counters(),
                         .http = http ? &http->counters() : nullptr,
                         .dyndns = dyndns ? &dyndns->counters() : nullptr,
                         .writer = [this] { return writer->status(); },
                         .upstreams = {},
                         .reachability = prober ? &prober->counters() : nullptr,
                         .version = DNSD_VERSION,
                         .started_at = now()};
  if (upstreams) sources.upstreams = [this] { return upstreams->status(); };
  for (const auto& worker : udp) sources.udp.push_back(&worker->counters());
  admin_handler = std::make_unique<http::AdminHandler>(std::move(sources));
  admin_handler->add_to(admin_routes);
  admin->start(admin_routes);
}

void Server::Impl::stop() {
  const bool was_running = std::exchange(running, false);
  if (was_running) {
    sd_notify(0, "STOPPING=1\nSTATUS=stopping");
    spdlog::info("stopping");
  }
  // No more requests; then what waits is decided, and its answers go out over sockets that are
  // still there.
  for (const auto& worker : udp) worker->stop();
  if (http) http->drain();
  if (tcp) tcp->drain();
  if (dispatcher) dispatcher->stop();
  if (writer) writer->stop();
  if (prober) prober->stop();
  if (times) times->stop();
  if (history) history->stop();
  if (upstreams) upstreams->stop();
  if (http) http->stop();
  if (admin) admin->stop();
  if (tcp) tcp->stop();
  if (was_running) spdlog::info("stopped");
}

Server::Server(Config config, const std::function<void()>& before_threads)
    : impl_(std::make_unique<Impl>(std::move(config))) {
  Impl& impl = *impl_;
  Privileges privileges(impl.config.user);
  if (privileges.stays_root()) {
    spdlog::warn("running as root; set 'user' to give that up once the ports are bound");
  }
  raise_file_limit(impl.config.tcp.max_connections +
                   (impl.config.http.is_on() ? impl.config.http.limits.max_connections : 0) +
                   (impl.config.reachability.enabled ? ProberLimits{}.in_flight : 0));
  try {
    if (impl.config.reachability.enabled) impl.prober = std::make_unique<ReachabilityProber>();
    privileges.become_user();
    impl.load_zones();
    if (!impl.config.http.tls_listen.empty()) {
      impl.tls = std::make_unique<http::TlsStore>(impl.config.http.tls);
    }
    privileges.regain();
    impl.bind();
    impl.bind_http();
    privileges.drop();
    if (before_threads) before_threads();
    impl.start_threads();
  } catch (const zones::StoreError& error) {
    throw StartError(error.what());
  } catch (const std::system_error& error) {
    throw StartError(error.what());
  } catch (const std::bad_alloc&) {
    throw StartError("out of memory");
  } catch (const StartError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw StartError(error.what());
  }
  if (impl.http) {
    for (const Endpoint& endpoint : impl.http->endpoints()) {
      spdlog::info("listening on {} (HTTP)", to_text(endpoint));
    }
    for (const Endpoint& endpoint : impl.http->tls_endpoints()) {
      spdlog::info("listening on {} (HTTPS)", to_text(endpoint));
    }
  }
  if (impl.admin) {
    for (const Endpoint& endpoint : impl.admin->endpoints()) {
      spdlog::info("listening on {} (metrics)", to_text(endpoint));
    }
  }
  std::string listening;
  for (const Endpoint& endpoint : impl.endpoints) listening += " " + to_text(endpoint);
  sd_notify(0, ("READY=1\nSTATUS=listening on" + listening).c_str());
  spdlog::info("ready: listening on{} (UDP and TCP), {}, {}", listening,
               zones::counted(impl.config.zones.size(), "zone"),
               zones::counted(impl.udp.size(), "query thread"));
}

Server::~Server() = default;

const std::vector<Endpoint>& Server::endpoints() const { return impl_->endpoints; }

void Server::reload(const Config& config) {
  sd_notify(0, "RELOADING=1");
  for (const std::string& field : needs_restart(impl_->config, config)) {
    spdlog::warn("reload: the change of {} needs a restart", field);
  }
  set_log_level(config.log_level);
  if (impl_->http) impl_->reload_http();
  impl_->writer->set_policy(impl_->new_policy(config));
  if (impl_->upstreams) impl_->upstreams->retry_now();  // a key may be right now
  spdlog::info("reloaded {}: {}, {}", config.file.string(),
               zones::counted(config.keyring.size(), "key"),
               zones::counted(config.zones.size(), "zone"));
  sd_notify(0, "READY=1");
}

void Server::stop() { impl_->stop(); }

}  // namespace dnsd
