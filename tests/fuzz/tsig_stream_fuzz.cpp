// A signed stream between our two sides (RFC 8945 §5.3.1): it verifies as it was sent, and not one
// change, loss, copy or exchange of messages goes unnoticed. The input is a list of messages and of
// what happens to them.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "keys/tsig.h"
#include "keys/tsig_record.h"

namespace {

using keys::TsigClient;
using Octets = std::vector<std::uint8_t>;

constexpr std::chrono::sys_seconds WALL{std::chrono::seconds(1'700'000'000)};
constexpr keys::Algorithm ALGORITHMS[] = {
    keys::Algorithm::HMAC_SHA1, keys::Algorithm::HMAC_SHA224, keys::Algorithm::HMAC_SHA256,
    keys::Algorithm::HMAC_SHA384, keys::Algorithm::HMAC_SHA512};

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// A response with one NULL record (RFC 1035 §3.3.10) that holds `data`.
Octets response(std::span<const std::uint8_t> data) {
  Octets octets = {0x12, 0x34, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 1, 0, 0, 0, 60, 0};
  octets.push_back(static_cast<std::uint8_t>(data.size()));
  octets.insert(octets.end(), data.begin(), data.end());
  return octets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::span<const std::uint8_t> input(data, size);
  const auto take = [&input](std::size_t octets) {
    const auto taken = input.first(std::min(octets, input.size()));
    input = input.subspan(taken.size());
    return taken;
  };
  const auto octet = [&]() { return input.empty() ? std::uint8_t{0} : take(1)[0]; };

  keys::Keyring keyring;
  const keys::TsigKey key{
      *zones::Name::from_text("Key.example."), ALGORITHMS[octet() % 5],
      std::make_shared<const keys::Secret>(std::array<std::uint8_t, 20>{4, 5, 6})};
  keyring.add(key);
  TsigClient client(key);
  Octets request = {0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 252, 0, 1};
  const std::size_t tsig_offset = request.size();
  require(client.sign(request, WALL), "a short request can be signed");
  keys::TsigExchange server(keyring);
  require(server.verify(request, tsig_offset, WALL).has_value(),
          "what our client signs our server takes");

  Octets previous;
  bool intact = true;
  std::uint16_t error = 0;
  std::optional<std::chrono::sys_seconds> server_time;
  while (!input.empty() && intact) {
    const std::uint8_t event = octet();
    const std::size_t room = keys::MAX_TSIG_OCTETS;
    Octets message = response(take(octet()));
    const std::size_t plain = message.size();
    message.resize(plain + room);
    const std::size_t whole =
        server.sign(message, plain, WALL + std::chrono::seconds(event & 0x0f));
    require(whole == plain + server.max_signature_octets(), "a signature takes what it said");
    message.resize(whole);
    Octets arrived = message;
    switch (event >> 5) {
      case 0: {  // one octet changed; the ID is not covered, and names have no case
        const std::size_t low = octet(), high = octet();
        const std::size_t place = 2 + (low + 256 * high) % (whole - 2);
        const std::uint8_t change = octet();
        const bool letter = place >= plain && change == 0x20;
        intact = change == 0;
        arrived[place] = static_cast<std::uint8_t>(arrived[place] ^ change);
        if (letter) return 0;
        break;
      }
      case 1:  // lost, the next one comes
        if (input.empty()) return 0;
        previous = message;
        message = response(take(octet()));
        message.resize(message.size() + room);
        message.resize(server.sign(message, message.size() - room, WALL));
        arrived = message;
        intact = false;
        break;
      case 2:                         // the one before comes again
        if (previous.empty()) break;  // there is none
        arrived = previous;
        intact = false;
        break;
      case 3:  // an unsigned one is put in before it
        static_cast<void>(client.verify(response(take(octet())), WALL, error, server_time));
        if (previous.empty()) break;  // before the first message it is merely UNSIGNED
        intact = false;
        break;
      default:
        break;
    }
    const auto verdict = client.verify(arrived, WALL, error, server_time);
    require((verdict == TsigClient::Verdict::VALID) == intact,
            "a stream is valid as long as it is as it was sent");
    require(client.complete() == intact, "and complete");
    previous = message;
  }
  return 0;
}
