// The account page: what a subscriber's key has published, what became of it, and a form. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dnsd/http/dyndns_update.h"
#include "dnsd/http/services.h"
#include "dnsd/published_times.h"
#include "zones/history.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace dnsd::http {

struct AccountRecord {
  zones::Record record;
  std::optional<std::chrono::sys_seconds> since{};  // at the latest
  std::string by{};                                 // who put it there
  std::optional<std::chrono::sys_seconds> until{};  // its lease
};

/// All text in it is the subscriber's own, and escaped on its way into the page.
struct AccountContent {
  zones::Name host;
  zones::Name key;
  zones::Name zone;  // apex
  std::string visitor_address;
  std::string form_token;
  std::optional<DynDnsWord> decided{};  // of the form that was sent before
  std::vector<AccountRecord> records{};
  std::vector<PublishedTime> times{};  // of the records, in their order; none: not known
  std::string agent_config{};
};

/// Records at the host and below it, of names that may be seen; at most 256 names and 500 records.
std::vector<AccountRecord> account_records(const zones::ZoneSnapshot& zone, zones::NameView host,
                                           const std::function<bool(zones::NameView)>& may_see);

/// pcp-ddns.toml of a host that publishes what is published now.
std::string agent_config(const zones::Name& zone, const zones::Name& host,
                         const std::vector<Service>& services);

/// Leaves of the entries what is about names that may be seen, and drops those of which nothing is
/// left.
void keep_visible(std::vector<zones::HistoryEntry>& entries,
                  const std::function<bool(zones::NameView)>& may_see);

/// Says of each record since when, by whom and until when, as far as the entries tell.
/// @param entries  the newest first
/// @param own  the key that looks: it alone is told where its updates came from
void add_history(std::vector<AccountRecord>& records,
                 const std::vector<zones::HistoryEntry>& entries, const zones::Name& own);

/// Says of each record since when and until when it is there, as the store's rows have it; what the
/// history knows better comes after this. That time is of the last change of any record of the
/// owner: it tells something of this one only when the history knows of no change of the owner.
/// @param times  of the records, in their order
void add_times(std::vector<AccountRecord>& records, std::span<const PublishedTime> times,
               const std::vector<zones::HistoryEntry>& entries);

/// @param entries  the newest first; empty: the history cannot be told now
/// @param nonce  of the page's style element (Content-Security-Policy)
std::string account_page(const AccountContent& content,
                         const std::optional<std::vector<zones::HistoryEntry>>& entries,
                         const std::string& nonce);

}  // namespace dnsd::http
