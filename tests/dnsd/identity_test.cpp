// What the server tells of itself: NSID (RFC 5001), class CHAOS (RFC 4892).
#include "dnsd/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dispatch_world.h"
#include "dnsd/allocation_count.h"

namespace dnsd {
namespace {

using test::add_new;
using test::make_key;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::Signed;
using zones::Class;
using zones::Rcode;
using zones::Type;

const Octets NSID{'n', 's', '1', 0, 0xff};

struct IdentityWorld : test::World {
  explicit IdentityWorld(bool tells = true) {
    auto policy = std::make_shared<Policy>(*test::make_test_policy());
    if (tells) policy->identity = {NSID, txt_rdata("dnsd 7"), txt_rdata("ns1.example")};
    writer->set_policy(policy);
  }
};

zones::Message chaos(std::string_view qname, Type type, Class rrclass = Class::CH) {
  zones::Message message = query(qname, type);
  message.question.front().rrclass = rrclass;
  return message;
}

zones::Message with_nsid(zones::Message message, const Octets& payload = {}) {
  return test::with_option(std::move(message), zones::OptionCode::NSID, payload);
}

/// The NSID of an answer; none without the option.
std::optional<Octets> nsid_of(const Octets& answer) {
  return test::option_of(answer, zones::OptionCode::NSID);
}

TEST(Identity, Rfc5001Section22NsidWhenAsked) {
  IdentityWorld world;
  struct Row {
    const char* what;
    zones::Message message;
    const char* key;  // of the TSIG, null: none
    Rcode want;
  };
  const Row rows[] = {
      {"an answer", query("www.example.org.", Type::A), nullptr, Rcode::NOERROR},
      {"NXDOMAIN", query("no.example.org.", Type::A), nullptr, Rcode::NXDOMAIN},
      {"REFUSED", query("elsewhere.", Type::A), nullptr, Rcode::REFUSED},
      {"CHAOS", chaos("id.server.", Type::TXT), nullptr, Rcode::NOERROR},
      {"an answer that is signed", query("www.example.org.", Type::A), "nobody.", Rcode::NOERROR},
      {"an update", add_new(), "editor.", Rcode::NOERROR},
      {"an update without a grant", add_new(), "nobody.", Rcode::REFUSED},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto ask = [&](const zones::Message& message) {
      if (row.key == nullptr) return world.ask(zones::to_wire(message));
      Signed request(message, make_key(row.key));
      const Octets answer = world.ask(request.octets);
      EXPECT_EQ(request.verdict(answer), test::Verdict::VALID);
      return answer;
    };
    const Octets answer = ask(with_nsid(row.message));
    EXPECT_EQ(rcode_of(answer), row.want);
    EXPECT_EQ(nsid_of(answer), NSID);
    // "MUST ignore any NSID payload data"
    EXPECT_EQ(nsid_of(ask(with_nsid(row.message, {1, 2, 3}))), NSID);
    // "MUST NOT send an NSID option back to a resolver which did not request it"
    zones::Message plain = row.message;
    plain.edns.emplace();
    EXPECT_EQ(nsid_of(ask(plain)), std::nullopt);
  }
  IdentityWorld silent(false);
  const Octets answer = silent.ask(zones::to_wire(with_nsid(query("www.example.org.", Type::A))));
  EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
  EXPECT_EQ(nsid_of(answer), std::nullopt);
}

TEST(Identity, NsidInTheFirstMessageOfATransferAndInAnIxfrOfOneSoa) {
  IdentityWorld world;
  zones::Message axfr = with_nsid(query("example.org.", Type::AXFR));
  axfr.edns->flags = zones::EDNS_DO;
  Signed request(axfr, make_key("reader."));
  std::promise<Octets> later;
  test::World::Answer answer = world.ask_now(request.octets, Transport::TCP, later);
  ASSERT_TRUE(answer.transfer);
  Octets out(65'535);
  out.resize(answer.transfer->next(out).octets);
  EXPECT_EQ(test::parse(out).edns->flags, zones::EDNS_DO);
  EXPECT_EQ(request.verdict(out), test::Verdict::VALID);
  EXPECT_EQ(nsid_of(out), NSID);

  zones::Message ixfr = with_nsid(query("example.org.", Type::IXFR));
  ixfr.authority.push_back(record("example.org.", Type::SOA, "ns. h. 5 60 60 60 60"));
  Signed up_to_date(ixfr, make_key("reader."));
  const Octets soa = world.ask(up_to_date.octets);
  EXPECT_EQ(up_to_date.verdict(soa), test::Verdict::VALID);
  EXPECT_EQ(nsid_of(soa), NSID);
}

TEST(Identity, TheLongestNsidFitsBesideTheLongestQuestionIn512Octets) {
  IdentityWorld world;
  auto policy = std::make_shared<Policy>(*test::make_test_policy());
  policy->identity.nsid = Octets(Identity::MAX_NSID_OCTETS, 'n');
  policy->cookies = std::make_shared<const Cookies>(std::vector{Cookies::random_secret()});
  world.writer->set_policy(policy);
  std::string longest;
  for (int i = 0; i < 3; ++i) longest += std::string(63, 'x') + ".";
  longest += std::string(61, 'y') + ".";
  zones::Message message = with_nsid(query(longest, Type::A));
  ASSERT_EQ(message.question.front().name.size(), 255U);
  message.edns->options.push_back({zones::OptionCode::COOKIE, Octets(8, 7)});
  message.edns->udp_octets = 512;
  const Octets answer = world.ask(zones::to_wire(message));
  EXPECT_EQ(rcode_of(answer), Rcode::REFUSED);
  EXPECT_LE(answer.size(), 512U);
  EXPECT_EQ(nsid_of(answer)->size(), Identity::MAX_NSID_OCTETS);
  EXPECT_FALSE(test::parse(answer).header.tc);
}

TEST(Identity, Rfc4892Chaos) {
  struct Row {
    const char* what;
    zones::Message message;
    std::string want;  // empty: REFUSED
  };
  const Row rows[] = {
      {"version", chaos("version.bind.", Type::TXT), "dnsd 7"},
      {"version, the other name", chaos("version.server.", Type::TXT), "dnsd 7"},
      {"RFC 4343 §3 case", chaos("VERSION.Bind.", Type::TXT), "dnsd 7"},
      {"name", chaos("hostname.bind.", Type::TXT), "ns1.example"},
      {"§3 id.server", chaos("id.server.", Type::TXT), "ns1.example"},
      {"any type", chaos("id.server.", Type::ANY), "ns1.example"},
      {"another type", chaos("id.server.", Type::A), ""},
      {"a transfer", chaos("version.bind.", Type::AXFR), ""},
      {"another name", chaos("authors.bind.", Type::TXT), ""},
      {"above", chaos("bind.", Type::TXT), ""},
      {"below", chaos("x.version.bind.", Type::TXT), ""},
      {"the root", chaos(".", Type::TXT), ""},
      {"a zone of class IN", chaos("www.example.org.", Type::A), ""},
      {"the same name in class IN", chaos("version.bind.", Type::TXT, Class::IN), ""},
      {"RFC 1035 §3.2.5 class ANY", chaos("version.bind.", Type::TXT, Class::ANY), ""},
      {"class HS", chaos("version.bind.", Type::TXT, Class::HS), ""},
  };
  IdentityWorld world;
  IdentityWorld silent(false);
  for (const Row& row : rows) {
    for (const Transport transport : {Transport::UDP, Transport::TCP}) {
      SCOPED_TRACE(row.what);
      const Octets request = zones::to_wire(row.message);
      const zones::Message answer = test::parse(world.ask(request, transport));
      EXPECT_EQ(answer.header.rcode,
                static_cast<int>(row.want.empty() ? Rcode::REFUSED : Rcode::NOERROR));
      EXPECT_EQ(answer.header.aa, !row.want.empty());
      ASSERT_EQ(answer.question.size(), 1U);
      EXPECT_EQ(answer.question.front().rrclass, row.message.question.front().rrclass);
      EXPECT_TRUE(answer.authority.empty() && answer.additional.empty());
      ASSERT_EQ(answer.answer.size(), row.want.empty() ? 0U : 1U);
      EXPECT_EQ(rcode_of(silent.ask(request, transport)), Rcode::REFUSED);
      if (row.want.empty()) continue;
      const zones::Record& txt = answer.answer.front();
      EXPECT_EQ(txt.owner, row.message.question.front().name);
      EXPECT_EQ(txt.type, Type::TXT);
      EXPECT_EQ(txt.rrclass, Class::CH);
      EXPECT_EQ(txt.ttl, 0U);
      EXPECT_EQ(zones::rdata_to_text(Type::TXT, txt.rdata), "\"" + row.want + "\"");
    }
  }
}

TEST(Identity, ChaosWithEdnsAndSignature) {
  IdentityWorld world;
  zones::Message message = chaos("version.bind.", Type::TXT);
  message.edns.emplace().version = 1;
  EXPECT_EQ(rcode_of(world.ask(zones::to_wire(message))), Rcode::BADVERS);
  message.edns->version = 0;
  Signed request(message, make_key("nobody."));
  const Octets answer = world.ask(request.octets);
  EXPECT_EQ(rcode_of(answer), Rcode::NOERROR);
  EXPECT_EQ(request.verdict(answer), test::Verdict::VALID);
  EXPECT_TRUE(test::parse(answer).edns);
}

TEST(Identity, ATextThatDoesNotFitIsTruncated) {
  Identity identity;
  identity.version = txt_rdata(std::string(Identity::MAX_TEXT_OCTETS, 'v'));
  const Octets octets = zones::to_wire(chaos("version.bind.", Type::TXT));
  Request request;
  ASSERT_EQ(parse_request(octets, request), Parse::OK);
  const std::size_t whole = octets.size() + 12 + identity.version.size();
  for (std::size_t room = 0; room <= whole; ++room) {
    Octets out(room + 1, 0xEE);
    const std::size_t size =
        answer_chaos(identity, octets, request, {}, std::span(out).first(room));
    ASSERT_EQ(out[room], 0xEE);
    ASSERT_EQ(size, room < octets.size() ? 0U : room < whole ? octets.size() : whole);
    if (size == 0) continue;
    out.resize(size);
    ASSERT_EQ(test::parse(out).header.tc, room < whole);
  }
}

TEST(Identity, AllocatesNothing) {
  IdentityWorld world;
  for (const zones::Message& message :
       {with_nsid(query("www.example.org.", Type::A)), chaos("version.bind.", Type::TXT),
        with_nsid(chaos("id.server.", Type::TXT)), chaos("authors.bind.", Type::TXT)}) {
    const Octets request = zones::to_wire(message);
    Octets out(4096);
    const State& state = world.reader.current();
    const std::function<SendLater()> send_later;
    const std::size_t before = test::allocations();
    const std::size_t size = world.dispatcher.handle(state, request, Peer{}, out, send_later);
    const std::size_t allocated = test::allocations() - before;
    EXPECT_GT(size, 0U);
    EXPECT_EQ(allocated, 0U);
    world.reader.idle();
  }
}

}  // namespace
}  // namespace dnsd
