// One update an input, signed by a valid key, through the dispatcher, the writer and the published
// state: its answer is signed and has the model's RCODE, and the next query sees the model's zone.
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <string>

#include "../dnsd/dispatch_world.h"
#include "update_model.h"
#include "zones/text.h"

namespace {

using dnsd::Transport;
using dnsd::test::Octets;
using dnsd::test::World;
using fuzz::Input;
using fuzz::Model;
using fuzz::require;
using zones::Class;
using zones::Rcode;
using zones::Type;

constexpr std::string_view ZONE = R"(
@ 60 SOA ns h 10 60 60 60 60
@ 60 NS ns
)";
// Signing times go from the past to now, so that no two messages are equal.
constexpr std::uint32_t MESSAGES_PER_SECOND = 1000;
constexpr std::uint32_t SECONDS = 200;

/// A server and what its zone is to be; a new one from time to time.
struct Place {
  Place()
      : world({.queue = 100,
               .batch = 10,
               .checkpoint_lag = 1'000'000,
               .checkpoint_slice = 100,
               .journal_batches = 100,
               .journal_age = std::chrono::hours(1),
               .message = fuzz::LIMITS},
              10, ZONE),
        model(published()) {}

  Model published() {
    Model found = fuzz::model_of(*world.reader.current().catalogue.zone(fuzz::APEX.view()));
    world.reader.idle();
    return found;
  }

  World world;
  Model model;
  std::uint32_t messages = 0;
};

Place& place() {
  static std::unique_ptr<Place> current;
  if (!current || current->messages == MESSAGES_PER_SECOND * SECONDS) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()));
    current.reset();
    current = std::make_unique<Place>();
  }
  return *current;
}

std::string text_of(const Model& model) {
  std::string lines;
  for (const auto& [key, set] : model.sets) {
    for (const auto& [normal, rdata] : set.rdatas) {
      lines += key.first.to_text() + " " + std::to_string(set.ttl) + " " +
               zones::to_text(key.second) + " " + zones::rdata_to_text(key.second, rdata) + "\n";
    }
  }
  return lines;
}

std::string text_of(const zones::Message& message) {
  std::string lines;
  for (const auto* section : {&message.answer, &message.authority}) {
    lines += section == &message.answer ? "prerequisites\n" : "updates\n";
    for (const zones::Record& rr : *section) {
      lines += rr.owner.to_text() + " " + std::to_string(rr.ttl) + " " +
               zones::to_text(rr.rrclass) + " " + zones::to_text(rr.type) + " " +
               (rr.rdata.empty() ? "" : zones::rdata_to_text(rr.type, rr.rdata)) + "\n";
    }
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Place& here = place();
  Input in(data, size);
  zones::Message message;
  message.header.id = static_cast<std::uint16_t>(here.messages);
  message.header.opcode = zones::Opcode::UPDATE;
  message.question = {{fuzz::APEX, Type::SOA, Class::IN}};
  const std::uint8_t counts = in.octet();
  for (int one = counts % 4; one > 1; --one) message.answer.push_back(fuzz::random_record(in));
  // Now and then more than a message may have.
  const int updates = counts >= 0xf0 ? 32 : counts / 4 % 16;
  for (int one = updates; one > 0; --one) message.authority.push_back(fuzz::random_record(in));

  Octets request = zones::to_wire(message);
  const std::chrono::sys_seconds now =
      dnsd::test::NOW - std::chrono::seconds(SECONDS - here.messages / MESSAGES_PER_SECOND);
  ++here.messages;
  const auto parsed = zones::parse_message(request);
  keys::TsigClient client(dnsd::test::make_key("editor."));
  require(client.sign(request, now), "it can be signed");
  const Transport transport = in.octet() % 2 == 0 ? Transport::UDP : Transport::TCP;
  const Octets answer = here.world.ask(request, transport);

  require(answer.size() > zones::HEADER_OCTETS, "it is answered");
  const Rcode rcode = dnsd::test::rcode_of(answer);
  if (parsed) {
    const Rcode expected = here.model.message(*parsed);
    require(rcode == expected,
            ("the RCODE is the model's: " + zones::to_text(rcode) + ", " + zones::to_text(expected))
                .c_str());
    here.model.has_stepped = false;  // a batch of its own
  } else {
    require(rcode == Rcode::FORMERR, "what cannot be read is FORMERR");
  }
  // What reads the sections for a signature cannot answer with one when they are not whole.
  std::uint16_t error = 0;
  std::optional<std::chrono::sys_seconds> server_time;
  require(
      !parsed || client.verify(answer, now, error, server_time) == keys::TsigClient::Verdict::VALID,
      "the answer is signed");
  const Model found = here.published();
  if (!(found == here.model)) {
    std::fprintf(stderr, "%s%s\nthe model has\n%s\nthe zone has\n%s\n", text_of(message).c_str(),
                 zones::to_text(rcode).c_str(), text_of(here.model).c_str(),
                 text_of(found).c_str());
  }
  require(found == here.model, "the next query sees the model's zone");
  return 0;
}
