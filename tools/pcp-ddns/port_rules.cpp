#include "tools/pcp-ddns/port_rules.h"

#include <algorithm>
#include <array>

namespace pcp_ddns {
namespace {

// In order.
constexpr std::array<std::uint16_t, 83> BAD_PORTS{
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,
    37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,
    110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,
    427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,
    563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};
static_assert(std::ranges::is_sorted(BAD_PORTS));

// Above the registered ports that are in use, below those that systems lend to clients.
constexpr std::uint16_t FIRST_RANDOM = 20000;
constexpr std::uint16_t RANDOM_PORTS = 12000;

}  // namespace

bool is_refused_by_browsers(std::uint16_t port) {
  return std::ranges::binary_search(BAD_PORTS, port);
}

void PortRules::add(bool web, std::optional<std::size_t> twin) {
  if (twin) rules_[*twin].second = rules_.size();
  rules_.push_back({.web = web, .twin = twin, .second = {}});
}

void PortRules::restart() {
  for (Rule& rule : rules_) rule.tries = 0;
}

std::uint16_t PortRules::random_port() {
  return static_cast<std::uint16_t>(FIRST_RANDOM + random_() * RANDOM_PORTS);
}

bool PortRules::is_wrong(const PcpClient& client, std::size_t index) const {
  const Mapping& mapping = client.mappings()[index];
  return rules_[index].web && mapping.external() &&
         is_refused_by_browsers(mapping.external()->port);
}

void PortRules::apply(PcpClient& client, Time now) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    Rule& rule = rules_[i];
    if (rule.twin) {
      apply_twin(client, i, now);
      continue;
    }
    const Mapping& mapping = client.mappings()[i];
    if (rule.second || !rule.web || mapping.state() != Mapping::State::MAPPED) continue;
    if (!is_wrong(client, i)) {
      rule.tries = 0;
    } else if (rule.tries < MAX_PORT_TRIES) {
      ++rule.tries;
      client.exchange_port(i, {{}, random_port()}, false, now);
    }
  }
}

void PortRules::apply_twin(PcpClient& client, std::size_t index, Time now) {
  Rule& rule = rules_[index];
  const std::size_t first = *rule.twin;
  const Mapping& a = client.mappings()[first];
  const Mapping& b = client.mappings()[index];
  const bool unequal = a.state() == Mapping::State::MAPPED && b.state() == Mapping::State::MAPPED &&
                       a.external()->port != b.external()->port;
  const bool refused = a.state() == Mapping::State::MAPPED && b.is_port_refused();
  const bool wrong = is_wrong(client, index) && a.state() == Mapping::State::MAPPED &&
                     b.state() == Mapping::State::MAPPED;
  if (!unequal && !refused && !wrong) {
    if (a.external() && b.external() && a.external()->port == b.external()->port) rule.tries = 0;
    return;
  }
  if (rule.tries == MAX_PORT_TRIES) {
    // Better another port than none.
    if (refused) client.exchange_port(index, {}, false, now);
    return;
  }
  // First the port of the other, then a new one for both, in turn.
  if (++rule.tries % 2 == 1 && !refused && !wrong) {
    client.exchange_port(index, *a.external(), true, now);
    return;
  }
  const std::uint16_t port = random_port();
  client.exchange_port(first, {{}, port}, false, now);
  client.exchange_port(index, {{}, port}, false, now);
}

bool PortRules::has_given_up(const PcpClient& client, std::size_t index) const {
  const Rule& rule = rules_[index];
  const auto& external = client.mappings()[index].external();
  if (rule.tries < MAX_PORT_TRIES || !external) return false;
  if (is_wrong(client, index)) return true;
  if (!rule.twin) return false;
  const auto& twin = client.mappings()[*rule.twin].external();
  return twin && twin->port != external->port;
}

bool PortRules::is_settled(const PcpClient& client, std::size_t index) const {
  const auto pair_is_settled = [&](std::size_t first, std::size_t second) {
    if (rules_[second].tries >= MAX_PORT_TRIES) return true;
    const Mapping& a = client.mappings()[first];
    const Mapping& b = client.mappings()[second];
    // One that the server does not give at all keeps the other from nobody.
    const auto is_given_up = [](const Mapping& mapping) {
      return mapping.state() == Mapping::State::REFUSED && !mapping.is_port_refused();
    };
    if (is_given_up(a) || is_given_up(b)) return true;
    return a.external() && b.external() && a.external()->port == b.external()->port &&
           !is_wrong(client, second);
  };
  const Rule& rule = rules_[index];
  if (rule.twin) return pair_is_settled(*rule.twin, index);
  if (rule.second) return pair_is_settled(index, *rule.second);
  return !is_wrong(client, index) || rule.tries >= MAX_PORT_TRIES;
}

}  // namespace pcp_ddns
