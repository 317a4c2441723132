// Sessions against a network that the test makes up.
#include "tools/dnsd-update/session.h"

#include <gtest/gtest.h>

#include <deque>
#include <sstream>

namespace dnsd_update {
namespace {

using zones::Message;
using zones::Name;
using zones::Rcode;
using zones::Record;
using zones::Type;

Name name(const char* text) { return *Name::from_text(text); }

Record record(const char* owner, Type type, std::vector<std::uint8_t> rdata) {
  Record made;
  made.owner = name(owner);
  made.type = type;
  made.rdata = std::move(rdata);
  return made;
}

Record soa(const char* owner, const char* mname) {
  const Name primary = name(mname);
  std::vector<std::uint8_t> rdata(primary.wire().begin(), primary.wire().end());
  rdata.resize(rdata.size() + 1 + 20);  // RNAME is the root, the numbers are 0
  return record(owner, Type::SOA, rdata);
}

/// Zones known to every server: SOA queries get NXDOMAIN or NODATA with the SOA of the zone.
class FakeNetwork final : public Network {
 public:
  Endpoints resolvers() override { return resolver_list; }
  zones::Result<Endpoints, std::string> resolve(const std::string& host,
                                                std::uint16_t port) override {
    log += "resolve " + host + "\n";
    if (host.find("nowhere") != std::string::npos) return tl::unexpected(std::string("not found"));
    const std::uint16_t used = port == 0 ? 53 : port;
    if (host == "two.example.") {
      return Endpoints{*tools::Endpoint::numeric("192.0.2.8", used),
                       *tools::Endpoint::numeric("192.0.2.9", used)};
    }
    const auto numeric = tools::Endpoint::numeric(host, used);
    return Endpoints{numeric ? *numeric : *tools::Endpoint::numeric("192.0.2.53", used)};
  }
  void set_local(const tools::Endpoint& local) override {
    log += "local " + local.to_text() + "\n";
  }
  Reply exchange(const tools::Endpoint& server, keys::Exchange::MakeRequest make,
                 keys::Signer signer, const tools::OnSend& on_send) override {
    Message request = make();
    log += server.to_text() + " " + signature_of(signer) + describe(request) + "\n";
    if (on_send) on_send(zones::to_wire(request));
    if (unreachable == server.to_text()) return {.message = {}, .failure = "timed out", .server_time = {}};
    Reply reply;
    reply.message = std::move(request);
    reply.message->header.qr = true;
    if (reply.message->header.opcode == zones::Opcode::UPDATE) {
      reply.message->answer.clear();
      reply.message->authority.clear();
      if (!updates.empty()) {
        reply.message->header.rcode = static_cast<std::uint8_t>(updates.front().first);
        reply.tsig_error = updates.front().second;
        if (reply.tsig_error == 18) reply.server_time = std::chrono::sys_days{std::chrono::days{1}};
        updates.pop_front();
      }
      if (forget_lease) reply.message->edns.reset();
      if (option) reply.message->edns.emplace().options.push_back(*option);
      if (lose_answers) reply.message.reset();
      return reply;
    }
    answer_soa(*reply.message);
    return reply;
  }

  Endpoints resolver_list{*tools::Endpoint::numeric("192.0.2.1", 53),
                          *tools::Endpoint::numeric("192.0.2.2", 53)};
  std::string unreachable;
  Rcode soa_rcode = Rcode::NXDOMAIN;
  bool soa_in_parent_only = false;  // the authority section stays empty below the apex
  bool lose_answers = false;
  bool forget_lease = false;
  std::optional<zones::EdnsOption> option;  // of the answers, alone
  const char* alias = nullptr;              // this name is a CNAME
  const char* zone = "dyn.example";
  const char* mname = "ns.dyn.example";
  std::deque<std::pair<Rcode, std::uint16_t>> updates;  // what updates are answered
  std::string log;

 private:
  static std::string signature_of(const keys::Signer& signer) {
    if (std::holds_alternative<keys::TsigKey>(signer)) return "signed ";
    return std::holds_alternative<keys::PrivateKey>(signer) ? "SIG(0) " : "";
  }
  static std::string describe(const Message& message) {
    if (message.header.opcode == zones::Opcode::UPDATE) {
      return "UPDATE " + message.question.at(0).name.to_text() + " " +
             std::to_string(message.answer.size()) + "+" + std::to_string(message.authority.size());
    }
    return "SOA? " + message.question.at(0).name.to_text() + (message.header.rd ? " rd" : "");
  }
  void answer_soa(Message& message) const {
    const Name& asked = message.question.at(0).name;
    if (alias != nullptr && asked == name(alias)) {
      message.answer.push_back(record(alias, Type::CNAME, {3, 'w', 'w', 'w', 0}));
      message.authority.push_back(soa("elsewhere.example", "ns.elsewhere.example"));
      return;
    }
    if (asked == name(zone)) {
      message.answer.push_back(soa(zone, mname));
      return;
    }
    message.header.rcode = static_cast<std::uint8_t>(soa_rcode);
    if (!soa_in_parent_only) message.authority.push_back(soa(zone, mname));
  }
};

struct Ran {
  int status;
  std::string out;
  std::string err;
};

Ran run(FakeNetwork& network, const std::string& script, SessionOptions options = {}) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(script);
  Session session(options, network, out, err);
  const int status = session.run(in);
  return {status, out.str(), err.str()};
}

constexpr const char* ADD = "add h1.dyn.example 60 TXT a\n";

TEST(Session, FindsZoneAndServer) {
  FakeNetwork network;
  const Ran ran = run(network, std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(network.log,
            "192.0.2.1#53 SOA? h1.dyn.example. rd\n"
            "resolve ns.dyn.example.\n"
            "192.0.2.53#53 UPDATE dyn.example. 0+1\n");
}

TEST(Session, WalksUpWhereThereIsNoSoa) {
  FakeNetwork network;
  network.soa_in_parent_only = true;
  EXPECT_EQ(run(network, "yxdomain a.b.dyn.example\n\n").status, 0);
  EXPECT_EQ(network.log,
            "192.0.2.1#53 SOA? a.b.dyn.example. rd\n"
            "192.0.2.1#53 SOA? b.dyn.example. rd\n"
            "192.0.2.1#53 SOA? dyn.example. rd\n"
            "resolve ns.dyn.example.\n"
            "192.0.2.53#53 UPDATE dyn.example. 1+0\n");
}

TEST(Session, AnAliasDoesNotTellItsZone) {
  FakeNetwork network;
  network.alias = "h1.dyn.example";
  EXPECT_EQ(run(network, std::string(ADD) + "send\n").status, 0);
  EXPECT_NE(network.log.find("UPDATE dyn.example. 0+1"), std::string::npos) << network.log;
}

TEST(Session, ASoaThatIsNotAboveIsNoZone) {
  FakeNetwork network;
  network.zone = "other.example";
  network.soa_rcode = Rcode::NOERROR;
  const Ran ran = run(network, std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "could not find enclosing zone\n");
}

TEST(Session, ServerWithoutZoneIsAsked) {
  FakeNetwork network;
  EXPECT_EQ(run(network, "server 192.0.2.77 5353\n" + std::string(ADD) + "send\n").status, 0);
  EXPECT_EQ(network.log,
            "resolve 192.0.2.77\n"
            "192.0.2.77#5353 SOA? h1.dyn.example.\n"
            "192.0.2.77#5353 UPDATE dyn.example. 0+1\n");
}

TEST(Session, ServerAndZoneNeedNoQuestion) {
  FakeNetwork network;
  EXPECT_EQ(
      run(network, "server 192.0.2.77\nzone other.example\n" + std::string(ADD) + "send\n").status,
      0);
  EXPECT_EQ(network.log,
            "resolve 192.0.2.77\n"
            "192.0.2.77#53 UPDATE other.example. 0+1\n");
}

TEST(Session, ZoneWithoutServer) {
  FakeNetwork network;
  EXPECT_EQ(run(network, "zone dyn.example\n" + std::string(ADD) + "send\n").status, 0);
  EXPECT_EQ(network.log,
            "192.0.2.1#53 SOA? dyn.example. rd\n"
            "resolve ns.dyn.example.\n"
            "192.0.2.53#53 UPDATE dyn.example. 0+1\n");
  const Ran ran = run(network, "zone nosuch.example\n" + std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "specified zone 'nosuch.example' does not exist (NXDOMAIN)\n");
}

TEST(Session, NextResolver) {
  FakeNetwork network;
  network.unreachable = "192.0.2.1#53";
  const Ran ran = run(network, std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "; Communication with 192.0.2.1#53 failed: timed out\n");
}

TEST(Session, NoResolverKnows) {
  FakeNetwork network;
  network.soa_rcode = Rcode::REFUSED;
  const Ran ran = run(network, std::string(ADD) + "send\nversion\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "; Communication with 192.0.2.1#53 failed: REFUSED\n"
            "; Communication with 192.0.2.2#53 failed: REFUSED\n"
            "could not reach any name server\n");
}

TEST(Session, NextAddressOfThePrimary) {
  FakeNetwork network;
  network.mname = "two.example";
  network.unreachable = "192.0.2.8#53";
  const Ran ran = run(network, std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "; Communication with 192.0.2.8#53 failed: timed out\n");
  EXPECT_NE(network.log.find("192.0.2.9#53 UPDATE"), std::string::npos);
}

TEST(Session, ThePrimaryHasNoAddress) {
  FakeNetwork network;
  network.mname = "nowhere.example";
  const Ran ran = run(network, std::string(ADD) + "send\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "couldn't get address for 'nowhere.example': not found\n");
}

const std::string HERE = "server 192.0.2.77\nzone dyn.example\n";

TEST(Session, RcodesAndExitStatus) {
  const struct {
    Rcode rcode;
    std::uint16_t tsig_error;
    const char* err;
  } rows[] = {
      {Rcode::NOERROR, 0, ""},
      {Rcode::FORMERR, 0, "update failed: FORMERR\n"},
      {Rcode::SERVFAIL, 0, "update failed: SERVFAIL\n"},
      {Rcode::NXDOMAIN, 0, "update failed: NXDOMAIN\n"},
      {Rcode::NOTIMP, 0, "update failed: NOTIMP\n"},
      {Rcode::REFUSED, 0, "update failed: REFUSED\n"},
      {Rcode::YXDOMAIN, 0, "update failed: YXDOMAIN\n"},
      {Rcode::YXRRSET, 0, "update failed: YXRRSET\n"},
      {Rcode::NXRRSET, 0, "update failed: NXRRSET\n"},
      {Rcode::NOTAUTH, 0, "update failed: NOTAUTH\n"},
      {Rcode::NOTZONE, 0, "update failed: NOTZONE\n"},
      {Rcode::NOTAUTH, 16,
       "; TSIG error with server: tsig indicates error\nupdate failed: NOTAUTH(BADSIG)\n"},
      {Rcode::NOTAUTH, 17,
       "; TSIG error with server: tsig indicates error\nupdate failed: NOTAUTH(BADKEY)\n"},
      {Rcode::NOTAUTH, 18,
       "; TSIG error with server: tsig indicates error\n"
       "; the server's clock says 1970-01-02T00:00:00Z\nupdate failed: NOTAUTH(BADTIME)\n"},
      {Rcode::NOTAUTH, 22,
       "; TSIG error with server: tsig indicates error\nupdate failed: NOTAUTH(BADTRUNC)\n"},
  };
  for (const auto& row : rows) {
    FakeNetwork network;
    network.updates = {{row.rcode, row.tsig_error}};
    const Ran ran = run(network, HERE + ADD + "send\n");
    EXPECT_EQ(ran.err, row.err);
    EXPECT_EQ(ran.status, *row.err == '\0' ? 0 : 2) << row.err;
  }
}

TEST(Session, TsigErrorInAnAnswerThatCannotBeBelieved) {
  FakeNetwork network;
  network.updates = {{Rcode::NOTAUTH, 17}};
  network.lose_answers = true;
  const Ran ran = run(network, HERE + ADD + "send\nanswer\n");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "; TSIG error with server: \nupdate failed: NOTAUTH(BADKEY)\n");
}

TEST(Session, GoesOnAfterAFailedUpdate) {
  FakeNetwork network;
  network.updates = {{Rcode::NOERROR, 0}, {Rcode::NOTZONE, 0}, {Rcode::NOERROR, 0}};
  const Ran ran =
      run(network, HERE + ADD + "send\n" + ADD + "send\n" + ADD + "\nanswer\nquit\nfoo\n");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err, "update failed: NOTZONE\n");
  EXPECT_NE(ran.out.find("Answer:\n;; ->>HEADER<<- opcode: UPDATE, status: NOERROR"),
            std::string::npos);
}

TEST(Session, Timeout) {
  FakeNetwork network;
  network.unreachable = "192.0.2.77#53";
  const Ran ran = run(network, HERE + ADD + "send\n" + ADD + "send\n");
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.err,
            "; Communication with 192.0.2.77#53 failed: timed out\n"
            "; Communication with 192.0.2.77#53 failed: timed out\n");
}

TEST(Session, WhatIsSent) {
  FakeNetwork network;
  // Nothing at all; an empty update of a named zone; nothing that was not sent.
  EXPECT_EQ(run(network, "\nsend\n\n").status, 0);
  EXPECT_EQ(network.log, "");
  EXPECT_EQ(run(network, HERE + "send\n").status, 0);
  EXPECT_EQ(run(network, HERE + ADD).status, 0);
  EXPECT_EQ(network.log,
            "resolve 192.0.2.77\n192.0.2.77#53 UPDATE dyn.example. 0+0\nresolve 192.0.2.77\n");
}

TEST(Session, KeysSignUpdatesOnly) {
  FakeNetwork network;
  EXPECT_EQ(run(network, "key k.example AAAA\n" + std::string(ADD) + "send\n").status, 0);
  EXPECT_EQ(network.log,
            "192.0.2.1#53 SOA? h1.dyn.example. rd\n"
            "resolve ns.dyn.example.\n"
            "192.0.2.53#53 signed UPDATE dyn.example. 0+1\n");
}

TEST(Session, Mistakes) {
  FakeNetwork network;
  Ran ran = run(network, "foo\nversion\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err, "incorrect section name: foo\nsyntax error\n");
  ran = run(network, "server nowhere.example\nversion\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "couldn't get address for 'nowhere.example': not found\nsyntax error\n");
  ran = run(network, "local ns.example\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "invalid address ns.example\nsyntax error\n");

  SessionOptions interactive;
  interactive.interactive = true;
  ran = run(network, "foo\nadd h_x.a 60 A 192.0.2.1\nlocal x\nserver nowhere.\nversion\n",
            interactive);
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, "dnsd-update " DNSD_VERSION "\n");
  EXPECT_EQ(ran.err,
            "incorrect section name: foo\ncheck-names failed: bad owner 'h_x.a'\n"
            "invalid address x\ncouldn't get address for 'nowhere.': not found\n");
}

TEST(Session, LocalAndPrompt) {
  FakeNetwork network;
  SessionOptions options;
  options.prompt = options.interactive = true;
  const Ran ran = run(network, "local 127.0.0.2 99\nquit\n", options);
  EXPECT_EQ(network.log, "local 127.0.0.2#99\n");
  EXPECT_EQ(ran.out, "> > ");
}

TEST(Session, LocalhostOnly) {
  FakeNetwork network;
  SessionOptions options;
  options.local_only = true;
  const Ran ran = run(network, "zone dyn.example\nsend\nserver 192.0.2.1\n", options);
  EXPECT_EQ(network.log, "resolve localhost\n192.0.2.53#53 UPDATE dyn.example. 0+0\n");
  EXPECT_EQ(ran.err, "cannot reset server in localhost-only mode\nsyntax error\n");
}

TEST(Session, Rfc9664ServerWithoutLeases) {
  const std::string script = HERE + "lease 60\n" + ADD + "send\n";
  FakeNetwork network;
  EXPECT_EQ(run(network, script).err, "");  // the fake sends back the option
  network.forget_lease = true;
  Ran ran = run(network, script);
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err,
            "warning: the server grants no leases: what was added stays until it is deleted\n");
  EXPECT_EQ(run(network, HERE + ADD + "send\n").err, "");
  network.updates = {{Rcode::REFUSED, 0}};
  EXPECT_EQ(run(network, script).err, "update failed: REFUSED\n");
}

TEST(Session, Rfc9664Section42TheLeaseThatIsGranted) {
  const struct {
    const char* asked;
    zones::Rdata granted;
    const char* err;
  } rows[] = {
      {"lease 60", {0, 0, 0, 60}, ""},
      {"lease 60", {0, 0, 0, 30}, "the server grants another lease: 30 s (asked for: 60 s)\n"},
      {"lease 60", {0, 0, 1, 0}, "the server grants another lease: 256 s (asked for: 60 s)\n"},
      {"lease 60 90", {0, 0, 0, 60, 0, 0, 0, 90}, ""},
      {"lease 60 90",
       {0, 0, 0, 60, 0, 0, 0, 80},
       "the server grants another lease: 60 s, of KEY records 80 s (asked for: 60 s, of KEY "
       "records 90 s)\n"},
      {"lease 60 90",
       {0, 0, 0, 60},
       "the server grants another lease: 60 s (asked for: 60 s, of KEY records 90 s)\n"},
      {"lease 60", {0, 60}, "warning: the answer's lease is malformed; see 'answer'\n"},
  };
  for (const auto& row : rows) {
    FakeNetwork network;
    network.option = {zones::OptionCode::UPDATE_LEASE, row.granted};
    const Ran ran = run(network, HERE + row.asked + "\n" + ADD + "send\nanswer\n");
    EXPECT_EQ(ran.status, 0);
    EXPECT_EQ(ran.err, row.err);
    EXPECT_NE(ran.out.find("; UPDATE-LEASE: "), std::string::npos) << ran.out;
  }
}

TEST(Session, Rfc8914WhatTheServerSays) {
  FakeNetwork network;
  network.updates = {{Rcode::REFUSED, 0}};
  network.option = {zones::OptionCode::EXTENDED_ERROR, {0, 18, 'n', 'o', ' ', 27, '!'}};
  EXPECT_EQ(run(network, HERE + ADD + "send\n").err,
            "update failed: REFUSED\n; the server says: no .!\n");
}

TEST(Session, DebugShowsWhatIsSentAndReceived) {
  FakeNetwork network;
  const Ran ran = run(network, "debug\n" + std::string(ADD) + "send\n");
  EXPECT_NE(ran.out.find("Outgoing update query:\n;; ->>HEADER<<- opcode: UPDATE"),
            std::string::npos);
  EXPECT_NE(ran.out.find("ZONE: 1, PREREQ: 0, UPDATE: 1, ADDITIONAL: 0"), std::string::npos);
  EXPECT_NE(ran.err.find("Reply from SOA query:\n"), std::string::npos);
  EXPECT_NE(ran.err.find("Found zone name: dyn.example\nThe primary is: ns.dyn.example\n"
                         "Sending update to 192.0.2.53#53\n"),
            std::string::npos);
  EXPECT_NE(ran.err.find("\nReply from update query:\n"), std::string::npos);
}

TEST(Session, AnUpdateThatNoMessageCanHold) {
  FakeNetwork network;
  std::string script = HERE;
  const std::string text(250, 'x');
  for (int i = 0; i < 300; ++i) script += "add h.dyn.example 60 TXT " + text + "\n";
  const Ran ran = run(network, script + "send\n");
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.err.find("larger than a message can be"), std::string::npos);
}

}  // namespace
}  // namespace dnsd_update
