#include "tools/pcp-ddns/dyndns_provider.h"

#include <utility>

#include "tools/pcp-ddns/https_exchange.h"

namespace pcp_ddns {
namespace {

Time now() { return std::chrono::steady_clock::now(); }

}  // namespace

DyndnsProvider::DyndnsProvider(boost::asio::io_context& context, const ProviderConfig& config,
                               const Random& random, const std::vector<OwnRecord>& ours,
                               std::function<void()> write_down)
    : context_(context),
      config_(config),
      publisher_({.path = config.dyndns->path,
                  .ports = config.dyndns->ports,
                  .refresh = config.dyndns->refresh},
                 random, ours),
      write_down_(std::move(write_down)),
      timer_(context) {}

DyndnsProvider::~DyndnsProvider() {
  if (cancel_) cancel_();
}

void DyndnsProvider::want(Wanted wanted, const std::set<RRsetKey>& undecided) {
  publisher_.want(std::move(wanted), undecided, now());
  drive();
}

void DyndnsProvider::drive() {
  if (publisher_.is_busy()) return;
  timer_.cancel();
  if (!publisher_.begin(now())) {
    const Time next = publisher_.next();
    if (next == Time::max()) return;
    timer_.expires_at(next);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) drive();
    });
    return;
  }
  write_down_();
  cancel_ = run_https_exchange(
      context_, {config_.server, config_.port, config_.dyndns->ca_file},
      {publisher_.target(), config_.dyndns->login, config_.dyndns->password},
      [this](const HttpsOutcome& outcome) {
        cancel_ = {};
        log_report(config_.name, outcome.failure.empty()
                                     ? publisher_.answered(outcome.status, outcome.body,
                                                           outcome.retry_after, now())
                                     : publisher_.failed(outcome.failure, now()));
        write_down_();
        drive();
      });
}

}  // namespace pcp_ddns
