// Answers of a dyndns2 provider: whatever comes, the client waits as its rules say, and what goes
// to the log is one line of text. The input is a series of answers: status (1 octet, of a few),
// octets up to the next zero.
#include <algorithm>
#include <chrono>
#include <optional>

#include "fuzz.h"
#include "tools/pcp-ddns/dyndns_publisher.h"

namespace {

using pcp_ddns::Time;

class Account {
 public:
  explicit Account(bool ports)
      : publisher_({.path = "/nic/update", .ports = ports, .refresh = std::chrono::hours(672)},
                   [] { return 0.5; }, {}) {
    service_.host = *zones::Name::from_text("h1.dyn.example.");
    service_.owner = *zones::Name::from_text("_http._tcp.h1.dyn.example.");
    service_.type = "_http._tcp";
  }
  void want(std::uint16_t port) {
    const pcp_ddns::ServiceEndpoint endpoint{
        &service_,
        {*keys::address_from_text("198.51.100." + std::to_string(port % 4)), port},
        now_ + std::chrono::hours(1),
        std::chrono::hours(1)};
    publisher_.want(pcp_ddns::wanted_records(std::span(&endpoint, 1), provider_), {}, now_);
  }
  void answer(unsigned status, std::string_view body) {
    const Time next = publisher_.next();
    if (next == Time::max()) return;
    now_ = std::max(now_, next);
    fuzz::require(publisher_.begin(now_), "what is due is begun");
    fuzz::require(publisher_.target().starts_with("/nic/update?hostname=h1.dyn.example&"),
                  "it is about that host");
    std::optional<std::chrono::seconds> retry_after;
    if (body.size() % 2 == 1) retry_after = std::chrono::seconds(body.size() * 1000);
    const pcp_ddns::Report report = publisher_.answered(status, body, retry_after, now_);
    fuzz::require(std::ranges::all_of(report.text, [](char c) { return c >= 0x20 && c <= 0x7e; }),
                  "the log gets one line of text");
    fuzz::require(report.text.size() < 300, "the log gets a short line");
    const bool good =
        status == 200 && (body.find("good") != body.npos || body.find("nochg") != body.npos);
    const pcp_ddns::Progress progress = publisher_.progress({service_.owner, zones::Type::SRV});
    fuzz::require(good || !progress.published, "only a good answer publishes");
  }

 private:
  Time now_ = Time() + std::chrono::hours(10000);
  pcp_ddns::ServiceConfig service_;
  pcp_ddns::ProviderConfig provider_;
  pcp_ddns::DyndnsPublisher publisher_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr unsigned STATUS[] = {200, 200, 200, 401, 403, 404, 500, 503};
  std::string_view input = fuzz::text(data, size);
  Account account(size % 2 == 1);
  std::uint16_t port = 8000;
  while (!input.empty()) {
    const unsigned status = STATUS[static_cast<unsigned char>(input[0]) % std::size(STATUS)];
    input.remove_prefix(1);
    const std::size_t end = std::min(input.find('\0'), input.size());
    account.want(++port);
    account.answer(status, input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return 0;
}
