// What an upstream is told: change sets to update sections, and a full comparison.
#include "dnsd/upstream_changes.h"

#include <gtest/gtest.h>

#include <sstream>

#include "dnsd/upstream_compare.h"
#include "dnsd/upstream_failure.h"
#include "keys/tsig.h"
#include "zone_text.h"

namespace dnsd::test {
namespace {

using zones::Class;
using zones::Record;
using zones::Type;
using namespace std::chrono_literals;

const zones::Name APEX = name("dyn.example.");

/// "a 60 A 192.0.2.1"
Record record(const std::string& text) {
  std::istringstream words(text);
  std::string owner;
  std::string type;
  Record made;
  words >> owner >> made.ttl >> type;
  made.owner = name(owner, APEX);
  EXPECT_TRUE(zones::type_from_text(type, made.type)) << text;
  std::string rdata;
  std::getline(words >> std::ws, rdata);
  made.rdata = zones::rdata_from_text(made.type, rdata, APEX).value();
  return made;
}

std::vector<std::string> lines_of(const std::string& text, char mark) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line, ';');) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin != std::string::npos && line[begin] == mark) lines.push_back(line.substr(begin + 1));
  }
  return lines;
}

/// "- a 60 A 192.0.2.1; + a 60 A 192.0.2.2"
zones::ChangeSet change(const std::string& text) {
  zones::ChangeSet set;
  set.apex = APEX;
  for (const std::string& line : lines_of(text, '-')) set.removed.push_back(record(line));
  for (const std::string& line : lines_of(text, '+')) set.added.push_back(record(line));
  return set;
}

/// The same form, names relative; "-*" is an RRset's deletion.
std::string text_of(const std::vector<UpdateSection>& sections) {
  std::string text;
  for (const UpdateSection& section : sections) {
    if (!text.empty()) text += " | ";
    std::string part;
    for (const Record& one : section) {
      std::string owner = one.owner == APEX ? "@" : one.owner.to_text();
      if (const auto end = owner.find(".dyn.example."); end != std::string::npos) owner.resize(end);
      const std::string rdata =
          one.rdata.empty() ? "" : " " + zones::rdata_to_text(one.type, one.rdata);
      if (!part.empty()) part += "; ";
      if (one.rrclass == Class::ANY) {
        part += "-* " + owner + " " + zones::to_text(one.type);
      } else if (one.rrclass == Class::NONE) {
        EXPECT_EQ(one.ttl, 0U);  // RFC 2136 §2.5.4
        part += "- " + owner + " " + zones::to_text(one.type) + rdata;
      } else {
        part +=
            "+ " + owner + " " + std::to_string(one.ttl) + " " + zones::to_text(one.type) + rdata;
      }
    }
    text += part;
  }
  return text;
}

constexpr std::size_t ALL = 1'000'000;

class UpstreamChangesTest : public ::testing::Test {
 protected:
  /// The zone as it is now.
  zones::ZoneSnapshot zone(const std::string& text) {
    builder_.remove_zone(APEX);
    add_zone(builder_, "dyn.example.", "@ 60 SOA ns h 5 1 1 1 1\n@ 60 NS ns\n" + text);
    return *builder_.working().zone(APEX);
  }
  zones::CatalogueBuilder builder_;
};

TEST_F(UpstreamChangesTest, EachRrsetThatChangedIsSentAsItIsNow) {
  struct Row {
    const char* what;
    const char* zone;
    std::vector<const char*> changes;
    const char* want;
  };
  const Row rows[] = {
      {"nothing", "", {}, ""},
      {"an address moves",
       "a 60 A 192.0.2.2\na 60 TXT y",
       {"- a 60 A 192.0.2.1; + a 60 A 192.0.2.2"},
       "-* a A; + a 60 A 192.0.2.2"},
      {"of several records all are sent, so that their TTL is one",
       "a 60 A 192.0.2.2\na 60 A 192.0.2.3",
       {"+ a 60 A 192.0.2.3"},
       "-* a A; + a 60 A 192.0.2.2; + a 60 A 192.0.2.3"},
      {"what is gone", "", {"- a 60 A 192.0.2.1"}, "-* a A"},
      {"names in canonical order, each whole, deletions first",
       "b 60 A 192.0.2.2\na 60 TXT x",
       {"+ b 60 A 192.0.2.2; - a 60 A 192.0.2.1; + a 60 TXT x"},
       "-* a A; -* a TXT; + a 60 TXT \"x\"; -* b A; + b 60 A 192.0.2.2"},
      {"a CNAME in place of an address",
       "a 60 CNAME b",
       {"- a 60 A 192.0.2.1; + a 60 CNAME b"},
       "-* a A; -* a CNAME; + a 60 CNAME b.dyn.example."},
      {"the SOA is the upstream's own",
       "a 60 A 192.0.2.1",
       {"- @ 60 SOA ns h 1 1 1 1 1; + @ 60 SOA ns h 2 1 1 1 1; + a 60 A 192.0.2.1"},
       "-* a A; + a 60 A 192.0.2.1"},
      {"a step of the serial alone",
       "",
       {"- @ 60 SOA ns h 1 1 1 1 1; + @ 60 SOA ns h 2 1 1 1 1"},
       ""},
      {"the apex' NS are the upstream's own, those of a delegation are not",
       "@ 60 NS ns9\nsub 60 NS ns9",
       {"+ @ 60 NS ns9; + sub 60 NS ns9"},
       "-* sub NS; -* sub DS; + sub 60 NS ns9.dyn.example."},
      {"what a signer makes is the upstream's own",
       "a 60 DS 1 15 2 00",
       {"+ @ 60 DNSKEY 257 3 15 AAAA; + a 60 DS 1 15 2 00; + @ 60 CDS 0 0 0 00"},
       "-* a NS; -* a DS; + a 60 DS 1 15 2 00"},
      {"NS and DS go together: DS is nothing without NS",
       "sub 60 NS ns9\nsub 60 DS 1 15 2 00\nother 60 NS ns9\nother 60 A 192.0.2.1",
       {"+ sub 60 DS 1 15 2 00; + other 60 NS ns9"},
       "-* other NS; -* other DS; + other 60 NS ns9.dyn.example.; "
       "-* sub NS; -* sub DS; + sub 60 NS ns9.dyn.example.; + sub 60 DS 1 15 2 00"},
      {"several change sets are one",
       "a 60 A 192.0.2.3",
       {"+ a 60 A 192.0.2.1", "- A 60 A 192.0.2.1; + a 60 A 192.0.2.2",
        "- a 60 A 192.0.2.2; + a 60 A 192.0.2.3"},
       "-* a A; + a 60 A 192.0.2.3"},
      {"newer than the changes is right as well: it comes again",
       "a 60 CNAME b",
       {"+ a 60 A 192.0.2.1"},
       "-* a A"},
  };
  const UpstreamFilter filter;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    UpstreamChanges changes(APEX, filter);
    for (const char* text : row.changes) changes.add(change(text));
    EXPECT_EQ(changes.empty(), std::string(row.want).empty());
    EXPECT_EQ(text_of(changes.take(zone(row.zone), ALL)), row.want);
    EXPECT_TRUE(changes.empty());
    EXPECT_EQ(changes.rrsets(), 0U);
  }
}

TEST_F(UpstreamChangesTest, Filter) {
  struct Row {
    UpstreamFilter filter;
    const char* want;
  };
  const Row rows[] = {
      {{.excluded = {Type::A}}, "-* a TXT; + a 60 TXT \"x\""},
      {{.types = {Type::A, Type::NS}}, "-* a A; + a 60 A 192.0.2.1"},
      {{.types = {Type::A, Type::TXT}, .excluded = {Type::TXT}}, "-* a A; + a 60 A 192.0.2.1"},
      {{.types = {Type::SOA}}, ""},
      {{.servers = {name("a", APEX)}}, "-* a TXT; + a 60 TXT \"x\""},
      {{.servers = {name("b", APEX)}}, "-* a A; -* a TXT; + a 60 A 192.0.2.1; + a 60 TXT \"x\""},
  };
  for (const Row& row : rows) {
    UpstreamChanges changes(APEX, row.filter);
    changes.add(change("- @ 60 NS ns1; + @ 60 NS ns; + a 60 A 192.0.2.1; + a 60 TXT x"));
    EXPECT_EQ(text_of(changes.take(zone("a 60 A 192.0.2.1\na 60 TXT x"), ALL)), row.want);
  }
}

// RFC 2136 §3.4.2.3, §3.4.2.4: a server keeps SOA and NS of the apex when their RRset is deleted,
// and the last NS always.
TEST_F(UpstreamChangesTest, TheApexNeverLosesItsLastNs) {
  const UpstreamFilter filter{.apex_ns = true};
  UpstreamChanges changes(APEX, filter);
  changes.add(change("- @ 60 NS old1; - @ 90 NS ns; + @ 60 NS ns; - @ 60 NS old2; + @ 60 TXT x"));
  EXPECT_EQ(text_of(changes.take(zone("@ 60 TXT x"), ALL)),
            "+ @ 60 NS ns.dyn.example.; - @ NS old1.dyn.example.; - @ NS old2.dyn.example.; "
            "-* @ TXT; + @ 60 TXT \"x\"");
}

// RFC 2136 §3.4.2.2: beside a CNAME nothing is added, and no CNAME beside anything.
TEST_F(UpstreamChangesTest, WithoutALookWhatWouldKeepRecordsOutIsTakenAway) {
  struct Row {
    UpstreamFilter filter;
    const char* want;
  };
  const Row rows[] = {
      {{}, "-* a A; -* a CNAME; + a 60 A 192.0.2.1; -* c ANY; + c 60 CNAME d.dyn.example."},
      {{.types = {Type::A, Type::CNAME}},
       "-* a A; -* a CNAME; + a 60 A 192.0.2.1; -* c A; -* c CNAME; + c 60 CNAME d.dyn.example."},
      {{.excluded = {Type::CNAME}}, "-* a A; + a 60 A 192.0.2.1"},
      // What is excluded stays, and may keep the CNAME out.
      {{.excluded = {Type::TXT}},
       "-* a A; -* a CNAME; + a 60 A 192.0.2.1; -* c CNAME; + c 60 CNAME d.dyn.example."},
      {{.servers = {name("c", APEX)}},
       "-* a A; -* a CNAME; + a 60 A 192.0.2.1; -* c CNAME; + c 60 CNAME d.dyn.example."},
  };
  const auto now = zone("a 60 A 192.0.2.1\nc 60 CNAME d\n");
  for (const Row& row : rows) {
    UpstreamChanges changes(APEX, row.filter);
    for (const char* owner : {"@", "a", "c"}) {
      changes.touch_all(name(owner, APEX), now.rrsets(name(owner, APEX)));
    }
    EXPECT_EQ(text_of(changes.take(now, ALL)), row.want);
  }
}

TEST_F(UpstreamChangesTest, ASectionIsCutBetweenNames) {
  struct Row {
    std::vector<const char*> owners;
    std::size_t first;
    std::size_t second;
  };
  const Row rows[] = {
      {{}, 0, 0},
      {{"a"}, 1, 0},
      {{"a", "A", "a"}, 3, 0},
      {{"a", "b"}, 1, 1},
      {{"a", "a", "a", "a", "b"}, 4, 1},
      {{"a", "b", "b", "b", "b"}, 1, 4},
      {{"a", "b", "c", "d"}, 2, 2},
  };
  for (const Row& row : rows) {
    UpdateSection first;
    for (const char* owner : row.owners) first.push_back(record(std::string(owner) + " 60 TXT x"));
    const UpdateSection second = split_between_names(first);
    EXPECT_EQ(first.size(), row.first);
    EXPECT_EQ(second.size(), row.second);
  }
}

TEST_F(UpstreamChangesTest, ANameStaysInOneMessageUnlessItIsTooLarge) {
  const auto now = zone(
      "a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nc 60 A 192.0.2.3\nc 60 A 192.0.2.4\n"
      "c 60 A 192.0.2.5\nd 60 A 192.0.2.6\n");
  const UpstreamFilter filter;
  const auto sections = [&](UpstreamMessageLimits limits) {
    UpstreamChanges changes(APEX, filter);
    for (const char* owner : {"a", "b", "c", "d"}) changes.touch(name(owner, APEX), Type::A);
    return changes.take(now, ALL, limits);
  };
  EXPECT_EQ(text_of(sections({.octets = 60'000, .records = 4})),
            "-* a A; + a 60 A 192.0.2.1; -* b A; + b 60 A 192.0.2.2 | "
            "-* c A; + c 60 A 192.0.2.3; + c 60 A 192.0.2.4; + c 60 A 192.0.2.5 | "
            "-* d A; + d 60 A 192.0.2.6");
  EXPECT_EQ(text_of(sections({.octets = 60'000, .records = 3})),
            "-* a A; + a 60 A 192.0.2.1 | -* b A; + b 60 A 192.0.2.2 | "
            "-* c A; + c 60 A 192.0.2.3; + c 60 A 192.0.2.4 | "
            "+ c 60 A 192.0.2.5; -* d A; + d 60 A 192.0.2.6");
  // 25 octets a deletion: an owner of 15 and 10 of fields; the address makes it 29.
  EXPECT_EQ(sections({.octets = 54, .records = 1'000}).size(), 6U);
  EXPECT_EQ(sections({.octets = 53, .records = 1'000}).size(), 10U);
  EXPECT_EQ(sections({}).size(), 1U);
}

TEST_F(UpstreamChangesTest, EveryMessageOfALargeChangeFitsWithItsSignature) {
  std::string text;
  const UpstreamFilter filter;
  UpstreamChanges changes(APEX, filter);
  for (int host = 0; host < 300; ++host) {
    const std::string owner = "h" + std::to_string(host);
    for (int i = 0; i < 10; ++i) {
      text += owner + " 60 TXT " + std::to_string(i) + "-" + std::string(200, 'x') + "\n";
    }
    changes.touch(name(owner, APEX), Type::TXT);
  }
  const auto now = zone(text);
  std::size_t messages = 0;
  std::size_t sent = 0;
  for (int step = 0; !changes.empty(); ++step) {
    for (const UpdateSection& section : changes.take(now, 200'000)) {
      zones::Message message;
      message.header.opcode = zones::Opcode::UPDATE;
      message.question = {{APEX, Type::SOA, Class::IN}};
      message.authority = section;
      const std::size_t size = zones::to_wire(message).size();
      EXPECT_GT(size, 0U);
      EXPECT_LE(size + keys::MAX_TSIG_OCTETS, zones::MAX_MESSAGE_OCTETS);
      ++messages;
      sent += section.size();
    }
    ASSERT_LT(step, 5);
  }
  EXPECT_GT(messages, 10U);
  EXPECT_EQ(sent, 300U * 11);
}

class Compare : public ::testing::Test {
 protected:
  zones::ZoneSnapshot ours(const char* text) {
    add_zone(builder_, "dyn.example.", text);
    return *builder_.working().zone(APEX);
  }
  zones::CatalogueBuilder builder_;
};

TEST_F(Compare, WhatTheUpstreamLacksAndHasTooMuch) {
  const auto zone = ours(
      "@ 60 SOA ns h 5 1 1 1 1\n@ 60 NS ns\nns 60 A 127.0.0.1\na 60 A 192.0.2.1\na 60 A 192.0.2.2\n"
      "b 60 CNAME A\nc 90 TXT x\nnew 60 AAAA 2001:db8::1\nnew 60 AAAA 2001:db8::2\n");
  const UpstreamFilter filter;
  UpstreamComparison comparison(APEX, filter, 100);
  for (const char* text : {"@ 60 NS ns.other.", "ns 60 A 127.0.0.1", "A 60 A 192.0.2.1",
                           "a 60 A 192.0.2.3", "B 60 CNAME a", "c 60 TXT x", "gone 60 TXT y",
                           "@ 60 RRSIG NS 15 2 60 20300101000000 "
                           "20200101000000 1 dyn.example. AAAA"}) {
    comparison.theirs(zone, record(text));
  }
  Record outside = record("a 60 A 192.0.2.1");
  outside.owner = name("a.example.");
  comparison.theirs(zone, outside);
  comparison.rest(zone);
  EXPECT_TRUE(comparison.is_complete());
  EXPECT_EQ(text_of(comparison.changes().take(zone, ALL)),
            "-* a A; + a 60 A 192.0.2.1; + a 60 A 192.0.2.2; -* c TXT; + c 90 TXT \"x\"; "
            "-* gone TXT; -* new AAAA; + new 60 AAAA 2001:db8::1; + new 60 AAAA 2001:db8::2");
}

TEST_F(Compare, MoreDifferencesThanAreKeptAreForTheNextTime) {
  const auto zone = ours("@ 60 SOA ns h 5 1 1 1 1\na 60 A 192.0.2.1\nb 60 A 192.0.2.1\n");
  const UpstreamFilter filter;
  for (const std::size_t limit : {1U, 2U, 3U, 4U}) {
    UpstreamComparison comparison(APEX, filter, limit);
    comparison.theirs(zone, record("x 60 A 192.0.2.9"));
    comparison.theirs(zone, record("y 60 A 192.0.2.9"));
    comparison.rest(zone);
    EXPECT_EQ(comparison.is_complete(), limit == 4);
    EXPECT_EQ(comparison.changes().rrsets(), limit);
  }
}

TEST_F(Compare, WithoutTtlsTheSameRecordIsNoDifference) {
  const auto zone = ours("@ 60 SOA ns h 5 1 1 1 1\na 60 A 192.0.2.1\n");
  const UpstreamFilter filter;
  using Ttl = UpstreamComparison::Ttl;
  for (const Ttl ttl : {Ttl::COMPARED, Ttl::IGNORED}) {
    UpstreamComparison comparison(APEX, filter, 100, ttl);
    comparison.theirs(zone, record("a 30 A 192.0.2.1"));
    comparison.rest(zone);
    EXPECT_EQ(comparison.changes().empty(), ttl == Ttl::IGNORED);
    EXPECT_EQ(comparison.matching(), ttl == Ttl::IGNORED ? 1U : 0U);
  }
}

TEST_F(Compare, RoundsThatBringNothingEnd) {
  const auto zone =
      ours("@ 60 SOA ns h 5 1 1 1 1\na 60 A 192.0.2.1\nb 60 A 192.0.2.1\nc 60 A 192.0.2.1\n");
  const UpstreamFilter filter;
  using Next = UpstreamRounds::Next;
  using Ttl = UpstreamComparison::Ttl;
  UpstreamRounds rounds(2);
  // What an upstream has that cuts TTLs to 30, and in which two more come right once they are not
  // compared.
  struct Row {
    std::vector<const char*> theirs;
    Next next;
    Ttl ttl;
  };
  const Row rows[] = {
      {{"x 60 A 192.0.2.9"}, Next::SEND, Ttl::COMPARED},
      {{"a 60 A 192.0.2.1"}, Next::SEND, Ttl::COMPARED},
      {{"a 60 A 192.0.2.1", "b 30 A 192.0.2.1", "x 30 A 192.0.2.1"}, Next::WAIT_SEND, Ttl::IGNORED},
      {{"a 30 A 192.0.2.1", "b 30 A 192.0.2.1"}, Next::SEND, Ttl::IGNORED},
      {{"a 30 A 192.0.2.1", "b 30 A 192.0.2.1"}, Next::WAIT_SEND, Ttl::IGNORED},
      {{"a 30 A 192.0.2.1"}, Next::GIVE_UP, Ttl::IGNORED},
  };
  for (const Row& row : rows) {
    UpstreamComparison comparison(APEX, filter, 0, rounds.ttl());
    for (const char* text : row.theirs) comparison.theirs(zone, record(text));
    comparison.rest(zone);
    EXPECT_EQ(rounds.after(comparison), row.next) << rounds.count();
    EXPECT_EQ(rounds.ttl(), row.ttl) << rounds.count();
  }
  UpstreamComparison complete(APEX, filter, 10);
  EXPECT_EQ(rounds.after(complete), Next::SEND);
}

TEST(UpstreamFailure, WaitsDoubleAndEnd) {
  const UpstreamConfig config{
      .server = {}, .key = {}, .filter = {}, .retry_min = 1s, .retry_max = 60s};
  EXPECT_EQ(longest_wait(config, 1, false), 1s);
  EXPECT_EQ(longest_wait(config, 2, false), 2s);
  EXPECT_EQ(longest_wait(config, 5, false), 16s);
  EXPECT_EQ(longest_wait(config, 1'000'000, false), 60s);
  EXPECT_EQ(longest_wait(config, 1, true), 30s);
  EXPECT_EQ(longest_wait(config, 2, true), 60s);
}

TEST(UpstreamFailure, SaysWhatWouldBeRight) {
  const zones::Name key = name("up.example.");
  struct Row {
    zones::Rcode rcode;
    UpstreamRequest request;
    bool slow;
    const char* part;
  };
  const Row rows[] = {
      {zones::Rcode::REFUSED, UpstreamRequest::UPDATE, true, "let key up.example. update zone dyn"},
      {zones::Rcode::NOTAUTH, UpstreamRequest::UPDATE, true, "no primary of zone dyn.example."},
      {zones::Rcode::NOTIMP, UpstreamRequest::UPDATE, true, "dnsupdate=yes"},
      {zones::Rcode::SERVFAIL, UpstreamRequest::UPDATE, false, "its log"},
      {zones::Rcode::REFUSED, UpstreamRequest::TRANSFER, true, "full-sync = \"replace\""},
      {zones::Rcode::REFUSED, UpstreamRequest::SERVERS, true, "cannot be left alone"},
  };
  for (const Row& row : rows) {
    const UpstreamFailure failure = failure_of(row.rcode, row.request, APEX, key);
    EXPECT_EQ(failure.kind, zones::to_text(row.rcode));
    EXPECT_EQ(failure.slow, row.slow);
    EXPECT_NE(failure.text.find(row.part), std::string::npos) << failure.text;
  }
}

}  // namespace
}  // namespace dnsd::test
