#include "tools/common/portal_records.h"

#include <string>

#include "zones/host_text.h"

namespace tools {
namespace {

constexpr std::uint16_t HTTP_PORT = 80;
constexpr std::uint16_t HTTPS_PORT = 443;

}  // namespace

PortalRecords portal_records(const zones::Name& host, std::uint16_t port) {
  const std::string scheme = port == HTTPS_PORT ? "https" : "http";
  PortalRecords records;
  records.service =
      zones::Name::from_text("_" + scheme + "._tcp." + host.to_text()).value_or(zones::Name());
  records.srv = {
      0, 0, 0, 0, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)};
  records.srv.insert(records.srv.end(), host.wire().begin(), host.wire().end());
  std::string uri = scheme + "://" + zones::host_text(host);
  if (port != HTTP_PORT && port != HTTPS_PORT) uri += ":" + std::to_string(port);
  uri += "/?portal";
  records.uri = {0, 0, 0, 0};
  records.uri.insert(records.uri.end(), uri.begin(), uri.end());
  return records;
}

}  // namespace tools
