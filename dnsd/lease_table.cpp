#include "dnsd/lease_table.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "zones/rdata.h"

namespace dnsd {

namespace {

using zones::NameView;
using zones::RdataView;
using zones::Type;
using Time = LeaseTable::Time;

constexpr std::size_t FIRST_BUCKETS = 64;

std::uint32_t to_seconds(Time time) {
  constexpr std::int64_t LAST = UINT32_MAX - 1;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time.time_since_epoch().count(), 0, LAST));
}
Time to_time(std::uint32_t seconds) { return Time(std::chrono::seconds(seconds)); }

std::uint64_t hash(std::span<const std::uint8_t> octets,
                   const std::array<std::uint8_t, 16>& secret) {
  static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);
  std::uint64_t value = 0;
  crypto_shorthash(reinterpret_cast<std::uint8_t*>(&value), octets.data(), octets.size(),
                   secret.data());
  return value;
}

}  // namespace

LeaseTable::LeaseTable() : buckets_(FIRST_BUCKETS, NONE) {
  randombytes_buf(secret_.data(), secret_.size());
}

// Equal for records that RFC 2136 §1.1.1 takes for equal.
std::uint64_t LeaseTable::print_of(Type type, RdataView rdata) const {
  std::vector<std::uint8_t> octets = zones::canonical_rdata(type, rdata);
  octets.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(type) >> 8));
  octets.push_back(static_cast<std::uint8_t>(type));
  return hash(octets, secret_);
}

LeaseTable::Place::Place(std::uint32_t zone, NameView apex, NameView owner) : zone_(zone) {
  std::array<std::uint8_t, zones::MAX_NAME_OCTETS> octets;
  const std::size_t size = owner.size() - apex.size();
  std::memcpy(octets.data(), owner.data(), size);
  octets[size] = 0;
  labels_ = zones::Name(NameView(octets.data(), size + 1));
}

std::uint32_t LeaseTable::zone_number(NameView apex) const {
  const auto found = zone_numbers_.find(apex);
  return found == zone_numbers_.end() ? NONE : found->second;
}

std::uint32_t LeaseTable::make_zone(NameView apex) {
  if (const std::uint32_t known = zone_number(apex); known != NONE) return known;
  const auto number = static_cast<std::uint32_t>(zones_.size());
  zones_.emplace_back(apex);
  zone_numbers_.emplace(apex, number);
  return number;
}

std::size_t LeaseTable::bucket_of(std::uint32_t zone, NameView labels) const {
  std::array<std::uint8_t, zones::MAX_NAME_OCTETS + sizeof zone> octets;
  std::memcpy(octets.data(), &zone, sizeof zone);
  std::ranges::transform(labels.wire(), octets.begin() + sizeof zone, zones::lower);
  const std::uint64_t value = hash(std::span(octets).first(sizeof zone + labels.size()), secret_);
  return value & (buckets_.size() - 1);
}

std::uint32_t LeaseTable::zone_of(const Entry& entry) const {
  std::uint32_t zone = 0;
  std::memcpy(&zone, pool_.at(entry.octets), sizeof zone);
  return zone;
}

NameView LeaseTable::labels_of(const Entry& entry) const {
  const std::uint8_t* const wire = pool_.at(entry.octets) + sizeof(std::uint32_t);
  std::size_t size = 0;
  while (wire[size] != 0) size += 1U + wire[size];
  return {wire, size + 1};
}

std::uint32_t LeaseTable::find_name(NameView apex, NameView owner) const {
  const std::uint32_t zone = zone_number(apex);
  if (zone == NONE) return NONE;
  const Place place(zone, apex, owner);
  std::uint32_t name = buckets_[bucket_of(zone, place.labels())];
  for (; name != NONE; name = names_[name].next) {
    const Entry& entry = names_[name];
    if (zone_of(entry) == zone && labels_of(entry) == place.labels()) break;
  }
  return name;
}

// Not yet in the index.
std::uint32_t LeaseTable::append_name(const Place& place) {
  const std::uint32_t zone = place.zone();
  const NameView labels = place.labels();
  const std::uint32_t octets = pool_.take(sizeof zone + labels.size());
  std::memcpy(pool_.at(octets), &zone, sizeof zone);
  std::memcpy(pool_.at(octets) + sizeof zone, labels.data(), labels.size());
  std::uint32_t name = free_name_;
  if (name != NONE) {
    free_name_ = names_[name].next;
  } else {
    name = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back();
  }
  names_[name] = {.octets = octets, .first = NONE, .next = NONE, .armed = NEVER};
  ++name_count_;
  return name;
}

std::uint32_t LeaseTable::make_name(NameView apex, NameView owner) {
  if (name_count_ >= buckets_.size()) index(2 * buckets_.size());
  const Place place(make_zone(apex), apex, owner);
  const std::uint32_t name = append_name(place);
  std::uint32_t& bucket = buckets_[bucket_of(place.zone(), place.labels())];
  names_[name].next = std::exchange(bucket, name);
  return name;
}

void LeaseTable::erase_name(std::uint32_t name) noexcept {
  Entry& entry = names_[name];
  const NameView labels = labels_of(entry);
  std::uint32_t* link = &buckets_[bucket_of(zone_of(entry), labels)];
  while (*link != name) link = &names_[*link].next;
  *link = entry.next;
  pool_.give(entry.octets, sizeof(std::uint32_t) + labels.size());
  entry = {.octets = NONE, .first = NONE, .next = free_name_, .armed = NEVER};
  free_name_ = name;
  --name_count_;
}

void LeaseTable::index(std::size_t buckets) {
  std::vector<std::uint32_t>(buckets, NONE).swap(buckets_);
  for (std::uint32_t name = 0; name < names_.size(); ++name) {
    Entry& entry = names_[name];
    if (entry.octets == NONE) continue;  // a free one, whose `next` is of their list
    entry.next = std::exchange(buckets_[bucket_of(zone_of(entry), labels_of(entry))], name);
  }
}

std::uint32_t LeaseTable::find_lease(const Entry& entry, std::uint64_t print) const {
  std::uint32_t lease = entry.first;
  while (lease != NONE && leases_[lease].print != print) lease = leases_[lease].next;
  return lease;
}

// 0 takes the lease away. @return what it was, 0 for none
std::uint32_t LeaseTable::put(std::uint32_t name, std::uint64_t print, std::uint32_t expires) {
  std::uint32_t* link = &names_[name].first;
  while (*link != NONE && leases_[*link].print != print) link = &leases_[*link].next;
  if (*link != NONE) {
    Lease& lease = leases_[*link];
    const std::uint32_t before = lease.expires;
    if (expires != 0) {
      lease.expires = expires;
      return before;
    }
    const std::uint32_t freed = std::exchange(*link, lease.next);
    lease.next = std::exchange(free_lease_, freed);
    --lease_count_;
    return before;
  }
  if (expires == 0) return 0;
  std::uint32_t lease = free_lease_;
  if (lease != NONE) {
    free_lease_ = leases_[lease].next;
  } else {
    lease = static_cast<std::uint32_t>(leases_.size());
    leases_.emplace_back();
  }
  Entry& entry = names_[name];
  leases_[lease] = {.print = print, .expires = expires, .next = entry.first};
  entry.first = lease;
  ++lease_count_;
  return 0;
}

void LeaseTable::arm(std::uint32_t name, std::uint32_t when) {
  // Entries that no longer count are left to their time, but not more of them than of the others.
  if (heap_.size() > 2 * name_count_ + FIRST_BUCKETS) {
    std::erase_if(heap_,
                  [this](const Timer& timer) { return names_[timer.name].armed != timer.when; });
    std::make_heap(heap_.begin(), heap_.end());
  }
  heap_.push_back({when, name});
  std::push_heap(heap_.begin(), heap_.end());
  names_[name].armed = when;
}

std::uint32_t LeaseTable::first_end(const Entry& entry) const {
  std::uint32_t first = NEVER;
  for (std::uint32_t lease = entry.first; lease != NONE; lease = leases_[lease].next) {
    first = std::min(first, leases_[lease].expires);
  }
  return first;
}

Time LeaseTable::find(NameView apex, NameView owner, Type type, RdataView rdata) const {
  const std::uint32_t name = empty() ? NONE : find_name(apex, owner);
  if (name == NONE) return PERMANENT;
  const std::uint32_t lease = find_lease(names_[name], print_of(type, rdata));
  return lease == NONE ? PERMANENT : to_time(leases_[lease].expires);
}

Time LeaseTable::set(NameView apex, NameView owner, Type type, RdataView rdata, Time expires) {
  const std::uint32_t when = to_seconds(expires);
  std::uint32_t name = find_name(apex, owner);
  if (name == NONE) {
    if (when == 0) return PERMANENT;
    name = make_name(apex, owner);
  }
  const std::uint64_t print = print_of(type, rdata);
  // What may throw comes first; an entry of the heap that is too early does no harm.
  if (changes_.size() == changes_.capacity()) changes_.reserve(2 * changes_.size() + 16);
  if (when != 0 && when < names_[name].armed) arm(name, when);
  const std::uint32_t before = put(name, print, when);
  changes_.push_back({.name = name, .expires = before, .print = print});
  return to_time(before);
}

// Nothing of the name is known yet, so nothing is looked for: index and heap are made once, in
// end_rows().
void LeaseTable::row(NameView apex, NameView owner, zones::RRsetsView rrsets,
                     std::span<const zones::RecordLease> leases) {
  if (leases.empty()) return;
  has_rows_ = true;
  const std::uint32_t name = append_name(Place(make_zone(apex), apex, owner));
  Entry& entry = names_[name];
  zones::for_each_leased(
      rrsets, leases, [&](Type type, RdataView rdata, const zones::RecordLease& found) {
        const std::uint32_t expires = to_seconds(found.expires);
        if (expires == 0) return;
        leases_.push_back(
            {.print = print_of(type, rdata), .expires = expires, .next = entry.first});
        entry.first = static_cast<std::uint32_t>(leases_.size() - 1);
        entry.armed = std::min(entry.armed, expires);
        ++lease_count_;
      });
  heap_.push_back({entry.armed, name});
}

void LeaseTable::end_rows() {
  if (!std::exchange(has_rows_, false)) return;
  index(std::max(FIRST_BUCKETS, std::bit_ceil(name_count_)));
  std::make_heap(heap_.begin(), heap_.end());
}

void LeaseTable::lease(NameView apex, NameView owner, Type type, RdataView rdata, Time expires) {
  constexpr std::size_t AT_A_TIME = 10'000;
  end_rows();
  set(apex, owner, type, rdata, expires);
  if (changes_.size() >= AT_A_TIME) commit();
}

bool LeaseTable::has_leases(NameView apex, NameView owner) const {
  if (empty()) return false;
  const std::uint32_t name = find_name(apex, owner);
  return name != NONE && names_[name].first != NONE;
}

std::vector<zones::RecordLease> LeaseTable::leases_of(NameView apex, NameView owner,
                                                      zones::RRsetsView rrsets) const {
  std::vector<zones::RecordLease> found;
  if (!has_leases(apex, owner)) return found;
  const Entry& entry = names_[find_name(apex, owner)];
  std::uint32_t place = 0;
  for (const zones::RRsetView rrset : rrsets) {
    for (const RdataView rdata : rrset) {
      const std::uint32_t lease = find_lease(entry, print_of(rrset.type(), rdata));
      if (lease != NONE) found.push_back({place, to_time(leases_[lease].expires)});
      ++place;
    }
  }
  return found;
}

void LeaseTable::end_due(NameView apex, NameView owner, Time now) {
  const std::uint32_t name = find_name(apex, owner);
  if (name == NONE) return;
  const std::uint32_t limit = to_seconds(now);
  for (std::uint32_t lease = names_[name].first; lease != NONE;) {
    const Lease over = leases_[lease];
    lease = over.next;
    if (over.expires > limit) continue;
    changes_.push_back({.name = name, .expires = over.expires, .print = over.print});
    put(name, over.print, 0);
  }
}

void LeaseTable::forget_zone(NameView apex) {
  commit();
  const std::uint32_t zone = zone_number(apex);
  if (zone == NONE) return;
  for (std::uint32_t name = 0; name < names_.size(); ++name) {
    Entry& entry = names_[name];
    if (entry.octets == NONE || zone_of(entry) != zone) continue;
    while (entry.first != NONE) put(name, leases_[entry.first].print, 0);
    erase_name(name);
  }
}

void LeaseTable::forget_empty_names() noexcept {
  for (const Change& change : changes_) {
    const Entry& entry = names_[change.name];
    if (entry.octets != NONE && entry.first == NONE) erase_name(change.name);
  }
  changes_.clear();
  constexpr std::size_t KEPT = 65'536;
  if (changes_.capacity() > KEPT) std::vector<Change>().swap(changes_);
}

void LeaseTable::commit() {
  end_rows();
  forget_empty_names();
}

void LeaseTable::rollback() noexcept {
  // Needs no memory: a lease that comes back takes the place of one that was freed.
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    put(change->name, change->print, change->expires);
  }
  forget_empty_names();
}

std::vector<LeaseTable::DueName> LeaseTable::due(Time now, std::size_t most) {
  if (!changes_.empty()) throw std::logic_error("leases are being changed");
  const std::uint32_t limit = to_seconds(now);
  std::vector<DueName> names;
  std::vector<Timer> again;
  while (!heap_.empty() && heap_.front().when <= limit && names.size() < most) {
    const Timer timer = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    Entry& entry = names_[timer.name];
    if (entry.armed != timer.when) continue;  // of another time, or of a name that is gone
    const std::uint32_t end = first_end(entry);
    entry.armed = NEVER;
    if (end == NEVER) continue;
    if (end > limit) {
      arm(timer.name, end);
      continue;
    }
    again.push_back({end, timer.name});
    const zones::Name& apex = zones_[zone_of(entry)];
    names.push_back({apex, zones::Name::join(labels_of(entry), apex).value()});
  }
  for (const Timer& timer : again) arm(timer.name, timer.when);
  return names;
}

std::optional<Time> LeaseTable::next() const {
  if (empty() || heap_.empty()) return std::nullopt;
  return to_time(heap_.front().when);
}

std::size_t LeaseTable::memory_octets() const {
  return pool_.memory_octets() + leases_.size() * sizeof(Lease) + names_.size() * sizeof(Entry) +
         buckets_.capacity() * sizeof(std::uint32_t) + heap_.capacity() * sizeof(Timer) +
         changes_.capacity() * sizeof(Change);
}

}  // namespace dnsd
