#include <ostream>
#include <unordered_map>

#include "tools/dnsdctl/commands.h"
#include "tools/dnsdctl/store_access.h"
#include "zones/counted.h"
#include "zones/serial.h"

namespace dnsdctl {
namespace {

/// The journal's numbers have no gap, and each zone's serials form a chain that leads upwards.
class Continuity final : public zones::JournalSink {
 public:
  bool batch(const zones::JournalBatch& batch) override {
    if (count_ == 0) first_ = batch.lsn;
    if (count_ > 0 && batch.lsn != last_ + 1) {
      what_ = "the journal has a gap between " + std::to_string(last_) + " and " +
              std::to_string(batch.lsn);
      return false;
    }
    last_ = batch.lsn;
    ++count_;
    for (const zones::ChangeSet& changes : batch.changes) {
      if (!follow(changes, batch.lsn)) return false;
    }
    return true;
  }

  const std::string& what() const { return what_; }
  std::uint64_t count() const { return count_; }
  zones::Lsn first() const { return first_; }
  zones::Lsn last() const { return last_; }
  const auto& serials() const { return serials_; }

 private:
  bool follow(const zones::ChangeSet& changes, zones::Lsn lsn) {
    const auto [zone, is_first] = serials_.try_emplace(changes.apex, changes.from_serial);
    const bool follows = is_first || zone->second == changes.from_serial;
    if (!follows || zones::serial_less(changes.to_serial, changes.from_serial)) {
      what_ = "batch " + std::to_string(lsn) + " of the journal takes " + changes.apex.to_text() +
              " from serial " + std::to_string(changes.from_serial) + " to " +
              std::to_string(changes.to_serial) + ", but it was at " + std::to_string(zone->second);
      return false;
    }
    zone->second = changes.to_serial;
    return true;
  }

  std::unordered_map<zones::Name, std::uint32_t, zones::NameHash, zones::NameEqual> serials_;
  std::string what_;
  std::uint64_t count_ = 0;
  zones::Lsn first_ = 0;
  zones::Lsn last_ = 0;
};

}  // namespace

Outcome store_check(const std::filesystem::path& path, std::ostream& out) {
  auto store = open_to_read(path);
  if (!store) return tl::unexpected(store.error());
  (*store)->check();
  const LoadedZones zones = load_zones(**store);

  Continuity journal;
  (*store)->journal(1, journal);
  std::string what = journal.what();
  if (what.empty() && journal.count() > 0 && journal.last() != (*store)->last_lsn()) {
    what = "the journal ends at " + std::to_string(journal.last()) + " instead of " +
           std::to_string((*store)->last_lsn());
  }
  if (what.empty() && (*store)->applied_lsn() > (*store)->last_lsn()) {
    what = "the checkpoint is newer than the journal";
  }
  std::uint64_t names = 0;
  std::uint64_t records = 0;
  zones.catalogue.for_each([&](const zones::ZoneSnapshot& zone) {
    names += zone.name_count();
    records += zone.record_count();
    const auto serial = journal.serials().find(zone.apex());
    if (what.empty() && serial != journal.serials().end() && serial->second != zone.serial()) {
      what = "zone " + zone.apex().to_text() + " is at serial " + std::to_string(zone.serial()) +
             ", its journal at " + std::to_string(serial->second);
    }
    return true;
  });
  if (!what.empty()) return tl::unexpected(path.string() + ": " + what + "; restore a backup");
  out << path.string() << ": sound; " << zones::counted(zones.catalogue.size(), "zone") << ", "
      << zones::counted(names, "name") << ", " << zones::counted(records, "record") << "; journal ";
  if (journal.count() == 0) {
    out << "empty";
  } else {
    out << journal.first() << " to " << journal.last();
  }
  out << ", checkpoint at " << (*store)->applied_lsn() << '\n';
  return 0;
}

}  // namespace dnsdctl
