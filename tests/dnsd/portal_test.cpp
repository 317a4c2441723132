// The portal over zones of a few lines: which services a name has, where its visitors are sent,
// what the page says (RFC 7393 §3.2, §3.3), and that nothing published gets out of its place.
#include "dnsd/http/portal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "dnsd/http/accept.h"
#include "dnsd/http/redirect.h"
#include "dnsd/http/target.h"
#include "temp_dir.h"
#include "zone_text.h"
#include "zones/sqlite_store.h"

namespace dnsd {
namespace {

using http::Response;
using test::name;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view ZONE = R"zone(
@ 60 SOA ns h 5 60 60 60 60
@ 60 NS ns
ns 60 A 192.0.2.1
portal 60 A 203.0.113.80
none 60 A 192.0.2.9
web 60 A 203.0.113.80
direct 60 A 192.0.2.9
six 60 AAAA 2001:db8::80
_http._tcp.web 60 SRV 0 0 8001 Direct
_http._tcp.web 60 TXT "path=/cam" "txtvers=1"
_http._tcp.std 60 SRV 0 0 80 direct
_http._tcp.tls 60 SRV 0 0 443 direct
_https._tcp.sec 60 SRV 0 0 8443 direct
rr 60 HTTPS 1 direct port=8443
rrself 60 HTTPS 1 . alpn=h2 port=8443
rralias 60 HTTPS 0 direct
rr443 60 HTTPS 1 direct
both 60 HTTPS 1 direct port=8443
_http._tcp.both 60 SRV 0 0 8443 direct
twice 60 HTTPS 1 direct port=8443
_https._tcp.twice 60 SRV 0 0 8443 direct
_http._tcp.many 60 SRV 0 0 8001 direct
_https._tcp.many 60 SRV 0 0 8443 direct
_ssh._tcp.many 60 SRV 0 0 22022 direct
_http._tcp.more 60 SRV 0 0 8001 direct
_ssh._tcp.more 60 SRV 0 0 22022 direct
_http._tcp.prio 60 SRV 20 0 8002 direct
_http._tcp.prio 60 SRV 10 1 8003 ns
_http._tcp.prio 60 SRV 10 9 8004 direct
_http._tcp.gone 60 SRV 0 0 80 .
_http._tcp.zero 60 SRV 0 0 0 direct
_http._udp.udp 60 SRV 0 0 8001 direct
_http._tcp.loop 60 SRV 0 0 80 web
_http._tcp.self 60 SRV 0 0 8080 self
self 60 A 192.0.2.77
_http._tcp.named 60 SRV 0 0 443 portal
_http._tcp.aside 60 SRV 0 0 8001 portal
_http._tcp.second 60 SRV 0 0 80 web
_http._tcp.second 60 SRV 10 0 8001 direct
_http._tcp.bad 60 SRV 0 0 6000 direct
_http._tcp.odd 60 SRV 0 0 8001 a\032b\"c
uri 60 URI 10 1 "http://[2001:DB8::1]:8001/x"
_http._tcp.uris 60 URI 10 1 "https://198.51.100.1:8443/"
_cam._udp.urix 60 URI 10 1 "http://198.51.100.1:8001/"
_cam._udp.urix 60 SRV 0 0 8002 direct
js 60 URI 10 1 "javascript:alert(1)"
user 60 URI 10 1 "http://www.bank.example@192.0.2.66/"
slash 60 URI 10 1 "http:/\\evil.example/"
crlf 60 URI 10 1 "http://direct.dyn.example:8001/\013\010Set-Cookie:a"
Camera._http._tcp.inst 60 SRV 0 0 8001 direct
_sub._http._tcp.inst 60 SRV 0 0 8002 direct
_xmpp-client._tcp.links 60 SRV 0 0 5222 direct
_sip._udp.links 60 SRV 0 0 5070 direct
_minecraft._tcp.links 60 SRV 0 0 25565 direct
_ts3._udp.links 60 SRV 0 0 9987 direct
_rfb._tcp.links 60 SRV 0 0 5900 direct
_ftp._tcp.links 60 SRV 0 0 2121 direct
_unknown._tcp.links 60 SRV 0 0 4242 direct
_http._tcp.xss 60 TXT "k<script>=\"><img src=x onerror=alert(1)>" "path=javascript:alert(1)" "u=\226\128\174" "b=\255"
_http._tcp.xss 60 SRV 0 0 8001 direct
\<b\>._http._tcp.xss 60 SRV 0 0 8002 direct
_tcp.between 60 TXT "no service"
_ssh._tcp.between 60 SRV 0 0 22022 direct
_tls.between 60 TXT "no service"
_udp.between 60 TXT "no service"
_sip._udp.between 60 SRV 0 0 5070 direct
_zzz.between 60 TXT "no service"
cut 60 NS ns.cut
ns.cut 60 A 192.0.2.5
_http._tcp.cut 60 SRV 0 0 8001 ns
*.wild 60 A 203.0.113.80
)zone";

struct World {
  World() {
    test::add_zone(builder, "dyn.example.", ZONE);
    state.catalogue = builder.freeze();
    auto policy = std::make_shared<Policy>();
    policy->portal.addresses.push_back(keys::address_from_text("203.0.113.80").value());
    policy->portal.names.push_back(name("portal.dyn.example."));
    state.policy = policy;
  }

  /// @param accept  empty: there is none
  Response ask(std::string_view host, std::string_view target = "/",
               std::string_view method = "GET", std::string_view accept = {}) {
    const auto parts = http::parse_target(target);
    http::Request request;
    request.method = method;
    request.target = parts->target;
    request.path = parts->path;
    request.query = parts->query;
    request.host = host;
    if (is_on_8080) request.host_port = 8080;
    request.local = {boost::asio::ip::make_address("127.0.0.1"), 8080};
    const http::HeaderField accept_field{"Accept", accept};
    if (!accept.empty()) request.fields = {&accept_field, 1};
    std::promise<Response> response;
    portal.handle(request, state,
                  http::Responder([&](Response&& sent) { response.set_value(std::move(sent)); }));
    return response.get_future().get();
  }

  zones::CatalogueBuilder builder;
  State state;
  http::Portal portal{301, *http::PageTemplate::load({}), {80, 443, 8080}};
  bool is_on_8080 = false;
};

std::string field(const Response& response, std::string_view wanted) {
  for (const auto& [field_name, value] : response.fields) {
    if (field_name == wanted) return value;
  }
  return {};
}

TEST(Portal, Rfc7393RedirectOfAName) {
  struct Row {
    const char* what;
    const char* host;
    const char* target;
    unsigned status;
    const char* location;
  };
  const Row rows[] = {
      {"SRV, path and query kept", "web", "/a/b?c=d&e=//x", 301,
       "http://direct.dyn.example:8001/a/b?c=d&e=//x"},
      {"the case of Host does not count", "WEB", "/", 301, "http://direct.dyn.example:8001/"},
      {"the scheme's own port", "std", "/", 301, "http://direct.dyn.example/"},
      {"port 443 is https", "tls", "/", 301, "https://direct.dyn.example/"},
      {"_https._tcp", "sec", "/", 301, "https://direct.dyn.example:8443/"},
      {"HTTPS record", "rr", "/", 301, "https://direct.dyn.example:8443/"},
      {"HTTPS record of the name itself", "rrself", "/", 301, "https://rrself.dyn.example:8443/"},
      {"HTTPS record's own port", "rr443", "/", 301, "https://direct.dyn.example/"},
      {"AliasMode is no endpoint", "rralias", "/", 200, ""},
      {"one endpoint by SRV and HTTPS record: https", "both", "/", 301,
       "https://direct.dyn.example:8443/"},
      {"the same by _https and HTTPS record", "twice", "/", 301,
       "https://direct.dyn.example:8443/"},
      {"two web services: the page", "many", "/", 200, ""},
      {"no page under any path", "many", "/x", 404, ""},
      {"one web service among others", "more", "/", 301, "http://direct.dyn.example:8001/"},
      {"the page if it is asked for", "more", "/?portal", 200, ""},
      {"only just so", "more", "/?portal=1", 301, "http://direct.dyn.example:8001/?portal=1"},
      {"RFC 2782 priority, then weight", "prio", "/", 301, "http://direct.dyn.example:8004/"},
      {"RFC 2782 no such service", "gone", "/", 200, ""},
      {"port 0", "zero", "/", 200, ""},
      {"not over UDP", "udp", "/", 200, ""},
      {"not back to the portal's address", "loop", "/", 200, ""},
      {"nor to its name", "named", "/", 200, ""},
      {"another port there is somebody else", "aside", "/", 301, "http://portal.dyn.example:8001/"},
      {"the next endpoint then", "second", "/", 301, "http://direct.dyn.example:8001/"},
      {"IPv6 in an URI", "uri", "/y?z", 301, "http://[2001:db8::1]:8001/y?z"},
      {"URI of a service", "uris", "/", 301, "https://198.51.100.1:8443/"},
      {"URI of the web, whatever its service is called", "urix", "/", 301,
       "http://198.51.100.1:8001/"},
      {"javascript:", "js", "/", 200, ""},
      {"user information in an URI", "user", "/", 200, ""},
      {"an URI that browsers mend", "slash", "/", 200, ""},
      {"CR and LF in an URI", "crlf", "/", 200, ""},
      {"a host that needs escapes", "odd", "/", 200, ""},
      {"a name without services", "none", "/", 200, ""},
      {"a wildcard's", "x.wild", "/", 200, ""},
      {"no such name", "nobody", "/", 404, ""},
      {"below a zone cut", "cut", "/", 404, ""},
      {"a port that browsers refuse: a program arrives", "bad", "/", 301,
       "http://direct.dyn.example:6000/"},
  };
  World world;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Response response = world.ask(std::string(row.host) + ".dyn.example", row.target);
    EXPECT_EQ(response.status, row.status);
    EXPECT_EQ(field(response, "Location"), row.location);
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_EQ(field(response, "X-Content-Type-Options"), "nosniff");
  }
  EXPECT_EQ(world.ask("www.elsewhere.example").status, 404U);
  EXPECT_EQ(world.ask("").status, 404U);
  EXPECT_EQ(world.ask("192.0.2.1").status, 404U);
  EXPECT_EQ(world.ask("2001:db8::1").status, 404U);
}

TEST(Portal, ServicesOverTcpAndUdpWhateverLiesBetween) {
  World world;
  for (const std::string_view host : {"between.dyn.example", "links.dyn.example"}) {
    SCOPED_TRACE(host);
    const std::string page = world.ask(host, "/", "GET", "application/json").body;
    EXPECT_THAT(page, HasSubstr(R"("protocol":"tcp")"));
    EXPECT_THAT(page, HasSubstr(R"("service":"sip","protocol":"udp")"));
  }
}

TEST(Portal, NotToWhereTheVisitorIs) {
  World world;
  EXPECT_EQ(field(world.ask("self.dyn.example"), "Location"), "http://self.dyn.example:8080/");
  world.is_on_8080 = true;
  EXPECT_EQ(world.ask("self.dyn.example").status, 200U);
}

TEST(Portal, Methods) {
  World world;
  EXPECT_EQ(world.ask("web.dyn.example", "/", "HEAD").status, 301U);
  EXPECT_EQ(world.ask("web.dyn.example", "/", "POST").status, 307U);
  EXPECT_EQ(world.ask("many.dyn.example", "/", "POST").status, 405U);
  EXPECT_EQ(field(world.ask("many.dyn.example", "/", "PUT"), "Allow"), "GET, HEAD");
  EXPECT_EQ(world.ask("web.dyn.example", "*", "OPTIONS").status, 204U);
  for (const unsigned wanted : {301U, 302U, 307U, 308U}) {
    EXPECT_EQ(http::redirect_status(wanted, true), wanted);
    EXPECT_EQ(http::redirect_status(wanted, false), wanted == 308 ? 308U : 307U);
  }
}

TEST(Portal, PortsThatBrowsersRefuse) {
  World world;
  const Response response = world.ask("bad.dyn.example", "/", "GET", "text/html,*/*;q=0.8");
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(response.body, HasSubstr("Browsers refuse"));
  EXPECT_THAT(world.ask("web.dyn.example", "/?portal").body, Not(HasSubstr("Browsers refuse")));
  EXPECT_TRUE(http::is_bad_port(10080));
  EXPECT_FALSE(http::is_bad_port(8080));
}

TEST(Portal, Rfc7393PageOfAName) {
  World world;
  const std::string page = world.ask("links.dyn.example").body;
  for (const char* link : {"ftp://direct.dyn.example:2121", "minecraft://direct.dyn.example:25565",
                           "vnc://direct.dyn.example:5900", "sip:direct.dyn.example:5070",
                           "ts3server://direct.dyn.example?port=9987", "xmpp:links.dyn.example"}) {
    EXPECT_THAT(page, HasSubstr("href=\"" + std::string(link) + "\""));
  }
  EXPECT_THAT(page, HasSubstr("unknown"));
  EXPECT_THAT(page, Not(HasSubstr("unknown://")));
  EXPECT_THAT(page, HasSubstr("<svg role=\"img\""));

  const std::string web = world.ask("web.dyn.example", "/?portal").body;
  EXPECT_THAT(web, HasSubstr("href=\"http://direct.dyn.example:8001/cam\""));
  EXPECT_THAT(web, HasSubstr("<dt>txtvers</dt><dd>1</dd>"));
  EXPECT_THAT(world.ask("inst.dyn.example").body, HasSubstr("Camera"));
  EXPECT_THAT(world.ask("inst.dyn.example").body, Not(HasSubstr("8002")));
  EXPECT_THAT(world.ask("none.dyn.example").body, HasSubstr("Nothing is published"));
  EXPECT_THAT(world.ask("nobody.dyn.example").body, HasSubstr("no such name"));
}

TEST(Portal, NothingPublishedGetsOutOfItsPlace) {
  World world;
  const Response response = world.ask("xss.dyn.example", "/?portal");
  for (const char* part :
       {"<script", "<img", "<b>", "javascript:alert(1)\"", "\xe2\x80\xae", "\xff"}) {
    EXPECT_THAT(response.body, Not(HasSubstr(part))) << part;
  }
  EXPECT_THAT(response.body, HasSubstr("k&lt;script&gt;"));
  EXPECT_THAT(response.body, HasSubstr("href=\"http://direct.dyn.example:8001/\""));
  const std::string policy = field(response, "Content-Security-Policy");
  EXPECT_THAT(policy, StartsWith("default-src 'none'; style-src 'nonce-"));
  EXPECT_NE(policy, field(world.ask("xss.dyn.example", "/?portal"), "Content-Security-Policy"));
  for (const char* host : {"js", "user", "slash", "crlf"}) {
    const std::string body = world.ask(std::string(host) + ".dyn.example").body;
    EXPECT_THAT(body, Not(HasSubstr("href="))) << host;
  }
}

TEST(Portal, Rfc9110ContentNegotiation) {
  World world;
  const Response response = world.ask("xss.dyn.example", "/?portal", "GET", "application/json");
  EXPECT_EQ(field(response, "Content-Type"), "application/json");
  EXPECT_EQ(field(response, "Vary"), "Accept");
  EXPECT_THAT(response.body,
              StartsWith(R"({"name":"xss.dyn.example","exists":true,"services":[{)"));
  EXPECT_THAT(response.body, HasSubstr(R"("host":"direct.dyn.example","port":8001)"));
  EXPECT_THAT(response.body, HasSubstr(R"(\"><img src=x onerror=alert(1)>)"));
  EXPECT_EQ(world.ask("nobody.dyn.example", "/", "GET", "application/json").body,
            "{\"name\":\"nobody.dyn.example\",\"exists\":false,\"services\":[]}\n");

  struct Row {
    const char* accept;
    bool json;
    bool html;
  };
  const Row rows[] = {
      {"", false, false},
      {"*/*", false, false},
      {"application/json", true, false},
      {"Application/JSON ; q=0.5", true, false},
      {"application/json;q=0", false, false},
      {"text/html, application/json;q=0.9", false, true},
      {"text/html;q=0.8, application/json", true, true},
      {"text/html;q=0.800,application/json;q=0.8", false, true},
      {"application/json;q=x", false, false},
      {",,;;q=,application/json", true, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.accept);
    EXPECT_EQ(http::prefers_json(row.accept), row.json);
    EXPECT_EQ(http::names_html(row.accept), row.html);
  }
}

TEST(Portal, Template) {
  const test::TempDir folder;
  const auto write = [&](const char* text) {
    const auto file = folder.path() / "page.html";
    std::ofstream(file) << text;
    return file;
  };
  World world;
  const auto page = http::PageTemplate::load(write("<h1>Our {{name}}</h1>"));
  ASSERT_TRUE(page);
  world.portal.set_page(*page);
  EXPECT_EQ(world.ask("none.dyn.example").body, "<h1>Our none.dyn.example</h1>");
  const auto bad = http::PageTemplate::load(write("{{#services}} never ends"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), HasSubstr("page.html is no mustache: "));
  EXPECT_FALSE(http::PageTemplate::load(folder.path() / "missing.html"));
}

class PortalTimes : public ::testing::Test {
 protected:
  using Time = std::chrono::sys_seconds;
  PortalTimes() {
    const zones::Name apex = name("dyn.example.");
    store_.create_zone(apex, [&](zones::ZoneWriter& writer) {
      world_.state.catalogue.zone(apex)->for_each([&](auto owner, auto rrsets) {
        writer.node(owner, rrsets);
        return true;
      });
    });
    world_.portal.set_times(times_);
  }
  // The row of a name as it is published.
  void set(const char* owner, std::vector<zones::RecordLease> leases) {
    const zones::Name apex = name("dyn.example.");
    const auto rrsets = world_.state.catalogue.zone(apex)->rrsets(name(owner)).packed();
    const zones::RowChange row{apex,
                               name(owner),
                               {rrsets.begin(), rrsets.end()},
                               std::move(leases),
                               Time(std::chrono::seconds(1'700'000'000))};
    store_.checkpoint({&row, 1}, store_.applied_lsn());
  }
  static constexpr Time END{std::chrono::seconds(1'700'003'600)};

  World world_;
  const test::TempDir folder_;
  zones::SqliteStore store_{folder_.path() / "store"};
  PublishedTimes times_{folder_.path() / "store", std::chrono::minutes(5)};
};

TEST_F(PortalTimes, SinceAndUntilWhenAServiceIsPublished) {
  set("_http._tcp.web.dyn.example.", {{1, END}});  // TXT is the first
  const std::string page = world_.ask("web.dyn.example", "/?portal").body;
  EXPECT_THAT(page, HasSubstr("<dt>Published since</dt><dd><time datetime=\"2023-11-14T22:13:20Z\">"
                              "2023-11-14 22:13:20 UTC</time></dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>Until</dt><dd><time datetime=\"2023-11-14T23:13:20Z\">"
                              "2023-11-14 23:13:20 UTC</time>, unless renewed</dd>"));
  EXPECT_THAT(world_.ask("web.dyn.example", "/?portal", "GET", "application/json").body,
              HasSubstr(R"("since":"2023-11-14T22:13:20Z","until":"2023-11-14T23:13:20Z")"));
}

TEST_F(PortalTimes, OfRecordsOfEachKind) {
  struct Row {
    const char* host;
    const char* owner;  // of the record that tells the service
  };
  const Row rows[] = {
      {"rr", "rr.dyn.example."},
      {"rrself", "rrself.dyn.example."},
      {"uri", "uri.dyn.example."},
      {"uris", "_http._tcp.uris.dyn.example."},
      {"inst", "Camera._http._tcp.inst.dyn.example."},
      {"prio", "_http._tcp.prio.dyn.example."},
      {"xss", "\\<b\\>._http._tcp.xss.dyn.example."},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.host);
    const std::string host = std::string(row.host) + ".dyn.example";
    const auto ask = [&] { return world_.ask(host, "/?portal", "GET", "application/json").body; };
    EXPECT_THAT(ask(), Not(HasSubstr("since"))) << "imported";
    set(row.owner, {{0, END}});
    EXPECT_THAT(ask(), HasSubstr(R"("since":"2023-11-14T22:13:20Z")"));
    EXPECT_THAT(ask(), HasSubstr(R"("until":"2023-11-14T23:13:20Z")"));
  }
}

TEST_F(PortalTimes, ARowThatIsBehindSaysNothingOfARecord) {
  set("_http._tcp.web.dyn.example.", {{1, END}});
  test::add_zone(world_.builder, "other.example.",
                 "@ 60 SOA ns h 5 60 60 60 60\n@ 60 NS ns\n_ssh._tcp.a 60 SRV 0 0 22022 a\n");
  world_.state.catalogue = world_.builder.freeze();
  const std::string json =
      world_.ask("a.other.example", "/?portal", "GET", "application/json").body;
  EXPECT_THAT(json, HasSubstr("22022"));
  EXPECT_THAT(json, Not(HasSubstr("since")));
}

TEST_F(PortalTimes, APageIsShownWithoutThemWhenTheyCannotBeTold) {
  set("_http._tcp.web.dyn.example.", {{1, END}});
  times_.stop();
  const Response response = world_.ask("web.dyn.example", "/?portal");
  EXPECT_EQ(response.status, 200U);
  EXPECT_THAT(response.body, HasSubstr("href=\"http://direct.dyn.example:8001/cam\""));
  EXPECT_THAT(response.body, Not(HasSubstr("<time")));
  EXPECT_EQ(world_.ask("web.dyn.example").status, 301U);
}

TEST_F(PortalTimes, ATemplateMayShowThem) {
  set("_http._tcp.web.dyn.example.", {{1, END}});
  const auto file = folder_.path() / "page.html";
  std::ofstream(file)
      << "{{#services}}{{since}} {{since_text}} {{until}} {{until_text}};{{/services}}";
  world_.portal.set_page(*http::PageTemplate::load(file));
  EXPECT_EQ(world_.ask("web.dyn.example", "/?portal").body,
            "2023-11-14T22:13:20Z 2023-11-14 22:13:20 UTC "
            "2023-11-14T23:13:20Z 2023-11-14 23:13:20 UTC;");
}

TEST(Portal, CleanText) {
  struct Row {
    const char* text;
    const char* clean;
  };
  const Row rows[] = {
      {"plain", "plain"},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xa5", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xa5"},
      {"a\nb",
       "a\xef\xbf\xbd"
       "b"},
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                  // overlong
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // a surrogate
      {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},                  // cut off
      {"\xe2\x80\xae"
       "x",
       "\xef\xbf\xbd"
       "x"},  // right-to-left override
  };
  for (const Row& row : rows) EXPECT_EQ(http::clean_text(row.text), row.clean);
  EXPECT_EQ(http::clean_text(std::string(1'000, 'x'), 10), "xxxxxxxxxx…");
}

TEST(Portal, QrCodes) {
  EXPECT_THAT(http::qr_svg("http://h1.dyn.example:8001/"), StartsWith("<svg "));
  EXPECT_THAT(http::qr_svg("http://h1.dyn.example:8001/"), EndsWith("</svg>"));
  EXPECT_EQ(http::qr_svg(""), "");
  EXPECT_EQ(http::qr_svg(std::string(1'000, 'x')), "");
}

TEST(HttpTarget, Rfc9112Forms) {
  struct Row {
    const char* text;
    const char* target;  // nullptr: wrong
    const char* host;    // nullptr: none
  };
  const Row rows[] = {
      {"/", "/", nullptr},
      {"/a?b", "/a?b", nullptr},
      {"//evil.example/", "//evil.example/", nullptr},
      {"*", "*", nullptr},
      {"http://h/", "/", "h"},
      {"HTTPS://h:8443/a?b", "/a?b", "h"},
      {"http://h", "/", "h"},
      {"http://[2001:db8::1]:80/", "/", "2001:db8::1"},
      {"", nullptr, nullptr},
      {"a", nullptr, nullptr},
      {"ftp://h/", nullptr, nullptr},
      {"http://user@h/", nullptr, nullptr},
      {"http:///", nullptr, nullptr},
      {"/#a", nullptr, nullptr},
      {"/a b", nullptr, nullptr},
      {"/\r\n", nullptr, nullptr},
      {"/\x80", nullptr, nullptr},
      {"h:443", nullptr, nullptr},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto target = http::parse_target(row.text);
    ASSERT_EQ(target.has_value(), row.target != nullptr);
    if (!target) continue;
    EXPECT_EQ(target->target, row.target);
    ASSERT_EQ(target->authority.has_value(), row.host != nullptr);
    if (row.host) {
      EXPECT_EQ(target->authority->host, row.host);
    }
  }
}

TEST(HttpTarget, Rfc3986Authority) {
  struct Row {
    const char* text;
    const char* host;  // nullptr: wrong
    int port;          // -1: none
  };
  const Row rows[] = {
      {"h1.dyn.example", "h1.dyn.example", -1},
      {"h1.dyn.example.", "h1.dyn.example", -1},
      {"h1:8080", "h1", 8080},
      {"h1:", "h1", -1},
      {"xn--bcher-kva.example", "xn--bcher-kva.example", -1},
      {"[::1]", "::1", -1},
      {"[::1]:8080", "::1", 8080},
      {"", nullptr, -1},
      {".", nullptr, -1},
      {"a..b", nullptr, -1},
      {"a..", nullptr, -1},
      {"[::1", nullptr, -1},
      {"[h1]", nullptr, -1},
      {"[fe80::1%25eth0]", nullptr, -1},
      {"::1", nullptr, -1},
      {"h1:65536", nullptr, -1},
      {"h1:-1", nullptr, -1},
      {"h1:80:80", nullptr, -1},
      {"a b", nullptr, -1},
      {"a%00b", nullptr, -1},
      {"b\xc3\xbc"
       "cher.example",
       nullptr, -1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto authority = http::parse_authority(row.text);
    ASSERT_EQ(authority.has_value(), row.host != nullptr);
    if (!authority) continue;
    EXPECT_EQ(authority->host, row.host);
    EXPECT_EQ(authority->port ? *authority->port : -1, row.port);
  }
  EXPECT_FALSE(http::parse_authority(std::string(254, 'a')));
}

}  // namespace
}  // namespace dnsd
