#include "tools/pcp-ddns/update_provider.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "tools/pcp-ddns/dns_exchange.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A mapping may be gone while an update waits for its answer, so little of nsupdate's patience.
constexpr keys::ExchangeOptions UPDATE{.try_timeout = std::chrono::milliseconds(1500),
                                       .udp_tries = 4,
                                       .total_timeout = std::chrono::milliseconds(15'000)};
constexpr keys::ExchangeOptions QUERY{.try_timeout = std::chrono::milliseconds(1500),
                                      .udp_tries = 2,
                                      .total_timeout = std::chrono::milliseconds(5'000)};

/// A server takes its cookie for an hour, and gives another after half of that (RFC 9018 §4.3).
constexpr std::chrono::minutes COOKIE_REFRESH{25};

bool is_refused(const zones::Message& response) {
  return response.header.rcode == static_cast<std::uint8_t>(zones::Rcode::REFUSED) &&
         (!response.edns || response.edns->extended_rcode == 0);
}

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
      finder_(context, config),
      cookie_(std::make_shared<keys::ClientCookie>()),
      greet_timer_(context),
      ask_timer_(context) {
  greet();
}

UpdateProvider::~UpdateProvider() {
  for (const auto& cancel : {cancel_, cancel_greeting_, cancel_question_}) {
    if (cancel) cancel();
  }
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
    return find_server([this](const std::string& failure) {
      if (failure.empty()) return exchange();
      finished(publisher_.failed(failure, now()));
    });
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

/// Several may wait for one search.
void UpdateProvider::find_server(Then then) {
  if (!servers_.empty()) return then({});
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  finder_.find([this](PrimaryFinder::Servers servers, const std::string& failure) {
    servers_ = std::move(servers);
    for (const Then& one : std::exchange(waiting_, {})) one(servers_.empty() ? failure : "");
  });
}

const boost::asio::ip::udp::endpoint& UpdateProvider::server() const {
  return servers_[next_server_ % servers_.size()];
}

void UpdateProvider::forget_server() {
  ++next_server_;
  servers_.clear();  // they may have moved
  cookie_ = std::make_shared<keys::ClientCookie>();
}

void UpdateProvider::exchange(bool again) {
  keys::Exchange exchange([this] { return publisher_.message(now()); }, config_.signer, UPDATE,
                          cookie_);
  cancel_ =
      run_dns_exchange(context_, std::move(exchange), server(),
                       [this, again, before = cookie_->server_cookie()](const DnsOutcome& outcome) {
                         cancel_ = {};
                         if (outcome.exchange == nullptr) {
                           forget_server();
                           return finished(publisher_.failed(outcome.failure, now()));
                         }
                         const zones::Message& response = outcome.exchange->response();
                         // A grant for the address that an update comes from asks for a proof of
                         // it. What a server takes no more, as after its restart or where this host
                         // has another address by now, it gives anew.
                         const bool is_new = cookie_->server_cookie() != before;
                         if (is_new && !again && is_refused(response)) return this->exchange(true);
                         proven_ = !before.empty() && !is_new;
                         answered(response, outcome.exchange->tsig_error());
                       });
}

void UpdateProvider::answered(const zones::Message& response, std::uint16_t tsig_error) {
  const Report report = publisher_.answered(response, tsig_error, now());
  for (const PublishedEndpoints& news : publisher_.take_news()) {
    may_refresh_ = may_refresh_ || !news.is_refresh;
    watch_.published(news, now());
  }
  greet_later();
  finished(report);
  ask();
}

void UpdateProvider::finished(const Report& report) {
  log_report(config_.name, report);
  write_down_();
  drive();
}

void UpdateProvider::greet() {
  // Not before the agent is complete.
  asio::post(context_, [this] {
    find_server([this](const std::string& failure) {
      if (!failure.empty() || cancel_greeting_) return;
      keys::Exchange exchange(
          [this] {
            zones::Message query;
            query.question.push_back({config_.zone, zones::Type::SOA, zones::Class::IN});
            query.edns.emplace();
            return query;
          },
          {}, QUERY, cookie_);
      cancel_greeting_ =
          run_dns_exchange(context_, std::move(exchange), server(), [this](const DnsOutcome&) {
            cancel_greeting_ = {};
            greet_later();
          });
    });
  });
}

void UpdateProvider::greet_later() {
  greet_timer_.cancel();
  if (!cookie_->has_server_cookie()) return;
  greet_timer_.expires_after(COOKIE_REFRESH);
  greet_timer_.async_wait([this](const error_code& error) {
    if (!error) greet();
  });
}

/// What has become of an endpoint that the server tries; nothing waits for it.
void UpdateProvider::ask() {
  if (cancel_question_ || servers_.empty()) return;
  auto question = watch_.begin(now());
  if (!question) {
    const Time next = watch_.next();
    ask_timer_.cancel();
    if (next == Time::max()) return;
    ask_timer_.expires_at(next);
    ask_timer_.async_wait([this](const error_code& error) {
      if (!error) ask();
    });
    return;
  }
  keys::Exchange exchange([message = std::move(*question)] { return message; }, {}, QUERY, cookie_);
  cancel_question_ =
      run_dns_exchange(context_, std::move(exchange), server(), [this](const DnsOutcome& outcome) {
        cancel_question_ = {};
        if (outcome.exchange == nullptr) {
          watch_.failed();
        } else if (const auto report = watch_.answered(outcome.exchange->response())) {
          log_report(config_.name, *report);
        } else if (watch_.is_untried() && !proven_ && cookie_->has_server_cookie() &&
                   std::exchange(may_refresh_, false)) {
          // The update was quicker than the cookie.
          publisher_.refresh();
          drive();
        }
        ask();
      });
}

}  // namespace pcp_ddns
