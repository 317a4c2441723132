#include "dnsd/http/reached.h"

#include <gtest/gtest.h>

#include "dnsd/http/page.h"
#include "zone_text.h"

namespace dnsd::http {
namespace {

using test::name;
using zones::Reachability;

zones::TransportEndpoint endpoint(const char* host, std::uint16_t port) {
  return {zones::ip_protocol::TCP, port, *keys::address_from_text(host)};
}

TEST(Reached, AHostOfSeveralAddressesAnsweredWhenOneOfThemDid) {
  zones::CatalogueBuilder builder;
  test::add_zone(builder, "e.", R"(
@            60 SOA  ns host 1 2 3 4 5
@            60 NS   ns
h            60 A    127.0.0.1
h            60 AAAA ::1
_http._tcp.h 60 SRV 0 0 8001 h
_http._udp.h 60 SRV 0 0 8001 h
)");
  const zones::Catalogue catalogue = builder.freeze();
  struct Row {
    Reachability ipv4;
    Reachability ipv6;
    const char* how;  // null: nothing is told
  };
  const Row rows[] = {
      {Reachability::UNKNOWN, Reachability::UNKNOWN, nullptr},
      {Reachability::TRYING, Reachability::UNKNOWN, nullptr},
      {Reachability::ANSWERED, Reachability::SILENT, "connected"},
      {Reachability::SILENT, Reachability::ANSWERED, "connected"},
      {Reachability::SILENT, Reachability::REFUSED, "refused"},
      {Reachability::UNKNOWN, Reachability::SILENT, "silent"},
  };
  for (const Row& row : rows) {
    ReachabilityTable table;
    const auto now = std::chrono::steady_clock::now();
    table.set(endpoint("127.0.0.1", 8001), row.ipv4, now);
    table.set(endpoint("::1", 8001), row.ipv6, now);
    NameServices services = services_of(catalogue, name("h.e."));
    tell_reached(catalogue, table, services);
    ASSERT_EQ(services.services.size(), 2U);
    EXPECT_FALSE(services.services[1].reached);  // UDP
    const auto& reached = services.services[0].reached;
    ASSERT_EQ(reached.has_value(), row.how != nullptr);
    if (reached) {
      EXPECT_EQ(how(*reached), row.how);
    }
  }
}

TEST(Reached, IsOnThePageAndInItsJson) {
  struct Row {
    Reachability state;
    const char* sentence;
    const char* json;
  };
  const Row rows[] = {
      {Reachability::ANSWERED, "Answered the server at 2027-01-15 08:00:00 UTC",
       R"("reachable":{"answered":true,"how":"connected","at":"2027-01-15T08:00:00Z"})"},
      {Reachability::REFUSED, "Refused the server at 2027-01-15 08:00:00 UTC",
       R"("reachable":{"answered":false,"how":"refused","at":"2027-01-15T08:00:00Z"})"},
      {Reachability::SILENT, "Did not answer the server at 2027-01-15 08:00:00 UTC",
       R"("reachable":{"answered":false,"how":"silent","at":"2027-01-15T08:00:00Z"})"},
  };
  const zones::Name host = name("h.e.");
  NameServices services{.exists = true};
  Service& service = services.services.emplace_back();
  service.service = "http";
  service.target = host;
  service.port = 8001;
  const PageContent content{host, "h.e", services};
  EXPECT_EQ(page_json(content).find("reachable"), std::string::npos);
  const auto page = PageTemplate::load({});
  for (const Row& row : rows) {
    service.reached =
        Reached{row.state, std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000))};
    EXPECT_NE(page_json(content).find(row.json), std::string::npos) << page_json(content);
    EXPECT_NE((*page)->render(content, "n").find(row.sentence), std::string::npos);
  }
}

}  // namespace
}  // namespace dnsd::http
