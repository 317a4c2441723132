// A dispatcher with all that it needs, a few zones and keys, and the client's side of its messages.
#pragma once

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dnsd/dispatch.h"
#include "dnsd/transfer_out.h"
#include "keys/tsig.h"
#include "memory_store.h"
#include "zone_text.h"
#include "zones/message.h"

namespace dnsd::test {

using Octets = std::vector<std::uint8_t>;
using Verdict = keys::TsigClient::Verdict;

inline constexpr std::chrono::sys_seconds NOW{std::chrono::seconds{1'800'000'000}};

inline keys::TsigKey make_key(std::string_view key_name,
                              keys::Algorithm algorithm = keys::Algorithm::HMAC_SHA256,
                              std::uint8_t octet = 7) {
  const std::vector<std::uint8_t> octets(32, octet);
  return {name(key_name), algorithm, std::make_shared<const keys::Secret>(octets)};
}

inline constexpr std::string_view ZONE = R"(
@ 60 SOA ns h 5 60 60 60 60
@ 60 NS ns
ns 60 A 192.0.2.1
www 60 A 192.0.2.2
Mixed.Case 60 TXT "kept"
)";

/// "editor." may update and transfer example.org., "reader." may transfer it, "nobody." may
/// nothing; there is an editor for each algorithm as well: "hmac-sha1.", …
inline std::shared_ptr<const Policy> make_test_policy() {
  auto policy = std::make_shared<Policy>();
  keys::ZoneGrants& grants = policy->grants[name("example.org.")];
  const auto add = [&](std::string_view key, bool update, bool transfer,
                       keys::Algorithm algorithm = keys::Algorithm::HMAC_SHA256) {
    policy->keyring.add(make_key(key, algorithm));
    if (update || transfer) {
      grants.add(keys::Grant{.key = name(key), .update = update, .transfer = transfer});
    }
  };
  add("editor.", true, true);
  add("reader.", false, true);
  add("nobody.", false, false);
  for (const auto algorithm :
       {keys::Algorithm::HMAC_SHA1, keys::Algorithm::HMAC_SHA224, keys::Algorithm::HMAC_SHA256,
        keys::Algorithm::HMAC_SHA384, keys::Algorithm::HMAC_SHA512}) {
    add(keys::to_text(algorithm) + ".", true, false, algorithm);
  }
  return policy;
}

struct World {
  explicit World(WriterLimits limits = {}, std::size_t max_transfers = 10,
                 std::string_view zone = ZONE,
                 std::chrono::seconds max_pin_age = std::chrono::seconds(60),
                 const AuthLimits& sig0 = {})
      : World(limits, max_transfers, zone, max_pin_age, make_first(zone), sig0) {}

  static std::unique_ptr<zones::CatalogueBuilder> make_first(std::string_view zone) {
    auto builder = std::make_unique<zones::CatalogueBuilder>();
    add_zone(*builder, "example.org.", zone);
    add_zone(*builder, "example.net.", ZONE);
    builder->freeze();
    return builder;
  }

  World(WriterLimits limits, std::size_t max_transfers, std::string_view,
        std::chrono::seconds max_pin_age, std::unique_ptr<zones::CatalogueBuilder> builder,
        const AuthLimits& sig0)
      : publisher(State{builder->version(), builder->working(), make_test_policy()}, max_pin_age),
        writer(std::make_unique<UpdateWriter>(std::make_unique<MemoryStore>(&gate),
                                              std::move(builder), publisher, zones::Loaded{},
                                              limits, [] { return NOW; })),
        dispatcher(
            *writer, [] { return NOW; }, max_transfers, sig0),
        reader(publisher) {}
  ~World() {
    gate.open();
    writer->stop();
  }

  struct Answer {
    Octets octets;  // empty: silence
    std::unique_ptr<TransferOut> transfer;
  };

  /// The answer that comes at once; `later` gets one that comes later.
  Answer ask_now(const Octets& request, Transport transport, std::promise<Octets>& later) {
    Answer answer;
    Octets out(transport == Transport::TCP ? 65'535 : 4096);
    Peer peer;
    peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 99};
    peer.port = 4711;
    peer.transport = transport;
    asked_later = false;
    const std::function<SendLater()> send_later = [this, &later] {
      asked_later = true;
      return [&later](Octets octets) { later.set_value(std::move(octets)); };
    };
    const std::size_t size =
        dispatcher.handle(reader.current(), request, peer, out, send_later,
                          transport == Transport::TCP ? &answer.transfer : nullptr,
                          transport == Transport::TCP ? &reader : nullptr);
    reader.idle();
    out.resize(size);
    answer.octets = std::move(out);
    return answer;
  }

  /// The answer, at once or later.
  Octets ask(const Octets& request, Transport transport = Transport::UDP) {
    std::promise<Octets> later;
    Answer answer = ask_now(request, transport, later);
    return asked_later ? later.get_future().get() : std::move(answer.octets);
  }

  Gate gate;
  StatePublisher publisher;
  std::unique_ptr<UpdateWriter> writer;
  Dispatcher dispatcher;
  StateReader reader;
  bool asked_later = false;
};

inline zones::Record record(std::string_view owner, zones::Type type, std::string_view rdata,
                            std::uint32_t ttl = 60, zones::Class rrclass = zones::Class::IN) {
  zones::Record made{
      .owner = name(owner), .type = type, .rrclass = rrclass, .ttl = ttl, .rdata = {}};
  if (!rdata.empty()) {
    const auto octets = zones::rdata_from_text(type, rdata);
    if (!octets) throw std::invalid_argument(octets.error());
    made.rdata = *octets;
  }
  return made;
}

inline zones::Message query(std::string_view qname, zones::Type type, std::uint16_t id = 1) {
  zones::Message message;
  message.header.id = id;
  message.question.push_back({name(qname), type, zones::Class::IN});
  return message;
}

inline zones::Message update(std::string_view zone, std::vector<zones::Record> changes,
                             std::uint16_t id = 2) {
  zones::Message message = query(zone, zones::Type::SOA, id);
  message.header.opcode = zones::Opcode::UPDATE;
  message.authority = std::move(changes);
  return message;
}

/// An UPDATE of one record that is not there yet.
inline zones::Message add_new() {
  return update("example.org.", {record("new.example.org.", zones::Type::A, "192.0.2.9")});
}

inline zones::Message with_option(zones::Message message, zones::OptionCode code,
                                  const Octets& data) {
  if (!message.edns) message.edns.emplace();
  message.edns->options.push_back({code, data});
  return message;
}

/// A request with its TSIG, and the client that checks the answer.
struct Signed {
  Signed(const zones::Message& message, keys::TsigKey key, std::chrono::sys_seconds now = NOW)
      : client(std::move(key)), octets(zones::to_wire(message)) {
    if (!client.sign(octets, now)) throw std::invalid_argument("cannot be signed");
  }
  /// `error` becomes the TSIG's.
  Verdict verdict(const Octets& response) {
    std::optional<std::chrono::sys_seconds> server_time;
    return client.verify(response, NOW, error, server_time);
  }

  keys::TsigClient client;
  Octets octets;
  std::uint16_t error = 0;
};

inline zones::Message parse(const Octets& octets) {
  auto message = zones::parse_message(octets);
  if (!message)
    throw std::runtime_error(std::string("no message: ") + zones::to_text(message.error()));
  return std::move(*message);
}

/// What an answer has of this option; none without it.
inline std::optional<Octets> option_of(const Octets& answer, zones::OptionCode code) {
  const zones::Message message = parse(answer);
  const zones::EdnsOption* option = message.edns ? message.edns->find(code) : nullptr;
  return option ? std::optional(option->data) : std::nullopt;
}

inline zones::Rcode rcode_of(const Octets& octets) {
  const zones::Message message = parse(octets);
  const unsigned upper = message.edns ? message.edns->extended_rcode : 0U;
  return static_cast<zones::Rcode>(upper << 4 | message.header.rcode);
}

}  // namespace dnsd::test
