// HTTP on loopback: framing, persistence, limits, deadlines, answers from elsewhere (RFC 9112).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "http_world.h"

namespace dnsd {
namespace {

using namespace std::chrono_literals;
using http::HttpLimits;
using http::Request;
using http::Responder;
using http::Response;
using test::HttpClient;
using test::HttpServer;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Says what it was asked.
class Echo : public http::Handler {
 public:
  void handle(const Request& request, const State&, Responder responder) override {
    std::string text(request.method);
    text += " host=" + std::string(request.host) + " path=" + std::string(request.path) +
            " query=" + std::string(request.query) + " body=" + std::string(request.body) + "\n";
    responder.send(Response::text(200, text));
  }
};

/// Keeps the responder, for a thread of the test's.
class Later : public http::Handler {
 public:
  void handle(const Request&, const State&, Responder responder) override {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(std::move(responder));
    came_.notify_all();
  }
  Responder take() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return waiting_.has_value(); });
    Responder taken = std::move(*waiting_);
    waiting_.reset();
    return taken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::optional<Responder> waiting_;
};

struct World {
  explicit World(const HttpLimits& limits = {}) {
    routes.add("/later", later);
    routes.set_fallback(echo);
    server.emplace(routes, limits);
  }
  Echo echo;
  Later later;
  http::Routes routes;
  std::optional<HttpServer> server;
};

struct Row {
  const char* clause;
  std::string request;
  const char* status;
  const char* part;  // of the response
  bool closes;
};

TEST(HttpListener, Rfc9112Requests) {
  World world;
  const std::string long_field(9'000, 'x');
  const Row rows[] = {
      {"origin form", "GET /a?b=c HTTP/1.1\r\nHost: h1.example\r\n\r\n", "200",
       "GET host=h1.example path=/a query=b=c body=", false},
      {"§3.2.2 the absolute form counts, not Host",
       "GET http://h2.example:80/a HTTP/1.1\r\nHost: h1.example\r\n\r\n", "200",
       "host=h2.example path=/a", false},
      {"§3.2.2 without a path", "GET http://h2.example HTTP/1.1\r\nHost: x\r\n\r\n", "200",
       "host=h2.example path=/ ", false},
      {"§3.2.4 asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "200", "path=* ", false},
      {"§3.2 no Host", "GET / HTTP/1.1\r\n\r\n", "400", "", true},
      {"§3.2 two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400", "", true},
      {"§3.2 a bad Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400", "", true},
      {"§3.2 user information", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400", "", true},
      {"§3.2 authority form", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "400", "", true},
      {"§6.3 Content-Length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "200",
       "body=abc\n", false},
      {"§7.1 chunked",
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
       "chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n"
       "\r\n",
       "200", "body=abcd\n", false},
      {"§7.1.2 a trailer changes nothing",
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: other\r\n\r\n",
       "200", "host=h ", false},
      {"§6.1 both lengths",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       "400", "", true},
      {"§6.3 two lengths",
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400",
       "", true},
      {"§6.3 a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 4\r\n\r\nabcd",
       "400", "", true},
      {"§5.1 space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400", "", true},
      {"§2.2 a bare CR", "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "400", "", true},
      {"§2.2 NUL", std::string("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 36), "400", "",
       true},
      {"§2.3 another version", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505", "", true},
      {"no HTTP", "\x16\x03\x01\x02garbage\r\n\r\n", "400", "", true},
      {"a large field", "GET / HTTP/1.1\r\nHost: h\r\nX: " + long_field + "\r\n\r\n", "431", "",
       true},
      {"a large target", "GET /" + long_field + " HTTP/1.1\r\nHost: h\r\n\r\n", "431", "", true},
      {"a large body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16385\r\n\r\n", "413", "",
       true},
      {"§9.3 HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "200", "host= path=/", true},
      {"§9.3 HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200",
       "Connection: keep-alive\r\n", false},
      {"§9.6 close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200",
       "Connection: close\r\n", true},
      {"§2.2 an empty line before it", "\r\nGET / HTTP/1.0\r\n\r\n", "200", "host= path=/", true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    HttpClient client(world.server->endpoint());
    const std::string response = client.ask(row.request);
    EXPECT_THAT(response, StartsWith(std::string("HTTP/1.1 ") + row.status));
    EXPECT_THAT(response, HasSubstr(row.part));
    if (row.closes) {
      EXPECT_THAT(response, HasSubstr("Connection: close"));
      EXPECT_TRUE(client.is_at_end());
    } else {
      EXPECT_THAT(client.ask("GET /again HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("path=/again"));
    }
  }
}

TEST(HttpListener, Rfc9110HeadHasNoBody) {
  World world;
  HttpClient client(world.server->endpoint());
  const std::string get = client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = client.ask("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", false);
  EXPECT_THAT(head, EndsWith("\r\n\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 32"));
  EXPECT_THAT(get, HasSubstr("Date: "));
  EXPECT_THAT(client.ask("GET /next HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("path=/next"));
}

TEST(HttpListener, Rfc9112Pipelining) {
  for (const std::size_t threads : {1U, 2U}) {
    World world({.threads = threads});
    HttpClient client(world.server->endpoint());
    std::string all;
    for (int i = 0; i < 500; ++i) {
      all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    }
    client.send(all);
    for (int i = 0; i < 500; ++i) {
      ASSERT_THAT(client.receive(), HasSubstr("path=/" + std::to_string(i) + " "));
    }
  }
}

// Its end may come together with what it asked, or after a part of that was read.
TEST(HttpListener, APeerThatHasEndedGetsItsAnswers) {
  for (const int requests : {1, 2, 1000}) {
    World world;
    HttpClient client(world.server->endpoint());
    std::string all;
    for (int i = 0; i < requests; ++i) all += "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    client.send(all);
    client.end();
    for (int i = 0; i < requests; ++i) ASSERT_THAT(client.receive(), HasSubstr("path=/x "));
    EXPECT_TRUE(client.is_at_end());
  }
}

// Whatever the segments are, the request is the same.
TEST(HttpListener, RequestInPieces) {
  World world;
  HttpClient client(world.server->endpoint());
  const std::string request =
      "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (const char octet : request) client.send({&octet, 1});
  EXPECT_THAT(client.receive(), HasSubstr("path=/p query= body=abc\n"));
}

TEST(HttpListener, Rfc9110ExpectContinue) {
  World world;
  HttpClient client(world.server->endpoint());
  EXPECT_THAT(client.ask("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                         "Content-Length: 2\r\n\r\n"),
              StartsWith("HTTP/1.1 100 "));
  EXPECT_THAT(client.ask("ok"), HasSubstr("body=ok\n"));
}

TEST(HttpListener, AnswersFromAnotherThread) {
  World world;
  HttpClient client(world.server->endpoint());
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  Responder responder = world.later.take();
  std::thread([&] { responder.send(Response::text(200, "late\n")); }).join();
  EXPECT_THAT(client.receive(), EndsWith("late\n"));
  EXPECT_THAT(client.receive(), HasSubstr("path=/next"));

  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  { const Responder dropped = world.later.take(); }
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 500 "));
}

TEST(HttpListener, AnAnswerToNobody) {
  World world;
  std::optional<Responder> responder;
  {
    HttpClient gone(world.server->endpoint());
    gone.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    responder.emplace(world.later.take());
  }
  responder->send(Response::text(200, "nobody hears this"));
  HttpClient next(world.server->endpoint());
  EXPECT_THAT(next.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST(HttpListener, AnAnswerThatComesTooLate) {
  World world({.answer_timeout = 50ms});
  HttpClient client(world.server->endpoint());
  client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(client.is_at_end());
  world.later.take().send(Response::text(200, "nobody hears this"));
}

TEST(HttpListener, Deadlines) {
  World world({.idle_timeout = 100ms, .request_timeout = 100ms});
  HttpClient silent(world.server->endpoint());
  EXPECT_TRUE(silent.is_at_end());
  HttpClient slow(world.server->endpoint());
  EXPECT_THAT(slow.ask("GET / HTTP/1.1\r\n"), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(slow.is_at_end());
  EXPECT_EQ(world.server->listener.counters().timeouts.load(), 2U);
}

TEST(HttpListener, ConnectionLimits) {
  World world({.max_connections = 2, .max_connections_per_client = 2});
  HttpClient first(world.server->endpoint());
  HttpClient second(world.server->endpoint());
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_THAT(first.ask(request), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(second.ask(request), StartsWith("HTTP/1.1 200"));
  HttpClient third(world.server->endpoint());
  EXPECT_TRUE(third.is_at_end());
  EXPECT_EQ(world.server->listener.counters().refused.load(), 1U);
}

// At the limit of all connections the idlest one gives way.
TEST(HttpListener, TheIdlestGivesWay) {
  World world({.max_connections = 2, .max_connections_per_client = 10});
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  HttpClient slow(world.server->endpoint());
  slow.send("GET / HTTP/1.1\r\nX-");
  HttpClient busy(world.server->endpoint());
  EXPECT_THAT(busy.ask(request), StartsWith("HTTP/1.1 200"));
  HttpClient third(world.server->endpoint());
  EXPECT_THAT(third.ask(request), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(slow.is_at_end());
  EXPECT_THAT(busy.ask(request), StartsWith("HTTP/1.1 200"));
}

TEST(HttpListener, DrainAnswersWhatIsAsked) {
  World world;
  HttpClient idle(world.server->endpoint());
  EXPECT_THAT(idle.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), HasSubstr("200"));
  HttpClient waiting(world.server->endpoint());
  waiting.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  Responder responder = world.later.take();
  world.server->listener.drain();
  EXPECT_TRUE(idle.is_at_end());
  responder.send(Response::text(200, "last\n"));
  const std::string response = waiting.receive();
  EXPECT_THAT(response, EndsWith("last\n"));
  EXPECT_THAT(response, HasSubstr("Connection: close"));
  world.server->listener.stop();
}

// What a handler puts into a field cannot end it (CWE-113).
TEST(HttpListener, FieldsAreClean) {
  class Bad : public http::Handler {
   public:
    void handle(const Request&, const State&, Responder responder) override {
      Response response{.status = 301};
      response.fields.emplace_back("Location", "http://h/\r\nSet-Cookie: a=b");
      responder.send(std::move(response));
    }
  } bad;
  http::Routes routes;
  routes.set_fallback(bad);
  HttpServer server(routes);
  HttpClient client(server.endpoint());
  const std::string response = client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(response, Not(HasSubstr("Set-Cookie")));
}

TEST(HttpListener, AControlCharacterIsFoundWhereverItIs) {
  const auto status = [](const std::string& value) {
    Response response{.status = 204};
    response.fields.emplace_back("X", value);
    return http::serialise(response, "now", false, false, true).substr(9, 3);
  };
  for (std::size_t at = 0; at < 24; ++at) {
    for (int octet = 0; octet < 256; ++octet) {
      std::string value(24, 'a');
      value[at] = static_cast<char>(octet);
      const bool is_control = (octet < 0x20 && octet != '\t') || octet == 0x7f;
      ASSERT_EQ(status(value), is_control ? "500" : "204") << octet << " at " << at;
    }
  }
}

TEST(HttpRoutes, FindsByPathAndRequest) {
  Echo echo;
  Later later;
  http::Routes routes;
  const auto find = [&](std::string_view path, std::string_view host) {
    Request request;
    request.path = path;
    request.host = host;
    return routes.find(request);
  };
  EXPECT_EQ(find("/", "h"), nullptr);
  routes.set_fallback(echo);
  routes.add("/nic/update", later, [](const Request& request) { return request.host == "portal"; });
  EXPECT_EQ(find("/nic/update", "portal"), &later);
  EXPECT_EQ(find("/nic/update", "h1"), &echo);
  EXPECT_EQ(find("/nic/update/", "portal"), &echo);
}

}  // namespace
}  // namespace dnsd
