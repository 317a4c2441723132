// A writer with everything around it, for tests: a store, a published state, keys "key." (may
// change all) and "stranger." (may not), and answers that can be waited for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dnsd/update_testing.h"
#include "dnsd/update_writer.h"
#include "zones/loader.h"

namespace dnsd::testing {

inline std::shared_ptr<const Policy> policy(bool has_key = true, bool has_grant = true) {
  auto policy = std::make_shared<Policy>();
  for (const char* key : {"key.", "stranger."}) {
    if (has_key)
      policy->keyring.add(
          {.name = name(key),
           .algorithm = keys::Algorithm::HMAC_SHA256,
           .secret = std::make_shared<const keys::Secret>(keys::Secret::random(32))});
  }
  for (const char* zone : {"example.org.", "example.com."}) {
    if (has_grant) policy->grants[name(zone)].add({.key = name("key."), .update = true});
  }
  return policy;
}

class PromisedAnswer final : public Responder {
 public:
  std::future<zones::Rcode> future() { return promise_.get_future(); }
  void reply(const UpdateReply& reply) override { promise_.set_value(reply.rcode); }

 private:
  std::promise<zones::Rcode> promise_;
};

inline constexpr std::chrono::sys_seconds NOW{std::chrono::seconds{1'700'000'000}};

/// Signed now, and unlike every other one.
inline UpdateJob job(const std::string& updates, const std::string& prerequisites = "",
                     const char* zone = "example.org.", const char* key = "key.") {
  UpdateJob job;
  job.message.header.opcode = zones::Opcode::UPDATE;
  job.message.question = {{name(zone), zones::Type::SOA, zones::Class::IN}};
  job.message.answer = records(prerequisites);
  job.message.authority = records(updates);
  job.key = name(key);
  job.signed_at = NOW;
  static std::atomic<std::uint32_t> messages{0};
  const std::uint32_t number = ++messages;
  for (std::size_t octet = 0; octet < 4; ++octet) {
    job.digest[31 - octet] = static_cast<std::uint8_t>(number >> 8 * octet);
    job.digest[octet] = static_cast<std::uint8_t>(number >> 8 * octet);
  }
  return job;
}

class World {
 public:
  using Clock = UpdateWriter::Clock;
  /// Loads the store and starts.
  explicit World(
      std::unique_ptr<zones::Store> store, WriterLimits limits = {},
      std::size_t max_octets = std::size_t{1} << 30, Clock clock = [] { return NOW; },
      UpdateWriter::OnCommit on_commit = {}) {
    auto builder = std::make_unique<zones::CatalogueBuilder>(max_octets);
    auto leases = std::make_unique<LeaseTable>();
    zones::Loaded loaded = zones::load(*store, *builder, leases.get());
    const zones::Catalogue catalogue = builder->freeze();
    publisher_ = std::make_unique<StatePublisher>(State{builder->version(), catalogue, policy()});
    writer_ = std::make_unique<UpdateWriter>(std::move(store), std::move(builder), *publisher_,
                                             std::move(loaded), limits, std::move(clock),
                                             std::move(leases), std::move(on_commit));
  }

  UpdateWriter& writer() { return *writer_; }
  StatePublisher& publisher() { return *publisher_; }

  std::future<zones::Rcode> submit(UpdateJob job) {
    auto responder = std::make_unique<PromisedAnswer>();
    std::future<zones::Rcode> answer = responder->future();
    job.responder = std::move(responder);
    EXPECT_TRUE(writer_->submit(job));
    return answer;
  }
  zones::Rcode send(UpdateJob job) { return submit(std::move(job)).get(); }
  zones::Rcode send(const std::string& updates, const std::string& prerequisites = "") {
    return send(job(updates, prerequisites));
  }

  /// What readers see.
  std::string published() {
    StateReader reader(*publisher_);
    return dump(reader.current().catalogue);
  }
  std::uint32_t serial(const char* zone = "example.org.") {
    StateReader reader(*publisher_);
    return reader.current().catalogue.zone(name(zone).view())->serial();
  }
  std::uint64_t version() {
    StateReader reader(*publisher_);
    return reader.current().version;
  }

 private:
  std::unique_ptr<StatePublisher> publisher_;
  std::unique_ptr<UpdateWriter> writer_;
};

/// What a restart would make of a store.
inline std::string reloaded(zones::Store& store) {
  zones::CatalogueBuilder builder;
  zones::load(store, builder);
  return dump(builder.freeze());
}

/// A hook for FaultyStore that holds the writer at its next append until it is opened, so that what
/// is sent meanwhile becomes one batch.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    if (!closed_) return;
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    reached_ = false;
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }
  void open() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  bool reached_ = false;
};

}  // namespace dnsd::testing
