#include "dnsd/http/dyndns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "dispatch_world.h"
#include "log_capture.h"

namespace dnsd::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string basic(std::string_view user, const std::string& password) {
  const std::string login = std::string(user) + ":" + password;
  const auto* octets = reinterpret_cast<const std::uint8_t*>(login.data());
  return "Basic " + keys::Secret(std::span(octets, login.size())).to_base64();
}

const std::string& password() {
  static const std::string text = make_key("editor.").secret->to_base64();
  return text;
}

class DynDns : public ::testing::Test {
 protected:
  struct Asked {
    std::string query = "hostname=h1.example.org&myip=192.0.2.7";
    std::string authorization = basic("editor", password());
    std::string_view path = "/nic/update";
    std::string_view method = "GET";
    bool is_tls = true;
    std::string_view site = {};
    std::string_view source = "192.0.2.99";
  };

  http::Response ask(const Asked& asked) {
    std::vector<http::HeaderField> fields;
    if (!asked.authorization.empty()) fields.push_back({"authorization", asked.authorization});
    if (!asked.site.empty()) fields.push_back({"sec-fetch-site", asked.site});
    const http::Request request{
        .method = asked.method,
        .target = asked.path,
        .path = asked.path,
        .query = asked.query,
        .host = "dyn.example",
        .fields = fields,
        .body = {},
        .peer = {boost::asio::ip::make_address(std::string(asked.source)), 4711},
        .is_tls = asked.is_tls};
    std::promise<http::Response> promise;
    StateReader reader(world_.publisher);
    handler_.handle(request, reader.current(), http::Responder([&](http::Response&& response) {
                      promise.set_value(std::move(response));
                    }));
    reader.idle();
    return promise.get_future().get();
  }
  std::string body(const Asked& asked) { return ask(asked).body; }
  std::string update(const std::string& query) { return body({.query = query}); }

  std::size_t records(std::string_view owner, zones::Type type) {
    StateReader reader(world_.publisher);
    const zones::Name host = name(owner);
    const auto rrset =
        reader.current().catalogue.enclosing(host.view())->rrsets(host.view()).find(type);
    return rrset ? rrset.count() : 0;
  }

  World world_;
  http::LoginGate gate_;
  http::DynDnsHandler handler_{*world_.writer, gate_, [] { return NOW; }, false};
};

TEST_F(DynDns, GoodIsVisibleAndNochgIsNoChange) {
  EXPECT_EQ(update("hostname=h1.example.org&myip=192.0.2.7"), "good 192.0.2.7\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 1U);
  EXPECT_EQ(update("hostname=h1.example.org&myip=192.0.2.7"), "nochg 192.0.2.7\n");
  EXPECT_EQ(update("hostname=h1.example.org&myip=2001:db8::7"), "good 2001:db8::7\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 1U) << "an absent family is kept";
  EXPECT_EQ(update("hostname=h1.example.org&myip=192.0.2.8,192.0.2.9"),
            "good 192.0.2.8,192.0.2.9\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 2U);
  EXPECT_EQ(update("hostname=h1.example.org&offline=YES"), "good\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 0U);
  EXPECT_EQ(records("h1.example.org.", zones::Type::AAAA), 0U);
}

TEST_F(DynDns, WithoutAnAddressTheSourceCounts) {
  EXPECT_EQ(update("hostname=h1.example.org"), "good 192.0.2.99\n");
  EXPECT_EQ(body({.query = "hostname=h1.example.org&myip=", .source = "2001:db8::99"}),
            "good 2001:db8::99\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 1U);
  EXPECT_EQ(body({.query = "hostname=h1.example.org", .source = "::ffff:192.0.2.98"}),
            "good 192.0.2.98\n");
}

TEST_F(DynDns, ALineForEachHost) {
  EXPECT_EQ(update("hostname=a.example.org,short,b.example.com,b.example.net,c.example.org"
                   "&myip=192.0.2.7"),
            "good 192.0.2.7\n"
            "notfqdn\n"  // no dot
            "nohost\n"   // no zone of ours
            "nohost\n"   // a zone that grants this key nothing
            "good 192.0.2.7\n");
  EXPECT_EQ(update("myip=192.0.2.7"), "notfqdn\n");
  EXPECT_EQ(update("hostname=h1.example.org&myip=what"), "badagent\n");
}

TEST_F(DynDns, AServiceIsPublished) {
  EXPECT_EQ(update("hostname=h1.example.org&myip=192.0.2.7&service=_http._tcp&port=8001"),
            "good 192.0.2.7\n");
  EXPECT_EQ(records("_http._tcp.h1.example.org.", zones::Type::SRV), 1U);
  EXPECT_EQ(records("_http._tcp.h1.example.org.", zones::Type::TXT), 1U);
  EXPECT_EQ(update("hostname=h1.example.org&myip=192.0.2.7&service=_http._tcp&port=8002"),
            "good 192.0.2.7\n");
  EXPECT_EQ(records("_http._tcp.h1.example.org.", zones::Type::SRV), 1U);
}

TEST_F(DynDns, ACnameIsAnErrorAndNoSilence) {
  const Signed request(
      test::update("example.org.",
                   {record("alias.example.org.", zones::Type::CNAME, "www.example.org.")}),
      make_key("editor."));
  ASSERT_EQ(rcode_of(world_.ask(request.octets)), zones::Rcode::NOERROR);
  EXPECT_EQ(update("hostname=alias.example.org&myip=192.0.2.7"), "dnserr\n");
}

TEST_F(DynDns, Logins) {
  const http::Response none = ask({.authorization = {}});
  EXPECT_EQ(none.status, 401U);
  EXPECT_EQ(none.body, "badauth\n");
  EXPECT_THAT(none.fields,
              ::testing::Contains(::testing::Pair("WWW-Authenticate", HasSubstr("Basic realm="))));
  EXPECT_EQ(ask({.authorization = basic("nobody", "AAAA")}).status, 401U);
  EXPECT_EQ(body({.authorization = basic("nobody", password())}), "nohost\n")
      << "a key without a grant";
}

TEST_F(DynDns, WithoutTlsNoPasswordIsLookedAt) {
  const http::Response plain = ask({.is_tls = false});
  EXPECT_EQ(plain.status, 403U);
  EXPECT_EQ(plain.body, "badauth\n");
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 0U);
  const http::Response own_address = ask({.path = "/checkip", .is_tls = false});
  EXPECT_EQ(own_address.status, 200U);
  EXPECT_THAT(own_address.body, HasSubstr("Current IP Address: 192.0.2.99<"));
}

TEST_F(DynDns, OnlyGetAndNoOtherSitesPage) {
  EXPECT_EQ(ask({.method = "POST"}).status, 405U);
  EXPECT_EQ(ask({.method = "HEAD"}).status, 405U);
  EXPECT_EQ(ask({.site = "cross-site"}).status, 403U);
  EXPECT_EQ(ask({.site = "same-site"}).status, 403U);
  EXPECT_EQ(records("h1.example.org.", zones::Type::A), 0U);
  EXPECT_EQ(ask({.site = "none"}).status, 200U);
}

TEST_F(DynDns, ManyFailedLoginsOfASourceLockNobodyOut) {
  const std::string wrong = basic("editor", make_key("x.", {}, 9).secret->to_base64());
  unsigned later = 0;
  for (int i = 0; i < 50; ++i) {
    const http::Response response = ask({.authorization = wrong});
    EXPECT_EQ(response.body, response.status == 503 ? "911\n" : "badauth\n");
    later += response.status == 503 ? 1 : 0;
  }
  EXPECT_GT(later, 30U);
  EXPECT_EQ(ask({.authorization = wrong, .source = "192.0.2.98"}).status, 401U);
  EXPECT_EQ(body({}), "good 192.0.2.7\n") << "a neighbour behind the same address";
}

TEST_F(DynDns, WhenTheStoreCannotBeWritten) {
  world_.writer->stop();
  const http::Response response = ask({});
  EXPECT_EQ(response.status, 503U);
  EXPECT_EQ(response.body, "911\n");
  EXPECT_EQ(body({.query = "hostname=h1.example.org,short"}), "911\nnotfqdn\n");
}

TEST_F(DynDns, TheLogTellsWhyAndNoSecret) {
  LogCapture log;
  ask({.is_tls = false});
  ask({.authorization = basic("editor", "c2VjcmV0")});
  update("hostname=b.example.net");
  const std::string text = log.take();
  EXPECT_THAT(text, HasSubstr("without TLS"));
  EXPECT_THAT(text, HasSubstr("from 192.0.2.99:4711 refused: user and password"));
  EXPECT_THAT(text, HasSubstr("b.example.net."));
  EXPECT_THAT(text, Not(HasSubstr("c2VjcmV0")));
  EXPECT_THAT(text, Not(HasSubstr(password())));
}

TEST_F(DynDns, Counters) {
  update("hostname=a.example.org,short");
  ask({.authorization = {}});
  using http::DynDnsWord;
  EXPECT_EQ(handler_.counters().get(DynDnsWord::GOOD), 1U);
  EXPECT_EQ(handler_.counters().get(DynDnsWord::NOTFQDN), 1U);
  EXPECT_EQ(handler_.counters().get(DynDnsWord::BADAUTH), 1U);
}

}  // namespace
}  // namespace dnsd::test
