#include "dnsd/published_times.h"

#include <string>
#include <utility>

#include "dnsd/log.h"
#include "dnsd/reading_thread.h"
#include "zones/rrset.h"

namespace dnsd {
namespace {

PublishedTime time_of(const zones::StoredName& stored, const PublishedRecord& record) {
  std::uint32_t place = 0;  // among all records of the name
  for (const zones::RRsetView rrset : zones::RRsetsView(stored.rrsets)) {
    for (const zones::RdataView rdata : rrset) {
      if (rrset.type() == record.type && zones::rdata_equal(record.type, rdata, record.rdata)) {
        PublishedTime time{.since = stored.since};
        for (const zones::RecordLease& lease : stored.leases) {
          if (lease.record == place) time.until = lease.expires;
        }
        return time;
      }
      ++place;
    }
  }
  return {};
}

}  // namespace

std::vector<PublishedTime> read_times(zones::SqliteRows& rows, zones::NameView apex,
                                      std::span<const PublishedRecord> records) {
  std::vector<PublishedTime> times;
  times.reserve(records.size());
  const zones::Name* owner = nullptr;  // of `stored`
  std::optional<zones::StoredName> stored;
  for (const PublishedRecord& record : records) {
    if (owner == nullptr || *owner != record.owner) {
      owner = &record.owner;
      stored = record.owner.is_at_or_below(apex) ? rows.find(apex, record.owner) : std::nullopt;
    }
    times.push_back(stored ? time_of(*stored, record) : PublishedTime{});
  }
  return times;
}

struct PublishedTimes::Impl {
  Impl(std::filesystem::path path, std::chrono::milliseconds patience)
      : store(std::move(path)), thread(QUEUE, patience) {}

  Times read(const zones::Name& apex, std::span<const PublishedRecord> records) {
    try {
      if (!rows) rows = std::make_unique<zones::SqliteRows>(store);
      return read_times(*rows, apex, records);
    } catch (const std::exception& error) {
      rows.reset();
      warn(log_limiter, [&] { return "pages are without times: " + std::string(error.what()); });
      return {};
    }
  }

  const std::filesystem::path store;
  LogLimiter log_limiter{1};
  std::unique_ptr<zones::SqliteRows> rows;  // the thread's
  ReadingThread thread;
};

PublishedTimes::PublishedTimes(std::filesystem::path store, std::chrono::milliseconds patience)
    : impl_(std::make_unique<Impl>(std::move(store), patience)) {}

PublishedTimes::~PublishedTimes() { stop(); }

bool PublishedTimes::ask(const zones::Name& apex, std::vector<PublishedRecord> records,
                         std::function<void(Times)> done) {
  return impl_->thread.push([impl = impl_.get(), apex, records = std::move(records),
                             done = std::move(done)](bool may_read) {
    done(may_read ? impl->read(apex, records) : Times());
  });
}

void PublishedTimes::stop() {
  impl_->thread.stop();
  impl_->rows.reset();
}

}  // namespace dnsd
