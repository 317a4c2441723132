#include "tools/pcp-ddns/publisher.h"

#include <algorithm>
#include <utility>

#include "keys/tsig.h"
#include "zones/text.h"
#include "zones/update_lease.h"

namespace pcp_ddns {
namespace {

using std::chrono::seconds;
using zones::Class;
using zones::Message;
using zones::Rcode;
using zones::Rdata;
using zones::Record;
using zones::Type;

bool same_records(const std::vector<Rdata>& a, const std::vector<Rdata>& b) {
  return std::ranges::is_permutation(a, b);
}

bool contains(const std::vector<Rdata>& rdatas, const Rdata& rdata) {
  return std::ranges::find(rdatas, rdata) != rdatas.end();
}

Rcode rcode_of(const Message& message) {
  const unsigned upper = message.edns ? message.edns->extended_rcode : 0;
  return static_cast<Rcode>(upper << 4 | message.header.rcode);
}

/// The text of an extended error (RFC 8914), which comes from the network.
std::string reason_of(const Message& message) {
  const zones::EdnsOption* option =
      message.edns ? message.edns->find(zones::OptionCode::EXTENDED_ERROR) : nullptr;
  if (option == nullptr || option->data.size() <= 2) return {};
  std::string text(option->data.begin() + 2, option->data.end());
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return ": " + text.substr(0, 300);
}

Record empty_record(const RRsetKey& key, Type type, Class rrclass) {
  return {.owner = key.owner, .type = type, .rrclass = rrclass, .ttl = 0, .rdata = {}};
}

}  // namespace

Publisher::Publisher(zones::Name zone, bool replace, Random random,
                     const std::vector<OwnRecord>& ours)
    : zone_(std::move(zone)), replace_(replace), random_(std::move(random)) {
  for (const auto& [record, confirmed] : ours) {
    if (!record.owner.is_at_or_below(zone_)) continue;
    Entry& entry = entries_[{record.owner, record.type}];
    entry.undecided = true;
    entry.owned = entry.owned || confirmed;
    if (!contains(entry.ours, record.rdata)) entry.ours.push_back(record.rdata);
  }
}

void Publisher::want(Wanted wanted, const std::set<RRsetKey>& undecided, Time now) {
  bool changed = false;
  for (auto& [key, entry] : entries_) {
    const bool was_undecided = std::exchange(entry.undecided, undecided.contains(key));
    const auto found = wanted.find(key);
    const bool is_wanted = found != wanted.end();
    changed = changed || was_undecided != entry.undecided ||
              is_wanted != entry.wanted.has_value() ||
              (is_wanted && !same_records(found->second.rdatas, entry.wanted->rdatas));
    entry.wanted.reset();
  }
  for (auto& [key, rrset] : wanted) {
    changed = changed || !entries_.contains(key);
    entries_[key].wanted = std::move(rrset);
  }
  std::erase_if(entries_,
                [](const auto& item) { return !item.second.wanted && item.second.ours.empty(); });
  // What is new is not kept waiting for what has failed before.
  if (changed) not_before_ = std::min(not_before_, now + FIRST_RETRY);
}

std::vector<RRsetKey> Publisher::known() const {
  std::vector<RRsetKey> keys;
  for (const auto& [key, entry] : entries_) {
    if (!entry.ours.empty()) keys.push_back(key);
  }
  return keys;
}

std::vector<OwnRecord> Publisher::ours() const {
  std::vector<OwnRecord> records;
  for (const auto& [key, entry] : entries_) {
    for (const Rdata& rdata : entry.ours) {
      records.push_back({{key.owner, key.type, Class::IN, 0, rdata}, entry.owned});
    }
  }
  return records;
}

bool Publisher::is_clean() const {
  return std::ranges::all_of(entries_, [](const auto& item) { return item.second.ours.empty(); });
}

bool Publisher::is_as_wanted(const Entry& entry) {
  return entry.confirmed && entry.confirmed->ttl == entry.wanted->ttl &&
         same_records(entry.confirmed->rdatas, entry.wanted->rdatas);
}

Progress Publisher::progress(const RRsetKey& key) const {
  const auto at = entries_.find(key);
  if (at == entries_.end() || !at->second.wanted) return {};
  return {is_as_wanted(at->second), at->second.error};
}

void Publisher::note_error(const std::string& why) {
  for (const Part& part : plan_) {
    if (const auto at = entries_.find(part.key); at != entries_.end()) at->second.error = why;
  }
}

/// When the entry needs an update; Time::max() for not before something else happens.
Time Publisher::due(const Entry& entry) const {
  if (!entry.wanted) {
    return entry.ours.empty() || entry.undecided ? Time::max() : entry.held_until;
  }
  const WantedRRset& wanted = *entry.wanted;
  if (!is_as_wanted(entry)) return entry.held_until;
  if (entry.refresh_wanted) return entry.held_until;
  const Time end = wanted.until - seconds(wanted.ttl);
  // A lease that lasts as long as it may needs no refresh; that comes with the mapping's.
  if (end < entry.lease_end + MIN_LEASE) return Time::max();
  return std::max(entry.refresh_at, entry.held_until);
}

void Publisher::refresh() {
  for (auto& [key, entry] : entries_) entry.refresh_wanted = entry.wanted && is_as_wanted(entry);
}

Time Publisher::next() const {
  if (is_busy()) return Time::max();
  Time next = Time::max();
  for (const auto& [key, entry] : entries_) next = std::min(next, due(entry));
  return next == Time::max() ? next : std::max(next, not_before_);
}

bool Publisher::begin(Time now) {
  if (is_busy() || now < not_before_) return false;
  std::size_t records = 0;
  const zones::Name* host = nullptr;
  for (auto& [key, entry] : entries_) {
    if (due(entry) > now) continue;
    if (entry.wanted && entry.wanted->until - seconds(entry.wanted->ttl) < now + MIN_LEASE) {
      entry.held_until = now + seconds(1);  // until the mapping is renewed
      continue;
    }
    const zones::Name& part_host = entry.wanted ? entry.wanted->host : key.owner;
    if (apart_ && host != nullptr && !(*host == part_host)) continue;
    const std::size_t size = entry.ours.size() + (entry.wanted ? entry.wanted->rdatas.size() : 0);
    if (records != 0 && records + size > MAX_RECORDS_PER_UPDATE) break;
    records += size;
    host = &part_host;
    const bool is_change = !entry.wanted || !is_as_wanted(entry);
    const Guard guard = !is_change || replace_ || entry.owned || is_shared(key.type) ? Guard::NONE
                        : entry.guess != 0                                           ? Guard::EXACT
                                           : Guard::ABSENT;
    plan_.push_back({key, entry.wanted, entry.ours, is_change, guard});
    if (guard == Guard::EXACT) {
      plan_.back().expected =
          entry.ours[entry.ours.size() - std::min(entry.guess, entry.ours.size())];
    }
    if (!entry.wanted) continue;
    for (const Rdata& rdata : entry.wanted->rdatas) {
      if (!contains(entry.ours, rdata)) entry.ours.push_back(rdata);
    }
    if (entry.ours.size() > MAX_OURS) entry.ours.erase(entry.ours.begin());
  }
  begun_ = now;
  return is_busy();
}

/// Of the plan; zero when it only removes.
seconds Publisher::lease(Time now) const {
  Time end = Time::max();
  for (const Part& part : plan_) {
    if (part.wanted) end = std::min(end, part.wanted->until - seconds(part.wanted->ttl));
  }
  if (end == Time::max()) return seconds(0);
  return std::max(std::chrono::floor<seconds>(end - now), seconds(1));
}

Message Publisher::message(Time now) const {
  Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  message.question.push_back({zone_, Type::SOA, Class::IN});
  const zones::Name* owner = nullptr;
  for (const Part& part : plan_) {
    if (!part.wanted || !part.is_change) continue;
    if (owner == nullptr || !(*owner == part.key.owner)) {
      message.answer.push_back(empty_record(part.key, Type::CNAME, Class::NONE));
      owner = &part.key.owner;
    }
    if (part.guard == Guard::ABSENT) {
      message.answer.push_back(empty_record(part.key, part.key.type, Class::NONE));
    } else if (part.guard == Guard::EXACT) {
      message.answer.push_back({part.key.owner, part.key.type, Class::IN, 0, part.expected});
    }
  }
  for (const Part& part : plan_) {
    if (part.is_change && part.wanted && replace_ && !is_shared(part.key.type)) {
      message.authority.push_back(empty_record(part.key, part.key.type, Class::ANY));
    } else {
      for (const Rdata& rdata : part.ours) {
        if (part.wanted && contains(part.wanted->rdatas, rdata)) continue;
        message.authority.push_back({part.key.owner, part.key.type, Class::NONE, 0, rdata});
      }
    }
    if (!part.wanted) continue;
    for (const Rdata& rdata : part.wanted->rdatas) {
      message.authority.push_back(
          {part.key.owner, part.key.type, Class::IN, part.wanted->ttl, rdata});
    }
  }
  if (const seconds time = lease(now); time.count() != 0) {
    message.edns.emplace().options.push_back(
        {zones::OptionCode::UPDATE_LEASE,
         zones::update_lease_data({static_cast<std::uint32_t>(time.count()), std::nullopt})});
  }
  return message;
}

Report Publisher::answered(const Message& response, std::uint16_t tsig_error, Time now) {
  Report report = rcode_of(response) == Rcode::NOERROR && tsig_error == 0
                      ? accepted(response)
                      : refused(response, tsig_error, now);
  plan_.clear();
  return report;
}

Report Publisher::accepted(const Message& response) {
  failures_ = 0;
  not_before_ = {};
  const seconds asked = lease(begun_);
  std::optional<seconds> granted;
  if (const zones::EdnsOption* option =
          response.edns ? response.edns->find(zones::OptionCode::UPDATE_LEASE) : nullptr) {
    if (const auto lease = zones::read_update_lease(option->data)) granted = seconds(lease->lease);
  }
  Report report{Report::Level::DEBUG, "leases refreshed"};
  if (std::ranges::any_of(plan_, &Part::is_change)) {
    report = {Report::Level::INFO, describe()};
    if (granted) report.text += " (lease " + std::to_string(granted->count()) + " s)";
  }
  if (asked.count() != 0 && (!granted || *granted > asked + seconds(1)) && !lease_warned_) {
    lease_warned_ = true;
    report.level = Report::Level::WARNING;
    report.text += granted
                       ? "; the server grants no lease as short as the mapping: " +
                             std::to_string(asked.count()) + " s were asked for"
                       : "; the server grants no leases: what is published stays when this host "
                         "is cut off";
  }
  for (const Part& part : plan_) {
    const auto at = entries_.find(part.key);
    if (at == entries_.end()) continue;
    Entry& entry = at->second;
    if (part.key.type == Type::TXT) {
      news_.push_back({part.key.owner,
                       part.wanted ? part.wanted->tcp_endpoints : std::vector<External>{},
                       !part.is_change});
    }
    if (!part.wanted) {
      std::erase_if(entry.ours, [&](const Rdata& rdata) { return contains(part.ours, rdata); });
      entry.confirmed.reset();
      if (!entry.wanted && entry.ours.empty()) entries_.erase(at);
      continue;
    }
    grants_leases_ = granted.has_value();
    entry.ours = part.wanted->rdatas;
    entry.owned = true;
    entry.guess = 0;
    entry.error.clear();
    entry.confirmed = part.wanted;
    entry.refresh_wanted = false;
    entry.lease_end = granted ? begun_ + *granted : Time::max() - MIN_LEASE;
    entry.refresh_at = granted ? begun_ + *granted / 2 : Time::max();
    entry.held_until = {};
  }
  // All are in order again, so the next change is told together.
  if (apart_) {
    apart_ = std::ranges::any_of(entries_, [](const auto& item) {
      const Entry& entry = item.second;
      return !entry.error.empty() || (entry.wanted && !is_as_wanted(entry));
    });
  }
  return report;
}

Report Publisher::refused(const Message& response, std::uint16_t tsig_error, Time now) {
  const Rcode rcode = rcode_of(response);
  std::string why = zones::to_text(rcode);
  if (tsig_error != 0) why += " (TSIG error " + std::to_string(tsig_error) + ")";
  why += reason_of(response);
  const bool of_the_names =
      tsig_error == 0 &&
      (rcode == Rcode::YXRRSET || rcode == Rcode::REFUSED || rcode == Rcode::YXDOMAIN ||
       rcode == Rcode::NOTZONE || rcode == Rcode::NXRRSET);
  if (!of_the_names) return failed(why, now);
  const zones::Name& first =
      plan_.front().wanted ? plan_.front().wanted->host : plan_.front().key.owner;
  const bool one_host = std::ranges::all_of(plan_, [&](const Part& part) {
    return (part.wanted ? part.wanted->host : part.key.owner) == first;
  });
  if (!apart_ && !one_host) {
    apart_ = true;
    return {Report::Level::DEBUG, "refused: " + why + "; trying host by host"};
  }
  // What exists may be of this update, or one before it, that was carried out without our knowing.
  bool may_be_ours = false;
  for (const Part& part : plan_) {
    const auto at = entries_.find(part.key);
    if (at == entries_.end()) continue;
    const Guard failed_one = rcode == Rcode::YXRRSET ? Guard::ABSENT : Guard::EXACT;
    if ((rcode != Rcode::YXRRSET && rcode != Rcode::NXRRSET) || part.guard != failed_one) continue;
    ++at->second.guess;
    may_be_ours = may_be_ours || at->second.guess <= at->second.ours.size();
  }
  if (may_be_ours) return {Report::Level::DEBUG, "refused: " + why + "; is it our own?"};
  give_up(now);
  if (rcode == Rcode::YXRRSET || rcode == Rcode::NXRRSET) {
    why += ": " + first.to_text() +
           " has records that this agent did not make, or is an alias: remove them (or wait for "
           "the end of their lease), or say replace = true";
  }
  note_error(why);
  return {Report::Level::WARNING, "not published: " + describe() + ": " + why};
}

/// Leaves the names of the plan alone for a while. Nothing of it was carried out.
void Publisher::give_up(Time now) {
  for (const Part& part : plan_) {
    const auto at = entries_.find(part.key);
    if (at == entries_.end()) continue;
    Entry& entry = at->second;
    entry.held_until = now + NAME_RETRY;
    entry.guess = 0;
    if (entry.owned) {
      entry.ours = part.ours;
    } else if (part.wanted) {
      entry.ours.clear();
    }
  }
}

void Publisher::back_off(Time now) {
  const double factor = 0.75 + random_() / 2;
  const seconds wait = std::min<seconds>(FIRST_RETRY * (1 << std::min(failures_, 9)), MAX_RETRY);
  ++failures_;
  not_before_ =
      now + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(wait) * factor);
}

Report Publisher::failed(const std::string& why, Time now) {
  Report report{Report::Level::WARNING, ""};
  back_off(now);
  note_error(why);
  const auto wait = std::chrono::ceil<seconds>(not_before_ - now);
  report.text = "not published: " + describe() + ": " + why + "; next try in " +
                std::to_string(wait.count()) + " s";
  plan_.clear();
  return report;
}

/// "_http._tcp.h1.dyn.example. → 198.51.100.1:8001"; what is removed after it.
std::string Publisher::describe() const {
  constexpr std::size_t MOST = 5;
  std::string text;
  std::size_t count = 0;
  for (const Part& part : plan_) {
    if (part.key.type != Type::TXT || (!part.is_change && part.wanted)) continue;
    if (++count > MOST) continue;
    if (!text.empty()) text += ", ";
    text += part.key.owner.to_text();
    if (!part.wanted) {
      text += " withdrawn";
      continue;
    }
    const std::string txt = zones::rdata_to_text(Type::TXT, part.wanted->rdatas.front());
    const std::size_t at = txt.rfind("endpoint=");
    if (at != std::string::npos) text += " at " + txt.substr(at + 9, txt.size() - at - 10);
  }
  if (count > MOST) text += " and " + std::to_string(count - MOST) + " more";
  if (text.empty()) text = std::to_string(plan_.size()) + " RRsets";
  return text;
}

}  // namespace pcp_ddns
