#include "tools/pcp-ddns/provider.h"

#include <utility>

#include "tools/pcp-ddns/dyndns_provider.h"
#include "tools/pcp-ddns/update_provider.h"

namespace pcp_ddns {

std::unique_ptr<Provider> make_provider(boost::asio::io_context& context,
                                        const ProviderConfig& config, const Random& random,
                                        const std::vector<OwnRecord>& ours,
                                        std::function<void()> write_down) {
  if (config.dyndns) {
    return std::make_unique<DyndnsProvider>(context, config, random, ours, std::move(write_down));
  }
  return std::make_unique<UpdateProvider>(context, config, random, ours, std::move(write_down));
}

}  // namespace pcp_ddns
