#include "dnsd/http/account.h"

#include <sodium.h>

#include <memory>
#include <utility>

#include "dnsd/http/form.h"
#include "dnsd/http/host_update.h"
#include "dnsd/http/page_headers.h"
#include "dnsd/update_grants.h"

namespace dnsd::http {
namespace {

// Browsers send a login unasked to all that lies beside and below its path (RFC 7617 §2.2): below
// this one is nothing else, above all no /nic/update, which a page of another site could name.
constexpr std::string_view PATH = "/account/";
constexpr std::string_view SHORT_PATH = "/account";

/// As clients of dyndns2 name it: "h1.dyn.example", the final dot may be left out.
std::optional<zones::Name> host_of(std::string_view text, const zones::Name& key) {
  if (text.empty()) return key;
  const auto name = zones::Name::from_text(text);
  return name && !name->is_root() ? std::optional(*name) : std::nullopt;
}

std::optional<DynDnsWord> word_of(std::string_view text) {
  for (std::size_t i = 0; i < DYNDNS_WORDS; ++i) {
    const auto word = static_cast<DynDnsWord>(i);
    if (to_text(word) == text) return word;
  }
  return std::nullopt;
}

std::string query_text(const zones::Name& name) {
  std::string text;
  for (const char c : name.to_text()) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    constexpr const char* DIGITS = "0123456789ABCDEF";
    if (is_plain) {
      text += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      text += {'%', DIGITS[octet >> 4], DIGITS[octet & 15]};
    }
  }
  return text;
}

Response back_to_page(const zones::Name& host, DynDnsWord word) {
  Response response = Response::text(303, "see /account/\n");
  response.fields.emplace_back("Cache-Control", "no-store");
  response.fields.emplace_back("Location", std::string(PATH) + "?host=" + query_text(host) +
                                               "&decided=" + std::string(to_text(word)));
  return response;
}

Response to_path(const Request& request) {
  Response response = Response::text(307, "see /account/\n");
  std::string location(PATH);
  if (!request.query.empty()) location += "?" + std::string(request.query);
  response.fields.emplace_back("Location", std::move(location));
  return response;
}

std::vector<PublishedRecord> published(const std::vector<AccountRecord>& records) {
  std::vector<PublishedRecord> published;
  published.reserve(records.size());
  for (const AccountRecord& one : records) {
    PublishedRecord& record = published.emplace_back();
    if (one.record.rdata.size() > PublishedTimes::MAX_RDATA_OCTETS) continue;
    record = {one.record.owner, one.record.type, one.record.rdata};
  }
  return published;
}

Response refusal(LoginRefusal why) {
  switch (why) {
    case LoginRefusal::NO_TLS:
      return Response::text(403, "this page is shown by https only\n");
    case LoginRefusal::OTHER_SITE:
      return Response::text(403, "a page of another site sent this; go to /account/ yourself\n");
    case LoginRefusal::TOO_MANY: {
      Response response = Response::text(503, "too many logins fail from there; wait a minute\n");
      response.fields.emplace_back("Retry-After", "60");
      return response;
    }
    case LoginRefusal::NO_LOGIN:
    case LoginRefusal::WRONG:
      break;
  }
  Response response =
      Response::text(401, "log in with the name of your host's key, and its secret as password\n");
  response.fields.emplace_back("WWW-Authenticate", "Basic realm=\"account\", charset=\"UTF-8\"");
  response.fields.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

AccountHandler::AccountHandler(UpdateWriter& writer, HistoryReader& history, LoginGate& gate,
                               Clock clock)
    : writer_(writer), history_(history), gate_(gate), clock_(std::move(clock)) {
  randombytes_buf(mac_key_.data(), mac_key_.size());
}

void AccountHandler::add_to(Routes& routes, const std::function<bool(const Request&)>& takes) {
  for (const auto path : {PATH, SHORT_PATH}) routes.add(std::string(path), *this, takes);
}

AccountHandler::Mac AccountHandler::mac_of(const zones::Name& key) const {
  static_assert(crypto_generichash_KEYBYTES == 32);
  Mac mac{};
  const zones::Name lowered = key.lowered();
  crypto_generichash(mac.data(), mac.size(), lowered.wire().data(), lowered.wire().size(),
                     mac_key_.data(), mac_key_.size());
  return mac;
}

std::string AccountHandler::form_token(const zones::Name& key) const {
  const Mac mac = mac_of(key);
  std::array<char, 2 * sizeof mac + 1> text{};
  sodium_bin2hex(text.data(), text.size(), mac.data(), mac.size());
  return text.data();
}

void AccountHandler::handle(const Request& request, const State& state, Responder responder) {
  if (request.path == SHORT_PATH) return responder.send(to_path(request));
  const bool is_form = request.method == "POST";
  if (!is_form && !request.is_read()) {
    Response response = Response::text(405, "GET and POST only\n");
    response.fields.emplace_back("Allow", "GET, HEAD, POST");
    return responder.send(std::move(response));
  }
  const auto key =
      gate_.check(request, state.policy->keyring, {.plain = false, .other_sites = !is_form});
  if (!key) {
    // A browser asks without a login first.
    if (key.error() != LoginRefusal::NO_LOGIN) {
      warn(log_limiter_, [&] {
        return "account page for " + peer_of(request) + " refused: " + to_text(key.error());
      });
    }
    return responder.send(refusal(key.error()));
  }
  is_form ? announce(request, state, *key, std::move(responder))
          : show(request, state, *key, std::move(responder));
}

void AccountHandler::announce(const Request& request, const State& state, const zones::Name& key,
                              Responder responder) {
  const std::string expected = form_token(key);
  const std::string token = parameter(request.body, "token");
  if (token.size() != expected.size() ||
      sodium_memcmp(token.data(), expected.data(), expected.size()) != 0) {
    return responder.send(Response::text(403, "this form is of an older page; load it again\n"));
  }
  const auto asked = parse_dyndns_request(request.body);
  const bool is_one = asked && asked->hosts.size() == 1 && asked->hosts.front();
  if (!is_one || (asked->addresses.empty() && !asked->offline)) {
    return responder.send(back_to_page(key, DynDnsWord::BADAGENT));
  }
  const zones::Name host = *asked->hosts.front();
  const auto shared = std::make_shared<Responder>(std::move(responder));
  submit_host_update(writer_, {request, state, key, host, *asked, asked->addresses, clock_()},
                     log_limiter_,
                     [shared, host](DynDnsWord word) { shared->send(back_to_page(host, word)); });
}

void AccountHandler::show(const Request& request, const State& state, const zones::Name& key,
                          Responder responder) {
  const auto host = host_of(parameter(request.query, "host"), key);
  const auto zone = host ? state.catalogue.enclosing(host->view()) : std::nullopt;
  // What is below the host may be another key's.
  const auto may_see = [policy = state.policy,
                        apex = zone ? zones::Name(zone->apex()) : zones::Name(), key,
                        source = source_of(request)](zones::NameView owner) {
    return may_change(*policy, apex, {key.view(), source, true}, owner);
  };
  if (!zone || !may_see(*host)) {
    return responder.send(Response::text(
        403, "this key may not change that name; add ?host=NAME for another host\n"));
  }
  auto content = std::make_shared<AccountContent>();
  content->host = *host;
  content->key = key;
  content->zone = zones::Name(zone->apex());
  content->visitor_address = keys::to_text(source_of(request));
  content->form_token = form_token(key);
  content->decided = word_of(parameter(request.query, "decided"));
  content->records = account_records(*zone, *host, may_see);
  content->agent_config =
      agent_config(content->zone, *host, services_of(state.catalogue, host->view()).services);
  const auto shared = std::make_shared<Responder>(std::move(responder));
  const auto send = [shared, content, may_see](HistoryReader::Answer answer) {
    HistoryReader::Entries& entries = answer.entries;
    if (entries) keep_visible(*entries, may_see);
    content->times = std::move(answer.times);
    const std::string nonce = make_nonce();
    Response response;
    add_page_headers(response, nonce, FormAction::SELF);
    response.body = account_page(*content, entries, nonce);
    shared->send(std::move(response));
  };
  // A budget of each key; the table is one of addresses.
  const bool within = pages_.of(mac_of(key)).take(std::chrono::steady_clock::now());
  if (!within || !history_.ask(*host, content->zone, published(content->records), send)) send({});
}

}  // namespace dnsd::http
