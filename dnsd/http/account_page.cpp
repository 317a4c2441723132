#include "dnsd/http/account_page.h"

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <set>

#include "dnsd/http/account_template.h"
#include "dnsd/http/page.h"
#include "dnsd/http/time_text.h"
#include "zones/host_text.h"
#include "zones/rdata.h"
#include "zones/text.h"

namespace dnsd::http {
namespace {

namespace mustache = kainjow::mustache;

constexpr std::size_t MAX_NAMES = 256;
constexpr std::size_t MAX_RECORDS = 500;
constexpr std::size_t MAX_LINES = 20;  // of one change
constexpr std::size_t MAX_LINE_OCTETS = 512;

/// "h1.dyn.example" as people write it.
std::string short_text(const zones::Name& name) {
  return clean_text(zones::host_text(name), MAX_LINE_OCTETS);
}

std::string line_of(const zones::Record& record) {
  return clean_text(zones::record_to_text(record), MAX_LINE_OCTETS);
}

/// Where another key's holder sits is nobody else's business.
std::string by_text(const std::optional<zones::JournalMessage>& message, const zones::Name& own) {
  if (!message) return "by one of several at once";
  if (message->key.is_root()) return "by the server, at the end of leases";
  const std::string who = "by the key " + short_text(message->key);
  return message->key == own ? who + " from " + keys::to_text(message->source) : who;
}

bool is_same(const zones::Record& a, const zones::Record& b) {
  return a.type == b.type && a.owner == b.owner && rdata_equal(a.type, a.rdata, b.rdata);
}

bool has(const std::vector<zones::Record>& records, const zones::Record& one) {
  return std::ranges::any_of(records, [&](const auto& record) { return is_same(record, one); });
}

/// The words of dyndns2 for people.
const char* sentence_of(DynDnsWord word) {
  switch (word) {
    case DynDnsWord::GOOD:
      return "Done: it is stored and published.";
    case DynDnsWord::NOCHG:
      return "Everything was like that already.";
    case DynDnsWord::NOTFQDN:
    case DynDnsWord::NUMHOST:
    case DynDnsWord::BADAGENT:
      return "Not done: an address is written as 192.0.2.1 or 2001:db8::1, a port is a number up "
             "to "
             "65535, and a service needs a port.";
    case DynDnsWord::NOHOST:
    case DynDnsWord::BADAUTH:
      return "Not done: this key may not change this name.";
    case DynDnsWord::ABUSE:
      return "Not done: that were too many changes; wait a minute.";
    case DynDnsWord::DNSERR:
      return "Not done: this address, port or service is none that your key may publish.";
    case DynDnsWord::E911:
      return "Not done: the server cannot store it now; try again in a minute.";
  }
  return "";
}

mustache::data data_of(const zones::HistoryEntry& entry, const zones::Name& own) {
  mustache::data one;
  one.set("time", time_text(entry.time));
  one.set("by", by_text(entry.message, own));
  mustache::data lines(mustache::data::type::list);
  std::size_t count = 0;
  const auto add = [&](std::string line) {
    if (++count > MAX_LINES) return;
    mustache::data data;
    data.set("line", std::move(line));
    lines.push_back(data);
  };
  const bool is_refused = entry.message && entry.message->rcode != zones::Rcode::NOERROR;
  if (is_refused) {
    one.set("refused", zones::to_text(entry.message->rcode));
    for (const zones::Name& owner : entry.message->touched) add("? " + short_text(owner));
  }
  for (const zones::Record& record : entry.removed) add("− " + line_of(record));
  for (const zones::Record& record : entry.added) add("+ " + line_of(record));
  if (entry.removed.empty() && entry.added.empty() && !is_refused) add("= renewed");
  if (count > MAX_LINES) {
    mustache::data data;
    data.set("line", "and " + std::to_string(count - MAX_LINES) + " more");
    lines.push_back(data);
  }
  one.set("lines", lines);
  return one;
}

}  // namespace

std::vector<AccountRecord> account_records(const zones::ZoneSnapshot& zone, zones::NameView host,
                                           const std::function<bool(zones::NameView)>& may_see) {
  std::vector<AccountRecord> records;
  std::size_t names = 0;
  const auto take = [&](zones::NameView owner, zones::RRsetsView rrsets) {
    if (!owner.is_at_or_below(host) || ++names > MAX_NAMES) return false;
    if (!may_see(owner)) return true;
    for (const zones::RRset& rrset : zones::unpack(rrsets)) {
      for (const zones::Rdata& rdata : rrset.rdatas) {
        if (records.size() == MAX_RECORDS) return false;
        records.push_back({.record = {.owner = zones::Name(owner),
                                      .type = rrset.type,
                                      .ttl = rrset.ttl,
                                      .rdata = rdata}});
      }
    }
    return true;
  };
  take(host, zone.rrsets(host));
  zone.for_each_after(zones::Name(host), take);
  return records;
}

std::string agent_config(const zones::Name& zone, const zones::Name& host,
                         const std::vector<Service>& services) {
  std::string text =
      "# /etc/pcp-ddns/pcp-ddns.toml, see pcp-ddns(8)\n"
      "# host.key: the key you logged in with\n"
      "# port: where it listens in your network\n"
      "# external-port: a wish\n\n"
      "[[provider]]\nname = \"home\"\nzone = \"" +
      short_text(zone) + ".\"\nkey = { secret-file = \"host.key\" }\n";
  const std::size_t before = text.size();
  for (const Service& service : services) {
    if (service.source != Service::Source::SRV || !service.instance.empty()) continue;
    text += "\n[[service]]\nhost = \"" + short_text(host) + ".\"\ntype = \"_" +
            clean_text(service.service) + "._" + service.protocol +
            "\"\nport = " + std::to_string(service.port) +
            "\nexternal-port = " + std::to_string(service.port) + "\n";
  }
  if (text.size() == before) {
    text +=
        "\n[[service]]\nhost = \"" + short_text(host) + ".\"\ntype = \"_http._tcp\"\nport = 8000\n";
  }
  return text;
}

void keep_visible(std::vector<zones::HistoryEntry>& entries,
                  const std::function<bool(zones::NameView)>& may_see) {
  const auto is_hidden = [&](const auto& record) { return !may_see(record.owner); };
  std::erase_if(entries, [&](zones::HistoryEntry& entry) {
    std::erase_if(entry.removed, is_hidden);
    std::erase_if(entry.added, is_hidden);
    bool is_left = !entry.removed.empty() || !entry.added.empty();
    if (entry.message) {
      std::erase_if(entry.message->touched, [&](const zones::Name& one) { return !may_see(one); });
      std::erase_if(entry.message->leases, is_hidden);
      is_left = is_left || !entry.message->touched.empty() || !entry.message->leases.empty();
    }
    return !is_left;
  });
}

void add_history(std::vector<AccountRecord>& records,
                 const std::vector<zones::HistoryEntry>& entries, const zones::Name& own) {
  for (AccountRecord& one : records) {
    bool knows_lease = false;
    for (const zones::HistoryEntry& entry : entries) {
      const bool is_done = !entry.message || entry.message->rcode == zones::Rcode::NOERROR;
      if (!is_done) continue;
      if (entry.message && !knows_lease) {
        for (const zones::LeaseChange& lease : entry.message->leases) {
          if (lease.type != one.record.type || lease.owner != one.record.owner ||
              !rdata_equal(lease.type, lease.rdata, one.record.rdata))
            continue;
          knows_lease = true;
          one.until.reset();
          if (lease.expires != std::chrono::sys_seconds()) one.until = lease.expires;
        }
      }
      if (!has(entry.added, one.record)) continue;
      one.since = entry.time;
      one.by = by_text(entry.message, own);
      break;
    }
  }
}

void add_times(std::vector<AccountRecord>& records, std::span<const PublishedTime> times,
               const std::vector<zones::HistoryEntry>& entries) {
  if (times.size() != records.size()) return;
  std::set<zones::Name> changed;  // as far as the history knows
  for (const zones::HistoryEntry& entry : entries) {
    for (const zones::Record& record : entry.added) changed.insert(record.owner);
    for (const zones::Record& record : entry.removed) changed.insert(record.owner);
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    AccountRecord& one = records[i];
    one.until = times[i].until;
    if (!changed.contains(one.record.owner)) one.since = times[i].since;
  }
}

std::string account_page(const AccountContent& content,
                         const std::optional<std::vector<zones::HistoryEntry>>& entries,
                         const std::string& nonce) {
  std::vector<AccountRecord> records = content.records;
  const std::vector<zones::HistoryEntry> none;
  add_times(records, content.times, entries ? *entries : none);
  if (entries) add_history(records, *entries, content.key);
  mustache::data page;
  page.set("nonce", nonce);
  page.set("host", short_text(content.host));
  page.set("key", short_text(content.key));
  page.set("address", content.visitor_address);
  page.set("token", content.form_token);
  page.set("config", content.agent_config);
  if (content.decided) {
    const bool is_good =
        *content.decided == DynDnsWord::GOOD || *content.decided == DynDnsWord::NOCHG;
    mustache::data done;
    done.set("class", is_good ? "good" : "bad");
    done.set("text", sentence_of(*content.decided));
    page.set("done", done);
  }
  page.set("has_records", mustache::data(!records.empty()));
  mustache::data list(mustache::data::type::list);
  for (const AccountRecord& record : records) {
    mustache::data one;
    one.set("text", line_of(record.record));
    if (record.since) one.set("since", time_text(*record.since));
    if (!record.by.empty()) one.set("by", record.by);
    if (record.until) one.set("until", time_text(*record.until));
    list.push_back(one);
  }
  page.set("records", list);
  page.set("told", mustache::data(entries.has_value()));
  page.set("has_changes", mustache::data(entries && !entries->empty()));
  mustache::data changes(mustache::data::type::list);
  if (entries) {
    for (const zones::HistoryEntry& entry : *entries)
      changes.push_back(data_of(entry, content.key));
  }
  page.set("changes", changes);
  mustache::mustache look{std::string(ACCOUNT_PAGE)};
  return look.render(page);
}

}  // namespace dnsd::http
