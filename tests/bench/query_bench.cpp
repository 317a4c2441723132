// What answering costs apart from the network: parse_request() and answer_query() on a zone of
// 100,000 hosts.

#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "dnsd/query.h"
#include "zones/message.h"
#include "zones/rrset.h"
#include "zones/snapshot.h"

namespace {

using zones::Name;
using zones::Rdata;
using zones::RRset;
using zones::Type;

constexpr std::uint32_t HOSTS = 100'000;
// Many more than the processor's caches remember the way to.
constexpr std::size_t QUERIES = 1 << 16;

Name name(const std::string& text) { return Name::from_text(text).value(); }

void put(zones::CatalogueBuilder& builder, const Name& apex, const Name& owner,
         std::vector<RRset> rrsets) {
  std::vector<std::uint8_t> packed;
  if (!zones::pack(rrsets, packed)) std::abort();
  builder.put(apex, owner, zones::RRsetsView(packed));
}

void append(Rdata& rdata, const Name& value) {
  const auto wire = value.wire();
  rdata.insert(rdata.end(), wire.begin(), wire.end());
}

/// dyn.example. with h0 to h99999: A and TXT at the host, SRV at _http._tcp below it.
const zones::Catalogue& catalogue() {
  static zones::CatalogueBuilder builder;
  static const zones::Catalogue frozen = [] {
    const Name apex = name("dyn.example.");
    builder.add_zone(apex);
    Rdata soa;
    append(soa, name("ns1.dyn.example."));
    append(soa, name("hostmaster.dyn.example."));
    for (int i = 0; i < 20; ++i) soa.push_back(i % 4 == 3 ? 60 : 0);
    Rdata ns;
    append(ns, name("ns1.dyn.example."));
    put(builder, apex, apex, {{Type::NS, 3600, {ns}}, {Type::SOA, 3600, {soa}}});
    for (std::uint32_t i = 0; i < HOSTS; ++i) {
      const Name host = name("h" + std::to_string(i) + ".dyn.example.");
      const Rdata a{198, 51, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
      const Rdata txt{6, 'p', 'a', 't', 'h', '=', '/'};
      put(builder, apex, host, {{Type::A, 60, {a}}, {Type::TXT, 60, {txt}}});
      Rdata srv{0, 0, 0, 5, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
      append(srv, host);
      put(builder, apex, name("_http._tcp.h" + std::to_string(i) + ".dyn.example."),
          {{Type::SRV, 60, {srv}}});
    }
    return builder.freeze();
  }();
  return frozen;
}

enum class Kind { A, TXT, SRV, NXDOMAIN };

std::vector<std::uint8_t> question(Kind kind, std::uint32_t host) {
  const std::string number = std::to_string(host);
  zones::Question asked;
  switch (kind) {
    case Kind::A:
      asked = {name("h" + number + ".dyn.example."), Type::A};
      break;
    case Kind::TXT:
      asked = {name("h" + number + ".dyn.example."), Type::TXT};
      break;
    case Kind::SRV:
      asked = {name("_http._tcp.h" + number + ".dyn.example."), Type::SRV};
      break;
    case Kind::NXDOMAIN:
      asked = {name("n" + number + ".dyn.example."), Type::A};
      break;
  }
  zones::Message message;
  message.question.push_back(asked);
  message.edns = zones::Edns{};
  // A copy, since the message was given room for 65,535 octets.
  const std::vector<std::uint8_t> wire = zones::to_wire(message);
  return {wire.begin(), wire.end()};
}

// As many as a worker takes at once.
constexpr std::size_t BATCH = 64;

/// @param batches  the names of BATCH questions are prefetched together, as a worker does
void answer(benchmark::State& state, std::vector<Kind> kinds, bool batches) {
  const zones::Catalogue& zones = catalogue();
  std::mt19937 random(1);  // NOLINT: the same questions each time
  std::vector<std::vector<std::uint8_t>> questions;
  for (std::size_t i = 0; i < QUERIES; ++i) {
    questions.push_back(
        question(kinds[i % kinds.size()], static_cast<std::uint32_t>(random() % HOSTS)));
  }
  std::array<std::uint8_t, 1232> out;
  std::size_t next = 0;
  std::size_t octets = 0;
  std::array<zones::Glimpse, BATCH> glimpses{};
  for (auto _ : state) {
    if (batches && next % BATCH == 0) {
      std::array<zones::NameView, BATCH> names;
      for (std::size_t i = 0; i < BATCH; ++i) {
        names[i] = dnsd::peek_question_name(questions[(next + i) % QUERIES]);
      }
      glimpses.fill({});
      zones.prefetch(names, glimpses);
    }
    const std::size_t in_batch = next % BATCH;
    const std::vector<std::uint8_t>& asked = questions[next++ % QUERIES];
    dnsd::Request request;
    if (dnsd::parse_request(asked, request) != dnsd::Parse::OK) std::abort();
    request.glimpse = glimpses[in_batch];
    octets += dnsd::answer_query(zones, asked, request, {}, out);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["octets"] = static_cast<double>(octets) / static_cast<double>(state.iterations());
}

BENCHMARK_CAPTURE(answer, A, {Kind::A}, false);
BENCHMARK_CAPTURE(answer, TXT, {Kind::TXT}, false);
BENCHMARK_CAPTURE(answer, SRV_with_address, {Kind::SRV}, false);
BENCHMARK_CAPTURE(answer, NXDOMAIN, {Kind::NXDOMAIN}, false);
BENCHMARK_CAPTURE(answer, mix, {Kind::A, Kind::SRV, Kind::TXT, Kind::A, Kind::NXDOMAIN}, false);
BENCHMARK_CAPTURE(answer, A_in_batches, {Kind::A}, true);
BENCHMARK_CAPTURE(answer, TXT_in_batches, {Kind::TXT}, true);
BENCHMARK_CAPTURE(answer, SRV_with_address_in_batches, {Kind::SRV}, true);
BENCHMARK_CAPTURE(answer, NXDOMAIN_in_batches, {Kind::NXDOMAIN}, true);
BENCHMARK_CAPTURE(answer, mix_in_batches, {Kind::A, Kind::SRV, Kind::TXT, Kind::A, Kind::NXDOMAIN},
                  true);

void parse_only(benchmark::State& state) {
  const std::vector<std::uint8_t> asked = question(Kind::A, 1);
  for (auto _ : state) {
    dnsd::Request request;
    benchmark::DoNotOptimize(dnsd::parse_request(asked, request));
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(parse_only);

}  // namespace
