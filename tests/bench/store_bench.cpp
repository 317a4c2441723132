// The store's speed on a disk. DNSD_BENCH_FOLDER names the folder for its files (the program's own
// unless set; a tmpfs would flatter), DNSD_BENCH_HOSTS the number of hosts in the big zone
// (1,000,000 unless set).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "zones/journal_codec.h"
#include "zones/sqlite_store.h"
#include "zones/zone_file.h"

namespace zones {
namespace {

std::filesystem::path folder() {
  const char* const set = std::getenv("DNSD_BENCH_FOLDER");
  return set != nullptr ? std::filesystem::path(set)
                        : std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

int hosts() {
  const char* const set = std::getenv("DNSD_BENCH_HOSTS");
  return set != nullptr ? std::atoi(set) : 1000000;
}

Name name(const std::string& text) { return Name::from_text(text).value(); }
const Name& apex() {
  static const Name apex = name("dyn.example.");
  return apex;
}
Name host(int number) { return name("h" + std::to_string(number) + ".dyn.example."); }

// Files that are gone when it is.
class File {
 public:
  explicit File(const char* file) : path_(folder() / file) { remove(); }
  ~File() { remove(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  void remove() {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-journal", ".marker"}) {
      std::filesystem::remove(path_.string() + suffix, ignored);
    }
  }
  std::filesystem::path path_;
};

Rdata soa(std::uint32_t serial) {
  Rdata rdata;
  for (const char* part : {"ns.dyn.example.", "hostmaster.dyn.example."}) {
    const Name one = name(part);
    rdata.insert(rdata.end(), one.wire().begin(), one.wire().end());
  }
  for (const std::uint32_t value : {serial, 3600U, 900U, 604800U, 300U}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      rdata.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return rdata;
}

// A host as subscribers have it: A and TXT, and two SRV below: three names, four records.
void write_zone_text(std::ostream& out) {
  out << "$ORIGIN dyn.example.\n$TTL 60\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A "
         "192.0.2.1\n";
  for (int i = 0; i < hosts(); ++i) {
    const std::string h = "h" + std::to_string(i);
    out << h << " A 198.51." << i / 256 % 256 << '.' << i % 256 << '\n'
        << h << " TXT \"path=/\"\n"
        << "_http._tcp." << h << " SRV 0 0 " << 1024 + i % 60000 << ' ' << h << '\n'
        << "_sip._udp." << h << " SRV 0 0 " << 1024 + i % 50000 << ' ' << h << '\n';
  }
}

const std::filesystem::path& big_zone_file() {
  static const File file("bench.zone");
  static const bool written = [] {
    std::ofstream out(file.path());
    write_zone_text(out);
    return true;
  }();
  benchmark::DoNotOptimize(written);
  return file.path();
}

// A store that holds the big zone; made once.
const std::filesystem::path& big_store() {
  static const File file("bench-big.sqlite");
  static const bool created = [] {
    const auto zone = ZoneFile::read(big_zone_file(), apex());
    SqliteStore store(file.path());
    store.create_zone(apex(), [&](ZoneWriter& writer) { zone->write_to(writer); });
    return true;
  }();
  benchmark::DoNotOptimize(created);
  return file.path();
}

// What `messages` updates become that each replace one A record.
JournalBatch batch_of(Lsn lsn, int messages, std::mt19937& random) {
  JournalBatch batch;
  batch.lsn = lsn;
  batch.time = std::chrono::sys_seconds(std::chrono::seconds(1700000000));
  const auto serial = static_cast<std::uint32_t>(lsn);
  ChangeSet& change = batch.changes.emplace_back();
  change.apex = apex();
  change.from_serial = serial;
  change.to_serial = serial + 1;
  change.removed.push_back({apex(), Type::SOA, Class::IN, 300, soa(serial)});
  change.added.push_back({apex(), Type::SOA, Class::IN, 300, soa(serial + 1)});
  for (int i = 0; i < messages; ++i) {
    const Name owner = host(static_cast<int>(random() % 1000000));
    change.removed.push_back({owner, Type::A, Class::IN, 60, {198, 51, 100, 1}});
    change.added.push_back(
        {owner, Type::A, Class::IN, 60, {198, 51, 100, static_cast<std::uint8_t>(random())}});
    JournalMessage& message = batch.messages.emplace_back();
    message.key = owner;
    message.digest.fill(static_cast<std::uint8_t>(random()));
    message.signed_at = batch.time;
  }
  return batch;
}

void append(benchmark::State& state) {
  const File file("bench-append.sqlite");
  SqliteStore store(file.path());
  store.create_zone(apex(), [](ZoneWriter&) {});
  std::mt19937 random;
  const auto messages = static_cast<int>(state.range(0));
  JournalBatch batch = batch_of(1, messages, random);
  for (auto _ : state) {
    batch.lsn = store.last_lsn() + 1;
    store.append(batch);
  }
  state.SetItemsProcessed(state.iterations() * messages);
}
BENCHMARK(append)->ArgName("messages")->Arg(1)->Arg(20)->Arg(100)->UseRealTime()->MinTime(2);

void encode(benchmark::State& state) {
  std::mt19937 random;
  const JournalBatch batch = batch_of(1, 100, random);
  std::vector<std::uint8_t> octets;
  for (auto _ : state) {
    octets.clear();
    encode_batch(batch, octets);
    benchmark::DoNotOptimize(octets.data());
  }
  state.SetItemsProcessed(state.iterations() * 100);
  state.counters["octets"] = static_cast<double>(octets.size());
}
BENCHMARK(encode);

void decode(benchmark::State& state) {
  std::mt19937 random;
  std::vector<std::uint8_t> octets;
  encode_batch(batch_of(1, 100, random), octets);
  for (auto _ : state) {
    const auto batch = decode_batch(octets);
    benchmark::DoNotOptimize(batch->lsn);
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(decode);

// Rows of random hosts of the big zone, as a checkpoint that cannot coalesce has them.
void checkpoint(benchmark::State& state) {
  SqliteStore store(big_store());
  std::mt19937 random;
  const auto count = static_cast<std::size_t>(state.range(0));
  const Rdata text = {6, 'p', 'a', 't', 'h', '=', '/'};
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<RowChange> rows(count);
    for (RowChange& row : rows) {
      row.apex = apex();
      row.owner = host(static_cast<int>(random() % static_cast<unsigned>(hosts())));
      const RRset rrsets[] = {{Type::A, 60, {{198, 51, 100, static_cast<std::uint8_t>(random())}}},
                              {Type::TXT, 60, {text}}};
      if (!pack(rrsets, row.rrsets)) state.SkipWithError("cannot pack");
    }
    state.ResumeTiming();
    store.checkpoint(rows, store.applied_lsn());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checkpoint)->ArgName("rows")->Arg(100)->Arg(1000)->Arg(10000)->UseRealTime()->MinTime(3);

void load(benchmark::State& state) {
  struct Count final : StateSink {
    void zone(NameView) override {}
    void node(NameView, RRsetsView rrsets) override {
      ++names;
      records += static_cast<std::int64_t>(rrsets.record_count());
    }
    void batch(const JournalBatch&) override {}
    std::int64_t names = 0;
    std::int64_t records = 0;
  } count;
  big_store();
  for (auto _ : state) {
    SqliteStore store(big_store());
    store.load(count);
  }
  state.SetItemsProcessed(count.names);
  state.counters["names"] = static_cast<double>(count.names / state.iterations());
  state.counters["records"] = static_cast<double>(count.records / state.iterations());
  state.counters["file_MiB"] = static_cast<double>(std::filesystem::file_size(big_store()) >> 20);
}
BENCHMARK(load)->Unit(benchmark::kMillisecond)->UseRealTime();

void read_zone_file(benchmark::State& state) {
  std::uint64_t records = 0;
  for (auto _ : state) {
    const auto zone = ZoneFile::read(big_zone_file(), apex());
    if (!zone) return state.SkipWithError(zone.error().to_text().c_str());
    records += zone->record_count();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
}
BENCHMARK(read_zone_file)->Unit(benchmark::kMillisecond)->UseRealTime();

void create_zone(benchmark::State& state) {
  const auto zone = ZoneFile::read(big_zone_file(), apex());
  if (!zone) return state.SkipWithError(zone.error().to_text().c_str());
  std::uint64_t names = 0;
  for (auto _ : state) {
    const File file("bench-create.sqlite");
    SqliteStore store(file.path());
    store.create_zone(apex(), [&](ZoneWriter& writer) { zone->write_to(writer); });
    names += zone->name_count();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(names));
}
BENCHMARK(create_zone)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace zones
