// What a name server is asked about an endpoint that was published there, when, and what is said.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tools/pcp-ddns/reachability.h"

namespace pcp_ddns {
namespace {

using namespace std::chrono_literals;
using zones::Name;
using zones::Reachability;

const Time START = Time() + std::chrono::hours(1);

Name name(const std::string& text) { return Name::from_text(text).value(); }

External external(const char* address, std::uint16_t port) {
  return {keys::address_from_text(address).value(), port};
}

const External WEB = external("198.51.100.1", 8001);

/// What a server says that has seen `state`, about the endpoint it was asked for or another.
zones::Message answer(const zones::Message& question, Reachability state,
                      std::optional<External> about = {}) {
  // As the server reads it.
  const auto read = zones::parse_message(zones::to_wire(question)).value();
  const auto* option = read.edns->find(zones::OptionCode::REACHABILITY);
  zones::ReachabilityAnswer said{zones::read_reachability_request(option->data).value(), state, 5};
  if (about) said.endpoint.address = about->address;
  std::array<std::uint8_t, zones::MAX_REACHABILITY_ANSWER_OCTETS> octets{};
  const std::size_t size = zones::write_reachability_answer(said, octets);
  zones::Message response;
  response.header.qr = true;
  response.question = read.question;
  response.edns.emplace().options.push_back(
      {zones::OptionCode::REACHABILITY, {octets.begin(), octets.begin() + size}});
  return response;
}

/// One script of a watch and its server:
///   publish PORT | refresh | withdraw     at MS: the clock        asked | quiet: whether a
///   question is due yes | refused | silent | trying | unknown | other | nothing | lost: what the
///   server answers info | warning | mute: what the log says of that    is STATE
class Script {
 public:
  void run(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line, ';');) {
      SCOPED_TRACE(line);
      std::istringstream words(line);
      std::string verb;
      words >> verb;
      step(verb, words);
    }
  }

 private:
  void step(const std::string& verb, std::istringstream& words) {
    const std::map<std::string, Reachability> states{{"yes", Reachability::ANSWERED},
                                                     {"refused", Reachability::REFUSED},
                                                     {"silent", Reachability::SILENT},
                                                     {"trying", Reachability::TRYING},
                                                     {"unknown", Reachability::UNKNOWN}};
    if (verb == "publish") {
      words >> endpoint_.port;
      watch_.published({owner_, {endpoint_}}, now_);
    } else if (verb == "refresh") {
      watch_.published({owner_, {endpoint_}, true}, now_);
    } else if (verb == "withdraw") {
      watch_.published({owner_, {}}, now_);
    } else if (verb == "at") {
      int milliseconds = 0;
      words >> milliseconds;
      now_ = START + std::chrono::milliseconds(milliseconds);
    } else if (verb == "asked") {
      EXPECT_LE(watch_.next(), now_);
      question_ = watch_.begin(now_);
      ASSERT_TRUE(question_);
      EXPECT_EQ(question_->question[0].type, zones::Type::SRV);
      EXPECT_EQ(watch_.next(), Time::max());
    } else if (verb == "quiet") {
      EXPECT_GT(watch_.next(), now_);
      EXPECT_FALSE(watch_.begin(now_));
    } else if (verb == "idle") {
      EXPECT_EQ(watch_.next(), Time::max());
    } else if (verb == "lost") {
      watch_.failed();
    } else if (verb == "nothing") {
      report_ = watch_.answered({});
    } else if (verb == "other") {
      report_ = watch_.answered(
          answer(*question_, Reachability::ANSWERED, external("198.51.100.2", 8001)));
    } else if (states.contains(verb)) {
      report_ = watch_.answered(answer(*question_, states.at(verb)));
    } else if (verb == "mute") {
      EXPECT_FALSE(report_) << report_->text;
    } else if (verb == "info" || verb == "warning") {
      ASSERT_TRUE(report_);
      EXPECT_EQ(report_->level == Report::Level::INFO, verb == "info") << report_->text;
    } else {
      std::string state;
      words >> state;
      EXPECT_EQ(watch_.reached(owner_, endpoint_), states.at(state));
    }
  }

  ReachabilityWatch watch_;
  Time now_ = START;
  const Name owner_ = name("_http._tcp.h1.dyn.example.");
  External endpoint_ = WEB;
  std::optional<zones::Message> question_;
  std::optional<Report> report_;
};

TEST(PcpReachability, WhenItAsks) {
  const char* scripts[] = {
      "idle",
      "publish 8001; is unknown; quiet; at 999; quiet; at 1000; asked; yes; info; is yes; idle",
      "publish 8001; at 1000; asked; trying; mute; is unknown; quiet; at 3000; asked; trying; at "
      "7999; quiet; at 8000; asked; silent; warning; is silent; idle",
      "publish 8001; at 1000; asked; unknown; at 3000; asked; unknown; at 8000; asked; unknown; "
      "at 30000; asked; unknown; mute; is unknown; idle",
      // Lost, or late: the next in time.
      "publish 8001; at 1000; asked; at 6000; lost; asked; refused; warning; is refused; idle",
      "publish 8001; at 1000; asked; lost; quiet; at 3000; asked; lost; at 8000; asked; lost; "
      "at 30000; asked; lost; idle",
      // A server that knows no such question, or answers another.
      "publish 8001; at 1000; asked; nothing; mute; idle; publish 8002; at 2000; asked; yes; info",
      "publish 8001; at 1000; asked; other; mute; is unknown; idle",
      // Published anew: what was known is of the past, and what is the same is not said again.
      "publish 8001; at 1000; asked; yes; info; publish 8002; is unknown; at 2000; asked; yes; "
      "mute; is yes; publish 8003; at 3000; asked; refused; warning; is refused",
      "publish 8001; at 1000; asked; publish 8002; yes; mute; is unknown; at 2000; asked; yes; "
      "info",
      "publish 8001; at 1000; asked; withdraw; yes; mute; idle",
      "publish 8001; withdraw; idle",
      // Refreshed: the server may have tried again, and what was known holds until it says so.
      "publish 8001; at 1000; asked; refused; warning; refresh; is refused; quiet; at 2000; asked; "
      "unknown; mute; is refused; at 4000; asked; yes; info; is yes; idle",
  };
  for (const char* script : scripts) {
    SCOPED_TRACE(script);
    Script().run(script);
  }
}

TEST(PcpReachability, OneQuestionAtATimeAndFewThatWait) {
  ReachabilityWatch watch;
  for (std::size_t i = 0; i < 2 * MAX_REACHABILITY_WAITING; ++i) {
    watch.published({name("_ssh._tcp.h" + std::to_string(i) + ".dyn.example."), {WEB}}, START);
  }
  std::size_t asked = 0;
  while (const auto question = watch.begin(START + 1s)) {
    EXPECT_FALSE(watch.begin(START + 1s));
    watch.answered(answer(*question, Reachability::ANSWERED));
    ++asked;
  }
  EXPECT_EQ(asked, MAX_REACHABILITY_WAITING);
  EXPECT_EQ(watch.next(), Time::max());
  EXPECT_EQ(watch.reached(name("_ssh._tcp.h0.dyn.example."), WEB), Reachability::ANSWERED);
  EXPECT_EQ(watch.reached(name("_ssh._tcp.h100.dyn.example."), WEB), Reachability::UNKNOWN);
}

TEST(PcpReachability, PlainWords) {
  EXPECT_EQ(describe(Reachability::REFUSED, WEB),
            "the server could not connect to 198.51.100.1:8001 (refused): is the service running?");
  EXPECT_EQ(describe(Reachability::SILENT, external("2001:db8::1", 8001)),
            "the server could not connect to [2001:db8::1]:8001 (no answer): does a firewall let "
            "it in?");
  EXPECT_EQ(describe(Reachability::TRYING, WEB), "");
}

}  // namespace
}  // namespace pcp_ddns
