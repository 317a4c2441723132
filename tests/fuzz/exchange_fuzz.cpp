// A client's exchange: whatever comes from the network and whenever, it ends, keeps its limits, and
// with a key believes nobody who has not the secret. The input is a list of events.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "keys/exchange.h"
#include "keys/tsig_record.h"

namespace {

using keys::Exchange;

constexpr std::chrono::sys_seconds WALL{std::chrono::seconds(1'700'000'000)};
constexpr int TRIES = 4;

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> octets) : octets_(octets) {}
  bool empty() const { return octets_.empty(); }
  std::uint8_t octet() { return empty() ? std::uint8_t{0} : take(1)[0]; }
  std::span<const std::uint8_t> chunk() { return take(octet()); }

 private:
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto taken = octets_.first(std::min(size, octets_.size()));
    octets_ = octets_.subspan(taken.size());
    return taken;
  }
  std::span<const std::uint8_t> octets_;
};

keys::TsigKey make_key() {
  static const keys::TsigKey key{
      *zones::Name::from_text("key.example."), keys::Algorithm::HMAC_SHA256,
      std::make_shared<const keys::Secret>(std::array<std::uint8_t, 32>{1, 2, 3})};
  return key;
}

zones::Message make_request(bool is_update, bool with_edns) {
  zones::Message message;
  if (with_edns) message.edns.emplace();
  message.header.opcode = is_update ? zones::Opcode::UPDATE : zones::Opcode::QUERY;
  message.question.push_back(
      {*zones::Name::from_text("dyn.example."), zones::Type::SOA, zones::Class::IN});
  return message;
}

/// The server's answer to `request`, with octets changed as the input says.
std::vector<std::uint8_t> answer(std::span<const std::uint8_t> request, bool with_key,
                                 Input& input) {
  auto message = zones::parse_message(request);
  require(message.has_value(), "what is sent can be read");
  message->header.qr = true;
  message->header.rcode = input.octet() & 0x0f;
  const std::uint8_t flags = input.octet();
  message->header.tc = (flags & 1) != 0;
  if (message->edns && (flags & 2) != 0) message->edns->extended_rcode = 1;  // with 7: BADCOOKIE
  std::vector<std::uint8_t> octets = zones::to_wire(*message);
  if (with_key) {
    keys::Keyring keyring;
    keyring.add(make_key());
    keys::TsigExchange server(keyring);
    const auto server_time = WALL + std::chrono::seconds(input.octet() * 4);
    static_cast<void>(server.verify(request, message->signature_offset, server_time));
    const std::size_t size = octets.size();
    octets.resize(size + server.max_signature_octets());
    require(server.sign(octets, size, server_time) == octets.size(),
            "a signature takes what it said");
  }
  return octets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input({data, size});
  const std::uint8_t flags = input.octet();
  const bool with_key = (flags & 1) != 0;
  const bool is_update = (flags & 2) != 0;
  const bool with_cookie = (flags & 8) != 0;
  Exchange exchange([=] { return make_request(is_update, with_cookie); },
                    with_key ? keys::Signer(make_key()) : keys::Signer(),
                    {.udp_tries = TRIES, .tcp_only = (flags & 4) != 0},
                    with_cookie ? std::make_shared<keys::ClientCookie>() : nullptr);

  Exchange::Time now{};
  std::vector<std::vector<std::uint8_t>> sent;
  int datagrams = 0, connections = 0;
  bool answered = false;  // by the server, unchanged
  const auto step = [&] {
    const Exchange::Step next = exchange.next(now, WALL);
    switch (next.action) {
      case Exchange::Action::SEND_UDP:
        require(++datagrams <= TRIES && connections == 0,
                "no more datagrams than tries, none after TCP");
        break;
      case Exchange::Action::SEND_TCP:
        require(++connections == 1, "one connection");
        break;
      case Exchange::Action::WAIT:
        require(next.until > now, "it waits for a later time");
        return false;
      case Exchange::Action::DONE:
        require(answered || !with_key, "only the key's holder is believed");
        require(exchange.response().header.qr, "a response");
        return true;
      case Exchange::Action::FAILED:
        require(!exchange.failure().empty(), "it says what went wrong");
        return true;
    }
    sent.emplace_back(next.octets.begin(), next.octets.end());
    return false;
  };

  for (bool over = step(); !over && !input.empty(); over = step()) {
    switch (input.octet() % 6) {
      case 0:
        now += std::chrono::milliseconds(input.octet() * 64);
        break;
      case 1:
        exchange.received(input.chunk(), now, WALL);
        break;
      case 2: {  // an answer that fits as far as somebody off the path could guess
        const auto chunk = input.chunk();
        std::vector<std::uint8_t> octets(chunk.begin(), chunk.end());
        if (octets.size() < 3) break;
        octets[0] = sent.back()[0];
        octets[1] = sent.back()[1];
        octets[2] = static_cast<std::uint8_t>(0x80 | (is_update ? 0x28 : 0) | (octets[2] & 7));
        exchange.received(octets, now, WALL);
        break;
      }
      case 3:
        exchange.transport_failed(now);
        break;
      case 4:
        answered = true;
        exchange.received(answer(sent[input.octet() % sent.size()], with_key, input), now, WALL);
        break;
      case 5: {
        std::vector<std::uint8_t> octets = answer(sent.back(), with_key, input);
        const std::size_t place = 2 + input.octet() % (octets.size() - 2);
        const std::uint8_t change = input.octet();
        // Names in a TSIG have no case: that change may pass.
        const auto tsig = keys::find_tsig(octets);
        const bool letter = change == 0x20 && tsig && *tsig && place >= (*tsig)->offset;
        answered = answered || change == 0 || letter;
        octets[place] = static_cast<std::uint8_t>(octets[place] ^ change);
        exchange.received(octets, now, WALL);
        break;
      }
    }
  }
  // Left alone it ends within its time.
  for (int i = 0; i < 2 * TRIES + 8; ++i) {
    if (step()) return 0;
    now += std::chrono::seconds(300);
  }
  require(false, "it ends");
  return 0;
}
