#include "dnsd/metrics.h"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <numeric>
#include <sstream>
#include <utility>

#include "zones/rfc.h"

namespace dnsd {
namespace {

using prometheus::MetricType;
using Labels = std::vector<prometheus::ClientMetric::Label>;

/// Families in the order in which they are added.
class Families {
 public:
  /// What follows by add() is of this one.
  void begin(std::string name, std::string help, MetricType type) {
    families_.push_back({std::move(name), std::move(help), type, {}});
  }
  void add(double value, Labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    prometheus::MetricFamily& family = families_.back();
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
  }
  void counter(std::string name, std::string help, std::uint64_t value) {
    begin(std::move(name), std::move(help), MetricType::Counter);
    add(static_cast<double>(value));
  }
  void gauge(std::string name, std::string help, double value) {
    begin(std::move(name), std::move(help), MetricType::Gauge);
    add(value);
  }
  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

std::uint64_t of(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

std::uint64_t sum(const MetricsSources& sources, std::atomic<std::uint64_t> UdpCounters::*counter) {
  return std::accumulate(sources.udp.begin(), sources.udp.end(), std::uint64_t{0},
                         [counter](std::uint64_t so_far, const UdpCounters* worker) {
                           return so_far + of(worker->*counter);
                         });
}

/// NOERROR always, so that there is a series from the start; the others once they have occurred.
void add_rcodes(Families& families, const char* transport, AnswerCounters::Kind kind,
                const std::vector<const AnswerCounters*>& tables) {
  for (std::size_t rcode = 0; rcode < AnswerCounters::RCODES; ++rcode) {
    std::uint64_t answers = 0;
    for (const AnswerCounters* table : tables) answers += table->get(kind, rcode);
    if (answers == 0 && rcode != 0) continue;
    families.add(
        static_cast<double>(answers),
        {{"transport", transport}, {"rcode", zones::to_text(static_cast<zones::Rcode>(rcode))}});
  }
}

void add_answers(Families& families, const MetricsSources& sources) {
  std::vector<const AnswerCounters*> udp;
  for (const UdpCounters* worker : sources.udp) {
    udp.insert(udp.end(), {&worker->answers, &worker->later});
  }
  const auto of_kind = [&](const char* name, const char* help, AnswerCounters::Kind kind) {
    families.begin(name, help, MetricType::Counter);
    add_rcodes(families, "udp", kind, udp);
    if (sources.tcp) add_rcodes(families, "tcp", kind, {&sources.tcp->answers});
  };
  of_kind("dnsd_queries_total", "Queries answered; transfers are not among them.",
          AnswerCounters::QUERY);
  of_kind("dnsd_updates_total", "UPDATE messages answered over DNS.", AnswerCounters::UPDATE);
  of_kind("dnsd_other_messages_total", "Messages of other opcodes answered.",
          AnswerCounters::OTHER);
}

void add_udp(Families& families, const MetricsSources& sources) {
  families.counter("dnsd_udp_received_total", "Datagrams received.",
                   sum(sources, &UdpCounters::received));
  families.counter("dnsd_udp_unanswered_total",
                   "Datagrams dropped: no message, or held back by a rate limit.",
                   sum(sources, &UdpCounters::unanswered));
  families.counter("dnsd_udp_send_errors_total", "Answers that the kernel refused.",
                   sum(sources, &UdpCounters::send_errors));
  families.counter("dnsd_udp_receive_errors_total", "Receive errors of UDP sockets.",
                   sum(sources, &UdpCounters::receive_errors));
}

void add_limits(Families& families, const DispatchCounters& counters) {
  families.begin("dnsd_limited_answers_total", "Answers over the limits of [rate-limit].",
                 MetricType::Counter);
  families.add(static_cast<double>(counters.limited_dropped.sum()), {{"action", "drop"}});
  families.add(static_cast<double>(counters.limited_truncated.sum()), {{"action", "truncate"}});
}

void add_tcp(Families& families, const TcpCounters& tcp) {
  families.gauge("dnsd_tcp_connections", "Open TCP connections.",
                 static_cast<double>(of(tcp.open)));
  families.counter("dnsd_tcp_accepted_total", "TCP connections accepted.", of(tcp.accepted));
  families.counter("dnsd_tcp_refused_total", "TCP connections refused for a limit.",
                   of(tcp.refused));
  families.counter("dnsd_tcp_displaced_total",
                   "Idle TCP connections that gave way to new ones at the limit.",
                   of(tcp.displaced));
  families.counter("dnsd_tcp_timeouts_total", "TCP connections closed for a time limit.",
                   of(tcp.timeouts));
}

void add_http(Families& families, const http::HttpCounters& http) {
  families.gauge("dnsd_http_connections", "Open HTTP connections.",
                 static_cast<double>(of(http.open)));
  families.counter("dnsd_http_accepted_total", "HTTP connections accepted.", of(http.accepted));
  families.counter("dnsd_http_refused_total", "HTTP connections refused for a limit.",
                   of(http.refused));
  families.counter("dnsd_http_displaced_total",
                   "HTTP connections that gave way to new ones at the limit.", of(http.displaced));
  families.counter("dnsd_http_timeouts_total", "HTTP connections closed for a time limit.",
                   of(http.timeouts));
  families.begin("dnsd_http_responses_total", "HTTP responses by class of status.",
                 MetricType::Counter);
  for (std::size_t hundreds = 2; hundreds < http.by_class.size(); ++hundreds) {
    families.add(static_cast<double>(of(http.by_class[hundreds])),
                 {{"class", std::to_string(hundreds) + "xx"}});
  }
}

void add_dyndns(Families& families, const http::DynDnsCounters& counters) {
  families.begin("dnsd_dyndns_total", "Hosts that dyndns2 clients updated or wanted to.",
                 MetricType::Counter);
  for (std::size_t i = 0; i < http::DYNDNS_WORDS; ++i) {
    const auto word = static_cast<http::DynDnsWord>(i);
    families.add(static_cast<double>(counters.get(word)),
                 {{"result", std::string(http::to_text(word))}});
  }
}

void add_writer(Families& families, const WriterStatus& status) {
  families.counter("dnsd_writer_messages_total",
                   "Updates that the writer answered, dyndns2 included.", status.messages);
  families.counter("dnsd_writer_changed_total", "Updates that changed a zone.", status.changed);
  families.counter("dnsd_writer_repeated_total", "Updates known from before, not applied again.",
                   status.repeated);
  families.gauge("dnsd_writer_waiting", "Updates not answered yet.",
                 static_cast<double>(status.waiting));
  families.counter("dnsd_journal_batches_total", "Batches written to the journal.", status.batches);
  families.gauge("dnsd_journal_lsn", "Number of the journal's newest batch.",
                 static_cast<double>(status.last_lsn));
  families.gauge("dnsd_checkpoint_lsn", "Number up to which the checkpoint is complete.",
                 static_cast<double>(status.applied_lsn));
  families.gauge("dnsd_checkpoint_lag_names", "Names that the checkpoint is behind the journal.",
                 static_cast<double>(status.checkpoint_lag));
  families.counter("dnsd_checkpoints_total", "Transactions of the checkpoint.", status.checkpoints);
  families.gauge("dnsd_store_writable", "1 when the store took the last write, else 0.",
                 status.store_writable ? 1 : 0);
  families.gauge("dnsd_leases", "Records with a lease.", static_cast<double>(status.leases));
  families.counter("dnsd_leases_expired_total", "Records whose leases ended.", status.expired);
}

void add_upstreams(Families& families, const std::vector<UpstreamStatus>& upstreams) {
  const auto of_each = [&](const char* name, const char* help, MetricType type,
                           const auto& value_of) {
    families.begin(name, help, type);
    for (const UpstreamStatus& one : upstreams) {
      families.add(static_cast<double>(value_of(one)),
                   {{"zone", one.zone}, {"server", one.server}});
    }
  };
  of_each("dnsd_upstream_acknowledged_lsn", "Number of the newest batch that the upstream has.",
          MetricType::Gauge, [](const auto& one) { return one.acknowledged_lsn; });
  of_each("dnsd_upstream_behind_batches", "Batches of the journal after that one.",
          MetricType::Gauge, [](const auto& one) { return one.behind; });
  of_each("dnsd_upstream_failing", "1 when the last try was no success, else 0.", MetricType::Gauge,
          [](const auto& one) { return one.failing ? 1 : 0; });
  of_each("dnsd_upstream_messages_total", "Updates that the upstream acknowledged.",
          MetricType::Counter, [](const auto& one) { return one.messages; });
  of_each("dnsd_upstream_records_total", "Records in these, deletions included.",
          MetricType::Counter, [](const auto& one) { return one.records; });
  of_each("dnsd_upstream_failures_total", "Tries that were no success.", MetricType::Counter,
          [](const auto& one) { return one.failures; });
  of_each("dnsd_upstream_full_syncs_total", "Full synchronisations completed.", MetricType::Counter,
          [](const auto& one) { return one.full_syncs; });
  of_each("dnsd_upstream_refused_names",
          "Names whose changes the upstream refused, and which it has otherwise.",
          MetricType::Gauge, [](const auto& one) { return one.refused_names; });
  of_each("dnsd_upstream_needs_full_sync",
          "1 when it refused more than is known by name, or stays different, else 0.",
          MetricType::Gauge, [](const auto& one) { return one.needs_full_sync ? 1 : 0; });
  families.begin("dnsd_upstream_last_error_seconds", "When the last try failed, in Unix time.",
                 MetricType::Gauge);
  for (const UpstreamStatus& one : upstreams) {
    if (one.last_error.empty()) continue;
    families.add(static_cast<double>(one.last_error_at.time_since_epoch().count()),
                 {{"zone", one.zone}, {"server", one.server}, {"error", one.last_error}});
  }
}

void add_reachability(Families& families, const ProberCounters& counters) {
  families.counter("dnsd_reachability_tried_total", "Published endpoints that were tried.",
                   of(counters.tried));
  families.begin("dnsd_reachability_results_total", "What became of them.", MetricType::Counter);
  const auto add = [&](const ProberCounters::Counter& counter, const char* label,
                       const char* value) {
    families.add(static_cast<double>(of(counter)), {{label, value}});
  };
  add(counters.answered, "result", "answered");
  add(counters.refused, "result", "refused");
  add(counters.silent, "result", "silent");
  add(counters.failed, "result", "failed");
  families.begin("dnsd_reachability_skipped_total", "Published endpoints that were not tried.",
                 MetricType::Counter);
  add(counters.skipped_by_rule, "reason", "rule");
  add(counters.skipped_by_limit, "reason", "limit");
}

void add_zones(Families& families, const zones::Catalogue& catalogue) {
  families.gauge("dnsd_zones", "Zones served.", static_cast<double>(catalogue.size()));
  if (catalogue.size() == 0) return;
  struct Listed {
    std::string name;
    double serial;
    double records;
  };
  std::vector<Listed> listed;
  catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
    listed.push_back({zone.apex().to_text(), static_cast<double>(zone.serial()),
                      static_cast<double>(zone.record_count())});
    return listed.size() < MAX_LISTED_ZONES;
  });
  families.begin("dnsd_zone_serial", "Serial of the zone's SOA.", MetricType::Gauge);
  for (const Listed& zone : listed) families.add(zone.serial, {{"zone", zone.name}});
  families.begin("dnsd_zone_records", "Records of the zone.", MetricType::Gauge);
  for (const Listed& zone : listed) families.add(zone.records, {{"zone", zone.name}});
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void add_process(Families& families, const MetricsSources& sources) {
  families.begin("dnsd_build_info", "Which version runs.", MetricType::Gauge);
  families.add(1, {{"version", sources.version}});
  families.gauge("process_start_time_seconds", "When the process started, in Unix time.",
                 static_cast<double>(sources.started_at.time_since_epoch().count()));
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    families.begin("process_cpu_seconds_total", "User and system time.", MetricType::Counter);
    families.add(seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  }
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages >> resident) {
    families.gauge("process_resident_memory_bytes", "Resident memory.",
                   static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
}

}  // namespace

std::string metrics_text(const MetricsSources& sources, const State& state) {
  Families families;
  add_process(families, sources);
  add_answers(families, sources);
  add_udp(families, sources);
  if (sources.dispatch) add_limits(families, *sources.dispatch);
  if (sources.tcp) add_tcp(families, *sources.tcp);
  if (sources.http) add_http(families, *sources.http);
  if (sources.dyndns) add_dyndns(families, *sources.dyndns);
  if (sources.writer) add_writer(families, sources.writer());
  if (sources.upstreams) add_upstreams(families, sources.upstreams());
  if (sources.reachability) add_reachability(families, *sources.reachability);
  add_zones(families, state.catalogue);
  return families.text();
}

}  // namespace dnsd
