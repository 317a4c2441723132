// dyndns2 from the network: a query that is read becomes an UPDATE of that host alone which is read
// back as it was; a login is a key's or nobody's.
#include "dnsd/http/dyndns_request.h"
#include "dnsd/http/dyndns_update.h"
#include "dnsd/http/login.h"
#include "fuzz.h"
#include "keys/secret.h"

namespace {

const keys::Keyring& keyring() {
  static const keys::Keyring made = [] {
    keys::Keyring keys;
    keys.add({.name = *zones::Name::from_text("h1.dyn.example."),
              .algorithm = keys::Algorithm::HMAC_SHA256,
              .secret = std::make_shared<const keys::Secret>(
                  *keys::Secret::from_base64("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="))});
    return keys;
  }();
  return made;
}

void check_update(const zones::Name& host, const dnsd::http::DynDnsRequest& request) {
  const zones::Message message =
      dnsd::http::dyndns_update(zones::NameView(), host, request, request.addresses);
  if (message.question.empty()) return;
  const auto octets = zones::to_wire(message);
  const auto again = zones::parse_message(octets);
  fuzz::require(again.has_value(), "the update reads back");
  fuzz::require(zones::to_wire(*again) == octets, "the update reads back as it was");
  for (const zones::Record& record : message.authority) {
    fuzz::require(record.owner.is_at_or_below(host.view()), "only the host and what is below it");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  if (const auto request = dnsd::http::parse_dyndns_request(text)) {
    fuzz::require(!request->hosts.empty() && request->hosts.size() <= dnsd::http::MAX_DYNDNS_HOSTS,
                  "hosts are bounded");
    fuzz::require(request->addresses.size() <= dnsd::http::MAX_DYNDNS_ADDRESSES &&
                      request->services.size() <= dnsd::http::MAX_DYNDNS_SERVICES,
                  "addresses and services are bounded");
    for (const auto& host : request->hosts) {
      if (host) check_update(*host, *request);
    }
  }
  const auto key = dnsd::http::find_login(keyring(), text);
  fuzz::require(!key || text.size() > 60, "no login without the secret");
  return 0;
}
