#include "tools/pcp-ddns/pcp_client.h"

#include <algorithm>

namespace pcp_ddns {

bool Epoch::accept(std::uint32_t server_time, Time now) {
  const std::int64_t server = server_time;
  if (!last_) {
    last_ = Seen{server, now};
    return true;
  }
  const std::int64_t server_delta = server - last_->server;
  const std::int64_t client_delta =
      std::chrono::duration_cast<std::chrono::seconds>(now - last_->client).count();
  last_ = Seen{server, now};
  if (server_delta < -1) return false;
  // One second back is the order of packets; the rest of the test is for what goes forward.
  const std::int64_t forward = std::max<std::int64_t>(server_delta, 0);
  return client_delta + 2 >= forward - forward / 16 &&
         forward + 2 >= client_delta - client_delta / 16;
}

std::size_t PcpClient::add(MapWish wish, const Nonce& nonce, Time now) {
  mappings_.emplace_back(std::move(wish), nonce, now);
  return mappings_.size() - 1;
}

void PcpClient::remove_all(Time now) {
  for (Mapping& mapping : mappings_) mapping.remove(now);
}

bool PcpClient::is_finished() const {
  return std::ranges::all_of(
      mappings_, [](const Mapping& mapping) { return mapping.state() == Mapping::State::ENDED; });
}

void PcpClient::probe(Time now) {
  if (!mappings_.empty() && mappings_.front().state() == Mapping::State::MAPPED) {
    mappings_.front().recreate(now);
  }
}

void PcpClient::recreate_all_at(Time at) {
  for (Mapping& mapping : mappings_) mapping.recreate(at);
  hold_new_ = {};
}

bool PcpClient::is_silent(int tries) const {
  return !mappings_.empty() && std::ranges::all_of(mappings_, [tries](const Mapping& mapping) {
    return mapping.state() == Mapping::State::ASKING && !mapping.external() &&
           mapping.tries() >= tries;
  });
}

bool PcpClient::is_refused() const {
  return !mappings_.empty() && std::ranges::all_of(mappings_, [](const Mapping& mapping) {
    return mapping.state() == Mapping::State::REFUSED && !mapping.external();
  });
}

void PcpClient::poll(Time now, const Send& send) {
  if (now < burst_end_ || now < hold_all_) return;
  int sent = 0;
  for (Mapping& mapping : mappings_) {
    if (mapping.next() > now) continue;
    if (sent == MAX_BURST) {
      burst_end_ = now + BURST_PAUSE;
      return;
    }
    const bool is_new = mapping.state() == Mapping::State::ASKING && !mapping.external();
    if (is_new && now < hold_new_) {
      mapping.hold(hold_new_);
      continue;
    }
    if (!mapping.due(now, random_)) continue;
    send(to_wire(mapping.request(client_)));
    ++sent;
  }
}

Time PcpClient::next() const {
  Time next = Time::max();
  for (const Mapping& mapping : mappings_) next = std::min(next, mapping.next());
  return std::max({next, burst_end_, hold_all_});
}

void PcpClient::received(std::span<const std::uint8_t> octets, Time now) {
  const auto response = parse_response(octets);
  if (!response) return;
  if (response->result == ResultCode::UNSUPP_VERSION) {
    for (Mapping& mapping : mappings_) {
      if (mapping.tries() == 0 || mapping.state() == Mapping::State::DELETING) continue;
      other_version_ = response->version;
      mapping.refuse(response->version == 0 ? "UNSUPP_VERSION: the server speaks NAT-PMP, not PCP"
                                            : "UNSUPP_VERSION: the server speaks PCP version " +
                                                  std::to_string(response->version) + " only",
                     now + MAX_VERSION_ERROR);
    }
    return;
  }
  if (response->opcode == Opcode::ANNOUNCE) {
    if (response->result != ResultCode::SUCCESS) return;
    // §14.1.3 has the wait for announcements alone; one that answers is none, but nobody asks.
    if (!epoch_.accept(response->epoch, now)) {
      recreate_all_at(now + std::chrono::duration_cast<Duration>(
                                std::chrono::duration<double>(MAX_ANNOUNCE_DELAY) * random_()));
    }
    return;
  }
  const auto mapping = std::ranges::find_if(
      mappings_, [&](const Mapping& candidate) { return candidate.matches(*response); });
  if (mapping == mappings_.end()) return;
  answered_ = true;
  other_version_.reset();
  const bool deleting = mapping->state() == Mapping::State::DELETING;
  // First all of them, for this one's answer is of the server's new state.
  const bool same_state = epoch_.accept(response->epoch, now);
  if (!same_state) recreate_all_at(now);
  const auto before = mapping->external();
  mapping->received(*response, now, random_);
  if (before && mapping->external() && mapping->external()->address != before->address) {
    // Not all servers show a new address by their epoch.
    for (Mapping& other : mappings_) {
      if (other.external() && other.external()->address == before->address) other.recreate(now);
    }
  }
  if (response->result == ResultCode::NO_RESOURCES) {
    if (deleting) {
      hold_all_ = now + std::clamp<std::chrono::seconds>(std::chrono::seconds(response->lifetime),
                                                         std::chrono::seconds(0), MAX_LIFETIME);
    } else {
      hold_new_ = mapping->refused_until();
    }
  }
}

}  // namespace pcp_ddns
