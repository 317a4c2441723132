#include "tools/pcp-ddns/mapping.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pcp_ddns {
namespace {

constexpr int MAX_PORT = 65535;

Duration scaled(Duration duration, double factor) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(duration) * factor);
}

bool is_usable(const MapData& map) {
  const bool zeros =
      std::ranges::all_of(map.external_address, [](std::uint8_t octet) { return octet == 0; });
  const bool zeros_of_ipv4 = keys::is_ipv4(map.external_address) &&
                             std::ranges::all_of(std::span(map.external_address).subspan(12),
                                                 [](std::uint8_t octet) { return octet == 0; });
  return map.external_port != 0 && !zeros && !zeros_of_ipv4;
}

/// How long an error is to be taken for true. A server that says 0 (they exist) is not to be asked
/// in a circle.
std::chrono::seconds error_lifetime(std::uint32_t lifetime) {
  if (lifetime == 0) return SHORT_ERROR;
  return std::clamp<std::chrono::seconds>(std::chrono::seconds(lifetime), MIN_BETWEEN_RENEWALS,
                                          MAX_LIFETIME);
}

const Option* find_option(const std::vector<Option>& options, OptionCode code) {
  const auto found = std::ranges::find(options, code, &Option::code);
  return found == options.end() ? nullptr : &*found;
}
const Option* third_party_of(const std::vector<Option>& options) {
  return find_option(options, OptionCode::THIRD_PARTY);
}

}  // namespace

Mapping::Mapping(MapWish wish, const Nonce& nonce, Time now)
    : wish_(std::move(wish)), nonce_(nonce), next_(now) {
  if (wish_.strict) wish_.options.push_back(prefer_failure_option());
}

Time Mapping::next() const { return external_ ? std::min(next_, expires_) : next_; }

bool Mapping::due(Time now, const Random& random) {
  if (external_ && now >= expires_) {
    external_.reset();
    if (error_.empty()) error_ = "the mapping was not renewed in time";
    if (state_ == State::MAPPED) ask(now);
  }
  if (now < next_) return false;
  switch (state_) {
    case State::MAPPED:
      ++renewals_;
      sent_ = now;
      ++tries_;
      schedule_renewal(now, random);
      return true;
    case State::REFUSED:
      ask(now);
      [[fallthrough]];
    case State::ASKING:
      break;
    case State::DELETING:
      if (tries_ == MAX_DELETIONS && !begin_again(now)) state_ = State::ENDED;
      break;
    case State::ENDED:
      break;
  }
  if (state_ == State::ENDED) {
    next_ = Time::max();
    return false;
  }
  sent_ = now;
  ++tries_;
  schedule_retransmission(now, random);
  return true;
}

/// RFC 6887 §11.2.1: the nth at 1 - 2^-n of the lifetime, and up to a quarter of what is left
/// later.
void Mapping::schedule_renewal(Time now, const Random& random) {
  const double left = std::ldexp(1.0, -(renewals_ + 1));
  next_ = granted_ + scaled(lifetime_, 1 - left + random() * left / 4);
  if (sent_) next_ = std::max(next_, *sent_ + MIN_BETWEEN_RENEWALS);
  next_ = std::clamp(next_, now, std::max(now, expires_));
}

/// RFC 6887 §8.1.1.
void Mapping::schedule_retransmission(Time now, const Random& random) {
  const Duration base = rt_ == Duration::zero() ? Duration(IRT) : std::min<Duration>(2 * rt_, MRT);
  rt_ = scaled(base, 0.9 + 0.2 * random());
  next_ = now + rt_;
}

void Mapping::ask(Time at) {
  state_ = State::ASKING;
  rt_ = Duration::zero();
  tries_ = 0;
  next_ = at;
}

PcpRequest Mapping::request(const Address& client) const {
  PcpRequest request;
  request.opcode = Opcode::MAP;
  request.client = client;
  request.options = wish_.options;
  request.map.nonce = nonce_;
  request.map.protocol = wish_.protocol;
  request.map.internal_port = wish_.internal_port;
  if (state_ == State::DELETING) {
    // The suggested fields are zeros, and only THIRD_PARTY has a meaning (RFC 6887 §15.1).
    // But a set ends as a whole, and as one (RFC 7753 §4.4).
    const bool is_set = port_count_ > 1;
    std::erase_if(request.options, [is_set](const Option& option) {
      return option.code != OptionCode::THIRD_PARTY &&
             !(is_set && option.code == OptionCode::PORT_SET);
    });
    return request;
  }
  // What is renewed as a single port has no set (RFC 7753 §4.1).
  if (state_ == State::MAPPED && port_count_ == 1) {
    std::erase_if(request.options,
                  [](const Option& option) { return option.code == OptionCode::PORT_SET; });
  }
  request.lifetime = static_cast<std::uint32_t>(wish_.lifetime.count());
  // What is strict must not hold on to an address that the server has lost.
  const External& suggested = last_ && !wish_.strict ? *last_ : wish_.suggested;
  request.map.external_port = suggested.port;
  request.map.external_address = suggested.address;
  return request;
}

void Mapping::hold(Time until) { next_ = std::max(next_, until); }

bool Mapping::matches(const PcpResponse& response) const {
  if (response.opcode != Opcode::MAP || response.map.nonce != nonce_ ||
      response.map.protocol != wish_.protocol ||
      response.map.internal_port != wish_.internal_port || state_ == State::ENDED) {
    return false;
  }
  const Option* ours = third_party_of(wish_.options);
  const Option* theirs = third_party_of(response.options);
  return ours == nullptr ? theirs == nullptr : theirs != nullptr && *ours == *theirs;
}

void Mapping::received(const PcpResponse& response, Time now, const Random& random) {
  if (state_ == State::DELETING) {
    // A success that still has a lifetime answers a request from before, or says that the mapping
    // ends with its idle time (RFC 6887 §15): nothing more is to be asked for in either case once
    // a deletion was sent.
    if (tries_ == 0 || begin_again(now)) return;
    state_ = State::ENDED;
    next_ = Time::max();
    return;
  }
  port_refused_ = response.result == ResultCode::CANNOT_PROVIDE_EXTERNAL;
  // Servers exist that cannot read the option, though they may pass over it (RFC 7753 §4): one
  // port is better than none.
  if ((response.result == ResultCode::MALFORMED_OPTION ||
       response.result == ResultCode::UNSUPP_OPTION) &&
      std::erase_if(wish_.options, [](const Option& option) {
        return option.code == OptionCode::PORT_SET;
      }) != 0) {
    return ask(now);
  }
  if (response.result != ResultCode::SUCCESS) {
    std::string why = to_text(response.result);
    if (response.result == ResultCode::ADDRESS_MISMATCH) {
      why += ": there is another NAT between this host and the PCP server";
    }
    return refuse(std::move(why), now + error_lifetime(response.lifetime));
  }
  if (response.lifetime == 0 && exchanged_) return;  // the deletion's, twice
  if (response.lifetime == 0) {
    external_.reset();
    return refuse("the server has ended the mapping", now + SHORT_ERROR);
  }
  if (!is_usable(response.map)) {
    return refuse("the server's answer has no external address and port", now + SHORT_ERROR);
  }
  if (wish_.strict && response.map.external_port != wish_.suggested.port) {
    // Of a server that does not know the option: its mapping goes back.
    remove(now);
    exchange_ = Exchange{wish_.suggested, true, SHORT_ERROR,
                         "the server gives port " + std::to_string(response.map.external_port) +
                             " instead of " + std::to_string(wish_.suggested.port)};
    return;
  }
  external_ = External{response.map.external_address, response.map.external_port};
  take_ports(response);
  last_ = external_;
  // Else a renewal would fail at a server that has moved.
  if (!wish_.strict) std::erase(wish_.options, prefer_failure_option());
  unfiltered_ = find_option(wish_.options, OptionCode::FILTER) != nullptr &&
                find_option(response.options, OptionCode::FILTER) == nullptr;
  exchanged_ = false;
  error_.clear();
  lifetime_ = std::min<std::chrono::seconds>(std::chrono::seconds(response.lifetime), MAX_LIFETIME);
  granted_ = now;
  expires_ = now + lifetime_;
  state_ = State::MAPPED;
  renewals_ = 0;
  tries_ = 0;
  schedule_renewal(now, random);
}

std::uint16_t Mapping::asked_ports() const {
  const Option* option = find_option(wish_.options, OptionCode::PORT_SET);
  const auto set = option == nullptr ? std::nullopt : read_port_set(*option);
  return set ? set->size : std::uint16_t{1};
}

/// Without the option it is one port; with it, those of the set that begin with ours.
void Mapping::take_ports(const PcpResponse& response) {
  port_count_ = 1;
  const Option* option = find_option(response.options, OptionCode::PORT_SET);
  const auto set = option == nullptr ? std::nullopt : read_port_set(*option);
  if (!set || set->first_internal_port > wish_.internal_port) return;
  // The first port of an older, overlapping set may be another one (RFC 7753 §6.3).
  const int before = wish_.internal_port - set->first_internal_port;
  const int first = external_->port + before;
  const int count =
      std::min({set->size - before, static_cast<int>(asked_ports()), MAX_PORT + 1 - first});
  if (count < 1) return;
  external_->port = static_cast<std::uint16_t>(first);
  port_count_ = static_cast<std::uint16_t>(count);
}

void Mapping::refuse(std::string why, Time until) {
  error_ = std::move(why);
  state_ = State::REFUSED;
  tries_ = 0;
  next_ = until;
}

void Mapping::recreate(Time at) {
  if (state_ == State::DELETING || state_ == State::ENDED) return;
  if (sent_) at = std::max(at, *sent_ + MIN_BETWEEN_RENEWALS);
  // One that is waiting for its answer, or to be asked for soon, goes on as it does.
  if (state_ == State::ASKING && next_ <= at) return;
  ask(at);
}

void Mapping::exchange(const External& suggested, bool strict, Time now) {
  if (state_ == State::ENDED || (state_ == State::DELETING && !exchange_)) return;
  const bool has_mapping = sent_ && !is_port_refused();
  if (state_ != State::DELETING && has_mapping) remove(now);
  exchange_ = Exchange{suggested, strict, {}, {}};
  if (state_ != State::DELETING) begin_again(now);
}

bool Mapping::begin_again(Time now) {
  if (!exchange_) return false;
  const Exchange wanted = *std::exchange(exchange_, std::nullopt);
  last_.reset();
  if (wanted.suggested.port != 0) wish_.suggested.port = wanted.suggested.port;
  Address any{};
  if (keys::is_ipv4(wish_.suggested.address)) any[10] = any[11] = 0xff;
  wish_.suggested.address = wanted.suggested.address == Address{} ? any : wanted.suggested.address;
  std::erase(wish_.options, prefer_failure_option());
  if (wanted.strict) wish_.options.push_back(prefer_failure_option());
  exchanged_ = true;
  if (wanted.rest == Duration::zero()) {
    ask(now);
  } else {
    refuse(wanted.why, now + wanted.rest);
    port_refused_ = true;
  }
  return true;
}

void Mapping::remove(Time now) {
  exchange_.reset();
  if (state_ == State::DELETING || state_ == State::ENDED) return;
  if (!sent_) {
    state_ = State::ENDED;
    next_ = Time::max();
    return;
  }
  external_.reset();
  state_ = State::DELETING;
  rt_ = Duration::zero();
  tries_ = 0;
  next_ = now;
}

}  // namespace pcp_ddns
