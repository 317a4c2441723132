// SIG(0): any KEY RDATA is a key or an error; no message passes that its key did not sign; and what
// we sign verifies until an octet of it changes. The first octet tells what the rest is.
#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "fuzz.h"
#include "keys/sig0.h"
#include "zones/message.h"

namespace {

using Octets = std::vector<std::uint8_t>;

// Near the time at which the seeds were signed.
constexpr std::chrono::sys_seconds NOW{std::chrono::seconds(1'700'000'000)};

/// A key that was written to files and read again.
const keys::PrivateKey& own_key() {
  static const keys::PrivateKey key = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "sig0_fuzz.XXXXXX").string();
    const std::filesystem::path folder = ::mkdtemp(pattern.data());
    const auto made = keys::PrivateKey::generate(*zones::Name::from_text("h1.dyn.example."));
    const auto file = made.write_files(folder);
    fuzz::require(file && !made.write_files(folder), "files are written once");
    auto read = keys::PrivateKey::from_files(*file);
    fuzz::require(read && read->name() == made.name(), "what was written can be read");
    std::filesystem::remove_all(folder);
    fuzz::require(!keys::PrivateKey::from_files(*file), "no file, no key");
    return std::move(*read);
  }();
  return key;
}

void key_rdata(std::span<const std::uint8_t> rdata) {
  const auto key = keys::PublicKey::from_key_rdata(rdata);
  if (!key) return fuzz::require(!key.error().empty(), "an error is told");
  fuzz::require(std::ranges::equal(key->rdata(), rdata) && key->tag() == keys::key_tag(rdata),
                "a key is its RDATA");
  fuzz::require(*keys::to_text(key->algorithm()) != '\0', "an algorithm has a name");
  for (const std::size_t size : {0U, 64U, 96U, 256U}) {
    fuzz::require(!key->verify(rdata, Octets(size, 1)), "octets are no signature");
  }
}

/// The time of its inception, so that what was signed long ago is looked at all the same.
std::chrono::sys_seconds time_of(std::span<const std::uint8_t> message, std::size_t offset) {
  constexpr std::size_t INCEPTION_AT = 11 + 12;  // root, fixed part; RFC 2535 §4.1
  if (message.size() < offset + INCEPTION_AT + 4) return NOW;
  std::uint32_t seconds = 0;
  for (std::size_t i = 0; i < 4; ++i) seconds = seconds << 8 | message[offset + INCEPTION_AT + i];
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

void message(std::span<const std::uint8_t> octets) {
  const auto parsed = zones::parse_message(octets);
  if (!parsed || !parsed->signature || parsed->signature->type != zones::Type::SIG) return;
  const std::size_t offset = parsed->signature_offset;
  for (const auto now : {NOW, time_of(octets, offset)}) {
    const auto sig = keys::read_sig0(octets, offset, now);
    if (!sig) {
      fuzz::require(*keys::to_text(sig.error()) != '\0', "an error is told");
      continue;
    }
    const Octets data = keys::sig0_signed_data(octets, offset, *sig);
    const std::array<keys::PublicKey, 1> strangers{own_key().public_key()};
    const auto verified = keys::verify_sig0(data, *sig, strangers);
    fuzz::require(!verified && *keys::to_text(verified.error()) != '\0',
                  "what another key signed is not ours");
  }
}

void sign(std::span<const std::uint8_t> octets) {
  const auto parsed = zones::parse_message(octets);
  if (!parsed || parsed->signature || octets.size() > 60'000) return;
  Octets wire = zones::to_wire(*parsed);
  if (wire.empty()) return;
  const Octets request = wire;
  keys::sign_sig0(wire, own_key(), NOW);
  const std::size_t offset = request.size();
  const auto sig = keys::read_sig0(wire, offset, NOW);
  fuzz::require(sig.has_value(), "what we sign can be read");
  const std::array<keys::PublicKey, 1> keys_of_ours{own_key().public_key()};
  fuzz::require(
      keys::verify_sig0(keys::sig0_signed_data(wire, offset, *sig), *sig, keys_of_ours).has_value(),
      "and verifies");
  const std::size_t place = octets.back() % offset;
  wire[place] ^= 0x40;
  const auto changed = keys::read_sig0(wire, offset, NOW);
  fuzz::require(!changed || !keys::verify_sig0(keys::sig0_signed_data(wire, offset, *changed),
                                               *changed, keys_of_ours),
                "until it is changed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      key_rdata(rest);
      break;
    case 1:
      message(rest);
      break;
    default:
      sign(rest);
  }
  return 0;
}
