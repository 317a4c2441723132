// TSIG, both sides: whatever comes, no input without the secret is accepted that was not signed
// with it.
#include <array>

#include "dnsd/query.h"
#include "fuzz.h"
#include "keys/tsig.h"
#include "zones/message.h"

namespace {

using keys::TsigClient;

// The seeds are signed at this time, with these keys.
constexpr std::chrono::sys_seconds NOW{std::chrono::seconds(1'700'000'000)};

keys::TsigKey make_key(const char* name, keys::Algorithm algorithm) {
  std::array<std::uint8_t, 32> secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i + 1);
  return {.name = *zones::Name::from_text(name),
          .algorithm = algorithm,
          .secret = std::make_shared<const keys::Secret>(secret)};
}

struct World {
  World() {
    using enum keys::Algorithm;
    keyring.add(make_key("sha1.example.", HMAC_SHA1));
    keyring.add(make_key("sha224.example.", HMAC_SHA224));
    keyring.add(make_key("sha256.example.", HMAC_SHA256));
    keyring.add(make_key("sha384.example.", HMAC_SHA384));
    keyring.add(make_key("sha512.example.", HMAC_SHA512));
  }
  keys::Keyring keyring;
  keys::TsigKey other = make_key("sha256.example.", keys::Algorithm::HMAC_SHA256);
};

void server(const World& world, std::span<const std::uint8_t> octets, std::chrono::sys_seconds now,
            keys::TsigPolicy policy) {
  dnsd::Request request;
  if (dnsd::parse_request(octets, request) != dnsd::Parse::OK) return;
  if (request.signature_offset == 0 || request.signature_type != zones::Type::TSIG) return;
  keys::TsigExchange exchange(world.keyring, policy);
  const auto verified = exchange.verify(octets, request.signature_offset, now);
  if (!verified) {
    fuzz::require(*keys::to_text(verified.error()) != '\0', "an error has a name");
    fuzz::require(
        (exchange.max_signature_octets() == 0) == (verified.error() == keys::TsigError::FORMERR),
        "all but FORMERR is answered with a TSIG");
  }
  if (verified) {
    const auto known = world.keyring.find(verified->key.name);
    fuzz::require(known && known->name.data() == verified->key.name.data(), "a key of the keyring");
    fuzz::require(verified->mac.size() == keys::mac_octets(verified->key.algorithm),
                  "the full MAC");
  }
  // Answer it, as a stream of two messages.
  std::array<std::uint8_t, 4096> buffer{};
  for (int i = 0; i < 2; ++i) {
    const std::size_t size = dnsd::answer_error(
        octets, request, verified ? zones::Rcode::NOERROR : keys::rcode_of(verified.error()),
        {.transport = dnsd::Transport::TCP, .reserve = exchange.max_signature_octets()}, buffer);
    const std::size_t before = size;
    if (i == 1 && verified) exchange.refuse_time();  // as the replay window does
    const std::size_t after = exchange.sign(buffer, size, now);
    fuzz::require(exchange.max_signature_octets() <= keys::MAX_TSIG_OCTETS + 1024,
                  "a bounded signature");
    if (after == 0) continue;
    fuzz::require(after - before <= exchange.max_signature_octets(),
                  "a signature takes what it said");
    fuzz::require(zones::parse_message(std::span(buffer).first(after)).has_value(),
                  "a signed answer can be read");
  }
}

void client(const World& world, std::span<const std::uint8_t> octets) {
  TsigClient exchange(world.other);
  std::vector<std::uint8_t> request = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1};
  exchange.sign(request, NOW);
  std::uint16_t error = 0;
  std::optional<std::chrono::sys_seconds> server_time;
  // The client's request is the same each time, but its MAC is not in the seeds: nothing may pass.
  const auto verdict = exchange.verify(octets, NOW, error, server_time);
  fuzz::require(verdict != TsigClient::Verdict::VALID, "an answer that nobody signed is not valid");
  fuzz::require(*keys::to_text(verdict) != '\0', "a verdict has a name");
  fuzz::require(!exchange.complete(), "and nothing is complete");
}

/// What the client makes of a clock that is wrong, here or there.
void clocks(const World& world, std::span<const std::uint8_t> request,
            const dnsd::Request& parsed) {
  using Verdict = TsigClient::Verdict;
  const struct {
    std::chrono::seconds server;
    std::chrono::seconds client;
    Verdict verdict;
  } rows[] = {{std::chrono::seconds(0), std::chrono::seconds(301), Verdict::BAD_TIME},
              {std::chrono::seconds(-300), std::chrono::seconds(0), Verdict::VALID},
              {std::chrono::seconds(301), std::chrono::seconds(0), Verdict::SERVER_ERROR}};
  for (const auto& row : rows) {
    std::vector<std::uint8_t> again(request.begin(), request.end());
    TsigClient one(world.other);
    fuzz::require(one.sign(again, NOW), "there is room to sign");
    TsigClient exchange = std::move(one);
    keys::TsigExchange server_side(world.keyring);
    const bool verified = server_side.verify(again, request.size(), NOW + row.server).has_value();
    fuzz::require(verified == (row.verdict != Verdict::SERVER_ERROR), "BADTIME, or none");
    std::array<std::uint8_t, 4096> buffer{};
    const std::size_t size = dnsd::answer_error(
        again, parsed, verified ? zones::Rcode::REFUSED : zones::Rcode::NOTAUTH,
        {.transport = dnsd::Transport::TCP, .reserve = server_side.max_signature_octets()}, buffer);
    const std::vector<std::uint8_t> unsigned_answer(
        buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
    const auto answer = std::span(buffer).first(server_side.sign(buffer, size, NOW + row.server));
    std::uint16_t error = 0;
    std::optional<std::chrono::sys_seconds> server_time;
    const Verdict verdict = exchange.verify(answer, NOW + row.client, error, server_time);
    fuzz::require(verdict == row.verdict, "the clocks tell the verdict");
    fuzz::require(
        server_time.has_value() == !verified && (verified || *server_time == NOW + row.server),
        "BADTIME tells the server's time");
    if (verdict != Verdict::VALID) continue;
    // An unsigned message after the first counts only once a signed one comes (RFC 8945 §5.3.1).
    fuzz::require(exchange.verify(unsigned_answer, NOW, error, server_time) == Verdict::PENDING &&
                      !exchange.complete(),
                  "an unsigned message in mid stream is pending");
  }
}

/// Any message, signed by a client, verified and answered by the server in two messages, verified
/// by the client.
void both(const World& world, std::span<const std::uint8_t> octets) {
  // A whole message, and room to sign it: of other opcodes the server reads the header only.
  if (octets.size() > 60'000 || !zones::parse_message(octets)) return;
  dnsd::Request request;
  if (dnsd::parse_request(octets, request) != dnsd::Parse::OK || request.signature_offset != 0 ||
      (request.opcode != zones::Opcode::QUERY && request.opcode != zones::Opcode::UPDATE)) {
    return;
  }
  std::vector<std::uint8_t> signed_request(octets.begin(), octets.end());
  TsigClient exchange(world.other);
  fuzz::require(exchange.sign(signed_request, NOW), "there is room to sign");
  fuzz::require(dnsd::parse_request(signed_request, request) == dnsd::Parse::OK,
                "a signed request can be read");
  keys::TsigExchange server_side(world.keyring);
  fuzz::require(server_side.verify(signed_request, request.signature_offset, NOW).has_value(),
                "what was signed is verified");
  const std::size_t broken_at = octets[octets.size() - 1] % octets.size();
  std::vector<std::uint8_t> broken = signed_request;
  broken[broken_at] ^= 0x40;
  dnsd::Request broken_request;
  if (broken_at >= 2 && dnsd::parse_request(broken, broken_request) == dnsd::Parse::OK &&
      broken_request.signature_type == zones::Type::TSIG && broken_request.signature_offset != 0) {
    keys::TsigExchange other_side(world.keyring);
    fuzz::require(!other_side.verify(broken, broken_request.signature_offset, NOW).has_value(),
                  "what was changed is not");
  }
  std::array<std::uint8_t, 4096> buffer{};
  for (int i = 0; i < 2; ++i) {
    const std::size_t size = dnsd::answer_error(
        signed_request, request, zones::Rcode::REFUSED,
        {.transport = dnsd::Transport::TCP, .reserve = server_side.max_signature_octets()}, buffer);
    const auto answer = std::span(buffer).first(server_side.sign(buffer, size, NOW));
    std::uint16_t error = 0;
    std::optional<std::chrono::sys_seconds> server_time;
    fuzz::require(exchange.verify(answer, NOW, error, server_time) == TsigClient::Verdict::VALID &&
                      error == 0,
                  "the server's answer is valid");
  }
  fuzz::require(exchange.complete(), "the stream is complete");
  clocks(world, octets, request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World world;
  server(world, {data, size}, NOW, {});
  server(world, {data, size}, NOW + std::chrono::seconds(400), {.min_mac_octets = 64});
  server(world, {data, size}, NOW, {.min_mac_octets = 64});
  client(world, {data, size});
  both(world, {data, size});
  return 0;
}
