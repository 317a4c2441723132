#include "dnsd/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "dispatch_world.h"

namespace dnsd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

State state_of(std::size_t zones) {
  static zones::CatalogueBuilder builder;
  for (std::size_t i = builder.working().size(); i < zones; ++i) {
    add_zone(builder, "z" + std::to_string(i) + ".example.", ZONE);
  }
  return {.version = 1, .catalogue = builder.working(), .policy = make_test_policy()};
}

Octets answer(zones::Opcode opcode, zones::Rcode rcode) {
  zones::Message message = query("www.example.org.", zones::Type::A);
  message.header.qr = true;
  message.header.opcode = opcode;
  message.header.rcode = static_cast<std::uint8_t>(rcode);
  return zones::to_wire(message);
}

TEST(Metrics, EachFigure) {
  UdpCounters first;
  UdpCounters second;
  first.answers.count(answer(zones::Opcode::QUERY, zones::Rcode::NOERROR));
  second.answers.count(answer(zones::Opcode::QUERY, zones::Rcode::NOERROR));
  second.answers.count(answer(zones::Opcode::QUERY, zones::Rcode::NXDOMAIN));
  second.later.count_shared(answer(zones::Opcode::UPDATE, zones::Rcode::NOERROR));
  first.received = 3;
  second.received = 4;
  second.unanswered = 2;
  TcpCounters tcp;
  tcp.answers.count_shared(answer(zones::Opcode::UPDATE, zones::Rcode::YXDOMAIN));
  tcp.open = 7;
  DispatchCounters dispatch;
  dispatch.limited_dropped.add();
  WriterStatus status;
  status.messages = 11;
  status.leases = 12;
  status.last_lsn = 13;
  status.applied_lsn = 10;
  status.checkpoint_lag = 5;
  status.store_writable = false;
  ProberCounters prober;
  prober.tried = 5;
  prober.silent = 3;
  prober.skipped_by_limit = 4;
  const MetricsSources sources{.udp = {&first, &second},
                               .tcp = &tcp,
                               .dispatch = &dispatch,
                               .writer = [&] { return status; },
                               .upstreams =
                                   [] {
                                     UpstreamStatus one;
                                     one.zone = "z0.example.";
                                     one.server = "192.0.2.1:53";
                                     one.acknowledged_lsn = 9;
                                     one.behind = 4;
                                     one.messages = 3;
                                     one.records = 30;
                                     one.failures = 2;
                                     one.full_syncs = 1;
                                     one.refused_names = 6;
                                     one.needs_full_sync = true;
                                     one.failing = true;
                                     UpstreamStatus other = one;
                                     other.server = "[::1]:53";
                                     one.last_error = "REFUSED";
                                     one.last_error_at = NOW;
                                     return std::vector{one, other};
                                   },
                               .reachability = &prober,
                               .version = "1.2\"3",
                               .started_at = NOW};
  const std::string text = metrics_text(sources, state_of(1));
  const char* const lines[] = {
      "dnsd_queries_total{transport=\"udp\",rcode=\"NOERROR\"} 2\n",
      "dnsd_queries_total{transport=\"udp\",rcode=\"NXDOMAIN\"} 1\n",
      "dnsd_queries_total{transport=\"tcp\",rcode=\"NOERROR\"} 0\n",
      "dnsd_updates_total{transport=\"udp\",rcode=\"NOERROR\"} 1\n",
      "dnsd_updates_total{transport=\"tcp\",rcode=\"YXDOMAIN\"} 1\n",
      "dnsd_udp_received_total 7\n",
      "dnsd_udp_unanswered_total 2\n",
      "dnsd_tcp_connections 7\n",
      "dnsd_limited_answers_total{action=\"drop\"} 1\n",
      "dnsd_writer_messages_total 11\n",
      "dnsd_leases 12\n",
      "dnsd_journal_lsn 13\n",
      "dnsd_checkpoint_lsn 10\n",
      "dnsd_checkpoint_lag_names 5\n",
      "dnsd_store_writable 0\n",
      "dnsd_upstream_acknowledged_lsn{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 9\n",
      "dnsd_upstream_behind_batches{zone=\"z0.example.\",server=\"[::1]:53\"} 4\n",
      "dnsd_upstream_failing{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 1\n",
      "dnsd_upstream_messages_total{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 3\n",
      "dnsd_upstream_records_total{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 30\n",
      "dnsd_upstream_failures_total{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 2\n",
      "dnsd_upstream_full_syncs_total{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 1\n",
      "dnsd_upstream_refused_names{zone=\"z0.example.\",server=\"192.0.2.1:53\"} 6\n",
      "dnsd_upstream_needs_full_sync{zone=\"z0.example.\",server=\"[::1]:53\"} 1\n",
      "dnsd_upstream_last_error_seconds{zone=\"z0.example.\",server=\"192.0.2.1:53\","
      "error=\"REFUSED\"} 1800000000\n",
      "dnsd_reachability_tried_total 5\n",
      "dnsd_reachability_results_total{result=\"silent\"} 3\n",
      "dnsd_reachability_skipped_total{reason=\"limit\"} 4\n",
      "dnsd_zones 1\n",
      "dnsd_zone_serial{zone=\"z0.example.\"} 5\n",
      "dnsd_zone_records{zone=\"z0.example.\"} 5\n",
      "process_start_time_seconds 1800000000\n",
      "dnsd_build_info{version=\"1.2\\\"3\"} 1\n",
  };
  for (const char* line : lines) EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, Not(HasSubstr("rcode=\"SERVFAIL\"")));
}

// Each line is a comment or a sample, and the samples of a family stand together behind its TYPE.
TEST(Metrics, TheFormatIsThatOfPrometheus) {
  UdpCounters udp;
  TcpCounters tcp;
  const std::string text = metrics_text(
      {.udp = {&udp}, .tcp = &tcp, .writer = [] { return WriterStatus{}; }}, state_of(2));
  const std::regex comment(R"(# (HELP|TYPE) ([a-z_]+) .+)");
  const std::regex sample(R"(([a-z_]+)(\{([a-z]+="[^"]*",?)+\})? [0-9.e+]+)");
  std::istringstream lines(text);
  std::string line;
  std::string family;
  std::set<std::string> families;
  while (std::getline(lines, line)) {
    std::smatch match;
    if (std::regex_match(line, match, comment)) {
      if (match[1] == "HELP") {
        EXPECT_TRUE(families.insert(match[2]).second) << line;
      }
      family = match[2];
    } else {
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_EQ(match[1], family);
    }
  }
  EXPECT_GT(families.size(), 20U);
}

TEST(Metrics, OfManyZonesSomeAreListed) {
  const std::string text = metrics_text({}, state_of(MAX_LISTED_ZONES + 5));
  EXPECT_THAT(text, HasSubstr("dnsd_zones 1005\n"));
  std::size_t listed = 0;
  for (std::size_t at = 0; (at = text.find("dnsd_zone_serial{", at)) != std::string::npos; ++at) {
    ++listed;
  }
  EXPECT_EQ(listed, MAX_LISTED_ZONES);
}

}  // namespace
}  // namespace dnsd::test
