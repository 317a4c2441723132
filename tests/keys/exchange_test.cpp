#include "keys/exchange.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "keys/sig0.h"
#include "keys/tsig_record.h"
#include "keys/vectors.h"

namespace keys {
namespace {

using namespace std::chrono_literals;
using test::Octets;
using Action = Exchange::Action;

constexpr auto WALL = test::T;

zones::Message update_request() {
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({test::name("dyn.example."), zones::Type::SOA, zones::Class::IN});
  return message;
}

/// One script: the client's steps and the server's answers, a line each.
///   udp | tcp            the client sends            wait MS        it waits until MS
///   done RCODE | failed TEXT                         at MS          the clock is set
///   answer KIND [N]      to the N-th message sent, the last by default        refused | closed
class Script {
 public:
  Script(bool with_key, ExchangeOptions options, Exchange::MakeRequest make = update_request,
         std::shared_ptr<ClientCookie> cookie = {})
      : Script(with_key ? Signer(test::make_key("key.example.")) : Signer(), options,
               std::move(make), std::move(cookie)) {}
  Script(Signer signer, ExchangeOptions options, Exchange::MakeRequest make = update_request,
         std::shared_ptr<ClientCookie> cookie = {})
      : exchange_(std::move(make), std::move(signer), options, std::move(cookie)) {
    keyring_.add(test::make_key("key.example."));
  }

  void run(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line, ';');) {
      SCOPED_TRACE(line);
      std::istringstream words(line);
      std::string verb, what;
      words >> verb >> what;
      if (verb == "at") {
        now_ = Exchange::Time() + std::chrono::milliseconds(std::stoll(what));
      } else if (verb == "answer") {
        std::size_t number = sent_.size();
        words >> number;
        exchange_.received(answer(what, sent_.at(number - 1)), now_, WALL);
      } else if (verb == "refused" || verb == "closed") {
        exchange_.transport_failed(now_);
      } else {
        expect(verb, line.substr(line.find(verb) + verb.size()));
      }
    }
  }

  const std::vector<Octets>& sent() const { return sent_; }
  const Exchange& exchange() const { return exchange_; }

 private:
  void expect(const std::string& verb, const std::string& rest) {
    const Exchange::Step step = exchange_.next(now_, WALL);
    switch (step.action) {
      case Action::SEND_UDP:
      case Action::SEND_TCP:
        EXPECT_EQ(verb, step.action == Action::SEND_UDP ? "udp" : "tcp");
        sent_.emplace_back(step.octets.begin(), step.octets.end());
        return;
      case Action::WAIT:
        EXPECT_EQ(verb, "wait");
        EXPECT_EQ(" " + std::to_string((step.until - Exchange::Time()) / 1ms), rest);
        return;
      case Action::DONE:
        EXPECT_EQ(verb, "done");
        EXPECT_EQ(
            " " + zones::to_text(static_cast<zones::Rcode>(exchange_.response().header.rcode)),
            rest);
        return;
      case Action::FAILED:
        EXPECT_EQ(verb, "failed");
        EXPECT_NE((" " + exchange_.failure()).find(rest), std::string::npos) << exchange_.failure();
        return;
    }
  }

  Octets answer(const std::string& kind, const Octets& request) const {
    if (kind == "nothing") return {};
    if (kind == "question") return request;
    const auto message = zones::parse_message(request).value();
    zones::Message reply;
    reply.header = message.header;
    reply.header.qr = true;
    reply.question = message.question;
    if (kind == "servfail") reply.header.rcode = 2;
    if (kind == "formerr") reply.header.rcode = 1;
    if (kind == "yxdomain") reply.header.rcode = 6;
    if (kind == "truncated" || kind == "truncated-unsigned" || kind == "truncated-cut")
      reply.header.tc = true;
    if (kind == "no-question") reply.question.clear();
    if (kind == "formerr-no-question") {
      reply.question.clear();
      reply.header.rcode = 1;
    }
    if (kind == "question-case") reply.question[0].name = test::name("DYN.example.");
    if (kind == "other-name") reply.question[0].name = test::name("other.example.");
    if (kind == "other-type") reply.question[0].type = zones::Type::A;
    if (kind == "two-questions") reply.question.push_back(reply.question[0]);
    if (kind == "other-id") reply.header.id ^= 1;
    if (kind == "other-opcode") reply.header.opcode = zones::Opcode::NOTIFY;
    if (kind == "cookie" || kind == "cookie-other" || kind == "badcookie") {
      auto cookie = message.edns->find(zones::OptionCode::COOKIE)->data;
      cookie.resize(ClientCookie::CLIENT_OCTETS);
      if (kind == "cookie-other") cookie[0] ^= 1;
      cookie.resize(cookie.size() + 16, 0x5e);
      reply.edns.emplace().options.push_back({zones::OptionCode::COOKIE, cookie});
    }
    if (kind == "badcookie") {
      reply.edns->extended_rcode = 1;
      reply.header.rcode = 7;
    }

    Octets octets = zones::to_wire(reply);
    if (kind == "sig0") sign_sig0(octets, PrivateKey::generate(test::name("ns.example.")), WALL);
    if (kind == "sig0") return octets;
    const bool is_signed = message.signature && message.signature->type == zones::Type::TSIG &&
                           !kind.ends_with("unsigned");
    if (is_signed) {
      TsigExchange server(keyring_);
      const auto when = kind == "badtime" ? WALL + 1h : WALL;
      Octets seen = request;
      if (kind == "badsig") seen[seen.size() - 7] ^= 1;
      static const Keyring empty;
      if (kind == "badkey") server = TsigExchange(empty);
      EXPECT_EQ(server.verify(seen, message.signature_offset, when).has_value(),
                kind != "badtime" && kind != "badsig" && kind != "badkey");
      if (kind == "badtime" || kind == "badsig" || kind == "badkey") octets[3] = 9;
      octets.resize(octets.size() + server.max_signature_octets());
      server.sign(octets, octets.size() - server.max_signature_octets(),
                  kind == "late" ? WALL + 1h : when);
      if (kind == "forged") octets[octets.size() - 7] ^= 1;
    }
    if (kind == "cut" || kind == "truncated-cut") octets.pop_back();
    return octets;
  }

  Keyring keyring_;
  Exchange exchange_;
  Exchange::Time now_{};
  std::vector<Octets> sent_;
};

struct Row {
  const char* clause;
  const char* script;
};

void run(std::span<const Row> rows, bool with_key, ExchangeOptions options = {}) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    Script(with_key, options).run(row.script);
  }
}

TEST(Exchange, Tries) {
  const Row rows[] = {
      {"answered at once", "udp; wait 3000; at 5; answer ok; done NOERROR"},
      {"any RCODE is an answer", "udp; wait 3000; answer servfail; done SERVFAIL"},
      {"again after each time-out",
       "udp; wait 3000; at 2999; wait 3000; at 3000; udp; wait 6000; at 6000; udp; wait 9000; at "
       "9000; udp; "
       "wait 12000; at 11999; answer yxdomain; done YXDOMAIN"},
      {"all tries used",
       "udp; at 3000; udp; at 6000; udp; at 9000; udp; at 12000; failed no answer to 4 datagrams"},
      {"next() called late", "udp; wait 3000; at 5000; udp; wait 8000"},
      {"the answer to an earlier try counts",
       "udp; at 3000; udp; wait 6000; answer ok 1; done NOERROR"},
      {"what comes after it is over changes nothing",
       "udp; answer ok; done NOERROR; answer servfail; done NOERROR"},
      {"refused: the next try is soon",
       "udp; at 100; refused; wait 1100; at 1100; udp; wait 4100; answer ok; done NOERROR"},
      {"refused near the end of a try", "udp; at 2500; refused; wait 3000"},
      {"refused each time",
       "udp; refused; at 1000; udp; refused; at 2000; udp; refused; at 3000; udp; refused; at "
       "4000; failed no server "
       "listens"},
      {"refused once, then silence",
       "udp; refused; at 1000; udp; at 4000; udp; at 7000; udp; at 10000; failed no answer to 4"},
  };
  run(rows, false);
  run(rows, true);
}

TEST(Exchange, TotalTimeout) {
  const Row rows[] = {
      {"cuts a try short",
       "udp; wait 3000; at 3000; udp; wait 5000; at 5000; failed no answer within 5 s"},
      {"an answer in time", "udp; at 3000; udp; at 4999; answer ok; done NOERROR"},
      {"an answer too late", "udp; at 3000; udp; at 5000; answer ok; failed no answer within 5 s"},
      {"TCP too",
       "udp; answer truncated; at 10; tcp; wait 5000; at 5000; failed no answer within 5 s"},
      {"counts from the first step", "at 70000; udp; wait 73000; at 73000; udp; wait 75000"},
  };
  run(rows, true, {.total_timeout = 5000ms});
  Script(true, {.udp_tries = 1, .total_timeout = 1500ms})
      .run("udp; wait 1500; at 1500; failed no answer within 1.500 s");
  Script(true, {.udp_tries = 0}).run("udp; wait 3000; at 3000; failed no answer to 1 datagram");
}

TEST(Exchange, Tcp) {
  const Row rows[] = {
      {"truncation leads to TCP",
       "udp; answer truncated; tcp; wait 300000; answer ok; done NOERROR"},
      {"an answer over TCP may carry TC",
       "udp; answer truncated; tcp; answer truncated; done NOERROR"},
      {"connection lost",
       "udp; answer truncated; tcp; wait 300000; closed; failed the TCP connection failed"},
      {"connection lost after the answer",
       "udp; answer truncated; tcp; answer ok; closed; done NOERROR"},
      {"a late datagram's answer no longer counts",
       "udp; answer truncated; tcp; answer ok 1; wait 300000"},
      {"a malformed answer ends it", "udp; answer truncated; tcp; answer cut; failed malformed"},
  };
  run(rows, false);
  run(rows, true);
  for (const bool with_key : {false, true}) {
    Script(with_key, {.tcp_only = true}).run("tcp; wait 300000; answer ok; done NOERROR");
  }
}

TEST(Exchange, WhatIsNotTheAnswerIsIgnored) {
  const Row rows[] = {
      {"§4.1.1 another ID", "udp; answer other-id; wait 3000; answer ok; done NOERROR"},
      {"another opcode", "udp; answer other-opcode; wait 3000; answer ok; done NOERROR"},
      {"another name", "udp; answer other-name; wait 3000; answer ok; done NOERROR"},
      {"another type", "udp; answer other-type; wait 3000; answer ok; done NOERROR"},
      {"two questions", "udp; answer two-questions; wait 3000; answer ok; done NOERROR"},
      {"no response", "udp; answer question; wait 3000; answer ok; done NOERROR"},
      {"nothing", "udp; answer nothing; wait 3000; answer ok; done NOERROR"},
      {"cut short", "udp; answer cut; wait 3000; answer ok; done NOERROR"},
      {"names without case", "udp; answer question-case; done NOERROR"},
      {"RFC 2136 §3.8 no zone section", "udp; answer no-question; done NOERROR"},
      {"over TCP too",
       "udp; answer truncated; tcp; answer other-id; wait 300000; answer ok; done NOERROR"},
  };
  run(rows, false);
  run(rows, true);
}

zones::Message request_with_edns() {
  zones::Message message = update_request();
  message.edns.emplace();
  return message;
}

/// The COOKIE option's data of what was sent; empty when there is none.
Octets cookie_of(const Octets& sent) {
  const auto message = zones::parse_message(sent).value();
  const auto* option = message.edns ? message.edns->find(zones::OptionCode::COOKIE) : nullptr;
  return option == nullptr ? Octets{} : option->data;
}

TEST(Exchange, Rfc7873Cookies) {
  const Row rows[] = {
      {"§5.3 a server without", "udp; answer ok; done NOERROR"},
      {"§5.3 a server with", "udp; answer cookie; done NOERROR"},
      {"§5.3 BADCOOKIE: once more",
       "udp; answer badcookie; udp; wait 3000; answer cookie; done NOERROR"},
      {"§5.3 BADCOOKIE again: by TCP",
       "udp; answer badcookie; udp; answer badcookie; tcp; answer ok; done NOERROR"},
      {"an earlier try's",
       "udp; at 3000; udp; answer badcookie 1; udp; answer cookie; done NOERROR"},
      {"the last try's",
       "udp; at 3000; udp; at 6000; udp; at 9000; udp; answer badcookie; tcp; answer ok; done "
       "NOERROR"},
      {"over TCP it is an answer", "udp; answer truncated; tcp; answer badcookie; done YXRRSET"},
  };
  const auto run_one = [](bool with_key, const char* script) {
    SCOPED_TRACE(script);
    Script(with_key, {}, request_with_edns, std::make_shared<ClientCookie>()).run(script);
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    run_one(false, row.script);
    run_one(true, row.script);
  }
  // §5.3 another client's, but who has the key is believed.
  run_one(false, "udp; answer cookie-other; wait 3000; answer cookie; done NOERROR");
  run_one(true, "udp; answer cookie-other; done NOERROR");
  // §5.3 expected, but missing: somebody's, or a server's that has none any more, which TCP tells.
  run_one(false, "udp; answer badcookie; udp; answer ok; at 3000; tcp; answer ok; done NOERROR");
  run_one(true, "udp; answer badcookie; udp; answer ok; done NOERROR");
}

TEST(Exchange, TheServersCookieComesBack) {
  const auto cookie = std::make_shared<ClientCookie>();
  // Whoever gives none need not know EDNS.
  Script plain(true, {}, update_request, cookie);
  plain.run("udp; answer ok; done NOERROR");
  EXPECT_EQ(cookie_of(plain.sent()[0]), Octets());
  Script first(true, {}, request_with_edns, cookie);
  first.run("udp; answer badcookie; udp; answer ok; done NOERROR");
  EXPECT_EQ(cookie_of(first.sent()[0]).size(), 8);
  EXPECT_EQ(cookie_of(first.sent()[1]).size(), 24);
  EXPECT_TRUE(cookie->has_server_cookie());
  Script second(true, {}, update_request, cookie);
  second.run("udp; answer ok; done NOERROR");
  EXPECT_EQ(cookie_of(second.sent()[0]), cookie_of(first.sent()[1]));
  EXPECT_FALSE(ClientCookie().has_server_cookie());
}

/// An update that goes by UDP does so with a cookie as well.
TEST(Exchange, ACookieLeadsNobodyToTcp) {
  for (const std::size_t more : {0, 1}) {
    const auto long_request = [more] {
      zones::Message message = request_with_edns();
      // 12 of the header, 17 of the question, 11 of OPT, 4 of the option.
      message.edns->options.push_back(
          {zones::OptionCode::PADDING, Octets(zones::MIN_UDP_OCTETS - 44 + more)});
      return message;
    };
    Script script(false, {}, long_request, std::make_shared<ClientCookie>());
    const std::size_t size = zones::to_wire(long_request()).size();
    script.run(size <= zones::MIN_UDP_OCTETS ? "udp" : "tcp");
    EXPECT_EQ(size > zones::MIN_UDP_OCTETS, more == 1) << size;
  }
}

TEST(Exchange, AQueryNeedsItsQuestionBack) {
  const auto query = [] {
    zones::Message message = update_request();
    message.header.opcode = zones::Opcode::QUERY;
    return message;
  };
  Script(false, {}, query)
      .run("udp; answer no-question; wait 3000; answer formerr-no-question; done FORMERR");
}

TEST(Exchange, WithoutAKeyNoSignatureIsAsked) {
  const Row rows[] = {
      {"unsigned", "udp; answer unsigned; done NOERROR"},
      {"truncated in mid record", "udp; answer truncated-cut; tcp; answer ok; done NOERROR"},
  };
  run(rows, false);
}

TEST(Exchange, Rfc8945OnlyASignedAnswerCounts) {
  const Row rows[] = {
      {"§5.4 unsigned, then signed", "udp; answer unsigned; wait 3000; answer ok; done NOERROR"},
      {"§5.4 forged, then signed", "udp; answer forged; wait 3000; answer ok; done NOERROR"},
      {"§5.4 signed late, then in time", "udp; answer late; wait 3000; answer ok; done NOERROR"},
      {"§5.4 unsigned BADKEY, then signed",
       "udp; answer badkey; wait 3000; answer ok; done NOERROR"},
      {"§5.4.3 signed BADTIME", "udp; answer badtime; done NOTAUTH"},
      {"an unsigned TC is not believed",
       "udp; answer truncated-unsigned; wait 3000; answer ok; done NOERROR"},
      {"a doubtful answer: the next try by TCP",
       "udp; answer unsigned; at 3000; tcp; wait 300000; answer ok; done NOERROR"},
      {"over TCP it is final: unsigned",
       "udp; answer unsigned; at 3000; tcp; answer unsigned; failed the answer is not signed "
       "(RCODE NOERROR)"},
      {"over TCP it is final: forged",
       "udp; answer truncated; tcp; answer forged; failed signature does not match"},
      {"over TCP it is final: clock",
       "udp; answer truncated; tcp; answer late; failed check the clocks"},
      {"over TCP it is final: BADKEY",
       "udp; answer badkey; at 3000; tcp; answer badkey; failed BADKEY: it has no key key.example. "
       "of algorithm hmac-sha256"},
      {"over TCP it is final: BADSIG",
       "udp; answer badsig; at 3000; tcp; answer badsig; failed BADSIG: its key key.example. has "
       "another secret"},
      {"no TCP: both are told",
       "udp; answer badsig; at 3000; tcp; closed; failed the TCP connection failed or ended "
       "without an answer (an answer before could not be believed: the server reports BADSIG"},
  };
  run(rows, true);
}

TEST(Exchange, TsigErrorsAreTold) {
  Script badtime(true, {});
  badtime.run("udp; answer badtime; done NOTAUTH");
  EXPECT_EQ(badtime.exchange().tsig_error(), 18);
  EXPECT_EQ(badtime.exchange().server_time(), WALL + 1h);
  Script badkey(true, {.tcp_only = true});
  badkey.run("tcp; answer badkey; failed BADKEY");
  EXPECT_EQ(badkey.exchange().tsig_error(), 17);
  Script good(true, {});
  good.run("udp; answer badsig; answer ok; done NOERROR");
  EXPECT_EQ(good.exchange().tsig_error(), 0);
  EXPECT_EQ(good.exchange().server_time(), std::nullopt);
}

TEST(Exchange, EachTryIsAFreshMessageWithOneTsig) {
  Script script(true, {.udp_tries = 20});
  std::string text;
  for (int i = 0; i < 20; ++i) text += "at " + std::to_string(3000 * i) + "; udp;";
  script.run(text);
  std::set<Octets> ids, macs;
  for (const Octets& octets : script.sent()) {
    const auto tsig = find_tsig(octets);
    ASSERT_TRUE(tsig.has_value() && tsig->has_value());
    EXPECT_EQ(octets[11], 1);
    ids.insert(Octets(octets.begin(), octets.begin() + 2));
    macs.insert(Octets((*tsig)->mac.begin(), (*tsig)->mac.end()));
  }
  EXPECT_GE(ids.size(), 18U);  // 20 of 65,536: two pairs alike are one chance in a hundred thousand
  EXPECT_EQ(macs.size(), ids.size());
}

TEST(Exchange, Rfc2931EachTryHasItsOwnSig0) {
  const PrivateKey key = PrivateKey::generate(test::name("h1.dyn.example."));
  Script script(Signer(key), {});
  script.run("udp; at 3000; udp; at 6000; udp; answer unsigned; done NOERROR");
  std::set<Octets> signatures;
  for (const Octets& octets : script.sent()) {
    const auto message = zones::parse_message(octets).value();
    ASSERT_TRUE(message.signature);
    EXPECT_EQ(message.header.arcount, 1);
    const auto sig = read_sig0(octets, message.signature_offset, WALL).value();
    EXPECT_EQ(sig.signer, key.name());
    EXPECT_TRUE(key.public_key().verify(sig0_signed_data(octets, message.signature_offset, sig),
                                        sig.signature));
    signatures.emplace(sig.signature.begin(), sig.signature.end());
  }
  EXPECT_EQ(signatures.size(), 3U);
}

TEST(Exchange, Rfc2931TheAnswerToASig0NeedNoSignature) {
  const Row rows[] = {
      {"§3.2 unsigned", "udp; answer unsigned; done NOERROR"},
      {"§3.2 signed by a key that the client cannot know", "udp; answer sig0; done NOERROR"},
      {"an error", "udp; answer yxdomain; done YXDOMAIN"},
      {"not the answer all the same", "udp; answer other-id; wait 3000; answer ok; done NOERROR"},
      {"a truncated answer leads to TCP, with a new message",
       "udp; answer truncated; tcp; wait 300000; answer ok; done NOERROR"},
      {"cut anywhere", "udp; answer truncated-cut; tcp; answer ok; done NOERROR"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    Script(Signer(PrivateKey::generate(test::name("h1.dyn.example."))), {}).run(row.script);
  }
}

zones::Message request_of(std::size_t octets) {
  zones::Message message = update_request();
  // NULL records (RFC 1035 §3.3.10) of up to 65,000 octets: owner "dyn.example." compressed, 12
  // octets before RDATA.
  std::size_t left = octets - zones::to_wire(message).size();
  while (left > 0) {
    const std::size_t size = std::min<std::size_t>(left, 40'000);
    const Octets data(size - 12);
    message.authority.push_back(
        {test::name("dyn.example."), zones::Type::NULL_, zones::Class::IN, 0, {}});
    message.authority.back().rdata = zones::Rdata(data);
    left -= size;
  }
  return message;
}

TEST(Exchange, ARequestAbove512OctetsGoesByTcp) {
  Script(false, {}, [] { return request_of(512); }).run("udp; answer ok; done NOERROR");
  Script(false, {}, [] {
    return request_of(513);
  }).run("tcp; wait 300000; answer ok; done NOERROR");
  // The TSIG counts: 84 octets of it here.
  Script(true, {}, [] { return request_of(512 - 84); }).run("udp");
  Script(true, {}, [] { return request_of(512 - 83); }).run("tcp");
  // The SIG(0) too: 29 octets, the signer's name and 64 of signature.
  const Signer own(PrivateKey::generate(test::name("h1.dyn.example.")));
  Script(own, {}, [] { return request_of(512 - 109); }).run("udp");
  Script(own, {}, [] { return request_of(512 - 108); }).run("tcp");
  Script(own, {}, [] { return request_of(65'500); }).run("failed does not fit into 65,535 octets");
  Script(false, {}, [] { return request_of(65'535); }).run("tcp");
  Script(true, {}, [] { return request_of(65'535); }).run("failed does not fit into 65,535 octets");
}

TEST(Exchange, ARequestThatIsTooLongFails) {
  Script(false, {}, [] {
    zones::Message message = request_of(65'535);
    message.authority.push_back(message.authority.back());
    return message;
  }).run("failed does not fit into 65,535 octets; failed does not fit");
}

}  // namespace
}  // namespace keys
