// TSIG at the server's door, clause by clause (RFC 8945 §5): what is checked first, what is signed,
// and what an answer's TSIG holds. Requests are signed by the test itself, so that they can be
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "keys/hmac.h"
#include "keys/tsig_record.h"
#include "log_capture.h"

namespace dnsd {
namespace {

using keys::TsigRecord;
using test::make_key;
using test::NOW;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::update;
using test::World;
using testing::HasSubstr;
using zones::Rcode;
using zones::Type;

constexpr std::uint16_t FUDGE = 100;

/// How a request is signed.
struct Signing {
  const char* key = "editor.";
  const char* algorithm = "hmac-sha256.";
  std::chrono::seconds late{0};
  std::size_t mac_octets = 32;
  bool wrong_mac = false;
  Octets other{};
};

struct SignedRequest {
  Octets octets;
  Octets mac;  // as sent
};

Octets finished(keys::HmacRun& run) {
  std::array<std::uint8_t, keys::MAX_MAC_OCTETS> mac{};
  const std::size_t size = run.finish(mac);
  return {mac.begin(), mac.begin() + static_cast<std::ptrdiff_t>(size)};
}

SignedRequest sign(Octets message, const Signing& how) {
  TsigRecord tsig;
  tsig.key_name = test::name(how.key);
  tsig.algorithm_name = test::name(how.algorithm);
  tsig.time_signed = keys::wire_time(NOW - how.late);
  tsig.fudge = FUDGE;
  tsig.original_id = static_cast<std::uint16_t>(message[0] << 8 | message[1]);
  tsig.other = how.other;
  const auto secret = make_key(how.key).secret;
  const auto hmac = keys::Hmac::make(keys::Algorithm::HMAC_SHA256, secret->octets());
  keys::HmacRun run(*hmac);
  keys::digest_message(run, message, tsig.original_id, false);
  keys::digest_variables(run, tsig);
  Octets mac = finished(run);
  if (how.wrong_mac) mac[0] ^= 1;
  mac.resize(how.mac_octets);  // cut, or zeros behind it
  tsig.mac = mac;
  const std::size_t size = message.size();
  message.resize(size + keys::tsig_octets(tsig));
  keys::append_tsig(message, size, tsig);
  return {std::move(message), std::move(mac)};
}

enum class Answered { UNSIGNED_NO_TSIG, EMPTY_MAC, SIGNED };

/// How the answer is signed; SIGNED only when its MAC is that of the key over the request's MAC as
/// it was sent (§5.3).
Answered how_answered(const Octets& answer, const SignedRequest& request, const char* key,
                      TsigRecord& tsig) {
  const auto found = keys::find_tsig(answer);
  if (!found || !*found) return Answered::UNSIGNED_NO_TSIG;
  tsig = **found;
  if (tsig.mac.empty()) return Answered::EMPTY_MAC;
  const auto secret = make_key(key).secret;
  const auto hmac = keys::Hmac::make(keys::Algorithm::HMAC_SHA256, secret->octets());
  keys::HmacRun run(*hmac);
  keys::digest_mac(run, request.mac);
  keys::digest_message(run, std::span(answer).first(tsig.offset), tsig.original_id, true);
  keys::digest_variables(run, tsig);
  const Octets mac = finished(run);
  EXPECT_TRUE(std::ranges::equal(mac, tsig.mac)) << "the answer's MAC";
  return Answered::SIGNED;
}

zones::Message add_new() {
  return update("example.org.", {record("new.example.org.", Type::A, "192.0.2.9")});
}

TEST(Rfc8945, Section52ChecksInTheirOrder) {
  using std::chrono::seconds;
  const struct {
    const char* clause;
    Signing how;
    Rcode rcode;
    std::uint16_t error;
    Answered answered;
    const char* line;
  } rows[] = {
      {"§5.2 all is well", {}, Rcode::NOERROR, 0, Answered::SIGNED, ""},
      {"§5.2.1 unknown key, first of all",
       {.key = "who.", .late = seconds(200), .mac_octets = 5, .wrong_mac = true},
       Rcode::NOTAUTH,
       17,
       Answered::EMPTY_MAC,
       "BADKEY: no key who. is configured here"},
      {"§5.2.1 unknown algorithm",
       {.algorithm = "hmac-foo.", .late = seconds(200)},
       Rcode::NOTAUTH,
       17,
       Answered::EMPTY_MAC,
       "BADKEY: algorithm hmac-foo. is not offered"},
      {"§5.2.1, §6 MD5 is told to the operator",
       {.algorithm = "HMAC-MD5.SIG-ALG.REG.INT.", .mac_octets = 16},
       Rcode::NOTAUTH,
       17,
       Answered::EMPTY_MAC,
       "BADKEY: HMAC-MD5 is never accepted"},
      {"§5.2.1 another algorithm than the key's: one name, one key",
       {.algorithm = "hmac-sha512."},
       Rcode::NOTAUTH,
       17,
       Answered::EMPTY_MAC,
       "is for hmac-sha256, not hmac-sha512."},
      {"§5.2.2.1 longer than the whole MAC",
       {.mac_octets = 33},
       Rcode::FORMERR,
       0,
       Answered::UNSIGNED_NO_TSIG,
       "its TSIG is malformed, key editor."},
      {"§5.2.2.1 shorter than half of it",
       {.mac_octets = 15},
       Rcode::FORMERR,
       0,
       Answered::UNSIGNED_NO_TSIG,
       "malformed"},
      {"§5.2.2.1 empty",
       {.mac_octets = 0},
       Rcode::FORMERR,
       0,
       Answered::UNSIGNED_NO_TSIG,
       "malformed"},
      {"§5.2.2.1 before §5.2.3",
       {.late = seconds(200), .mac_octets = 15},
       Rcode::FORMERR,
       0,
       Answered::UNSIGNED_NO_TSIG,
       "malformed"},
      {"§5.2.2 before §5.2.3",
       {.late = seconds(200), .wrong_mac = true},
       Rcode::NOTAUTH,
       16,
       Answered::EMPTY_MAC,
       "BADSIG"},
      {"§5.2.2 before §5.2.4",
       {.mac_octets = 17, .wrong_mac = true},
       Rcode::NOTAUTH,
       16,
       Answered::EMPTY_MAC,
       "BADSIG"},
      {"§5.2.3 at the edge", {.late = seconds(FUDGE)}, Rcode::NOERROR, 0, Answered::SIGNED, ""},
      {"§5.2.3 too late",
       {.late = seconds(FUDGE + 1)},
       Rcode::NOTAUTH,
       18,
       Answered::SIGNED,
       "BADTIME"},
      {"§5.2.3 too early",
       {.late = seconds(-FUDGE - 1)},
       Rcode::NOTAUTH,
       18,
       Answered::SIGNED,
       "BADTIME"},
      {"§5.2.3 before §5.2.4",
       {.late = seconds(200), .mac_octets = 17},
       Rcode::NOTAUTH,
       18,
       Answered::SIGNED,
       "BADTIME"},
      {"§5.2.4 below the policy",
       {.mac_octets = 19},
       Rcode::NOTAUTH,
       22,
       Answered::SIGNED,
       "BADTRUNC: the MAC was cut too short, key editor."},
      {"§5.2.4 at the policy", {.mac_octets = 20}, Rcode::NOERROR, 0, Answered::SIGNED, ""},
      {"§4.2 Other Data of a request means nothing, and is signed all the same",
       {.other = {1, 2, 3}},
       Rcode::NOERROR,
       0,
       Answered::SIGNED,
       ""},
  };
  auto policy = std::make_shared<Policy>(*test::make_test_policy());
  policy->tsig.min_mac_octets = 20;
  for (const auto& row : rows) {
    for (const zones::Message& message : {query("www.example.org.", Type::A), add_new()}) {
      SCOPED_TRACE(row.clause);
      World world;
      test::LogCapture log;
      world.writer->set_policy(policy);
      const SignedRequest request = sign(zones::to_wire(message), row.how);
      const Octets answer = world.ask(request.octets);
      ASSERT_FALSE(answer.empty());
      EXPECT_EQ(rcode_of(answer), row.rcode);
      TsigRecord tsig;
      EXPECT_EQ(how_answered(answer, request, row.how.key, tsig), row.answered);
      EXPECT_EQ(tsig.error, row.error);
      EXPECT_THAT(log.take(), HasSubstr(row.line));
      if (row.answered == Answered::UNSIGNED_NO_TSIG) continue;
      EXPECT_EQ(tsig.key_name, test::name(row.how.key)) << "§5.4.1 another key never signs";
      EXPECT_EQ(tsig.algorithm_name, test::name(row.how.algorithm));
      EXPECT_EQ(tsig.original_id, message.header.id);
      if (row.error == 18) {
        EXPECT_EQ(tsig.time_signed, keys::wire_time(NOW - row.how.late)) << "§5.2.3 the client's";
        EXPECT_EQ(tsig.fudge, FUDGE);
        const std::uint64_t now = keys::wire_time(NOW);
        const Octets want{0,
                          0,
                          static_cast<std::uint8_t>(now >> 24),
                          static_cast<std::uint8_t>(now >> 16),
                          static_cast<std::uint8_t>(now >> 8),
                          static_cast<std::uint8_t>(now)};
        EXPECT_TRUE(std::ranges::equal(tsig.other, want)) << "§5.2.3 the server's time";
      } else {
        EXPECT_EQ(tsig.time_signed, keys::wire_time(NOW));
        EXPECT_TRUE(tsig.other.empty());
      }
      const bool changed = row.rcode == Rcode::NOERROR && message.header.opcode != zones::Opcode{};
      EXPECT_EQ(rcode_of(world.ask(zones::to_wire(query("new.example.org.", Type::A)))),
                changed ? Rcode::NOERROR : Rcode::NXDOMAIN);
    }
  }
}

Octets with_opcode(zones::Message message, int opcode) {
  message.header.opcode = static_cast<zones::Opcode>(opcode);
  return zones::to_wire(message);
}

/// Header alone, of any opcode: no question, no record.
Octets header_only(int opcode) {
  Octets octets(zones::HEADER_OCTETS);
  octets[1] = 7;
  octets[2] = static_cast<std::uint8_t>(opcode << 3);
  return octets;
}

TEST(Rfc8945, Section53EveryAnswerToAValidSignatureIsSigned) {
  zones::Message two_questions = query("www.example.org.", Type::A);
  two_questions.question.push_back(two_questions.question.front());
  zones::Message edns_1 = query("www.example.org.", Type::A);
  edns_1.edns.emplace().version = 1;
  zones::Message bad_option = query("www.example.org.", Type::A);
  bad_option.edns.emplace().options.push_back({zones::OptionCode::NSID, {1, 2}});
  Octets bad_option_octets = zones::to_wire(bad_option);
  bad_option_octets[bad_option_octets.size() - 3] = 9;  // the option's length
  zones::Message bad_rdata = add_new();
  bad_rdata.authority.front().rdata.pop_back();
  zones::Message ptr_zone = add_new();
  ptr_zone.question.front().type = Type::PTR;
  const struct {
    const char* what;
    Octets octets;
    Rcode want;
  } rows[] = {
      {"an answer", zones::to_wire(query("www.example.org.", Type::A)), Rcode::NOERROR},
      {"NODATA", zones::to_wire(query("www.example.org.", Type::MX)), Rcode::NOERROR},
      {"NXDOMAIN", zones::to_wire(query("no.example.org.", Type::A)), Rcode::NXDOMAIN},
      {"REFUSED", zones::to_wire(query("elsewhere.", Type::A)), Rcode::REFUSED},
      {"BADVERS", zones::to_wire(edns_1), Rcode::BADVERS},
      {"AXFR over UDP", zones::to_wire(query("example.org.", Type::AXFR)), Rcode::FORMERR},
      {"AXFR of no zone", zones::to_wire(query("www.example.org.", Type::IXFR)), Rcode::NOTAUTH},
      {"IXFR without SOA", zones::to_wire(query("example.org.", Type::IXFR)), Rcode::FORMERR},
      {"FORMERR two questions", zones::to_wire(two_questions), Rcode::FORMERR},
      {"FORMERR no question", header_only(0), Rcode::FORMERR},
      {"FORMERR no zone", header_only(5), Rcode::FORMERR},
      {"FORMERR an option longer than OPT", bad_option_octets, Rcode::FORMERR},
      {"FORMERR in an update's RDATA", zones::to_wire(bad_rdata), Rcode::FORMERR},
      {"FORMERR zone section of type PTR", zones::to_wire(ptr_zone), Rcode::FORMERR},
      {"NOTIMP IQUERY", with_opcode(query("www.example.org.", Type::A), 1), Rcode::NOTIMP},
      {"NOTIMP STATUS without a question", header_only(2), Rcode::NOTIMP},
      {"NOTIMP NOTIFY", with_opcode(query("example.org.", Type::SOA), 4), Rcode::NOTIMP},
      {"NOTIMP opcode 15 of whatever form", with_opcode(two_questions, 15), Rcode::NOTIMP},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    World world;
    test::LogCapture log;
    const SignedRequest request = sign(row.octets, {});
    const Octets answer = world.ask(request.octets);
    ASSERT_FALSE(answer.empty());
    TsigRecord tsig;
    EXPECT_EQ(how_answered(answer, request, "editor.", tsig), Answered::SIGNED);
    EXPECT_EQ(tsig.error, 0);
    EXPECT_EQ(rcode_of(answer), row.want);

    // §5.3 and §5.3.2: what is not signed, or not by the key, gets no signed answer.
    const Octets plain = world.ask(row.octets);
    EXPECT_EQ(how_answered(plain, request, "editor.", tsig), Answered::UNSIGNED_NO_TSIG);
    const SignedRequest forged = sign(row.octets, {.wrong_mac = true});
    const Octets refused = world.ask(forged.octets);
    EXPECT_EQ(how_answered(refused, forged, "editor.", tsig), Answered::EMPTY_MAC);
    EXPECT_EQ(rcode_of(refused), Rcode::NOTAUTH);
    EXPECT_EQ(tsig.error, 16);
  }
}

TEST(Rfc8945, Section51TsigIsTheLastRecordAndTheOnlyOne) {
  World world;
  test::LogCapture log;
  const Octets plain = zones::to_wire(query("www.example.org.", Type::A));
  const SignedRequest once = sign(plain, {});
  Octets then_a_record = once.octets;
  const Octets txt{0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 2, 1, 'x'};
  then_a_record.insert(then_a_record.end(), txt.begin(), txt.end());
  then_a_record[11] = 2;
  Octets in_authority = once.octets;
  std::swap(in_authority[9], in_authority[11]);
  const struct {
    const char* clause;
    Octets octets;
  } rows[] = {
      {"two", sign(once.octets, {}).octets},
      {"not the last", then_a_record},
      {"not in the additional section", in_authority},
      {"cut", Octets(once.octets.begin(), once.octets.end() - 1)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.clause);
    const Octets answer = world.ask(row.octets);
    TsigRecord tsig;
    EXPECT_EQ(answer[3] & 0x0f, static_cast<int>(Rcode::FORMERR));
    EXPECT_EQ(how_answered(answer, once, "editor.", tsig), Answered::UNSIGNED_NO_TSIG);
  }
}

TEST(Rfc8945, Section53ATruncatedAnswerHasQuestionAndTsig) {
  std::string zone(test::ZONE);
  for (int i = 0; i < 40; ++i) zone += "big 60 TXT \"" + std::to_string(i) + "-0123456789\"\n";
  World world({}, 10, zone);
  const SignedRequest request = sign(zones::to_wire(query("big.example.org.", Type::TXT)), {});
  const Octets answer = world.ask(request.octets);
  EXPECT_LE(answer.size(), 512U);
  const zones::Message message = test::parse(answer);
  EXPECT_TRUE(message.header.tc);
  EXPECT_EQ(message.header.rcode, 0);
  EXPECT_EQ(message.question.size(), 1U);
  EXPECT_TRUE(message.answer.empty() && message.authority.empty() && message.additional.empty());
  TsigRecord tsig;
  EXPECT_EQ(how_answered(answer, request, "editor.", tsig), Answered::SIGNED);
  const Octets whole = world.ask(request.octets, Transport::TCP);
  EXPECT_EQ(test::parse(whole).answer.size(), 40U);
  EXPECT_EQ(how_answered(whole, request, "editor.", tsig), Answered::SIGNED);
}

// What goes wrong inside the server is told with a signature too.
TEST(Rfc8945, Section53AServerFailureIsSigned) {
  World world;
  test::LogCapture log;
  const SignedRequest request = sign(zones::to_wire(add_new()), {});
  Octets out(4096);
  const std::function<SendLater()> fails = []() -> SendLater {
    throw std::runtime_error("no memory");
  };
  out.resize(world.dispatcher.handle(world.reader.current(), request.octets, Peer{}, out, fails,
                                     nullptr, nullptr));
  world.reader.idle();
  EXPECT_EQ(rcode_of(out), Rcode::SERVFAIL);
  TsigRecord tsig;
  EXPECT_EQ(how_answered(out, request, "editor.", tsig), Answered::SIGNED);
  EXPECT_THAT(log.take(), HasSubstr("no memory"));
}

}  // namespace
}  // namespace dnsd
