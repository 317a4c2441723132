// What TSIG costs a message: verify and sign, one core.
#include <benchmark/benchmark.h>

#include <array>
#include <numeric>
#include <vector>

#include "keys/hmac.h"
#include "keys/tsig.h"
#include "keys/tsig_record.h"
#include "zones/message.h"

namespace {

using keys::Algorithm;

constexpr std::chrono::sys_seconds NOW{std::chrono::seconds(1'700'000'000)};

zones::Name name(std::string_view text) { return zones::Name::from_text(text).value(); }

keys::TsigKey make_key(Algorithm algorithm) {
  std::array<std::uint8_t, 32> secret;
  std::iota(secret.begin(), secret.end(), std::uint8_t{0});
  return {name("h1.dyn.example."), algorithm, std::make_shared<const keys::Secret>(secret)};
}

/// A mapping as one UPDATE: A, SRV and TXT of a host, as an agent sends it.
std::vector<std::uint8_t> make_update() {
  zones::Message message;
  message.header.id = 4711;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({name("dyn.example."), zones::Type::SOA, zones::Class::IN});
  const auto add = [&message](const char* owner, zones::Type type, zones::Rdata rdata) {
    message.authority.push_back({name(owner), type, zones::Class::IN, 60, std::move(rdata)});
  };
  const zones::Name host = name("h1.dyn.example.");
  zones::Rdata srv = {0, 0, 0, 0, 0x1f, 0x41};
  srv.insert(srv.end(), host.wire().begin(), host.wire().end());
  add("h1.dyn.example.", zones::Type::A, {192, 0, 2, 1});
  add("_http._tcp.h1.dyn.example.", zones::Type::SRV, srv);
  add("_http._tcp.h1.dyn.example.", zones::Type::TXT, {6, 'p', 'a', 't', 'h', '=', '/'});
  return zones::to_wire(message);
}

/// A keyring of as many keys as a provider has, so that the key is not in the cache by itself.
keys::Keyring make_keyring(Algorithm algorithm, std::int64_t size) {
  keys::Keyring keyring;
  keyring.add(make_key(algorithm));
  for (std::int64_t i = 2; i <= size; ++i) {
    keys::TsigKey key = make_key(algorithm);
    key.name = name("h" + std::to_string(i) + ".dyn.example.");
    keyring.add(std::move(key));
  }
  return keyring;
}

void verify(benchmark::State& state, Algorithm algorithm) {
  const keys::Keyring keyring = make_keyring(algorithm, state.range(0));
  std::vector<std::uint8_t> request = make_update();
  const std::size_t tsig_offset = request.size();
  keys::TsigClient client(make_key(algorithm));
  client.sign(request, NOW);
  for (auto _ : state) {
    keys::TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, tsig_offset, NOW);
    if (!identity) return state.SkipWithError("the request must verify");
    benchmark::DoNotOptimize(identity->mac);
  }
  state.SetItemsProcessed(state.iterations());
}

void verify_and_sign(benchmark::State& state, Algorithm algorithm) {
  const keys::Keyring keyring = make_keyring(algorithm, state.range(0));
  std::vector<std::uint8_t> request = make_update();
  const std::size_t tsig_offset = request.size();
  keys::TsigClient client(make_key(algorithm));
  client.sign(request, NOW);
  const std::array<std::uint8_t, 12> header = {0x12, 0x67, 0xa8, 0};
  std::array<std::uint8_t, 512> response;
  for (auto _ : state) {
    keys::TsigExchange exchange(keyring);
    const auto identity = exchange.verify(request, tsig_offset, NOW);
    if (!identity) return state.SkipWithError("the request must verify");
    std::ranges::copy(header, response.begin());
    benchmark::DoNotOptimize(exchange.sign(response, header.size(), NOW));
  }
  state.SetItemsProcessed(state.iterations());
}

void find_tsig(benchmark::State& state) {
  std::vector<std::uint8_t> request = make_update();
  keys::TsigClient(make_key(Algorithm::HMAC_SHA256)).sign(request, NOW);
  for (auto _ : state) benchmark::DoNotOptimize(keys::find_tsig(request));
  state.SetItemsProcessed(state.iterations());
}

void hmac_alone(benchmark::State& state, Algorithm algorithm) {
  const keys::TsigKey key = make_key(algorithm);
  const auto hmac = keys::Hmac::make(algorithm, key.secret->octets());
  const std::vector<std::uint8_t> octets(150);
  std::array<std::uint8_t, keys::MAX_MAC_OCTETS> mac;
  for (auto _ : state) {
    keys::HmacRun run(*hmac);
    run.update(octets);
    benchmark::DoNotOptimize(run.finish(mac));
  }
  state.SetItemsProcessed(state.iterations());
}

void prepare_key(benchmark::State& state) {
  const keys::TsigKey key = make_key(Algorithm::HMAC_SHA256);
  for (auto _ : state)
    benchmark::DoNotOptimize(keys::Hmac::make(key.algorithm, key.secret->octets()));
}

BENCHMARK_CAPTURE(verify, sha256, Algorithm::HMAC_SHA256)->Arg(1)->Arg(100'000);
BENCHMARK_CAPTURE(verify, sha512, Algorithm::HMAC_SHA512)->Arg(1);
BENCHMARK_CAPTURE(verify, sha1, Algorithm::HMAC_SHA1)->Arg(1);
BENCHMARK_CAPTURE(verify, sha384, Algorithm::HMAC_SHA384)->Arg(1);
BENCHMARK_CAPTURE(verify_and_sign, sha256, Algorithm::HMAC_SHA256)->Arg(1);
BENCHMARK(find_tsig);
BENCHMARK_CAPTURE(hmac_alone, sha256, Algorithm::HMAC_SHA256);
BENCHMARK_CAPTURE(hmac_alone, sha512, Algorithm::HMAC_SHA512);
BENCHMARK_CAPTURE(hmac_alone, sha1, Algorithm::HMAC_SHA1);
BENCHMARK(prepare_key);

}  // namespace
