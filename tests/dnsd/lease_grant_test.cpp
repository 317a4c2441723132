#include "dnsd/lease_grant.h"

#include <gtest/gtest.h>

namespace dnsd {
namespace {

using std::chrono::seconds;
using zones::Rcode;
using Octets = std::vector<std::uint8_t>;

zones::Message message(const std::vector<Octets>& options) {
  zones::Message message;
  message.edns.emplace();
  message.edns->options.push_back({zones::OptionCode::NSID, {}});
  for (const Octets& data : options) {
    message.edns->options.push_back({zones::OptionCode::UPDATE_LEASE, data});
  }
  return message;
}

TEST(RequestedLease, Rfc9664Section4) {
  struct Row {
    const char* clause;
    std::vector<Octets> options;
    std::optional<std::uint32_t> lease;
    std::optional<std::uint32_t> key_lease;
    bool formerr;
  };
  const Row rows[] = {
      {"no option", {}, {}, {}, false},
      {"LEASE", {{0, 0, 0x0e, 0x10}}, 3600, {}, false},
      {"LEASE + KEY-LEASE", {{0, 0, 0x0e, 0x10, 0, 1, 0, 0}}, 3600, 65536, false},
      {"an unsigned number", {{0xff, 0xff, 0xff, 0xff}}, 0xffffffff, {}, false},
      {"OPTION-LENGTH 0", {{}}, {}, {}, true},
      {"OPTION-LENGTH 3", {{0, 0, 1}}, {}, {}, true},
      {"OPTION-LENGTH 5", {{0, 0, 0, 1, 0}}, {}, {}, true},
      {"OPTION-LENGTH 12", {Octets(12)}, {}, {}, true},
      {"twice", {{0, 0, 0, 60}, {0, 0, 0, 60}}, {}, {}, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    const auto request = requested_lease(message(row.options));
    ASSERT_EQ(!request, row.formerr);
    if (row.formerr) {
      EXPECT_EQ(request.error(), Rcode::FORMERR);
      continue;
    }
    ASSERT_EQ(request->has_value(), row.lease.has_value());
    if (!row.lease) continue;
    EXPECT_EQ((*request)->lease, *row.lease);
    EXPECT_EQ((*request)->key_lease, row.key_lease);
  }
  EXPECT_FALSE(*requested_lease(zones::Message()));
}

TEST(GrantLease, Rfc9664Section43And8) {
  constexpr std::uint32_t HOUR = 3600;
  constexpr std::uint32_t DAY = 24 * HOUR;
  using Option = std::optional<zones::UpdateLease>;
  const auto option = [](std::uint32_t lease, std::optional<std::uint32_t> key = {}) {
    return Option(zones::UpdateLease{.lease = lease, .key_lease = key});
  };
  struct Row {
    const char* clause;
    Option request;
    std::uint32_t max_lease;  // of the grant
    std::optional<std::uint32_t> records;
    std::optional<std::uint32_t> keys;
    Option answer;
  };
  const Row rows[] = {
      {"as asked for", option(HOUR), 0, HOUR, HOUR, option(HOUR)},
      {"§4.3: 8 octets for 8", option(HOUR, 2 * DAY), 0, HOUR, 2 * DAY, option(HOUR, 2 * DAY)},
      {"§4.3: 4 for 4, key and records end together", option(2 * DAY), 0, DAY, DAY, option(DAY)},
      {"§8: at most a day and a week", option(0xffffffff, 0xffffffff), 0, DAY, 7 * DAY,
       option(DAY, 7 * DAY)},
      {"§8: at least 30 s", option(1, 0), 0, 30, 30, option(30, 30)},
      {"the grant's limit", option(DAY, DAY), HOUR, HOUR, HOUR, option(HOUR, HOUR)},
      {"a shorter wish than the grant's limit", option(60, 61), HOUR, 60, 61, option(60, 61)},
      {"the grant's limit below the minimum wins", option(60), 10, 10, 10, option(10)},
      {"no option: permanent", {}, 0, {}, {}, {}},
      {"no option: as long as the grant allows", {}, HOUR, HOUR, HOUR, {}},
      {"no option: nor longer than the server's", {}, 30 * DAY, DAY, 7 * DAY, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    const LeaseGrant grant = grant_lease(row.request, LeaseLimits(), seconds(row.max_lease));
    const auto count = [](std::optional<seconds> time) {
      return time ? std::optional<std::uint32_t>(time->count()) : std::nullopt;
    };
    EXPECT_EQ(count(grant.records), row.records);
    EXPECT_EQ(count(grant.keys), row.keys);
    EXPECT_EQ(grant.answer, row.answer);
  }
}

}  // namespace
}  // namespace dnsd
