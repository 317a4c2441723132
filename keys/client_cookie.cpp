#include "keys/client_cookie.h"

#include <sodium.h>

#include <algorithm>
#include <span>

namespace keys {
namespace {

constexpr std::size_t MIN_SERVER_OCTETS = 8;   // RFC 7873 §4.2
constexpr std::size_t MAX_SERVER_OCTETS = 32;  // RFC 7873 §4.2
constexpr std::size_t OPT_OCTETS = 11;         // RFC 6891 §6.1.2, without options
constexpr std::size_t OPTION_HEADER_OCTETS = 4;

}  // namespace

ClientCookie::ClientCookie() { randombytes_buf(client_.data(), client_.size()); }

std::size_t ClientCookie::add_to(zones::Message& request) const {
  std::size_t more = OPTION_HEADER_OCTETS + client_.size() + server_.size();
  if (!request.edns) {
    if (server_.empty()) return 0;
    request.edns.emplace();
    more += OPT_OCTETS;
  }
  std::vector<std::uint8_t> data(client_.begin(), client_.end());
  data.insert(data.end(), server_.begin(), server_.end());
  request.edns->options.push_back({zones::OptionCode::COOKIE, std::move(data)});
  return more;
}

bool ClientCookie::is_missing(const zones::Message& response) const {
  return has_server_cookie() &&
         !(response.edns && response.edns->find(zones::OptionCode::COOKIE) != nullptr);
}

bool ClientCookie::learn(const zones::Message& response) {
  const zones::EdnsOption* option =
      response.edns ? response.edns->find(zones::OptionCode::COOKIE) : nullptr;
  if (option == nullptr) return true;
  const std::span<const std::uint8_t> data(option->data);
  if (data.size() < client_.size() || !std::ranges::equal(data.first(client_.size()), client_)) {
    return false;
  }
  const auto server = data.subspan(client_.size());
  if (server.empty()) return true;
  if (server.size() < MIN_SERVER_OCTETS || server.size() > MAX_SERVER_OCTETS) return false;
  server_.assign(server.begin(), server.end());
  return true;
}

}  // namespace keys
