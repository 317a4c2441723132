#include "dnsd/http/dyndns.h"

#include <memory>
#include <utility>

#include "dnsd/http/host_update.h"

namespace dnsd::http {
namespace {

constexpr std::string_view CHECKIP = "/checkip";

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

DynDnsHandler::DynDnsHandler(UpdateWriter& writer, LoginGate& gate, Clock clock, bool plain)
    : writer_(writer), gate_(gate), clock_(std::move(clock)), plain_(plain) {}

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
  if (request.path == CHECKIP) {
    responder.send(checkip(source_of(request)));
    return;
  }
  if (request.method != "GET") {
    return fail(request, std::move(responder), 405, DynDnsWord::BADAGENT, "its method is not GET");
  }
  const auto key =
      gate_.check(request, state.policy->keyring, {.plain = plain_, .other_sites = false});
  if (key) return update(request, *key, state, std::move(responder));
  const char* const why = to_text(key.error());
  switch (key.error()) {
    case LoginRefusal::NO_TLS:
      return fail(request, std::move(responder), 403, DynDnsWord::BADAUTH,
                  "it came without TLS ('dyndns-plain' in [http]); its password was readable on "
                  "the way");
    case LoginRefusal::OTHER_SITE:
      return fail(request, std::move(responder), 403, DynDnsWord::BADAGENT, why);
    case LoginRefusal::TOO_MANY:
      return fail(request, std::move(responder), 503, DynDnsWord::E911, why);
    case LoginRefusal::NO_LOGIN:
    case LoginRefusal::WRONG:
      return fail(request, std::move(responder), 401, DynDnsWord::BADAUTH, why);
  }
}

void DynDnsHandler::update(const Request& request, const zones::Name& key, const State& state,
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
    addresses.push_back(source_of(request));
  }
  const auto pending = std::make_shared<DynDnsPending>(std::move(responder), counters_,
                                                       asked->hosts.size(), std::move(addresses));
  for (std::size_t index = 0; index < asked->hosts.size(); ++index) {
    const auto& host = asked->hosts[index];
    if (!host) {
      pending->decide(index, DynDnsWord::NOTFQDN);
      continue;
    }
    submit_host_update(
        writer_, {request, state, key, *host, *asked, pending->addresses(), clock_()}, log_limiter_,
        [pending, index](DynDnsWord word) { pending->decide(index, word); });
  }
}

}  // namespace dnsd::http
