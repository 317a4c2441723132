// The snapshot tree by itself: building, finding, changing, walking. Hosts are those of the
// architecture: a name with A, `_http._tcp` below it with SRV and TXT, `_sip._udp` with SRV.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/snapshot.h"
#include "zones/tree_key.h"

namespace {

using zones::CatalogueBuilder;
using zones::Lookup;
using zones::Name;
using zones::NameView;
using zones::Rdata;
using zones::RRset;
using zones::RRsetsView;
using zones::Type;
using zones::ZoneSnapshot;

Name name(const std::string& text) { return Name::from_text(text).value(); }

const Name& apex() {
  static const Name value = name("dyn.example.");
  return value;
}

std::string host_label(std::uint32_t number) { return "h" + std::to_string(number); }

/// The names and records of one host.
struct Host {
  Name names[3];
  std::vector<std::uint8_t> records[3];

  explicit Host(std::uint32_t number) {
    const std::string label = host_label(number);
    names[0] = name(label + ".dyn.example.");
    names[1] = name("_http._tcp." + label + ".dyn.example.");
    names[2] = name("_sip._udp." + label + ".dyn.example.");
    Rdata srv = {0, 0, 0, 0, 0x1f, 0x41};
    srv.insert(srv.end(), names[0].wire().begin(), names[0].wire().end());
    const Rdata address = {192, 0, 2, static_cast<std::uint8_t>(number)};
    const Rdata txt = {6, 'p', 'a', 't', 'h', '=', '/'};
    zones::pack(RRset{.type = Type::A, .ttl = 60, .rdatas = {address}}, records[0]);
    zones::pack(RRset{.type = Type::TXT, .ttl = 60, .rdatas = {txt}}, records[1]);
    zones::pack(RRset{.type = Type::SRV, .ttl = 60, .rdatas = {srv}}, records[1]);
    zones::pack(RRset{.type = Type::SRV, .ttl = 60, .rdatas = {srv}}, records[2]);
  }
};

/// Names and records of all hosts, packed one after the other in canonical order.
class Input {
 public:
  explicit Input(std::uint32_t hosts) {
    std::vector<std::string> labels;
    labels.reserve(hosts);
    for (std::uint32_t number = 0; number < hosts; ++number) labels.push_back(host_label(number));
    std::ranges::sort(labels);
    std::vector<std::uint8_t> soa;
    zones::pack(RRset{.type = Type::SOA, .ttl = 60, .rdatas = {Rdata(22)}}, soa);
    add(apex(), soa);
    for (const std::string& label : labels) {
      const Host host(static_cast<std::uint32_t>(std::stoul(label.substr(1))));
      for (int at = 0; at < 3; ++at) add(host.names[at], host.records[at]);
    }
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::uint8_t* at = octets_.data(); at != octets_.data() + octets_.size();) {
      const NameView owner(at + 3, at[0]);
      const std::size_t size = static_cast<std::size_t>(at[1] << 8 | at[2]);
      visit(owner, RRsetsView({at + 3 + owner.size(), size}));
      at += 3 + owner.size() + size;
    }
  }

 private:
  void add(NameView owner, const std::vector<std::uint8_t>& records) {
    octets_.push_back(static_cast<std::uint8_t>(owner.size()));
    octets_.push_back(static_cast<std::uint8_t>(records.size() >> 8));
    octets_.push_back(static_cast<std::uint8_t>(records.size()));
    octets_.insert(octets_.end(), owner.wire().begin(), owner.wire().end());
    octets_.insert(octets_.end(), records.begin(), records.end());
  }
  std::vector<std::uint8_t> octets_;
};

const Input& input(std::uint32_t hosts) {
  static std::uint32_t size = 0;
  static std::unique_ptr<Input> last;
  if (size != hosts) {
    last = std::make_unique<Input>(hosts);
    size = hosts;
  }
  return *last;
}

std::unique_ptr<CatalogueBuilder> build(std::uint32_t hosts) {
  auto builder = std::make_unique<CatalogueBuilder>();
  builder->add_zone(apex());
  input(hosts).for_each(
      [&](NameView owner, RRsetsView records) { builder->put(apex(), owner, records); });
  builder->freeze();
  return builder;
}

/// One zone for all benchmarks of the same size.
CatalogueBuilder& zone_of(std::uint32_t hosts) {
  static std::uint32_t size = 0;
  static std::unique_ptr<CatalogueBuilder> last;
  if (size != hosts) {
    last.reset();
    last = build(hosts);
    size = hosts;
  }
  return *last;
}

std::size_t resident_octets() {
  std::size_t pages[2] = {};
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%zu %zu", &pages[0], &pages[1]) != 2) pages[1] = 0;
    std::fclose(file);
  }
  return pages[1] * 4096;
}

void build_zone(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  input(hosts);
  std::size_t memory = 0;
  std::size_t resident = 0;
  for (auto _ : state) {
    const std::size_t before = resident_octets();
    const auto builder = build(hosts);
    resident = resident_octets() - before;
    memory = builder->memory_octets();
    state.PauseTiming();
    benchmark::DoNotOptimize(builder->working());
    state.ResumeTiming();
  }
  state.counters["octets/host"] = static_cast<double>(memory) / hosts;
  state.counters["resident/host"] = static_cast<double>(resident) / hosts;
}

constexpr std::size_t QUERIES = 1 << 18;

/// Close to each other, so that what is measured is the tree's memory and not theirs.
class Names {
 public:
  void add(NameView name) {
    octets_.insert(octets_.end(), name.wire().begin(), name.wire().end());
    ends_.push_back(static_cast<std::uint32_t>(octets_.size()));
  }
  NameView operator[](std::size_t at) const {
    const std::size_t begin = at == 0 ? 0 : ends_[at - 1];
    return {octets_.data() + begin, ends_[at] - begin};
  }

 private:
  std::vector<std::uint8_t> octets_;
  std::vector<std::uint32_t> ends_;
};

template <class Text>
Names random_names(std::uint32_t hosts, Text text) {
  std::mt19937 random(5);
  Names names;
  for (std::size_t at = 0; at < QUERIES; ++at) {
    names.add(name(text(static_cast<std::uint32_t>(random() % hosts)) + ".dyn.example."));
  }
  return names;
}

Names asked_names(int kind, std::uint32_t hosts) {
  switch (kind) {
    case 0:
      return random_names(hosts, [](std::uint32_t number) { return host_label(number); });
    case 1:
      return random_names(hosts,
                          [](std::uint32_t number) { return "_http._tcp." + host_label(number); });
    case 2:  // NXDOMAIN below the apex
      return random_names(hosts, [](std::uint32_t number) { return host_label(number) + "x"; });
    default:  // NXDOMAIN below a host
      return random_names(hosts, [](std::uint32_t number) { return "www." + host_label(number); });
  }
}
const char* const KINDS[] = {"host", "service", "no such host", "below a host"};

/// What a query does: key, zone, name, and a glance at the records.
void find(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  const zones::Catalogue catalogue = zone_of(hosts).working();
  const auto names = asked_names(static_cast<int>(state.range(1)), hosts);
  std::size_t at = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    const zones::TreeKey key(names[at++ % QUERIES]);
    const Lookup found = catalogue.enclosing(key)->find(key);
    if (!found.rrsets.empty()) sum += found.rrsets.packed().back();
    sum += found.encloser_size;
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(KINDS[state.range(1)]);
}

/// The same in batches, as a worker that receives many datagrams at a time has them.
void find_batch(benchmark::State& state) {
  constexpr std::size_t BATCH = 32;
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  const zones::Catalogue catalogue = zone_of(hosts).working();
  const auto names = asked_names(static_cast<int>(state.range(1)), hosts);
  std::size_t at = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    NameView batch[BATCH];
    for (NameView& name : batch) name = names[at++ % QUERIES];
    zones::Glimpse glimpses[BATCH];
    catalogue.prefetch(batch, glimpses);
    for (std::size_t i = 0; i < BATCH; ++i) {
      if (const auto plain = catalogue.recall(batch[i], glimpses[i])) {
        sum += plain->rrsets.packed().back();
        continue;
      }
      const zones::TreeKey key(batch[i]);
      const Lookup found = catalogue.enclosing(key)->find(key);
      if (!found.rrsets.empty()) sum += found.rrsets.packed().back();
      sum += found.encloser_size;
    }
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(BATCH));
  state.SetLabel(KINDS[state.range(1)]);
}

/// One update a version: another address of a host, published and reclaimed.
void put(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  CatalogueBuilder& builder = zone_of(hosts);
  const auto names = asked_names(0, hosts);
  const auto records = Host(1).records[0];
  std::size_t at = 0;
  for (auto _ : state) {
    builder.put(apex(), names[at++ % QUERIES], RRsetsView(records));
    builder.freeze();
    builder.reclaim(builder.version());
  }
  state.SetItemsProcessed(state.iterations());
}

/// As a batch of the writer: 100 hosts come or go a version.
void add_and_remove(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  CatalogueBuilder& builder = zone_of(hosts);
  const auto names = asked_names(2, hosts);
  const auto records = Host(1).records[0];
  std::size_t at = 0;
  for (auto _ : state) {
    const std::size_t batch = at++ / 2 * 100;
    for (std::size_t name = 0; name < 100; ++name) {
      builder.put(apex(), names[(batch + name) % QUERIES],
                  at % 2 == 1 ? RRsetsView(records) : RRsetsView());
    }
    builder.freeze();
    builder.reclaim(builder.version());
  }
  state.SetItemsProcessed(state.iterations() * 100);
}

void walk_all(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  const ZoneSnapshot zone = *zone_of(hosts).working().zone(apex());
  std::uint64_t octets = 0;
  for (auto _ : state) {
    zone.for_each([&](NameView owner, RRsetsView records) {
      octets += owner.size() + records.packed().size();
      return true;
    });
  }
  benchmark::DoNotOptimize(octets);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(zone.name_count()));
}

/// Many small zones: finding the one of a name.
void enclosing(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  CatalogueBuilder builder;
  std::vector<std::uint8_t> soa;
  zones::pack(RRset{.type = Type::SOA, .ttl = 60, .rdatas = {Rdata(22)}}, soa);
  for (std::uint32_t number = 0; number < count; ++number) {
    const Name origin = name(host_label(number) + ".dyn.example.");
    builder.add_zone(origin);
    builder.put(origin, origin, RRsetsView(soa));
  }
  const zones::Catalogue catalogue = builder.freeze();
  const auto names = asked_names(3, count);
  std::size_t at = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    const zones::TreeKey key(names[at++ % QUERIES]);
    sum += static_cast<std::uint64_t>(catalogue.enclosing(key)->find(key).kind);
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
  state.counters["octets/zone"] = static_cast<double>(builder.memory_octets()) / count;
}

// Input order matters: zones of one size are built once.
void register_all() {
  for (const std::int64_t hosts : {1'000, 100'000, 1'000'000}) {
    benchmark::RegisterBenchmark("build_zone", build_zone)
        ->Arg(hosts)
        ->Unit(benchmark::kMillisecond);
    for (const std::int64_t kind : {0, 1, 2, 3}) {
      benchmark::RegisterBenchmark("find", find)->Args({hosts, kind});
      benchmark::RegisterBenchmark("find_batch", find_batch)->Args({hosts, kind});
    }
    benchmark::RegisterBenchmark("put", put)->Arg(hosts);
    benchmark::RegisterBenchmark("add_and_remove", add_and_remove)->Arg(hosts);
    benchmark::RegisterBenchmark("walk_all", walk_all)->Arg(hosts)->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("enclosing", enclosing)->Arg(100'000);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
