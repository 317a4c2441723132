#include "tools/pcp-ddns/default_router.h"

#include <arpa/inet.h>
#include <net/route.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace pcp_ddns {

std::optional<Address> default_router(std::string_view proc_net_route) {
  std::istringstream lines{std::string(proc_net_route)};
  std::string line;
  std::getline(lines, line);  // the heading
  std::optional<Address> best;
  unsigned best_metric = 0;
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
    if (best && metric >= best_metric) continue;
    best.emplace(Address{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
    std::memcpy(best->data() + 12, &gateway, sizeof gateway);
    best_metric = metric;
  }
  return best;
}

std::optional<Address> default_router() {
  std::ifstream in("/proc/net/route");
  std::ostringstream text;
  if (in) text << in.rdbuf();
  return default_router(text.view());
}

}  // namespace pcp_ddns
