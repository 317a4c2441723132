// What a person and a script are told of the agent.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <thread>

#include "tools/pcp-ddns/status.h"
#include "tools/pcp-ddns/status_socket.h"

namespace pcp_ddns {
namespace {

using std::chrono::seconds;

Status example() {
  Status status;
  status.gateway = "PCP server 10.64.0.1, asked from 10.64.0.2";
  status.services = {{"_http._tcp.h1.dyn.example.",
                      "tcp 8000",
                      "198.51.100.1:8001",
                      ServiceStatus::State::MAPPED,
                      seconds(1800),
                      seconds(3900),
                      "",
                      {{"home", ProviderStatus::State::PUBLISHED, "", zones::Reachability::SILENT},
                       {"other", ProviderStatus::State::FAILED, "REFUSED: \"no\" \x01\xff"}}},
                     {"_sip._udp.h1.dyn.example.",
                      "udp 5060",
                      "",
                      ServiceStatus::State::REFUSED,
                      seconds(30),
                      {},
                      "NO_RESOURCES",
                      {{"home", ProviderStatus::State::NOTHING, ""}}}};
  return status;
}

TEST(PcpStatus, Table) {
  EXPECT_EQ(
      to_table(example()),
      "PCP server 10.64.0.1, asked from 10.64.0.2\n\n"
      "SERVICE                     HERE      ENDPOINT           STATE                         "
      "              REACHED  RENEWAL  UNTIL\n"
      "_http._tcp.h1.dyn.example.  tcp 8000  198.51.100.1:8001  mapped, published at home, "
      "failed at other  silent   30min    1h 5min\n"
      "_sip._udp.h1.dyn.example.   udp 5060  -                  refused                       "
      "              -        30s      -\n"
      "\n_http._tcp.h1.dyn.example. at other: REFUSED: \"no\" \x01\xff\n"
      "_sip._udp.h1.dyn.example.: NO_RESOURCES\n");
}

TEST(PcpStatus, Rfc8259Json) {
  EXPECT_EQ(
      to_json(example()),
      R"({"gateway":"PCP server 10.64.0.1, asked from 10.64.0.2","error":null,"services":[)"
      R"({"name":"_http._tcp.h1.dyn.example.","internal":"tcp 8000",)"
      R"("external":"198.51.100.1:8001","state":"mapped","renewal":1800,"end":3900,)"
      R"("error":null,"providers":[{"name":"home","state":"published","error":null,"reached":"silent"},)"
      R"({"name":"other","state":"failed","error":"REFUSED: \"no\" \u0001\u00ff","reached":null}]},)"
      R"({"name":"_sip._udp.h1.dyn.example.","internal":"udp 5060","external":null,)"
      R"("state":"refused","renewal":30,"end":null,"error":"NO_RESOURCES",)"
      R"("providers":[{"name":"home","state":"nothing","error":null,"reached":null}]}]})");
  EXPECT_EQ(to_json(Status{.gateway = "", .error = "no router", .services = {}}),
            R"({"gateway":null,"error":"no router","services":[]})");
}

TEST(PcpStatus, IsWellWhenAllIsPublished) {
  Status status = example();
  EXPECT_FALSE(status.is_well());
  status.services.pop_back();
  EXPECT_FALSE(status.is_well());
  status.services[0].providers.pop_back();
  EXPECT_TRUE(status.is_well());
  status.services[0].state = ServiceStatus::State::NOT_GLOBAL;
  EXPECT_FALSE(status.is_well());
}

struct Folder {
  Folder() {
    char name[] = "/tmp/pcp-ddns-test-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

TEST(PcpStatusSocket, TellsWhoeverConnects) {
  const Folder folder;
  const auto path = status_socket_path(folder.path / "agent.state");
  EXPECT_EQ(read_status(path).error(), "no agent with this configuration runs");
  const std::string large(3'000'000, 'x');
  boost::asio::io_context context;
  int count = 0;
  {
    StatusSocket socket(context);
    ASSERT_EQ(socket.open(path, [&] { return std::to_string(++count) + large; }), "");
    struct stat status {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    StatusSocket second(context);
    EXPECT_NE(second.open(path, [] { return std::string(); }).find("another agent"),
              std::string::npos);
    std::vector<std::string> texts;
    std::thread reader([&] {
      for (int i = 0; i < 3; ++i) texts.push_back(read_status(path).value_or("nothing"));
      context.stop();
    });
    context.run();
    reader.join();
    ASSERT_EQ(texts.size(), 3U);
    EXPECT_EQ(texts[2].size(), large.size() + 1);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  StatusSocket socket(context);
  EXPECT_NE(socket.open(folder.path / std::string(200, 'x'), [] { return std::string(); }), "");
  EXPECT_NE(socket.open(folder.path / "none" / "socket", [] { return std::string(); }), "");
}

TEST(PcpStatusSocket, TakesThePlaceOfOneThatWasLeft) {
  const Folder folder;
  const auto path = folder.path / "socket";
  {
    boost::asio::io_context context;
    boost::asio::local::stream_protocol::acceptor left(
        context, boost::asio::local::stream_protocol::endpoint(path.string()));
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  boost::asio::io_context context;
  StatusSocket socket(context);
  EXPECT_EQ(socket.open(path, [] { return std::string("x"); }), "");
}

}  // namespace
}  // namespace pcp_ddns
