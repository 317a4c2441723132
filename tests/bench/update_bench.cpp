// Updates through UpdateWriter into an SQLite store on disk: judged, applied, committed, published,
// answered; without sockets and signatures. The database lies in $TMPDIR, which should be on a
// disk.
//
//   update_bench [--benchmark_filter=…]        zones of 1,000 and 1,000,000 hosts, 1 and 100
//   messages in flight
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

#include "dnsd/update_writer.h"
#include "zones/loader.h"
#include "zones/sqlite_store.h"

namespace {

using zones::Class;
using zones::Name;
using zones::Rcode;
using zones::Rdata;
using zones::Record;
using zones::RRset;
using zones::Type;

const Name& apex() {
  static const Name name = *Name::from_text("dyn.example.");
  return name;
}
const Name& key() {
  static const Name name = *Name::from_text("key.");
  return name;
}

/// Two names of a host: A and TXT; below it `_http._tcp` with an SRV.
struct Host {
  explicit Host(std::uint64_t number)
      : name(*Name::from_text("h" + std::to_string(number), apex().view())),
        service(*Name::from_text("_http._tcp", name.view())) {}
  Rdata srv(std::uint16_t port) const {
    Rdata rdata{0, 0, 0, 0, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)};
    rdata.insert(rdata.end(), name.view().wire().begin(), name.view().wire().end());
    return rdata;
  }
  Name name;
  Name service;
};

void put(zones::ZoneWriter& writer, const Name& owner, std::vector<RRset> rrsets) {
  std::vector<std::uint8_t> packed;
  zones::pack(rrsets, packed);
  writer.node(owner.view(), zones::RRsetsView(packed));
}

void fill(zones::ZoneWriter& writer, std::uint64_t hosts) {
  Rdata soa(2, 0);  // MNAME and RNAME are the root
  soa.resize(2 + 20, 1);
  put(writer, apex(), {{Type::SOA, 3600, {soa}}, {Type::NS, 3600, {Rdata{0}}}});
  for (std::uint64_t number = 0; number < hosts; ++number) {
    const Host host(number);
    put(writer, host.name,
        {{Type::A, 60, {Rdata{192, 0, 2, 1}}}, {Type::TXT, 60, {Rdata{1, 'x'}}}});
    put(writer, host.service, {{Type::SRV, 60, {host.srv(8001)}}});
  }
}

/// A store of its own for each size of zone, loaded once.
class Server {
 public:
  explicit Server(std::uint64_t hosts) : hosts_(hosts) {
    std::string path = std::filesystem::temp_directory_path() / "update_bench.XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder for the database");
    folder_ = path;
    auto store = std::make_unique<zones::SqliteStore>(folder_ / "dnsd.sqlite");
    store->create_zone(apex().view(), [&](zones::ZoneWriter& writer) { fill(writer, hosts); });
    auto builder = std::make_unique<zones::CatalogueBuilder>();
    zones::Loaded loaded = zones::load(*store, *builder);
    auto policy = std::make_shared<dnsd::Policy>();
    policy->keyring.add({.name = key(),
                         .algorithm = keys::Algorithm::HMAC_SHA256,
                         .secret = std::make_shared<const keys::Secret>(keys::Secret::random(32))});
    policy->grants[apex()].add({.key = key(), .update = true});
    const zones::Catalogue catalogue = builder->freeze();
    publisher_ = std::make_unique<dnsd::StatePublisher>(
        dnsd::State{builder->version(), catalogue, std::move(policy)});
    writer_ = std::make_unique<dnsd::UpdateWriter>(
        std::move(store), std::move(builder), *publisher_, std::move(loaded), dnsd::WriterLimits{},
        [] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); });
  }
  ~Server() {
    writer_->stop();
    writer_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// The host's address and port change, as a mapping's do: two RRsets are replaced.
  void submit(std::unique_ptr<dnsd::Responder> responder) {
    const std::uint64_t number = random_() % hosts_;
    const Host host(number);
    const auto port = static_cast<std::uint16_t>(1024 + random_() % 60'000);
    const auto address = static_cast<std::uint8_t>(random_());
    dnsd::UpdateJob job;
    job.message.question = {{apex(), Type::SOA, Class::IN}};
    job.message.authority = {{host.name, Type::A, Class::ANY, 0, {}},
                             {host.name, Type::A, Class::IN, 60, {198, 51, 100, address}},
                             {host.service, Type::SRV, Class::ANY, 0, {}},
                             {host.service, Type::SRV, Class::IN, 60, host.srv(port)}};
    job.key = key();
    job.signed_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (std::size_t at = 0; at < job.digest.size(); at += 8) {
      const std::uint64_t octets = random_();
      std::memcpy(job.digest.data() + at, &octets, sizeof octets);
    }
    job.responder = std::move(responder);
    if (!writer_->submit(job)) throw std::runtime_error("the queue is full");
  }
  dnsd::WriterStatus status() const { return writer_->status(); }

 private:
  const std::uint64_t hosts_;
  std::filesystem::path folder_;
  std::mt19937_64 random_{1};
  std::unique_ptr<dnsd::StatePublisher> publisher_;
  std::unique_ptr<dnsd::UpdateWriter> writer_;
};

Server& server(std::uint64_t hosts) {
  static std::map<std::uint64_t, std::unique_ptr<Server>> servers;
  std::unique_ptr<Server>& server = servers[hosts];
  if (!server) server = std::make_unique<Server>(hosts);
  return *server;
}

using Free = std::counting_semaphore<1'000'000>;

struct Releasing final : dnsd::Responder {
  Releasing(Free& to, std::atomic<std::uint64_t>& failures_in) : free(to), failures(failures_in) {}
  void reply(const dnsd::UpdateReply& reply) override {
    if (reply.rcode != Rcode::NOERROR) ++failures;
    free.release();
  }
  Free& free;
  std::atomic<std::uint64_t>& failures;
};

/// Arguments: hosts of the zone, messages in flight.
void update(benchmark::State& state) {
  Server& at = server(static_cast<std::uint64_t>(state.range(0)));
  const auto in_flight = static_cast<std::ptrdiff_t>(state.range(1));
  Free free(in_flight);
  std::atomic<std::uint64_t> failures{0};
  const dnsd::WriterStatus before = at.status();
  for (auto _ : state) {
    free.acquire();
    at.submit(std::make_unique<Releasing>(free, failures));
  }
  for (std::ptrdiff_t one = 0; one < in_flight; ++one) free.acquire();
  const dnsd::WriterStatus after = at.status();
  if (failures != 0) state.SkipWithError("an update was not answered NOERROR");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  state.counters["messages/commit"] =
      static_cast<double>(after.messages - before.messages) /
      static_cast<double>(std::max<std::uint64_t>(1, after.batches - before.batches));
  state.counters["slices"] = static_cast<double>(after.checkpoints - before.checkpoints);
  state.counters["lag"] = static_cast<double>(after.checkpoint_lag);
}
BENCHMARK(update)
    ->ArgNames({"hosts", "in_flight"})
    ->ArgsProduct({{1'000, 1'000'000}, {1, 100}})
    ->UseRealTime()
    ->MinTime(3);

}  // namespace
