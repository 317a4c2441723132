#include "dnsd/http/proxy_protocol.h"

#include <algorithm>
#include <array>

#include "dnsd/endpoint.h"
#include "dnsd/http/target.h"
#include "zones/number.h"

namespace dnsd::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view LINE_START = "PROXY ";                     // §2.1
constexpr std::string_view BINARY_START("\r\n\r\n\0\r\nQUIT\n", 12);  // §2.2
constexpr std::size_t MAX_LINE_OCTETS = 107;
constexpr std::size_t BINARY_HEAD_OCTETS = 16;
constexpr std::size_t MAX_BINARY_OCTETS = 4'096;  // a client's certificate may be in it

std::uint8_t octet_at(std::string_view octets, std::size_t at) {
  return static_cast<std::uint8_t>(octets[at]);
}

std::size_t u16_at(std::string_view octets, std::size_t at) {
  return static_cast<std::size_t>(octet_at(octets, at)) << 8U | octet_at(octets, at + 1);
}

template <class Address>
Address address_at(std::string_view octets, std::size_t at) {
  typename Address::bytes_type bytes{};
  std::copy_n(octets.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
  return Address(bytes);
}

std::optional<ip::address> address_from(std::string_view text, bool is_v6) {
  const auto address = parse_address(text);
  if (!address || address->is_v6() != is_v6) return std::nullopt;
  return unmapped(*address);
}

/// §2.1: no zeros in front.
std::optional<std::uint16_t> port_from(std::string_view text) {
  const bool has_zeros = text.size() > 1 && text.front() == '0';
  return has_zeros ? std::nullopt : zones::number_from_text<std::uint16_t>(text);
}

}  // namespace

ProxyHeader::Status ProxyHeader::put(std::string_view octets, std::size_t& used) {
  for (used = 0; used < octets.size();) {
    text_ += octets[used++];
    if (const Status status = look(); status != Status::MORE) return status;
  }
  return Status::MORE;
}

/// Called for each octet that comes, so that none behind the header is taken.
ProxyHeader::Status ProxyHeader::look() {
  const bool is_line = text_.front() == LINE_START.front();
  const std::string_view start = is_line ? LINE_START : BINARY_START;
  const std::size_t common = std::min(text_.size(), start.size());
  if (text_.compare(0, common, start, 0, common) != 0) return Status::BAD;
  if (is_line) {
    if (text_.back() != '\n') return text_.size() < MAX_LINE_OCTETS ? Status::MORE : Status::BAD;
    if (!text_.ends_with("\r\n")) return Status::BAD;
    const std::string_view line = text_;
    return read_line(line.substr(LINE_START.size(), line.size() - LINE_START.size() - 2))
               ? Status::DONE
               : Status::BAD;
  }
  if (text_.size() < BINARY_HEAD_OCTETS) return Status::MORE;
  const std::size_t total = BINARY_HEAD_OCTETS + u16_at(text_, BINARY_HEAD_OCTETS - 2);
  if (total > MAX_BINARY_OCTETS) return Status::BAD;
  if (text_.size() < total) return Status::MORE;
  return read_binary() ? Status::DONE : Status::BAD;
}

/// "TCP4 192.0.2.1 198.51.100.1 56324 443"
bool ProxyHeader::read_line(std::string_view line) {
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t end = i + 1 < words.size() ? line.find(' ') : line.size();
    if (end == std::string_view::npos) return false;
    words[i] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  if (words[0] != "TCP4" && words[0] != "TCP6") return false;
  const bool is_v6 = words[0] == "TCP6";
  const auto client = address_from(words[1], is_v6);
  const auto server = address_from(words[2], is_v6);
  const auto client_port = port_from(words[3]);
  const auto server_port = port_from(words[4]);
  if (!client || !server || !client_port || !server_port) return false;
  route_ = Route{{*client, *client_port}, {*server, *server_port}};
  return true;
}

bool ProxyHeader::read_binary() {
  constexpr unsigned VERSION = 2;
  constexpr unsigned LOCAL = 0;
  constexpr unsigned PROXY = 1;
  constexpr unsigned TCP_OVER_IPV4 = 0x11;
  constexpr unsigned TCP_OVER_IPV6 = 0x21;
  const unsigned version = octet_at(text_, 12) >> 4U;
  const unsigned command = octet_at(text_, 12) & 0xfU;
  const unsigned family = octet_at(text_, 13);
  if (version != VERSION || command > PROXY) return false;
  if (command == LOCAL) return true;  // whatever else it says
  if (family >> 4U > 3 || (family & 0xfU) > 2) return false;
  if (family != TCP_OVER_IPV4 && family != TCP_OVER_IPV6) return true;
  const std::string_view block = std::string_view(text_).substr(BINARY_HEAD_OCTETS);
  const std::size_t address_octets = family == TCP_OVER_IPV4 ? 4 : 16;
  const std::size_t ports = 2 * address_octets;
  if (block.size() < ports + 4) return false;
  const auto endpoint = [&](std::size_t address, std::size_t port) {
    const ip::address from =
        family == TCP_OVER_IPV4 ? ip::address(address_at<ip::address_v4>(block, address))
                                : unmapped(ip::address(address_at<ip::address_v6>(block, address)));
    return ip::tcp::endpoint(from, static_cast<std::uint16_t>(u16_at(block, port)));
  };
  route_ = Route{endpoint(0, ports), endpoint(address_octets, ports + 2)};
  return read_extensions(block.substr(ports + 4));
}

/// §2.2.1: type, length and value each.
bool ProxyHeader::read_extensions(std::string_view octets) {
  constexpr std::size_t HEAD_OCTETS = 3;
  constexpr unsigned TYPE_SSL = 0x20;
  constexpr std::size_t SSL_OCTETS = 5;
  constexpr unsigned CLIENT_SSL = 1;
  while (!octets.empty()) {
    if (octets.size() < HEAD_OCTETS) return false;
    const std::size_t size = u16_at(octets, 1);
    if (octets.size() < HEAD_OCTETS + size) return false;
    if (octet_at(octets, 0) == TYPE_SSL) {
      if (size < SSL_OCTETS) return false;
      is_tls_ = (octet_at(octets, HEAD_OCTETS) & CLIENT_SSL) != 0;
    }
    octets.remove_prefix(HEAD_OCTETS + size);
  }
  return true;
}

}  // namespace dnsd::http
