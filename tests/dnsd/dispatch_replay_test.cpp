// A repeated UPDATE on the wire: what makes it the same message, and how it is answered.
#include <gtest/gtest.h>

#include <array>

#include "dispatch_world.h"
#include "keys/tsig_record.h"

namespace dnsd::test {
namespace {

using zones::Rcode;
using zones::Type;

/// The same request with another TSIG around the same signature.
Octets rewritten(const Octets& request, const std::function<void(keys::TsigRecord&)>& change) {
  const auto found = keys::find_tsig(request);
  keys::TsigRecord record = **found;
  change(record);
  Octets octets(request.begin(), request.begin() + static_cast<std::ptrdiff_t>(record.offset));
  octets[11] = static_cast<std::uint8_t>(octets[11] - 1);  // ARCOUNT
  octets.resize(record.offset + 512);
  octets.resize(keys::append_tsig(octets, record.offset, record));
  return octets;
}

TEST(DispatchReplay, IsKnownByItsComputedMacAlone) {
  World world;
  const Signed once(update("example.org.", {record("x.example.org.", Type::A, "192.0.2.9")}),
                    make_key("editor."));
  EXPECT_EQ(rcode_of(world.ask(once.octets)), Rcode::NOERROR);
  Signed gone(
      update("example.org.", {record("x.example.org.", Type::ANY, "", 0, zones::Class::ANY)}),
      make_key("editor."));
  EXPECT_EQ(rcode_of(world.ask(gone.octets)), Rcode::NOERROR);

  struct Row {
    const char* what;
    Octets octets;
    Transport transport;
  };
  Octets other_id = once.octets;
  other_id[0] = 0xab;  // RFC 8945 §5.3: the Original ID is what is signed
  const Row rows[] = {
      {"the same octets", once.octets, Transport::UDP},
      {"over TCP", once.octets, Transport::TCP},
      {"another ID in the header", other_id, Transport::UDP},
      {"a cut MAC",
       rewritten(once.octets, [](keys::TsigRecord& tsig) { tsig.mac = tsig.mac.first(16); }),
       Transport::UDP},
      {"a MAC cut elsewhere",
       rewritten(once.octets, [](keys::TsigRecord& tsig) { tsig.mac = tsig.mac.first(20); }),
       Transport::TCP},
      {"another case of the key's name",
       rewritten(once.octets, [](keys::TsigRecord& tsig) { tsig.key_name = name("eDiToR."); }),
       Transport::UDP},
  };
  std::uint64_t repeated = 0;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Octets answer = world.ask(row.octets, row.transport);
    EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
    EXPECT_EQ(answer[0], row.octets[0]);
    EXPECT_EQ(world.writer->status().repeated, ++repeated);
    // It is still gone.
    const zones::Message seen = parse(world.ask(zones::to_wire(query("x.example.org.", Type::A))));
    EXPECT_EQ(static_cast<Rcode>(seen.header.rcode), Rcode::NXDOMAIN);
  }
  EXPECT_EQ(world.writer->status().changed, 2U);
}

TEST(DispatchReplay, EachAnswerIsSignedAnew) {
  World world;
  const zones::Message message =
      update("example.org.", {record("x.example.org.", Type::A, "192.0.2.9")});
  Signed first(message, make_key("editor."));
  Signed second(message, make_key("editor."));  // the same octets
  ASSERT_EQ(first.octets, second.octets);
  EXPECT_EQ(first.verdict(world.ask(first.octets)), Verdict::VALID);
  EXPECT_EQ(second.verdict(world.ask(second.octets)), Verdict::VALID);
  EXPECT_EQ(world.writer->status().repeated, 1U);
}

TEST(DispatchReplay, AnotherKeyOrTimeIsAnotherMessage) {
  World world;
  const zones::Message message =
      update("example.org.", {record("x.example.org.", Type::A, "192.0.2.9")});
  for (const Signed& one :
       {Signed(message, make_key("editor.")), Signed(message, make_key("hmac-sha256.")),
        Signed(message, make_key("editor."), NOW - std::chrono::seconds(1))}) {
    EXPECT_EQ(rcode_of(world.ask(one.octets)), Rcode::NOERROR);
  }
  EXPECT_EQ(world.writer->status().repeated, 0U);
}

TEST(DispatchReplay, Rfc8945TooOldForTheMemoryIsBadtime) {
  WriterLimits limits;
  limits.replay_window = 2;
  World world(limits);
  const auto send = [&](const char* owner, int seconds_ago) {
    Signed one(update("example.org.", {record(owner, Type::A, "192.0.2.9")}), make_key("editor."),
               NOW - std::chrono::seconds(seconds_ago));
    const Octets answer = world.ask(one.octets);
    const Verdict verdict = one.verdict(answer);
    return std::tuple(rcode_of(answer), verdict, one.error);
  };
  const std::tuple fine(Rcode::NOERROR, Verdict::VALID, std::uint16_t{0});
  EXPECT_EQ(send("a.example.org.", 20), fine);
  EXPECT_EQ(send("b.example.org.", 10), fine);
  EXPECT_EQ(send("c.example.org.", 0), fine);
  // Signed (RFC 8945 §5.2.3), so that the client can trust it.
  EXPECT_EQ(send("d.example.org.", 20),
            std::tuple(Rcode::NOTAUTH, Verdict::SERVER_ERROR, std::uint16_t{18}));
  EXPECT_EQ(send("d.example.org.", 0), fine);
}

}  // namespace
}  // namespace dnsd::test
