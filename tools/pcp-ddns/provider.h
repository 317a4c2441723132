// Where names are published: a name server that takes UPDATE, or a provider that speaks dyndns2.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/pcp-ddns/config.h"
#include "tools/pcp-ddns/records.h"
#include "tools/pcp-ddns/report.h"
#include "zones/reachability.h"

namespace pcp_ddns {

/// What has become of an RRset that is wanted.
struct Progress {
  bool published = false;  // as it is wanted
  std::string error;       // of the last attempt with it, when that failed
};

/// Used by the thread of its io_context.
class Provider {
 public:
  Provider() = default;
  virtual ~Provider() = default;
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  virtual const ProviderConfig& config() const = 0;
  /// What there shall be from now on. Of `undecided`, what is there stays.
  virtual void want(Wanted wanted, const std::set<RRsetKey>& undecided) = 0;
  /// RRsets of which records may be at the provider.
  virtual std::vector<RRsetKey> known() const = 0;
  /// Records that are, or may be, at the provider: what has to be known after a restart.
  virtual std::vector<OwnRecord> ours() const = 0;
  /// Whether what is published ends by itself: the provider's last answer granted a lease.
  virtual bool grants_leases() const { return false; }
  virtual Progress progress(const RRsetKey& key) const = 0;
  /// What the provider saw when it tried a service's endpoint, as far as it tries.
  virtual zones::Reachability reached(const zones::Name& /*owner*/,
                                      const External& /*endpoint*/) const {
    return zones::Reachability::UNKNOWN;
  }
  /// True when nothing of ours is left that can be taken away, as far as is known.
  virtual bool is_clean() const = 0;
};

/// @param config  must outlive it
/// @param ours  records that may be there from before
/// @param write_down  called before something is sent and after its answer: what is ours has
/// changed
std::unique_ptr<Provider> make_provider(boost::asio::io_context& context,
                                        const ProviderConfig& config, const Random& random,
                                        const std::vector<OwnRecord>& ours,
                                        std::function<void()> write_down);

}  // namespace pcp_ddns
