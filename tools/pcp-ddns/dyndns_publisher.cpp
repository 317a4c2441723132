#include "tools/pcp-ddns/dyndns_publisher.h"

#include <algorithm>
#include <utility>

#include "zones/host_text.h"
#include "zones/number.h"
#include "zones/text.h"

namespace pcp_ddns {
namespace {

using std::chrono::seconds;
using zones::Name;
using zones::Rdata;
using zones::Type;

constexpr std::size_t SRV_TARGET = 6;  // RFC 2782: after priority, weight and port

Address address_of(Type type, const Rdata& rdata) {
  Address address{};
  if (type == Type::A) {
    address[10] = address[11] = 0xff;
    std::copy_n(rdata.begin(), 4, address.begin() + 12);
  } else {
    std::copy_n(rdata.begin(), 16, address.begin());
  }
  return address;
}

unsigned port_of(const Rdata& srv) { return static_cast<unsigned>(srv[4] << 8 | srv[5]); }

bool leads_to(const Rdata& srv, const Name& host) {
  const auto target = Name::from_wire(std::span(srv).subspan(SRV_TARGET));
  return target && *target == host;
}

/// "_http._tcp" of _http._tcp.h1.dyn.example.
std::string service_of(const Name& owner, const Name& host) {
  const std::string text = owner.to_text();
  return text.substr(0, text.size() - host.to_text().size() - 1);
}

/// The first word of the first line.
std::string first_word(std::string_view body) {
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  const std::size_t end = body.find_first_of(" \t\r\n", begin);
  return std::string(body.substr(begin, end == std::string_view::npos ? end : end - begin));
}

/// Of the network: it must not be able to forge lines of the log.
std::string printable(std::string text) {
  constexpr std::size_t MAX_OCTETS = 40;
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text.substr(0, MAX_OCTETS);
}

/// "w60s", "w5m", "w1h".
std::optional<seconds> wait_of(std::string_view word) {
  if (word.size() < 3 || word.front() != 'w') return std::nullopt;
  const auto number = zones::number_from_text<std::uint32_t>(word.substr(1, word.size() - 2));
  if (!number) return std::nullopt;
  const int unit = word.back() == 's' ? 1 : word.back() == 'm' ? 60 : word.back() == 'h' ? 3600 : 0;
  if (unit == 0) return std::nullopt;
  return std::min<seconds>(seconds(std::int64_t{*number} * unit), DYNDNS_MAX_WAIT);
}

/// What a word is about.
enum class Refusal : std::uint8_t {
  HOST,        // until a restart
  EVERYTHING,  // until a restart
  HOST_NOW,    // it may be better later
  ALL_NOW,     // the server's own trouble
};
struct Word {
  std::string_view word;
  Refusal refusal{};
  std::string_view meaning;
};
constexpr Word WORDS[] = {
    {"badauth", Refusal::EVERYTHING, "login or password is wrong"},
    {"badagent", Refusal::EVERYTHING, "the provider does not take this client, or this request"},
    {"abuse", Refusal::EVERYTHING, "blocked for abuse"},
    {"!donator", Refusal::EVERYTHING, "not of what this account has paid for"},
    {"!active", Refusal::EVERYTHING, "the account or the name is not active"},
    {"notfqdn", Refusal::HOST, "not a full name to the provider"},
    {"nohost", Refusal::HOST, "no name of this account"},
    {"!yours", Refusal::HOST, "another account's name"},
    {"numhost", Refusal::HOST, "too many names"},
    {"dnserr", Refusal::HOST_NOW, "not accepted, or the provider's DNS has failed"},
    {"911", Refusal::ALL_NOW, "the provider has failed"},
};

}  // namespace

DyndnsPublisher::DyndnsPublisher(DyndnsOptions options, Random random,
                                 const std::vector<OwnRecord>& ours)
    : options_(std::move(options)), random_(std::move(random)) {
  // SRV belong to the host that they lead to, and the others to the host at which they are.
  for (const auto& [record, confirmed] : ours) {
    Name host = record.owner;
    if (record.type == Type::SRV) {
      const auto target = Name::from_wire(std::span(record.rdata).subspan(SRV_TARGET));
      if (target) host = *target;
    }
    Entry& entry = entries_[host];
    entry.undecided = true;
    (confirmed ? entry.published : entry.tried)[{record.owner, record.type}].push_back(
        record.rdata);
  }
}

DyndnsPublisher::Content DyndnsPublisher::tellable(const Wanted& wanted, const Name& host) const {
  Content content;
  for (const auto& [key, rrset] : wanted) {
    if (!(rrset.host == host)) continue;
    const bool is_address = (key.type == Type::A || key.type == Type::AAAA) && key.owner == host;
    const bool is_service = options_.ports && key.type == Type::SRV &&
                            std::ranges::all_of(rrset.rdatas, [&](const Rdata& rdata) {
                              return leads_to(rdata, host);
                            });
    if (is_address || is_service) content[key] = rrset.rdatas;
  }
  return content;
}

void DyndnsPublisher::want(Wanted wanted, const std::set<RRsetKey>& undecided, Time now) {
  std::map<Name, std::set<RRsetKey>> hosts;
  for (const auto& [key, rrset] : wanted) hosts[rrset.host].insert(key);
  for (const auto& [host, keys] : hosts) entries_[host];
  for (auto& [host, entry] : entries_) {
    const auto found = hosts.find(host);
    if (entry.published_at == Time{} && !entry.published.empty()) {
      // From before a restart. Leases may be short at dnsd; other providers do not want to hear it.
      entry.published_at = options_.ports ? now - options_.refresh : now;
    }
    entry.keys = found == hosts.end() ? std::set<RRsetKey>{} : found->second;
    Content content = tellable(wanted, host);
    if (content != entry.wanted) {
      entry.wanted = std::move(content);
      // What is new may be to the provider's liking.
      if (!entry.refused && !entry.error.empty()) entry.held_until = {};
      if (failures_ != 0) not_before_ = std::min(not_before_, now + seconds(1));
    }
    const auto is_undecided = [&](const auto& item) { return undecided.contains(item.first); };
    entry.undecided = std::ranges::any_of(entry.published, is_undecided) ||
                      std::ranges::any_of(entry.tried, is_undecided);
  }
  std::erase_if(entries_, [this](const auto& item) {
    const Entry& entry = item.second;
    const bool is_asked = asked_ && asked_->host == item.first;
    return entry.wanted.empty() && entry.keys.empty() && entry.published.empty() &&
           entry.tried.empty() && !is_asked;
  });
}

std::vector<RRsetKey> DyndnsPublisher::known() const {
  std::vector<RRsetKey> keys;
  for (const auto& [host, entry] : entries_) {
    for (const auto& [key, rdatas] : entry.published) keys.push_back(key);
    for (const auto& [key, rdatas] : entry.tried) {
      if (!entry.published.contains(key)) keys.push_back(key);
    }
  }
  return keys;
}

std::vector<OwnRecord> DyndnsPublisher::ours() const {
  std::vector<OwnRecord> records;
  for (const auto& [host, entry] : entries_) {
    for (const bool confirmed : {true, false}) {
      for (const auto& [key, rdatas] : confirmed ? entry.published : entry.tried) {
        for (const Rdata& rdata : rdatas) {
          records.push_back({{key.owner, key.type, zones::Class::IN, 0, rdata}, confirmed});
        }
      }
    }
  }
  return records;
}

bool DyndnsPublisher::is_as_wanted(const Entry& entry) const {
  return entry.tried.empty() && entry.published == entry.wanted;
}

std::set<RRsetKey> DyndnsPublisher::surplus(const Entry& entry) const {
  std::set<RRsetKey> keys;
  if (!options_.ports) return keys;
  for (const Content* content : {&entry.published, &entry.tried}) {
    for (const auto& [key, rdatas] : *content) {
      if (!entry.wanted.contains(key)) keys.insert(key);
    }
  }
  return keys;
}

Progress DyndnsPublisher::progress(const RRsetKey& key) const {
  for (const auto& [host, entry] : entries_) {
    if (!entry.keys.contains(key)) continue;
    if (entry.wanted.empty()) return {false, "only what is at the host itself can be told"};
    return {is_as_wanted(entry) && entry.error.empty(), stopped_.empty() ? entry.error : stopped_};
  }
  return {};
}

bool DyndnsPublisher::is_clean() const {
  if (!options_.ports || !stopped_.empty()) return !is_busy();
  return !is_busy() && std::ranges::all_of(entries_, [](const auto& item) {
    return item.second.refused || (item.second.published.empty() && item.second.tried.empty());
  });
}

Time DyndnsPublisher::due(const Entry& entry) const {
  if (entry.undecided || entry.refused) return Time::max();
  if (entry.wanted.empty()) {
    const bool is_there = !entry.published.empty() || !entry.tried.empty();
    return options_.ports && is_there ? entry.held_until : Time::max();
  }
  Time due = entry.held_until;
  if (is_as_wanted(entry)) due = std::max(due, entry.published_at + options_.refresh);
  return due;
}

Time DyndnsPublisher::next() const {
  if (is_busy() || !stopped_.empty()) return Time::max();
  Time next = Time::max();
  for (const auto& [host, entry] : entries_) next = std::min(next, due(entry));
  return next == Time::max() ? next : std::max(next, not_before_);
}

bool DyndnsPublisher::begin(Time now) {
  if (is_busy() || !stopped_.empty() || now < not_before_) return false;
  for (auto& [host, entry] : entries_) {
    if (due(entry) > now) continue;
    asked_ = Asked{host, entry.wanted, surplus(entry)};
    // There is no word to take one family's addresses away: all goes, then comes what is wanted.
    const auto is_address = [](const RRsetKey& key) { return key.type != Type::SRV; };
    if (std::ranges::any_of(asked_->gone, is_address)) asked_->content.clear();
    for (const auto& [key, rdatas] : asked_->content) entry.tried[key] = rdatas;
    return true;
  }
  return false;
}

std::string DyndnsPublisher::target() const {
  const Entry& entry = entries_.at(asked_->host);
  const bool away = asked_->content.empty();
  Content content = asked_->content;
  if (away) {
    content = entry.published;
    content.insert(entry.tried.begin(), entry.tried.end());
  }
  std::string addresses;
  std::string services;
  std::string ports;
  const auto append = [](std::string& list, const std::string& one) {
    list += (list.empty() ? "" : ",") + one;
  };
  for (const auto& [key, rdatas] : content) {
    for (const Rdata& rdata : rdatas) {
      if (key.type != Type::SRV) {
        append(addresses, keys::to_text(address_of(key.type, rdata)));
        continue;
      }
      append(services, service_of(key.owner, asked_->host));
      append(ports, std::to_string(port_of(rdata)));
    }
  }
  if (!away) {
    for (const RRsetKey& key : asked_->gone) {
      append(services, service_of(key.owner, asked_->host));
      append(ports, "0");
    }
  }
  std::string target = options_.path + "?hostname=" + zones::host_text(asked_->host);
  target += away ? "&offline=YES" : "&myip=" + addresses;
  if (!services.empty()) target += "&service=" + services + "&port=" + ports;
  return target;
}

Report DyndnsPublisher::accepted(Entry& entry, bool changed, Time now) {
  entry.published = asked_->content;
  entry.tried.clear();
  entry.published_at = now;
  entry.error.clear();
  entry.held_until = options_.ports ? Time{} : now + DYNDNS_MIN_BETWEEN;
  const std::string host = asked_->host.to_text();
  if (asked_->content.empty()) return {Report::Level::INFO, host + " is withdrawn"};
  std::string text = host;
  for (const auto& [key, rdatas] : asked_->content) {
    for (const Rdata& rdata : rdatas) {
      text += key.type == Type::SRV ? ", " + service_of(key.owner, asked_->host) + " at port " +
                                          std::to_string(port_of(rdata))
                                    : " " + keys::to_text(address_of(key.type, rdata));
    }
  }
  if (!changed) return {Report::Level::DEBUG, text + " was there already"};
  return {Report::Level::INFO, text + " is published"};
}

Report DyndnsPublisher::refused(Entry& entry, const std::string& why, Time until, bool all) {
  entry.error = why;
  if (all) {
    not_before_ = until;
  } else {
    entry.held_until = until;
  }
  return {Report::Level::WARNING, asked_->host.to_text() + ": " + why};
}

Duration DyndnsPublisher::wait_of_retry(std::optional<seconds> retry_after) const {
  if (!retry_after) return DYNDNS_RETRY;
  // Not all at once, who were told the same.
  const auto wait = std::max<Duration>(*retry_after, DYNDNS_MIN_RETRY_AFTER);
  return std::min<Duration>(std::chrono::duration_cast<Duration>(wait * (1 + random_() / 4)),
                            DYNDNS_MAX_WAIT);
}

Report DyndnsPublisher::answered(unsigned status, std::string_view body,
                                 std::optional<seconds> retry_after, Time now) {
  failures_ = 0;
  if (status == 200) retry_after.reset();  // of a redirect, or a refusal
  const Duration retry = wait_of_retry(retry_after);
  const std::string next_try =
      "; next try in " + std::to_string(std::chrono::ceil<seconds>(retry).count()) + " s";
  Entry& entry = entries_.at(asked_->host);
  std::string word = first_word(body);
  if (status == 401 || status == 403) word = "badauth";
  if (status >= 500) word = "911";
  Report report;
  const auto* const found = std::ranges::find(WORDS, word, &Word::word);
  if (status == 200 && (word == "good" || word == "nochg")) {
    report = accepted(entry, word == "good", now);
  } else if (const auto wait = wait_of(word); wait && status == 200) {
    report = refused(entry, word + ": the provider wants to be left alone", now + *wait, true);
  } else if (found == std::end(WORDS) || (status != 200 && found->refusal == Refusal::HOST_NOW)) {
    report = refused(entry,
                     status == 200 ? "\"" + printable(word) + "\" is no word of dyndns2"
                                   : "HTTP status " + std::to_string(status),
                     now + retry, retry_after.has_value());
    report.text += next_try;
  } else {
    const std::string why = std::string(found->word) + ": " + std::string(found->meaning);
    // Of dnsd it says that the grant's rate is used up.
    const bool is_rate = options_.ports && word == "abuse";
    const bool all = found->refusal == Refusal::ALL_NOW || is_rate;
    report = refused(entry, why, now + retry, all);
    entry.refused = found->refusal == Refusal::HOST;
    if (found->refusal == Refusal::EVERYTHING && !is_rate) stopped_ = why;
    if (entry.refused || !stopped_.empty()) {
      report.text += "; not tried again before a restart";
    } else {
      report.text += next_try;
    }
  }
  asked_.reset();
  return report;
}

Report DyndnsPublisher::failed(const std::string& why, Time now) {
  Entry& entry = entries_.at(asked_->host);
  Duration wait = DYNDNS_FIRST_RETRY;
  for (int i = 0; i < failures_ && wait < DYNDNS_MAX_RETRY; ++i) wait *= 2;
  wait = std::min<Duration>(wait, DYNDNS_MAX_RETRY);
  ++failures_;
  wait = std::chrono::duration_cast<Duration>(wait * (0.75 + random_() / 2));
  Report report = refused(entry, why, now + wait, true);
  report.text += "; next try in " + std::to_string(std::chrono::ceil<seconds>(wait).count()) + " s";
  asked_.reset();
  return report;
}

}  // namespace pcp_ddns
