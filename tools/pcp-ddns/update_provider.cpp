#include "tools/pcp-ddns/update_provider.h"

#include <utility>

#include "tools/pcp-ddns/dns_exchange.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A mapping may be gone while an update waits for its answer, so little of nsupdate's patience.
constexpr keys::ExchangeOptions EXCHANGE{.try_timeout = std::chrono::milliseconds(1500),
                                         .udp_tries = 4,
                                         .total_timeout = std::chrono::milliseconds(15'000)};

Time now() { return std::chrono::steady_clock::now(); }

}  // namespace

UpdateProvider::UpdateProvider(asio::io_context& context, const ProviderConfig& config,
                               const Random& random, const std::vector<OwnRecord>& ours,
                               std::function<void()> write_down)
    : context_(context),
      config_(config),
      publisher_(config.zone, config.replace, random, ours),
      write_down_(std::move(write_down)),
      timer_(context),
      finder_(context, config) {}

UpdateProvider::~UpdateProvider() {
  if (cancel_) cancel_();
}

void UpdateProvider::want(Wanted wanted, const std::set<RRsetKey>& undecided) {
  publisher_.want(std::move(wanted), undecided, now());
  drive();
}

void UpdateProvider::drive() {
  if (publisher_.is_busy()) return;
  if (publisher_.begin(now())) {
    timer_.cancel();
    write_down_();
    return find_server();
  }
  const Time next = publisher_.next();
  if (next == Time::max()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(next);
  timer_.async_wait([this](const error_code& error) {
    if (!error) drive();
  });
}

void UpdateProvider::find_server() {
  if (!servers_.empty()) return exchange();
  finder_.find([this](PrimaryFinder::Servers servers, const std::string& failure) {
    servers_ = std::move(servers);
    if (!servers_.empty()) return exchange();
    finished(publisher_.failed(failure, now()));
  });
}

void UpdateProvider::exchange() {
  keys::Exchange exchange([this] { return publisher_.message(now()); }, config_.signer, EXCHANGE);
  cancel_ =
      run_dns_exchange(context_, std::move(exchange), servers_[next_server_ % servers_.size()],
                       [this](const DnsOutcome& outcome) {
                         cancel_ = {};
                         if (outcome.exchange == nullptr) {
                           ++next_server_;
                           servers_.clear();  // they may have moved
                           return finished(publisher_.failed(outcome.failure, now()));
                         }
                         finished(publisher_.answered(outcome.exchange->response(),
                                                      outcome.exchange->tsig_error(), now()));
                       });
}

void UpdateProvider::finished(const Report& report) {
  log_report(config_.name, report);
  write_down_();
  drive();
}

}  // namespace pcp_ddns
