#include "tools/pcp-ddns/agent.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <tuple>
#include <utility>

#include "tools/pcp-ddns/agent_secret.h"
#include "tools/pcp-ddns/log.h"

namespace pcp_ddns {
namespace {

using boost::system::error_code;

constexpr std::chrono::seconds CONNECT_RETRY{5};
constexpr int SILENT_TRIES = 3;           // after them the next server is asked (RFC 7488 §2) …
constexpr int GUESSED_TRIES = 2;          // … that a router may be, or not …
constexpr int UPNP_TRIES = 4;             // … and for which a search may take long
constexpr std::chrono::minutes REST{10};  // when nothing gives mappings, before all is tried again
constexpr std::chrono::seconds UPNP_PROBE{60};  // UPnP announces nothing
constexpr std::chrono::seconds WITHDRAW_TIME{5};
constexpr std::chrono::seconds UNMAP_TIME{4};  // what is lost is sent again after three

Time now() { return std::chrono::steady_clock::now(); }

Random make_random() {
  return [generator = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(generator);
  };
}

const char* protocol_name(std::uint8_t protocol) { return protocol == 17 ? "udp" : "tcp"; }

/// Of those that a mapping has from before none is left (RFC 6887 §13.3).
void add_filters(const std::vector<Filter>& filters, bool ipv4, std::vector<Option>& options) {
  const auto fits = [&](const Filter& filter) { return keys::is_ipv4(filter.peer) == ipv4; };
  if (filters.empty()) return;
  options.push_back(filter_option({}));
  // Where none fits, nobody may come in: the server refuses those of the other family.
  const bool any = std::ranges::any_of(filters, fits);
  for (const Filter& filter : filters) {
    if (!any || fits(filter)) options.push_back(filter_option(filter));
  }
}

std::string seconds_text(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()) + " s";
}

}  // namespace

Agent::Agent(Config config, StateFile& file, State state)
    : config_(std::move(config)),
      file_(file),
      state_(std::move(state)),
      signals_(context_),
      connect_timer_(context_),
      work_timer_(context_),
      probe_timer_(context_),
      settle_timer_(context_),
      upnp_(context_),
      announce_socket_(context_),
      network_(context_),
      status_socket_(context_),
      random_(make_random()),
      port_rules_(random_) {
  std::map<std::tuple<std::uint8_t, std::uint16_t, Address>, std::size_t> indices;
  for (const ServiceConfig& service : config_.services) {
    const auto [at, added] = indices.emplace(
        std::tuple(service.protocol, service.port, service.internal), mapped_.size());
    if (added) {
      Mapped mapped;
      mapped.protocol = service.protocol;
      mapped.port = service.port;
      mapped.internal = service.internal;
      mapped_.push_back(std::move(mapped));
    }
    Mapped& mapped = mapped_[at->second];
    if (mapped.external_port == 0) mapped.external_port = service.external_port;
    mapped.web = mapped.web || service.is_web();
    mapped.equal_ports = mapped.equal_ports || service.equal_ports;
    mapped.prefer_failure = mapped.prefer_failure || service.prefer_failure;
    mapped.port_count = std::max(mapped.port_count, service.port_count);
    mapped.port_parity = mapped.port_parity || service.port_parity;
    if (mapped.description.empty()) mapped.description = service.description;
    mapped.filters.insert(mapped.filters.end(), service.filters.begin(), service.filters.end());
    service_mapping_.push_back(at->second);
  }
  add_port_rules();
  for (const ProviderConfig& provider : config_.providers) {
    providers_.push_back(
        make_provider(context_, provider, random_, state_.published[provider.name], [this] {
          save();
          if (once_) schedule_work();
        }));
  }
}

void Agent::add_port_rules() {
  std::map<std::pair<std::uint16_t, Address>, std::size_t> firsts;
  for (const Mapped& mapped : mapped_) {
    if (mapped.equal_ports) firsts.emplace(std::pair(mapped.port, mapped.internal), 0);
  }
  std::map<std::pair<std::uint16_t, Address>, std::size_t> seen;
  for (std::size_t i = 0; i < mapped_.size(); ++i) {
    Mapped& mapped = mapped_[i];
    const std::pair key(mapped.port, mapped.internal);
    std::optional<std::size_t> twin;
    if (firsts.contains(key)) {
      const auto [at, added] = seen.emplace(key, i);
      if (!added) {
        twin = at->second;
        if (mapped_[*twin].external_port != 0) mapped.external_port = mapped_[*twin].external_port;
        mapped.web = mapped.web || mapped_[*twin].web;
      }
    }
    port_rules_.add(mapped.web && !mapped.prefer_failure, twin);
  }
}

Agent::~Agent() = default;

int Agent::run() {
  if (const std::string mute = status_socket_.open(status_socket_path(file_.path()),
                                                   [this] {
                                                     const Status now_is = status();
                                                     return to_json(now_is) + "\n" +
                                                            to_table(now_is);
                                                   });
      !mute.empty()) {
    spdlog::warn("pcp-ddns status will say nothing: {}", mute);
  }
  begin();
  context_.run();
  return EXIT_SUCCESS;
}

void Agent::begin() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  wait_for_signal();
  spdlog::info("pcp-ddns {}: {} services, {} providers", DNSD_VERSION, config_.services.size(),
               config_.providers.size());
  if (const std::string blind = network_.open([this] { network_changed(); }); !blind.empty()) {
    spdlog::warn("changes of the network are not seen at once: {}", blind);
  }
  connect();
}

void Agent::look_for_ways() {
  surroundings_ = look_around(context_);
  std::vector<Way> ways = list_ways(config_.pcp, surroundings_);
  if (ways != ways_.listed()) ways_.begin(std::move(ways));
}

void Agent::connect() {
  if (stop_by_) return;
  client_.reset();
  gateway_.reset();
  announce_socket_.close();
  connect_timer_.cancel();
  look_for_ways();
  if (ways_.is_empty()) {
    return connect_later("there is no default router, and no [pcp] servers are named");
  }
  const Way& way = ways_.current();
  gateway_ = make_gateway(context_, way, surroundings_, upnp_);
  const std::string failure = gateway_->open([this](std::span<const std::uint8_t> octets) {
    client_->received(octets, now());
    schedule_work();
  });
  if (!failure.empty()) {
    const std::string why = to_text(way) + ": " + failure;
    gateway_.reset();
    ways_.move_on(now(), Duration::zero());
    return connect_later(why);
  }
  connect_failure_.clear();
  unpublishable_.reset();
  spdlog::info("{}, asked from {}", to_text(way), keys::to_text(gateway_->local()));
  if (way.server.address != Address{}) {
    if (const std::string deaf = announce_socket_.open(
            gateway_->local(), [this](std::span<const std::uint8_t> octets,
                                      const PcpServer& from) { announced(octets, from); });
        !deaf.empty()) {
      spdlog::warn("announcements of PCP servers are not heard: port {}: {}", PCP_CLIENT_PORT,
                   deaf);
    }
  }
  client_.emplace(gateway_->local(), random_);
  decide_by_ = now() + config_.pcp.lifetime;
  port_rules_.restart();
  for (Mapped& mapped : mapped_) {
    mapped.decided = false;
    client_->add(
        wish(mapped),
        derive_nonce(*state_.secret, {.server = way.server.address,
                                      .internal = mapped.internal != Address{} ? mapped.internal
                                                                               : gateway_->local(),
                                      .protocol = mapped.protocol,
                                      .internal_port = mapped.port}),
        now());
  }
  probe_later();
  schedule_work();
}

/// A host that has moved needs new mappings (RFC 6887 §11.5).
void Agent::network_changed() {
  if (stop_by_) return;
  if (!client_) return connect();
  const Surroundings around = look_around(context_);
  const std::vector<Way> ways = list_ways(config_.pcp, around);
  // Cut off: mappings and names last as long as they do.
  if (ways.empty()) return;
  const Way& way = ways_.current();
  std::optional<Address> local = gateway_->local();
  if (way.protocol == Protocol::PCP || way.protocol == Protocol::NAT_PMP) {
    local = PcpSocket::local_towards(context_, way.server);
    if (!local) return;
  } else if (around.local_v4 != surroundings_.local_v4 ||
             around.local_v6 != surroundings_.local_v6) {
    local.reset();
  }
  if (ways == ways_.listed() && local == gateway_->local()) return;
  spdlog::info("the network has changed: {} was asked from {}", to_text(way),
               keys::to_text(gateway_->local()));
  connect();
}

bool Agent::leave_useless_way(Time time) {
  const Way& way = ways_.current();
  if (way.protocol == Protocol::PCP && client_->other_version() == 0 &&
      config_.pcp.uses(Protocol::NAT_PMP)) {
    spdlog::info("{} knows NAT-PMP only", to_text(way));
    ways_.use_nat_pmp();
    connect();
    return true;
  }
  const bool guessed = config_.pcp.servers.empty();
  if (client_->has_answered()) ways_.answered();
  const auto is_of_use = [this](const Mapping& mapping) {
    return mapping.external() && may_be_published(mapping.external()->address);
  };
  if (std::ranges::any_of(client_->mappings(), is_of_use)) ways_.worked();
  if (!ways_.may_move_on(time)) return false;
  const int tries = way.protocol == Protocol::UPNP ? UPNP_TRIES
                    : guessed                      ? GUESSED_TRIES
                                                   : SILENT_TRIES;
  const bool silent = client_->is_silent(tries);
  // A server that has given mappings may refuse them for a while.
  const auto is_useless = [&](const Mapping& mapping) {
    return mapping.external() && !is_of_use(mapping);
  };
  const bool useless =
      guessed && !ways_.has_worked() &&
      (client_->is_refused() ||
       (!client_->mappings().empty() && std::ranges::all_of(client_->mappings(), is_useless)));
  if (!silent && !useless) return false;
  spdlog::warn("{} {}; the next is asked", to_text(way),
               silent ? "does not answer" : "gives no mapping that is of use");
  ways_.move_on(time, guessed ? Duration(REST) : Duration::zero());
  connect();
  return true;
}

void Agent::probe_later() {
  std::chrono::seconds interval = config_.pcp.probe_interval;
  if (interval.count() == 0 && ways_.current().protocol == Protocol::UPNP) interval = UPNP_PROBE;
  probe_timer_.cancel();
  if (interval.count() == 0) return;
  probe_timer_.expires_after(interval);
  probe_timer_.async_wait([this](const error_code& error) {
    if (error || stop_by_) return;
    if (!client_) return;
    client_->probe(now());
    schedule_work();
    probe_later();
  });
}

void Agent::connect_later(const std::string& why) {
  if (why != connect_failure_)
    spdlog::warn("{}; tried again every {} s", why, CONNECT_RETRY.count());
  connect_failure_ = why;
  connect_timer_.expires_after(CONNECT_RETRY);
  connect_timer_.async_wait([this](const error_code& error) {
    if (!error) connect();
  });
}

void Agent::announced(std::span<const std::uint8_t> octets, const PcpServer& from) {
  // From the server itself, or from nobody (RFC 6887 §14.1.3).
  if (!client_ || from != ways_.current().server) return;
  spdlog::debug("announcement of {}", to_text(ways_.current()));
  if (gateway_->announced(octets)) client_->lost_state(now());
  schedule_work();
}

MapWish Agent::wish(const Mapped& mapped) const {
  MapWish wish;
  wish.protocol = mapped.protocol;
  wish.internal_port = mapped.port;
  wish.lifetime = config_.pcp.lifetime;
  wish.suggested.port = mapped.external_port != 0 ? mapped.external_port : mapped.port;
  const bool third_party = mapped.internal != Address{};
  if (third_party) wish.options.push_back(third_party_option(mapped.internal));
  if (!mapped.description.empty()) {
    wish.options.push_back(description_option(mapped.description));
  }
  if (mapped.port_count > 1) {
    wish.options.push_back(port_set_option({.size = mapped.port_count,
                                            .first_internal_port = mapped.port,
                                            .parity = mapped.port_parity}));
  }
  wish.strict = mapped.prefer_failure;
  // No address in particular (RFC 6887 §11.1): of the family of the host that is reached, but a
  // host that has no IPv4 lacks just that, and may have a NAT64.
  const bool ipv4 = config_.pcp.external_ipv4.value_or(
      keys::is_ipv4(third_party ? mapped.internal : gateway_->local()) ||
      (!third_party && !surroundings_.local_v4));
  if (ipv4) wish.suggested.address[10] = wish.suggested.address[11] = 0xff;
  add_filters(mapped.filters, ipv4, wish.options);
  const SavedMapping* before = saved(mapped);
  if (before != nullptr && !wish.strict && keys::is_ipv4(before->external.address) == ipv4) {
    wish.suggested = before->external;
  }
  return wish;
}

const SavedMapping* Agent::saved(const Mapped& mapped) const {
  const auto found = std::ranges::find_if(state_.mappings, [&](const SavedMapping& one) {
    return one.protocol == mapped.protocol && one.internal_port == mapped.port &&
           one.internal == mapped.internal;
  });
  return found == state_.mappings.end() ? nullptr : &*found;
}

void Agent::schedule_work() {
  if (std::exchange(work_scheduled_, true)) return;
  boost::asio::post(context_, [this] {
    work_scheduled_ = false;
    work();
  });
}

void Agent::work() {
  const Time time = now();
  if (client_) {
    client_->poll(time, [this](std::span<const std::uint8_t> octets) { gateway_->send(octets); });
    if (!stop_by_) {
      port_rules_.apply(*client_, time);
      for (std::size_t i = 0; i < mapped_.size(); ++i) {
        log_mapping(client_->mappings()[i], mapped_[i]);
        log_port(i);
      }
    }
  }
  if (stop_by_) return continue_stop(time);
  if (!client_) return;
  publish(time);
  if (state_changed_) save();
  if (leave_useless_way(time)) return;
  if (once_ && is_settled()) return context_.stop();
  work_timer_.expires_at(client_->next());
  work_timer_.async_wait([this](const error_code& error) {
    if (!error) schedule_work();
  });
}

void Agent::log_mapping(const Mapping& mapping, Mapped& mapped) {
  if (mapping.external()) mapped.decided = true;
  if (mapping.external() == mapped.logged && mapping.error() == mapped.logged_error &&
      mapping.port_count() == mapped.logged_count) {
    return;
  }
  std::string what =
      std::string(protocol_name(mapped.protocol)) + " port " + std::to_string(mapped.port);
  if (mapped.internal != Address{}) what += " of " + keys::to_text(mapped.internal);
  state_changed_ = state_changed_ || mapping.external().has_value();
  if (mapping.external() &&
      (mapping.external() != mapped.logged || mapping.port_count() != mapped.logged_count)) {
    spdlog::info("{} is mapped to {} for {}", what,
                 to_text(*mapping.external(), mapping.port_count()),
                 seconds_text(mapping.lifetime()));
    if (mapping.port_count() < mapped.port_count) {
      spdlog::warn("{}: {} of {} ports were given{}", what, mapping.port_count(), mapped.port_count,
                   mapping.port_count() == 1
                       ? ": no more are to be had here, or no sets (PORT_SET, RFC 7753) are known"
                       : "");
    }
    const Address& address = mapping.external()->address;
    if (!may_be_published(address) && unpublishable_ != address) {
      unpublishable_ = address;
      spdlog::warn(
          "{} is not a global address, so there is another NAT behind the {}, and nobody can come "
          "in: not published. [pcp] accept-external permits it",
          keys::to_text(address), to_text(ways_.current()));
    }
  } else if (!mapping.external() && mapped.logged) {
    spdlog::warn("{} is not mapped any more: {}", what, mapping.error());
  } else if (!mapping.error().empty()) {
    const std::string again =
        mapping.state() == Mapping::State::REFUSED
            ? "; asked again in " + seconds_text(mapping.refused_until() - now())
            : "";
    spdlog::warn("{}: {}{}", what, mapping.error(), again);
  }
  if (mapping.is_unfiltered() && !std::exchange(mapped.unfiltered_logged, true)) {
    spdlog::warn("{}: {} does not say that it filters, so all may come in", what,
                 to_text(ways_.current()));
  }
  mapped.logged = mapping.external();
  mapped.logged_count = mapping.port_count();
  mapped.logged_error = mapping.error();
}

void Agent::log_port(std::size_t index) {
  Mapped& mapped = mapped_[index];
  const bool given_up = port_rules_.has_given_up(*client_, index);
  if (given_up && !mapped.given_up_logged) {
    const std::uint16_t port = client_->mappings()[index].external()->port;
    spdlog::warn("{} port {} stays at external port {}: {} after {} tries",
                 protocol_name(mapped.protocol), mapped.port, port,
                 mapped.web && is_refused_by_browsers(port)
                     ? "none that browsers go to was to be had"
                     : "one that TCP and UDP both get was not to be had",
                 MAX_PORT_TRIES);
  }
  mapped.given_up_logged = given_up;
}

void Agent::wait_for_signal() {
  signals_.async_wait([this](const error_code& error, int) {
    if (error) return;
    if (stop_by_) return context_.stop();  // twice: at once
    begin_stop();
    wait_for_signal();
  });
}

void Agent::begin_stop() {
  spdlog::info("stopping: withdraws names and mappings");
  stop_by_ = now() + WITHDRAW_TIME;
  connect_timer_.cancel();
  for (const auto& provider : providers_) provider->want({}, {});
  schedule_work();
}

/// First the names, then what they lead to.
void Agent::continue_stop(Time time) {
  const bool clean =
      std::ranges::all_of(providers_, [](const auto& provider) { return provider->is_clean(); });
  if (!unmapping_ && (clean || time >= *stop_by_)) {
    if (!clean) spdlog::warn("not all names could be withdrawn: they end with their leases");
    unmapping_ = true;
    stop_by_ = time + UNMAP_TIME;
    if (client_) client_->remove_all(time);
    return schedule_work();
  }
  if (unmapping_ && (!client_ || client_->is_finished() || time >= *stop_by_)) {
    save();
    spdlog::info("stopped");
    return context_.stop();
  }
  work_timer_.expires_at(std::min(*stop_by_, client_ ? client_->next() : Time::max()));
  work_timer_.async_wait([this](const error_code& error) {
    if (!error) schedule_work();
  });
}

}  // namespace pcp_ddns
