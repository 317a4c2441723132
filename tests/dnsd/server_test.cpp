// The whole server in this process and as the program that users start.
#include "dnsd/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "dispatch_world.h"
#include "log_capture.h"
#include "temp_dir.h"
#include "wire_client.h"

namespace dnsd {
namespace {

using test::make_key;
using test::Octets;
using test::query;
using test::rcode_of;
using test::record;
using test::Signed;
using test::update;
using testing::HasSubstr;
using zones::Rcode;
using zones::Type;

constexpr const char* SECRET = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";  // make_key()'s
constexpr const char* ZONE_FILE =
    "$TTL 60\n@ SOA ns h 5 60 60 60 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n";

std::string key_text(const std::string& key) {
  return "[[key]]\nname = \"" + key + "\"\nsecret = \"" + SECRET + "\"\n";
}
std::string zone_text(const std::string& zone, const std::string& key) {
  return "[[zone]]\nname = \"" + zone + "\"\nfile = \"some.zone\"\n[[zone.grant]]\nkey = \"" + key +
         "\"\nupdate = true\n";
}

/// A folder with a configuration and a zone file.
class ServerTest : public testing::Test {
 protected:
  ServerTest() { std::ofstream(dir_.path() / "some.zone") << ZONE_FILE; }

  std::filesystem::path write_config(const std::string& text) {
    const auto file = dir_.path() / "dnsd.toml";
    std::ofstream(file) << "workers = 2\nlisten = [\"127.0.0.1:0\"]\n" << text;
    return file;
  }
  Config config(const std::string& text) {
    ConfigResult result = read_config(write_config(text));
    for (const ConfigProblem& error : result.errors) ADD_FAILURE() << error.to_text();
    return result.config.value_or(Config{});
  }
  Config usual() { return config(key_text("editor.") + zone_text("example.org.", "editor.")); }

  static Rcode ask_udp(const Server& server, const Octets& request) {
    return rcode_of(test::UdpClient(server.endpoints().at(0)).ask(request));
  }
  static Rcode ask_tcp(const Server& server, const Octets& request) {
    return rcode_of(test::TcpClient(server.endpoints().at(0)).ask(request));
  }
  /// The server signs and checks by the real clock.
  static std::chrono::sys_seconds now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
  static Rcode add(const Server& server, const std::string& owner,
                   const std::string& key = "editor.") {
    return ask_udp(server, add_request(owner, key));
  }
  static Octets add_request(const std::string& owner, const std::string& key = "editor.") {
    return Signed(update("example.org.", {record(owner, Type::A, "192.0.2.9")}), make_key(key),
                  now())
        .octets;
  }
  static Octets ask_for(const std::string& name) { return zones::to_wire(query(name, Type::A)); }

  test::TempDir dir_;
  test::LogCapture log_;
};

TEST_F(ServerTest, AnswersUpdatesAndKeepsThem) {
  {
    Server server(usual());
    EXPECT_EQ(ask_udp(server, ask_for("www.example.org.")), Rcode::NOERROR);
    EXPECT_EQ(ask_tcp(server, ask_for("www.example.org.")), Rcode::NOERROR);
    EXPECT_EQ(ask_udp(server, ask_for("new.example.org.")), Rcode::NXDOMAIN);
    EXPECT_EQ(add(server, "new.example.org."), Rcode::NOERROR);
    EXPECT_EQ(ask_udp(server, ask_for("new.example.org.")), Rcode::NOERROR);
    EXPECT_EQ(ask_tcp(server, add_request("tcp.example.org.")), Rcode::NOERROR);
    EXPECT_EQ(ask_tcp(server, ask_for("tcp.example.org.")), Rcode::NOERROR);
    EXPECT_THAT(log_.take(), HasSubstr("ready: listening on 127.0.0.1:"));
  }
  std::ofstream(dir_.path() / "some.zone") << "this is not looked at any more";
  Server again(usual());
  EXPECT_THAT(log_.take(), HasSubstr("zone example.org.: taken from the store"));
  for (const char* owner : {"www.example.org.", "new.example.org.", "tcp.example.org."}) {
    EXPECT_EQ(ask_udp(again, ask_for(owner)), Rcode::NOERROR) << owner;
  }
}

TEST_F(ServerTest, ZoneThatTheConfigurationDoesNotNameRests) {
  { const Server server(usual()); }
  {
    Server other(config(key_text("editor.") + zone_text("example.net.", "editor.")));
    EXPECT_THAT(log_.take(),
                HasSubstr("zone example.org.: in the store but not in the configuration"));
    EXPECT_EQ(ask_udp(other, ask_for("www.example.org.")), Rcode::REFUSED);
    EXPECT_EQ(ask_udp(other, ask_for("www.example.net.")), Rcode::NOERROR);
    EXPECT_EQ(add(other, "new.example.org."), Rcode::NOTAUTH);
  }
  Server back(usual());
  EXPECT_EQ(ask_udp(back, ask_for("www.example.org.")), Rcode::NOERROR);
}

TEST_F(ServerTest, ReloadChangesKeysAndGrants) {
  Server server(usual());
  EXPECT_EQ(add(server, "a.example.org."), Rcode::NOERROR);
  EXPECT_EQ(add(server, "b.example.org.", "other."), Rcode::NOTAUTH);
  server.reload(config(key_text("other.") + zone_text("example.org.", "other.")));
  EXPECT_EQ(add(server, "a.example.org."), Rcode::NOTAUTH);
  EXPECT_EQ(add(server, "b.example.org.", "other."), Rcode::NOERROR);
  server.reload(
      config(key_text("other.") + key_text("editor.") + zone_text("example.org.", "editor.")));
  EXPECT_EQ(add(server, "c.example.org.", "other."), Rcode::REFUSED);
  log_.take();
  Config more = config(key_text("editor.") + zone_text("example.org.", "editor.") +
                       zone_text("example.net.", "editor."));
  more.workers = 1;
  server.reload(more);
  const std::string text = log_.take();
  EXPECT_THAT(text, HasSubstr("the change of workers needs a restart"));
  EXPECT_THAT(text, HasSubstr("the change of the list of zones needs a restart"));
  EXPECT_EQ(ask_udp(server, ask_for("www.example.net.")), Rcode::REFUSED);
}

TEST_F(ServerTest, SeveralAddressesWithThePortsThatWereFree) {
  Config two = usual();
  two.listen = {*endpoint_from_text("127.0.0.1:0"), *endpoint_from_text("127.0.0.2:0"),
                *endpoint_from_text("[::1]:0")};
  Server server(std::move(two));
  ASSERT_EQ(server.endpoints().size(), 3U);
  for (const Endpoint& endpoint : server.endpoints()) {
    EXPECT_NE(endpoint.port(), 0);
    EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(ask_for("www.example.org."))), Rcode::NOERROR);
    EXPECT_EQ(rcode_of(test::TcpClient(endpoint).ask(ask_for("www.example.org."))), Rcode::NOERROR);
  }
}

TEST_F(ServerTest, WhatIsWrongAtAStartIsOneLine) {
  const auto failure = [](Config config) {
    try {
      Server server(std::move(config));
      return std::string("started");
    } catch (const StartError& error) {
      return std::string(error.what());
    }
  };
  const auto without_newline = [](const std::string& text) {
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    return text;
  };
  std::filesystem::remove(dir_.path() / "some.zone");
  EXPECT_THAT(without_newline(failure(usual())),
              HasSubstr("zone example.org. cannot be imported: "));
  std::ofstream(dir_.path() / "some.zone") << "@ 60 A 192.0.2.1\n";
  EXPECT_THAT(without_newline(failure(usual())), HasSubstr("some.zone"));
  std::ofstream(dir_.path() / "some.zone") << ZONE_FILE;

  Config no_file = usual();
  no_file.zones[0].file.clear();
  EXPECT_THAT(without_newline(failure(no_file)),
              HasSubstr("zone example.org. is not in the store and has no 'file'"));

  Config no_user = usual();
  no_user.user = "there-is-no-such-user";
  EXPECT_EQ(without_newline(failure(no_user)),
            "cannot become user 'there-is-no-such-user': there is no such user");

  Config no_folder = usual();
  no_folder.store_path = dir_.path() / "none" / "dnsd.sqlite";
  EXPECT_NE(without_newline(failure(no_folder)), "started");

  Server first(usual());
  EXPECT_THAT(without_newline(failure(usual())), HasSubstr("dnsd.sqlite"));  // locked

  Config same_port = usual();
  same_port.store_path = dir_.path() / "second.sqlite";
  same_port.listen = {first.endpoints().at(0)};
  EXPECT_THAT(without_newline(failure(same_port)),
              HasSubstr("TCP " + to_text(first.endpoints().at(0))));
  EXPECT_EQ(ask_udp(first, ask_for("www.example.org.")), Rcode::NOERROR);
}

TEST_F(ServerTest, CorruptStoreIsRefused) {
  { const Server server(usual()); }
  {
    std::fstream store(dir_.path() / "dnsd.sqlite",
                       std::ios::in | std::ios::out | std::ios::binary);
    store << "this is not a database";
  }
  EXPECT_THROW(Server{usual()}, StartError);
  std::filesystem::remove(dir_.path() / "dnsd.sqlite");
  EXPECT_THROW(Server{usual()},
               StartError);  // not replaced by the zone file: the serial would go back
}

TEST_F(ServerTest, StopAnswersWhatWaits) {
  auto server = std::make_unique<Server>(usual());
  test::TcpClient client(server->endpoints().at(0));
  constexpr int COUNT = 50;
  for (int i = 0; i < COUNT; ++i)
    client.send(add_request("n" + std::to_string(i) + ".example.org."));
  EXPECT_EQ(rcode_of(client.receive()), Rcode::NOERROR);
  server->stop();
  int done = 1;
  int answered = 1;
  for (Octets octets = client.receive(); !octets.empty(); octets = client.receive()) {
    // What was read too late for the writer is told so.
    const auto rcode = rcode_of(octets);
    EXPECT_TRUE(rcode == Rcode::NOERROR || rcode == Rcode::SERVFAIL) << static_cast<int>(rcode);
    done += rcode == Rcode::NOERROR ? 1 : 0;
    ++answered;
  }
  EXPECT_LE(answered, COUNT);
  server.reset();
  server = std::make_unique<Server>(usual());
  int kept = 0;
  for (int i = 0; i < COUNT; ++i) {
    kept += ask_udp(*server, ask_for("n" + std::to_string(i) + ".example.org.")) == Rcode::NOERROR
                ? 1
                : 0;
  }
  EXPECT_GE(kept, done);
}

/// The program itself, in a process of its own that ends with the test. What it prints comes
/// through a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), DNSD_BINARY);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int ends[2] = {};
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDERR_FILENO);
      dup2(ends[1], STDOUT_FILENO);
      execv(DNSD_BINARY, pointers.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ~Program() {
    if (pid_ > 0) {
      kill(SIGKILL);
      wait();
    }
    close(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void kill(int number) const { ::kill(pid_, number); }
  /// The exit status; -1 when a signal ended it.
  int wait() {
    while (read_more()) continue;
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// What it printed, as far as wait_for() or wait() read it.
  const std::string& log() const { return log_; }
  /// Waits until these words and the rest of their line were printed; what comes from them on.
  /// Empty when the program ended before.
  std::string wait_for(const std::string& words) {
    for (;;) {
      const auto at = log_.find(words);
      if (at != std::string::npos && log_.find('\n', at) != std::string::npos)
        return log_.substr(at);
      if (!read_more()) return {};
    }
  }
  Endpoint endpoint() {
    const std::string words = "ready: listening on ";
    std::string line = wait_for(words);
    if (line.empty()) throw std::runtime_error("the program ended: " + log_);
    line.erase(0, words.size());
    return endpoint_from_text(line.substr(0, line.find(' '))).value();
  }

 private:
  bool read_more() {
    char buffer[4096];
    const ssize_t count = read(output_, buffer, sizeof buffer);
    if (count > 0) log_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }

  int output_ = -1;
  pid_t pid_ = 0;
  std::string log_;
};

TEST_F(ServerTest, ProgramStopsOnSigtermAndReloadsOnSighup) {
  const std::string good = key_text("editor.") + zone_text("example.org.", "editor.");
  const auto file = write_config(good);
  Program program({"--config", file.string()});
  const Endpoint endpoint = program.endpoint();
  EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request("new.example.org."))),
            Rcode::NOERROR);

  write_config(key_text("other.") + zone_text("example.org.", "other."));
  program.kill(SIGHUP);
  ASSERT_NE(program.wait_for("reloaded "), "");
  EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request("b.example.org."))), Rcode::NOTAUTH);
  EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request("b.example.org.", "other."))),
            Rcode::NOERROR);

  write_config("wrokers = 2\n" + good);
  program.kill(SIGHUP);
  ASSERT_NE(program.wait_for("the configuration is as before"), "");
  EXPECT_THAT(program.log(),
              HasSubstr("dnsd.toml:3: unknown field 'wrokers': did you mean 'workers'?"));
  EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request("c.example.org.", "other."))),
            Rcode::NOERROR);

  program.kill(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_THAT(program.log(), HasSubstr("info: stopped"));
  EXPECT_EQ(program.log().find(SECRET), std::string::npos);
}

TEST_F(ServerTest, ProgramThatWasKilledHasAllThatItAnswered) {
  const auto file = write_config(key_text("editor.") + zone_text("example.org.", "editor."));
  {
    Program program({"--config", file.string()});
    const Endpoint endpoint = program.endpoint();
    for (int i = 0; i < 20; ++i) {
      const std::string owner = "n" + std::to_string(i) + ".example.org.";
      ASSERT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request(owner))), Rcode::NOERROR);
    }
    program.kill(SIGKILL);
    EXPECT_EQ(program.wait(), -1);
  }
  Program again({"--config", file.string()});
  const Endpoint endpoint = again.endpoint();
  for (int i = 0; i < 20; ++i) {
    const std::string owner = "n" + std::to_string(i) + ".example.org.";
    EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(ask_for(owner))), Rcode::NOERROR);
  }
}

TEST_F(ServerTest, ProgramsExitStatus) {
  struct Row {
    const char* what;
    std::string text;
    std::vector<std::string> arguments;
    int status;
    const char* says;
  };
  const std::string good = key_text("editor.") + zone_text("example.org.", "editor.");
  const Row rows[] = {
      {"check", good, {"--check"}, 0, "dnsd.toml: good: 1 zone, 1 key\n"},
      {"check of what is wrong", "wrokers = 1\n" + good, {"--check"}, 1, "error: "},
      {"start of what is wrong", "wrokers = 1\n" + good, {}, 1, "did you mean 'workers'?"},
      {"start that fails", "[store]\npath = \"none/x\"\n" + good, {}, 1, "error: "},
      {"version", good, {"--version"}, 0, "dnsd "},
      {"help", good, {"--help"}, 0, "--config"},
      {"unknown option", good, {"--bogus"}, -2, "--bogus"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<std::string> arguments = {"--config", write_config(row.text).string()};
    arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
    Program program(arguments);
    const int status = program.wait();
    if (row.status == -2) {
      EXPECT_NE(status, 0);
    } else {
      EXPECT_EQ(status, row.status);
    }
    EXPECT_THAT(program.log(), HasSubstr(row.says));
  }
}

TEST_F(ServerTest, ProgramGivesUpRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can";
  std::filesystem::permissions(dir_.path(), std::filesystem::perms::all);
  const auto file = write_config("user = \"nobody\"\n" + key_text("editor.") +
                                 zone_text("example.org.", "editor."));
  Program program({"--config", file.string()});
  const Endpoint endpoint = program.endpoint();
  EXPECT_EQ(rcode_of(test::UdpClient(endpoint).ask(add_request("new.example.org."))),
            Rcode::NOERROR);
  struct stat status {};
  ASSERT_EQ(stat((dir_.path() / "dnsd.sqlite").c_str(), &status), 0);
  EXPECT_NE(status.st_uid, 0U);
  program.kill(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace dnsd
