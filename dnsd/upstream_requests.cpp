#include "dnsd/upstream_requests.h"

#include <sodium.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "keys/exchange.h"
#include "zones/rdata.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

/// What a stream is known by to stop(), as long as it is used.
class StreamUse {
 public:
  StreamUse(UpstreamStream*& place, UpstreamStream& stream) : place_(place) { place_ = &stream; }
  ~StreamUse() { place_ = nullptr; }
  StreamUse(const StreamUse&) = delete;
  StreamUse& operator=(const StreamUse&) = delete;

 private:
  UpstreamStream*& place_;
};

UpstreamFailure network_failure(const UpstreamStream& stream) {
  return {stream.timed_out() ? "timeout" : "connection", stream.failure(), false};
}

}  // namespace

void UpstreamRequests::stop() {
  if (stream_) stream_->close();
}

std::optional<keys::TsigKey> UpstreamRequests::key() {
  const State& state = thread_.reader.current();
  const auto found = state.policy ? state.policy->keyring.find(config_.key) : std::nullopt;
  std::optional<keys::TsigKey> key;
  if (found) {
    key = {zones::Name(found->name), found->algorithm,
           std::make_shared<const keys::Secret>(found->secret)};
  }
  thread_.reader.idle();
  return key;
}

MaybeUpstreamFailure UpstreamRequests::no_key() const {
  return UpstreamFailure{"key", "there is no key " + config_.key.to_text() + " any more", true};
}

/// Over TCP only: a datagram that the network delivers late, behind newer updates, would take those
/// back, and one that is truncated would have to be sent twice.
/// @param response  whatever its RCODE is
asio::awaitable<MaybeUpstreamFailure> UpstreamRequests::exchange(const zones::Message& request,
                                                                 zones::Message& response) {
  const auto own_key = key();
  if (!own_key) co_return no_key();
  const keys::ExchangeOptions options{.total_timeout = config_.timeout, .tcp_only = true};
  keys::Exchange exchange([&request] { return request; }, *own_key, options);
  UpstreamStream stream(thread_.context.get_executor());
  const StreamUse use(stream_, stream);
  stream.set_deadline(steady_clock::now() + config_.timeout);
  std::vector<std::uint8_t> octets;
  using Action = keys::Exchange::Action;
  for (;;) {
    const keys::Exchange::Step step = exchange.next(steady_clock::now(), wall_clock());
    bool works = true;
    if (step.action == Action::SEND_TCP || step.action == Action::SEND_UDP) {
      octets.assign(step.octets.begin(), step.octets.end());
      works = co_await stream.connect(config_.server);
      if (works) works = co_await stream.write(octets);
    } else if (step.action == Action::WAIT) {
      works = co_await stream.read(octets);
      if (works) exchange.received(octets, steady_clock::now(), wall_clock());
    } else {
      break;
    }
    if (!works) co_return network_failure(stream);
  }
  if (exchange.next(steady_clock::now(), wall_clock()).action == Action::FAILED) {
    co_return UpstreamFailure{"TSIG", exchange.failure(), true};
  }
  if (exchange.tsig_error() != 0) {
    co_return UpstreamFailure{"TSIG",
                              "the update is answered with TSIG error " +
                                  std::to_string(exchange.tsig_error()) +
                                  " (18 BADTIME: the clocks differ)",
                              true};
  }
  response = exchange.response();
  co_return std::nullopt;
}

asio::awaitable<MaybeUpstreamFailure> UpstreamRequests::update(UpdateSection section) {
  zones::Message update;
  update.header.opcode = zones::Opcode::UPDATE;
  update.question = {{zone_, zones::Type::SOA, zones::Class::IN}};
  update.authority = std::move(section);
  constexpr std::size_t LARGE_OCTETS = 60'000;
  if (update.authority.size() == 1 && update.authority[0].rdata.size() > LARGE_OCTETS &&
      zones::to_wire(update).size() + keys::MAX_TSIG_OCTETS > zones::MAX_MESSAGE_OCTETS) {
    spdlog::error("{}: a record of {} at {} is too large for an update and left out", text_,
                  zones::to_text(update.authority[0].type), update.authority[0].owner.to_text());
    co_return std::nullopt;
  }
  zones::Message response;
  MaybeUpstreamFailure failure = co_await exchange(update, response);
  if (failure) co_return failure;
  const auto rcode = static_cast<zones::Rcode>(response.header.rcode);
  if (rcode == zones::Rcode::NOERROR) co_return std::nullopt;
  co_return failure_of(rcode, UpstreamRequest::UPDATE, zone_, config_.key);
}

asio::awaitable<MaybeUpstreamFailure> UpstreamRequests::servers(std::vector<zones::Name>& servers) {
  zones::Message query;
  query.question = {{zone_, zones::Type::NS, zones::Class::IN}};
  zones::Message response;
  MaybeUpstreamFailure failure = co_await exchange(query, response);
  if (failure) co_return failure;
  const auto rcode = static_cast<zones::Rcode>(response.header.rcode);
  if (rcode != zones::Rcode::NOERROR) {
    co_return failure_of(rcode, UpstreamRequest::SERVERS, zone_, config_.key);
  }
  servers.clear();
  for (const zones::Record& record : response.answer) {
    if (record.type != zones::Type::NS || record.owner != zone_) continue;
    const zones::NameView server = zones::target_name(record.type, record.rdata);
    if (server.is_at_or_below(zone_)) servers.emplace_back(server);
  }
  co_return std::nullopt;
}

asio::awaitable<MaybeUpstreamFailure> UpstreamRequests::transfer(UpstreamComparison& comparison) {
  const auto own_key = key();
  if (!own_key) co_return no_key();
  zones::Message query;
  query.header.id = static_cast<std::uint16_t>(randombytes_uniform(0x10000));
  query.question = {{zone_, zones::Type::AXFR, zones::Class::IN}};
  std::vector<std::uint8_t> octets = zones::to_wire(query);
  keys::TsigClient signer(*own_key);
  signer.sign(octets, wall_clock());

  UpstreamStream stream(thread_.context.get_executor());
  const StreamUse use(stream_, stream);
  stream.set_deadline(steady_clock::now() + config_.timeout);
  if (!co_await stream.connect(config_.server)) co_return network_failure(stream);
  if (!co_await stream.write(octets)) co_return network_failure(stream);
  for (int soas = 0; soas < 2;) {
    stream.set_deadline(steady_clock::now() + config_.timeout);
    if (!co_await stream.read(octets)) co_return network_failure(stream);
    std::uint16_t tsig_error = 0;
    std::optional<std::chrono::sys_seconds> server_time;
    const auto verdict = signer.verify(octets, wall_clock(), tsig_error, server_time);
    const auto message = zones::parse_message(octets);
    if (!message || message->header.id != query.header.id) {
      co_return UpstreamFailure{"malformed", "the transfer is malformed", true};
    }
    using Verdict = keys::TsigClient::Verdict;
    if (message->header.rcode != 0 && verdict != Verdict::BAD_SIGNATURE) {
      if (tsig_error != 0) {
        co_return UpstreamFailure{"TSIG",
                                  "the transfer is answered with TSIG error " +
                                      std::to_string(tsig_error) +
                                      " (16 BADSIG: another secret; 17 BADKEY: it has no key " +
                                      config_.key.to_text() + "; 18 BADTIME: the clocks differ)",
                                  true};
      }
      co_return failure_of(static_cast<zones::Rcode>(message->header.rcode),
                           UpstreamRequest::TRANSFER, zone_, config_.key);
    }
    if (verdict != Verdict::VALID && verdict != Verdict::PENDING) {
      co_return UpstreamFailure{
          "TSIG", std::string("the transfer cannot be believed: ") + keys::to_text(verdict), true};
    }
    const auto ours = thread_.reader.current().catalogue.zone(zone_);
    for (const zones::Record& record : message->answer) {
      const bool is_soa = record.type == zones::Type::SOA && record.owner == zone_;
      if (soas == 2 || (soas == 0) != (is_soa && soas == 0)) {
        thread_.reader.idle();
        co_return UpstreamFailure{"malformed", "the transfer does not stand between two SOA", true};
      }
      if (is_soa) {
        ++soas;
      } else if (ours) {
        comparison.theirs(*ours, record);
      }
    }
    thread_.reader.idle();
  }
  if (!signer.complete()) {
    co_return UpstreamFailure{"TSIG", "the transfer's end is not signed", true};
  }
  if (const auto ours = thread_.reader.current().catalogue.zone(zone_)) comparison.rest(*ours);
  thread_.reader.idle();
  co_return std::nullopt;
}

}  // namespace dnsd
