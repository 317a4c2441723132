// Behind a proxy: the PROXY protocol and forwarded fields, what is believed and of whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "dnsd/endpoint.h"
#include "dnsd/http/forwarded.h"
#include "dnsd/http/proxy_protocol.h"
#include "http_world.h"

namespace dnsd {
namespace {

using http::HeaderField;
using http::ProxyConfig;
using http::ProxyHeader;
using http::Request;
using test::HttpClient;
using test::HttpServer;
using testing::HasSubstr;
using testing::StartsWith;
using Field = ProxyConfig::Field;
using Tcp = boost::asio::ip::tcp::endpoint;

std::string text_of(const Tcp& endpoint) {
  return to_text(Endpoint(endpoint.address(), endpoint.port()));
}

/// Version 2 with that command, family and block (proxy-protocol.txt §2.2).
std::string binary(unsigned command, unsigned family, const std::string& block) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  for (const std::size_t octet :
       {std::size_t{command}, std::size_t{family}, block.size() >> 8U, block.size() & 0xffU}) {
    text += static_cast<char>(octet);
  }
  return text + block;
}

const std::string IPV4_BLOCK("\xc0\x00\x02\x07\xcb\x00\x71\x0a\x12\x34\x01\xbb", 12);
const std::string IPV6_BLOCK = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\x07' +
                               std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + '\x0a' +
                               std::string("\x12\x34\x01\xbb", 4);

struct HeaderRow {
  const char* clause;
  std::string header;
  const char* want;  // "client server", with "tls"; "own": nobody else's; "bad"; "more"
};

std::string judge(const std::string& octets, std::size_t& used) {
  ProxyHeader header;
  switch (header.put(octets, used)) {
    case ProxyHeader::Status::MORE:
      return "more";
    case ProxyHeader::Status::BAD:
      return "bad";
    case ProxyHeader::Status::DONE:
      break;
  }
  if (!header.route()) return "own";
  return text_of(header.route()->client) + " " + text_of(header.route()->server) +
         (header.is_tls() ? " tls" : "");
}

TEST(ProxyHeader, WhatTheProtocolSays) {
  const std::string tls("\x20\x00\x05\x01\x00\x00\x00\x00", 8);
  const std::string no_tls("\x20\x00\x05\x00\x00\x00\x00\x00", 8);
  const char* const ipv4 = "192.0.2.7:4660 203.0.113.10:443";
  const HeaderRow rows[] = {
      {"§2.1 IPv4", "PROXY TCP4 192.0.2.7 203.0.113.10 4660 443\r\n", ipv4},
      {"§2.1 IPv6", "PROXY TCP6 2001:db8::7 2001:db8::a 4660 443\r\n",
       "[2001:db8::7]:4660 [2001:db8::a]:443"},
      {"an IPv4 address in an IPv6 one counts as itself",
       "PROXY TCP6 ::ffff:192.0.2.7 ::ffff:203.0.113.10 4660 443\r\n", ipv4},
      {"§2.1 unknown", "PROXY UNKNOWN\r\n", "own"},
      {"§2.1 unknown with what is ignored", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "own"},
      {"§2.1 a family that is none", "PROXY UDP4 192.0.2.7 203.0.113.10 4660 443\r\n", "bad"},
      {"§2.1 another family's address", "PROXY TCP4 2001:db8::7 2001:db8::a 1 2\r\n", "bad"},
      {"§2.1 a name", "PROXY TCP4 localhost 203.0.113.10 4660 443\r\n", "bad"},
      {"a NUL", std::string("PROXY TCP4 192.0.2.7\0x 203.0.113.10 4660 443\r\n", 46), "bad"},
      {"a scope", "PROXY TCP6 fe80::1%1 2001:db8::a 4660 443\r\n", "bad"},
      {"§2.1 two spaces", "PROXY TCP4  192.0.2.7 203.0.113.10 4660 443\r\n", "bad"},
      {"§2.1 one word more", "PROXY TCP4 192.0.2.7 203.0.113.10 4660 443 x\r\n", "bad"},
      {"§2.1 one word less", "PROXY TCP4 192.0.2.7 203.0.113.10 4660\r\n", "bad"},
      {"§2.1 a port too large", "PROXY TCP4 192.0.2.7 203.0.113.10 65536 443\r\n", "bad"},
      {"§2.1 zeros in front", "PROXY TCP4 192.0.2.7 203.0.113.10 0080 443\r\n", "bad"},
      {"§2.1 no CR", "PROXY TCP4 192.0.2.7 203.0.113.10 4660 443\n", "bad"},
      {"§2.1 107 octets and no end", "PROXY UNKNOWN " + std::string(200, 'x'), "bad"},
      {"§2.1 lower case", "proxy TCP4 192.0.2.7 203.0.113.10 4660 443\r\n", "bad"},
      {"another protocol", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "bad"},
      {"TLS", std::string("\x16\x03\x01\x02", 4), "bad"},
      {"a beginning", "PROXY TCP4 192.0.2.7", "more"},
      {"§2.2 IPv4", binary(0x21, 0x11, IPV4_BLOCK), ipv4},
      {"§2.2 IPv6", binary(0x21, 0x21, IPV6_BLOCK), "[2001:db8::7]:4660 [2001:db8::a]:443"},
      {"§2.2 LOCAL", binary(0x20, 0x00, ""), "own"},
      {"§2.2 LOCAL with what is ignored", binary(0x20, 0x11, IPV4_BLOCK), "own"},
      {"§2.2 no family", binary(0x21, 0x00, "xxx"), "own"},
      {"§2.2 datagrams", binary(0x21, 0x12, IPV4_BLOCK), "own"},
      {"§2.2 UNIX sockets", binary(0x21, 0x31, std::string(216, 'x')), "own"},
      {"§2.2 another version", binary(0x11, 0x11, IPV4_BLOCK), "bad"},
      {"§2.2 another command", binary(0x22, 0x11, IPV4_BLOCK), "bad"},
      {"§2.2 a family that is none", binary(0x21, 0x41, IPV4_BLOCK), "bad"},
      {"§2.2 a transport that is none", binary(0x21, 0x13, IPV4_BLOCK), "bad"},
      {"§2.2 too short for its family", binary(0x21, 0x21, IPV4_BLOCK), "bad"},
      {"§2.2 longer than is taken", binary(0x21, 0x11, IPV4_BLOCK + std::string(5'000, '\0')),
       "bad"},
      {"§2.2.6 TLS to the proxy", binary(0x21, 0x11, IPV4_BLOCK + tls),
       "192.0.2.7:4660 203.0.113.10:443 tls"},
      {"§2.2.6 none", binary(0x21, 0x11, IPV4_BLOCK + no_tls), ipv4},
      {"§2.2.6 behind another",
       binary(0x21, 0x11, IPV4_BLOCK + std::string("\x04\0\x01x", 4) + tls),
       "192.0.2.7:4660 203.0.113.10:443 tls"},
      {"§2.2.6 too short", binary(0x21, 0x11, IPV4_BLOCK + std::string("\x20\0\x01\x01", 4)),
       "bad"},
      {"§2.2 an extension past the end",
       binary(0x21, 0x11, IPV4_BLOCK + std::string("\x04\0\x09x", 4)), "bad"},
      {"§2.2 half an extension", binary(0x21, 0x11, IPV4_BLOCK + "\x04"), "bad"},
  };
  for (const HeaderRow& row : rows) {
    SCOPED_TRACE(row.clause);
    std::size_t used = 0;
    const std::string said = judge(row.header, used);
    EXPECT_EQ(said, row.want);
    if (said == "bad" || said == "more") continue;
    EXPECT_EQ(judge(row.header + "GET / HTTP/1.1\r\n", used), said);
    EXPECT_EQ(used, row.header.size()) << "what is behind it stays";
    EXPECT_EQ(judge(row.header.substr(0, row.header.size() - 1), used), "more");
  }
}

ProxyConfig config_of(Field field, bool protocol = false) {
  ProxyConfig proxies;
  for (const char* one : {"10.0.0.0/8", "127.0.0.1", "2001:db8:ffff::/48"}) {
    proxies.trusted.push_back(*keys::AddressRule::from_text(one));
  }
  proxies.field = field;
  proxies.protocol = protocol;
  return proxies;
}

struct ForwardedRow {
  const char* rule;
  const char* peer;
  std::vector<HeaderField> fields;
  const char* want;  // "client scheme host", with ":port"; "bad"
};

std::string judge(const ForwardedRow& row, Field field) {
  Request request{};
  request.host = "asked";
  request.peer = Tcp(boost::asio::ip::make_address(row.peer), 1);
  request.fields = row.fields;
  if (!apply_forwarded(request, config_of(field))) return "bad";
  std::string text = text_of(request.peer) + (request.is_tls ? " https " : " http ");
  text += request.host;
  if (request.host_port) text += ":" + std::to_string(*request.host_port);
  return text;
}

TEST(Forwarded, XForwardedFor) {
  const ForwardedRow rows[] = {
      {"of a stranger: ignored",
       "192.0.2.1",
       {{"X-Forwarded-For", "198.51.100.7"},
        {"X-Forwarded-Proto", "https"},
        {"X-Forwarded-Host", "h"}},
       "192.0.2.1:1 http asked"},
      {"of a proxy",
       "10.0.0.1",
       {{"X-Forwarded-For", "198.51.100.7"},
        {"X-Forwarded-Proto", "https"},
        {"X-Forwarded-Host", "h:8"}},
       "198.51.100.7:0 https h:8"},
      {"what the client wrote itself",
       "10.0.0.1",
       {{"X-Forwarded-For", "1.1.1.1, 198.51.100.7"}},
       "198.51.100.7:0 http asked"},
      {"in a field of its own",
       "10.0.0.1",
       {{"X-Forwarded-For", "1.1.1.1"}, {"x-forwarded-for", "198.51.100.7"}},
       "198.51.100.7:0 http asked"},
      {"through two proxies",
       "10.0.0.1",
       {{"X-Forwarded-For", "1.1.1.1, 198.51.100.7, 10.9.9.9"}},
       "198.51.100.7:0 http asked"},
      {"a client among the proxies",
       "10.0.0.1",
       {{"X-Forwarded-For", "10.0.0.8,10.0.0.9"}},
       "10.0.0.8:0 http asked"},
      {"IPv6",
       "2001:db8:ffff::1",
       {{"X-Forwarded-For", "2001:db8::7"}},
       "[2001:db8::7]:0 http asked"},
      {"IPv6 in brackets, with a port",
       "10.0.0.1",
       {{"X-Forwarded-For", "[2001:db8::7]:99"}},
       "[2001:db8::7]:99 http asked"},
      {"IPv4 with a port",
       "10.0.0.1",
       {{"X-Forwarded-For", "198.51.100.7:99"}},
       "198.51.100.7:99 http asked"},
      {"IPv4 in IPv6",
       "10.0.0.1",
       {{"X-Forwarded-For", "::ffff:198.51.100.7"}},
       "198.51.100.7:0 http asked"},
      {"unknown: the proxy itself",
       "10.0.0.1",
       {{"X-Forwarded-For", "1.1.1.1, unknown"}},
       "10.0.0.1:1 http asked"},
      {"none: the proxy itself, as for its own checks", "10.0.0.1", {}, "10.0.0.1:1 http asked"},
      {"the scheme alone", "10.0.0.1", {{"X-Forwarded-Proto", "https"}}, "10.0.0.1:1 https asked"},
      {"the last scheme is the proxy's",
       "10.0.0.1",
       {{"X-Forwarded-For", "198.51.100.7"}, {"X-Forwarded-Proto", "https, http"}},
       "198.51.100.7:0 http asked"},
      {"Forwarded is another field",
       "10.0.0.1",
       {{"Forwarded", "for=198.51.100.7"}},
       "10.0.0.1:1 http asked"},
      {"no address", "10.0.0.1", {{"X-Forwarded-For", "localhost"}}, "bad"},
      {"no port", "10.0.0.1", {{"X-Forwarded-For", "198.51.100.7:x"}}, "bad"},
      {"a scope", "10.0.0.1", {{"X-Forwarded-For", "fe80::1%1"}}, "bad"},
      {"no scheme of HTTP", "10.0.0.1", {{"X-Forwarded-Proto", "ftp"}}, "bad"},
      {"no host", "10.0.0.1", {{"X-Forwarded-Host", "a/b"}}, "bad"},
      {"nonsense of the client's stays unread",
       "10.0.0.1",
       {{"X-Forwarded-For", "\"<script>, 198.51.100.7"}},
       "198.51.100.7:0 http asked"},
  };
  for (const ForwardedRow& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(judge(row, Field::X_FORWARDED_FOR), row.want);
    EXPECT_EQ(judge(row, Field::NONE), std::string(row.peer[0] == '2' ? "[" : "") + row.peer +
                                           (row.peer[0] == '2' ? "]" : "") + ":1 http asked");
  }
}

TEST(Forwarded, TlsOfTheWayFromTheProxySaysNothingOfTheWayToIt) {
  const struct {
    Field field;
    std::vector<HeaderField> fields;
    bool want;
  } rows[] = {
      {Field::X_FORWARDED_FOR, {{"X-Forwarded-For", "198.51.100.7"}}, false},
      {Field::X_FORWARDED_FOR,
       {{"X-Forwarded-For", "198.51.100.7, 10.9.9.9"}, {"X-Forwarded-Proto", "https"}},
       true},
      {Field::FORWARDED, {{"Forwarded", "for=198.51.100.7, for=10.9.9.9;proto=https"}}, false},
      {Field::FORWARDED, {}, true},  // the proxy itself
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.fields.empty() ? "none" : row.fields.front().value);
    Request request{};
    request.peer = Tcp(boost::asio::ip::make_address("10.0.0.1"), 1);
    request.fields = row.fields;
    request.is_tls = true;
    EXPECT_TRUE(apply_forwarded(request, config_of(row.field)));
    EXPECT_EQ(request.is_tls, row.want);
  }
}

TEST(Forwarded, Rfc7239) {
  const ForwardedRow rows[] = {
      {"of a stranger: ignored",
       "192.0.2.1",
       {{"Forwarded", "for=198.51.100.7;proto=https"}},
       "192.0.2.1:1 http asked"},
      {"§4 all of it",
       "10.0.0.1",
       {{"Forwarded", "for=198.51.100.7;proto=https;by=203.0.113.43;host=h"}},
       "198.51.100.7:0 https h"},
      {"§4 names in any case, quotes",
       "10.0.0.1",
       {{"FORWARDED", "For=\"198.51.100.7\" ; Proto=HTTPS"}},
       "198.51.100.7:0 https asked"},
      {"§6 IPv6",
       "10.0.0.1",
       {{"Forwarded", "for=\"[2001:db8::7]:4711\""}},
       "[2001:db8::7]:4711 http asked"},
      {"§4 a list, what the client wrote in front",
       "10.0.0.1",
       {{"Forwarded", "for=1.1.1.1;proto=https;host=evil, for=198.51.100.7"}},
       "198.51.100.7:0 http asked"},
      {"§7.1 in two fields, two proxies",
       "10.0.0.1",
       {{"Forwarded", "for=198.51.100.7;proto=https;host=h"},
        {"Forwarded", "for=10.0.0.2;proto=http"}},
       "198.51.100.7:0 https h"},
      {"§6.2 unknown",
       "10.0.0.1",
       {{"Forwarded", "for=198.51.100.7, for=unknown;proto=https"}},
       "10.0.0.1:1 https asked"},
      {"§6.3 hidden", "10.0.0.1", {{"Forwarded", "for=_gazonk"}}, "10.0.0.1:1 http asked"},
      {"§6.3 a hidden port",
       "10.0.0.1",
       {{"Forwarded", "for=\"198.51.100.7:_x\""}},
       "198.51.100.7:0 http asked"},
      {"§4 what is unknown",
       "10.0.0.1",
       {{"Forwarded", "secret=\"a,b;c\\\"d\";for=198.51.100.7"}},
       "198.51.100.7:0 http asked"},
      {"empty elements",
       "10.0.0.1",
       {{"Forwarded", ", ,for=198.51.100.7,"}},
       "198.51.100.7:0 http asked"},
      {"X-Forwarded-For is another field",
       "10.0.0.1",
       {{"X-Forwarded-For", "198.51.100.7"}},
       "10.0.0.1:1 http asked"},
      {"§4 twice", "10.0.0.1", {{"Forwarded", "for=198.51.100.7;for=198.51.100.8"}}, "bad"},
      {"§4 an open quote swallows nothing",
       "10.0.0.1",
       {{"Forwarded", "for=\"1.1.1.1, for=198.51.100.7"}},
       "bad"},
      {"§4 no value", "10.0.0.1", {{"Forwarded", "for="}}, "bad"},
      {"§4 no name", "10.0.0.1", {{"Forwarded", "=198.51.100.7"}}, "bad"},
      {"§4 behind a quote", "10.0.0.1", {{"Forwarded", "for=\"198.51.100.7\"x"}}, "bad"},
      {"no address", "10.0.0.1", {{"Forwarded", "for=localhost"}}, "bad"},
      {"IPv4 in brackets", "10.0.0.1", {{"Forwarded", "for=\"[198.51.100.7]\""}}, "bad"},
      {"an open bracket", "10.0.0.1", {{"Forwarded", "for=\"[2001:db8::7\""}}, "bad"},
      {"behind a bracket", "10.0.0.1", {{"Forwarded", "for=\"[2001:db8::7]9\""}}, "bad"},
  };
  for (const ForwardedRow& row : rows) {
    SCOPED_TRACE(row.rule);
    EXPECT_EQ(judge(row, Field::FORWARDED), row.want);
  }
}

/// Says who asks.
class Who : public http::Handler {
 public:
  void handle(const Request& request, const State&, http::Responder responder) override {
    responder.send(http::Response::text(
        200, "peer=" + text_of(request.peer) + " local=" + text_of(request.local) +
                 (request.is_tls ? " tls" : "") + " host=" + std::string(request.host) + "\n"));
  }
};

struct World {
  explicit World(ProxyConfig proxies, const http::HttpLimits& limits = {}) {
    routes.set_fallback(who);
    server.emplace(routes, limits, nullptr, std::move(proxies));
  }
  Who who;
  http::Routes routes;
  std::optional<HttpServer> server;
};

const std::string GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string LINE = "PROXY TCP4 192.0.2.7 203.0.113.10 4660 443\r\n";

TEST(ProxyListener, TakesTheHeaderAndLeavesWhatIsBehindIt) {
  World world(config_of(Field::NONE, true));
  for (const std::string& header : {LINE, binary(0x21, 0x11, IPV4_BLOCK)}) {
    HttpClient client(world.server->endpoint());
    client.send(header.substr(0, 5));
    EXPECT_THAT(client.ask(header.substr(5) + GET),
                HasSubstr("peer=192.0.2.7:4660 local=203.0.113.10:443 host=h"));
    EXPECT_THAT(client.ask(GET), HasSubstr("peer=192.0.2.7:4660")) << "for the whole connection";
  }
  HttpClient own(world.server->endpoint());
  EXPECT_THAT(own.ask(binary(0x20, 0, "") + GET), HasSubstr("peer=127.0.0.1:"));
}

TEST(ProxyListener, ClosesWhereTheHeaderIsMissingOrMalformed) {
  World world(config_of(Field::NONE, true));
  for (const std::string& octets :
       {GET, std::string("PROXY TCP4 x y 1 2\r\n") + GET, binary(0x21, 0x11, "short") + GET}) {
    HttpClient client(world.server->endpoint());
    client.send(octets);
    EXPECT_TRUE(client.is_at_end());
  }
}

TEST(ProxyListener, RefusesWhoIsNoTrustedProxy) {
  ProxyConfig proxies = config_of(Field::NONE, true);
  proxies.trusted.erase(proxies.trusted.begin() + 1);  // 127.0.0.1
  World world(proxies);
  HttpClient client(world.server->endpoint());
  client.send(LINE + GET);
  EXPECT_TRUE(client.is_at_end());
}

TEST(ProxyListener, IsNoHttpWhereItIsOff) {
  World world(config_of(Field::X_FORWARDED_FOR));
  HttpClient client(world.server->endpoint());
  EXPECT_THAT(client.ask(LINE + GET), StartsWith("HTTP/1.1 505 "));
}

TEST(ProxyListener, LimitsConnectionsOfTheClientNotOfTheProxy) {
  World world(config_of(Field::NONE, true), {.max_connections_per_client = 2});
  std::vector<std::unique_ptr<HttpClient>> open;
  const auto ask = [&](const std::string& header) {
    open.push_back(std::make_unique<HttpClient>(world.server->endpoint()));
    return open.back()->ask(header + GET);
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(ask(LINE), HasSubstr("peer=192.0.2.7"));
    EXPECT_THAT(ask("PROXY TCP4 192.0.2.8 203.0.113.10 1 443\r\n"), HasSubstr("peer=192.0.2.8"));
  }
  EXPECT_EQ(ask(LINE), "");
  EXPECT_THAT(ask("PROXY TCP4 192.0.2.9 203.0.113.10 1 443\r\n"), HasSubstr("peer=192.0.2.9"));
  open.erase(open.begin());
  while (ask(LINE).empty()) open.pop_back();  // the server notices that the first is gone
}

TEST(ProxyListener, EachRequestSaysWhose) {
  World world(config_of(Field::X_FORWARDED_FOR), {.max_connections_per_client = 1});
  HttpClient proxy(world.server->endpoint());
  HttpClient second(world.server->endpoint());
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: ";
  EXPECT_THAT(proxy.ask(start + "192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"),
              HasSubstr("peer=192.0.2.7:0 local=127.0.0.1:"));
  EXPECT_THAT(proxy.ask(start + "192.0.2.8\r\n\r\n"), HasSubstr("peer=192.0.2.8:0"));
  EXPECT_THAT(second.ask(GET), HasSubstr("peer=127.0.0.1:"));
  EXPECT_THAT(proxy.ask(start + "nobody\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST(ProxyListener, AProxyThatPassesAProxyOn) {
  World world(config_of(Field::X_FORWARDED_FOR, true));
  HttpClient client(world.server->endpoint());
  EXPECT_THAT(client.ask("PROXY TCP4 10.0.0.1 203.0.113.10 1 80\r\nGET / HTTP/1.1\r\nHost: h\r\n"
                         "X-Forwarded-For: 192.0.2.7\r\n\r\n"),
              HasSubstr("peer=192.0.2.7:0 local=203.0.113.10:80"));
  HttpClient stranger(world.server->endpoint());
  EXPECT_THAT(stranger.ask(LINE + "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"),
              HasSubstr("peer=192.0.2.7:4660"));
}

}  // namespace
}  // namespace dnsd
