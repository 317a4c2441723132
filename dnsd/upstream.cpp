#include "dnsd/upstream.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "dnsd/coroutine_end.h"
#include "dnsd/upstream_link.h"

namespace dnsd {

namespace asio = boost::asio;

struct Upstreams::Impl {
  Impl(const std::vector<ZoneConfig>& zones, std::filesystem::path store_in,
       StatePublisher& publisher)
      : store(std::move(store_in)), shared(publisher, upstream_positions_file(store)) {
    for (const ZoneConfig& zone : zones) {
      for (const UpstreamConfig& upstream : zone.upstreams) {
        links.push_back(std::make_unique<UpstreamLink>(zone.name, upstream, shared));
      }
    }
  }

  void run();

  const std::filesystem::path store;
  UpstreamThread shared;
  std::vector<std::unique_ptr<UpstreamLink>> links;
  std::atomic<bool> told{false};  // of a commit, which waits in the thread's queue
  std::thread thread;
};

void Upstreams::Impl::run() {
  if (const std::string problem = shared.positions.load(); !problem.empty()) {
    spdlog::warn("upstreams: {}: they are synchronised whole", problem);
  }
  for (const auto& link : links) {
    asio::co_spawn(shared.context, link->run(), CoroutineEnd{"upstream"});
  }
  shared.context.run();
  shared.save(true);
}

Upstreams::Upstreams(const std::vector<ZoneConfig>& zones, std::filesystem::path store,
                     StatePublisher& publisher)
    : impl_(std::make_unique<Impl>(zones, std::move(store), publisher)) {}

Upstreams::~Upstreams() { stop(); }

void Upstreams::committed(zones::Lsn lsn) noexcept {
  impl_->shared.committed.store(lsn, std::memory_order_release);
  if (impl_->told.exchange(true)) return;
  try {
    asio::post(impl_->shared.context, [impl = impl_.get()] {
      impl->told.exchange(false);  // and sees what the exchange above came after
      for (const auto& link : impl->links) link->committed();
    });
  } catch (const std::exception&) {  // no memory: the next commit tells
    impl_->told = false;
  }
}

void Upstreams::start() {
  impl_->shared.journal = std::make_unique<zones::SqliteJournal>(impl_->store);
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

void Upstreams::retry_now() {
  asio::post(impl_->shared.context, [impl = impl_.get()] {
    for (const auto& link : impl->links) link->retry_now();
  });
}

void Upstreams::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->shared.context, [impl = impl_.get()] {
    for (const auto& link : impl->links) link->stop();
  });
  impl_->thread.join();
  // Before the writer's: the last connection to close copies the write-ahead log, and this one
  // may not.
  impl_->shared.journal.reset();
}

std::vector<UpstreamStatus> Upstreams::status() const {
  std::vector<UpstreamStatus> all;
  for (const auto& link : impl_->links) all.push_back(link->status());
  return all;
}

std::filesystem::path upstream_positions_file(const std::filesystem::path& store) {
  return store.string() + ".upstreams";
}

}  // namespace dnsd
