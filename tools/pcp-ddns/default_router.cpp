#include "tools/pcp-ddns/default_router.h"

#include <net/if.h>
#include <net/route.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace pcp_ddns {
namespace {

constexpr std::size_t MAX_ROUTERS = 8;

class Routers {
 public:
  void add(unsigned metric, const PcpServer& router) { found_.emplace_back(metric, router); }
  std::vector<PcpServer> take() {
    std::ranges::stable_sort(found_, {}, [](const auto& one) { return one.first; });
    std::vector<PcpServer> routers;
    for (const auto& [metric, router] : found_) {
      if (routers.size() == MAX_ROUTERS) break;
      if (std::ranges::find(routers, router) == routers.end()) routers.push_back(router);
    }
    return routers;
  }

 private:
  std::vector<std::pair<unsigned, PcpServer>> found_;
};

bool read_hex(std::string_view text, Address& address) {
  if (text.size() != 2 * address.size()) return false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    const char* at = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, address[i], 16);
    if (error != std::errc{} || end != at + 2) return false;
  }
  return true;
}

std::string read(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  return std::move(text).str();
}

}  // namespace

std::vector<PcpServer> default_routers(std::string_view proc_net_route) {
  std::istringstream lines{std::string(proc_net_route)};
  std::string line;
  std::getline(lines, line);  // the heading
  Routers routers;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string interface;
    std::uint32_t destination = 0;  // in network order, as the kernel prints the word it has
    std::uint32_t gateway = 0;
    unsigned flags = 0;
    unsigned references = 0;
    unsigned use = 0;
    unsigned metric = 0;
    std::uint32_t mask = 0;
    words >> interface >> std::hex >> destination >> gateway >> flags >> std::dec >> references >>
        use >> metric >> std::hex >> mask;
    if (!words || destination != 0 || mask != 0) continue;
    if ((flags & RTF_UP) == 0 || (flags & RTF_GATEWAY) == 0 || gateway == 0) continue;
    PcpServer router{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, PCP_SERVER_PORT};
    std::memcpy(router.address.data() + 12, &gateway, sizeof gateway);
    routers.add(metric, router);
  }
  return routers.take();
}

std::vector<PcpServer> default_routers_v6(
    std::string_view proc_net_ipv6_route,
    const std::function<std::uint32_t(const std::string& interface)>& index_of) {
  std::istringstream lines{std::string(proc_net_ipv6_route)};
  std::string line;
  Routers routers;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string destination;
    std::string source;
    std::string gateway;
    unsigned destination_bits = 0;
    unsigned source_bits = 0;
    unsigned metric = 0;
    unsigned references = 0;
    unsigned use = 0;
    unsigned flags = 0;
    std::string interface;
    words >> std::hex >> destination >> destination_bits >> source >> source_bits >> gateway >>
        metric >> references >> use >> flags >> interface;
    if (!words || destination_bits != 0) continue;
    if ((flags & RTF_UP) == 0 || (flags & RTF_GATEWAY) == 0) continue;
    PcpServer router;
    Address any{};
    if (!read_hex(destination, any) || any != Address{}) continue;
    if (!read_hex(gateway, router.address) || router.address == any) continue;
    if (is_link_local(router.address)) router.interface = index_of(interface);
    routers.add(metric, router);
  }
  return routers.take();
}

std::vector<PcpServer> default_routers() {
  std::vector<PcpServer> routers = default_routers(read("/proc/net/route"));
  const auto v6 =
      default_routers_v6(read("/proc/net/ipv6_route"), [](const std::string& interface) {
        return static_cast<std::uint32_t>(if_nametoindex(interface.c_str()));
      });
  routers.insert(routers.end(), v6.begin(), v6.end());
  return routers;
}

}  // namespace pcp_ddns
