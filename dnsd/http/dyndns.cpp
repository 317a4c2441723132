#include "dnsd/http/dyndns.h"

#include <sodium.h>

#include <memory>
#include <utility>

#include "dnsd/endpoint.h"

namespace dnsd::http {
namespace {

constexpr std::string_view CHECKIP = "/checkip";

keys::Address to_address(const boost::asio::ip::address& address) {
  const auto v6 = address.is_v6() ? address.to_v6()
                                  : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped,
                                                                     address.to_v4());
  return v6.to_bytes();
}

/// A page of another site must not update with a login that the browser remembers.
bool is_from_other_site(const Request& request) {
  const auto site = request.field("Sec-Fetch-Site");
  return site && !iequals(*site, "none") && !iequals(*site, "same-origin");
}

std::string peer_of(const Request& request) {
  return dnsd::to_text(Endpoint(request.peer.address(), request.peer.port()));
}

Response checkip(const keys::Address& address) {
  Response response = Response::text(
      200, "<html><head><title>Current IP Check</title></head><body>Current IP Address: " +
               keys::to_text(address) + "</body></html>\n");
  response.fields.front().second = "text/html; charset=utf-8";
  return response;
}

}  // namespace

/// One request whose hosts are decided one after the other, by the writer's thread or at once.
class DynDnsPending {
 public:
  DynDnsPending(Responder responder, DynDnsCounters& counters, std::size_t hosts,
                std::vector<keys::Address> addresses)
      : responder_(std::move(responder)),
        counters_(counters),
        addresses_(std::move(addresses)),
        words_(hosts, DynDnsWord::E911),
        open_(hosts) {}

  std::span<const keys::Address> addresses() const { return addresses_; }

  /// Each host once, any thread; who decides the last one sends the answer.
  void decide(std::size_t host, DynDnsWord word) {
    words_[host] = word;
    counters_.count(word);
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) send();
  }

 private:
  void send() {
    std::string body;
    bool all_later = true;
    for (const DynDnsWord word : words_) {
      body += dyndns_line(word, addresses_) + "\n";
      all_later = all_later && word == DynDnsWord::E911;
    }
    Response response = Response::text(all_later ? 503 : 200, std::move(body));
    if (all_later) response.fields.emplace_back("Retry-After", "60");
    responder_.send(std::move(response));
  }

  Responder responder_;
  DynDnsCounters& counters_;
  const std::vector<keys::Address> addresses_;
  std::vector<DynDnsWord> words_;
  std::atomic<std::size_t> open_;
};

namespace {

class HostResponder : public dnsd::Responder {
 public:
  HostResponder(std::shared_ptr<DynDnsPending> pending, std::size_t host, bool may_change_host)
      : pending_(std::move(pending)), host_(host), may_change_host_(may_change_host) {}
  ~HostResponder() override {
    if (pending_) pending_->decide(host_, DynDnsWord::E911);  // the server stops
  }
  void reply(const UpdateReply& reply) override {
    std::exchange(pending_, nullptr)->decide(host_, to_word(reply, may_change_host_));
  }

 private:
  std::shared_ptr<DynDnsPending> pending_;
  const std::size_t host_;
  const bool may_change_host_;
};

}  // namespace

DynDnsHandler::DynDnsHandler(UpdateWriter& writer, Clock clock, bool plain)
    : writer_(writer), clock_(std::move(clock)), plain_(plain) {}

void DynDnsHandler::add_to(Routes& routes, const std::function<bool(const Request&)>& takes) {
  for (const char* path : {"/nic/update", "/v3/update", "/checkip"}) routes.add(path, *this, takes);
}

void DynDnsHandler::fail(const Request& request, Responder responder, unsigned status,
                         DynDnsWord word, const char* why) {
  counters_.count(word);
  warn(log_limiter_,
       [&] { return "dyndns2 update from " + peer_of(request) + " refused: " + why; });
  Response response = Response::text(status, std::string(to_text(word)) + "\n");
  if (status == 401) {
    response.fields.emplace_back("WWW-Authenticate", "Basic realm=\"dyndns\", charset=\"UTF-8\"");
  }
  if (status == 405) response.fields.emplace_back("Allow", "GET");
  if (status == 503) response.fields.emplace_back("Retry-After", "60");
  responder.send(std::move(response));
}

void DynDnsHandler::handle(const Request& request, const State& state, Responder responder) {
  const keys::Address source = to_address(request.peer.address());
  if (request.path == CHECKIP) {
    responder.send(checkip(source));
    return;
  }
  if (request.method != "GET") {
    return fail(request, std::move(responder), 405, DynDnsWord::BADAGENT, "its method is not GET");
  }
  if (!request.is_tls && !plain_) {
    return fail(request, std::move(responder), 403, DynDnsWord::BADAUTH,
                "it came without TLS ('dyndns-plain' in [http]); its password was readable on the "
                "way");
  }
  if (is_from_other_site(request)) {
    return fail(request, std::move(responder), 403, DynDnsWord::BADAGENT,
                "a page of another site made a browser send it");
  }
  const auto authorization = request.field("Authorization");
  const keys::TsigKey* const key =
      authorization ? find_login(state.policy->keyring, *authorization) : nullptr;
  if (!key) {
    if (authorization && !failures_.of(source).take(std::chrono::steady_clock::now())) {
      return fail(request, std::move(responder), 503, DynDnsWord::E911,
                  "too many logins fail from there");
    }
    return fail(request, std::move(responder), 401, DynDnsWord::BADAUTH,
                authorization ? "user and password are not a key's name and its secret in base64, "
                                "of 16 octets or more"
                              : "no login");
  }
  update(request, *key, state, std::move(responder));
}

void DynDnsHandler::update(const Request& request, const keys::TsigKey& key, const State& state,
                           Responder responder) {
  auto asked = parse_dyndns_request(request.query);
  if (!asked) {
    return fail(request, std::move(responder), 200, to_word(asked.error()),
                "hostname, myip, service or port are not as they should be");
  }
  std::vector<keys::Address> addresses = asked->addresses;
  if (asked->offline) {
    addresses.clear();
  } else if (addresses.empty()) {
    addresses.push_back(to_address(request.peer.address()));
  }
  const auto pending = std::make_shared<DynDnsPending>(std::move(responder), counters_,
                                                       asked->hosts.size(), std::move(addresses));
  for (std::size_t index = 0; index < asked->hosts.size(); ++index) {
    const auto& host = asked->hosts[index];
    if (!host) {
      pending->decide(index, DynDnsWord::NOTFQDN);
      continue;
    }
    if (const auto word = submit(request, key, state, *asked, pending, index)) {
      pending->decide(index, *word);
    }
  }
}

// Empty: the writer decides it.
std::optional<DynDnsWord> DynDnsHandler::submit(const Request& request, const keys::TsigKey& key,
                                                const State& state, const DynDnsRequest& asked,
                                                const std::shared_ptr<DynDnsPending>& pending,
                                                std::size_t index) {
  const zones::Name& host = *asked.hosts[index];
  const keys::Requester requester{key.name.view(), to_address(request.peer.address()), true};
  const auto zone = state.catalogue.enclosing(host.view());
  const keys::ZoneGrants* const grants = zone ? state.policy->grants_of(zone->apex()) : nullptr;
  // The writer judges each record; a key without any grant does not come that far.
  if (!grants || !grants->may_update(key.name)) {
    warn(log_limiter_, [&] {
      return "dyndns2 update of " + host.to_text() + " from " + peer_of(request) + " by key " +
             key.name.to_text() + " refused: no grant lets it";
    });
    return DynDnsWord::NOHOST;
  }
  UpdateJob job;
  job.message = dyndns_update(zone->apex(), host, asked, pending->addresses());
  if (job.message.question.empty()) return DynDnsWord::NOTFQDN;
  const bool may_change_host =
      grants
          ->judge(requester,
                  {.owner = host.view(), .type = zones::Type::ANY, .rdata = {}, .adds = false},
                  state.policy->portal)
          .allowed;
  job.key = key.name;
  job.source_proven = true;
  // Nothing is signed, so no two requests are the same message.
  randombytes_buf(job.digest.data(), job.digest.size());
  job.source = requester.source;
  job.source_port = request.peer.port();
  job.signed_at = clock_();
  job.responder = std::make_unique<HostResponder>(pending, index, may_change_host);
  if (!writer_.submit(job)) {
    job.responder->reply({.rcode = zones::Rcode::SERVFAIL, .granted = {}, .reason = {}});
  }
  return std::nullopt;
}

}  // namespace dnsd::http
