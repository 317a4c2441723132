#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ostream>

#include "tools/common/utc_time.h"
#include "tools/dnsdctl/commands.h"
#include "tools/dnsdctl/endpoint_history.h"
#include "tools/dnsdctl/history_text.h"
#include "tools/dnsdctl/store_access.h"
#include "zones/rfc.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

constexpr const char* TIME_FORMS =
    "' is no time: 2026-11-24T10:30:00Z, a date, seconds since 1970, or now";

// "since …" or "prolonged …", and who did it.
std::string act_to_text(const char* what, const Act& act) {
  std::string text = std::string("    ") + what + " " + tools::to_text(act.time) + ", LSN " +
                     std::to_string(act.lsn) +
                     (act.messages.size() > 1 ? ", by one of these:\n" : "\n");
  for (const zones::JournalMessage& message : act.messages) {
    text += "      " + signer_to_text(message) + "\n";
  }
  return text;
}

std::string held_to_text(const HeldRecord& held) {
  std::string text = "  " + held.owner.to_text() + " " + zones::to_text(held.type) + " " +
                     zones::rdata_to_text(held.type, held.rdata) + "\n";
  text += held.put ? act_to_text("since", *held.put) : "    since before the journal begins\n";
  if (held.prolonged) text += act_to_text("written again", *held.prolonged);
  if (held.removed) text += act_to_text("until", *held.removed);
  return text;
}

boost::json::value act_to_json(const std::optional<Act>& act) {
  if (!act) return nullptr;
  boost::json::array by;
  for (const zones::JournalMessage& message : act->messages) by.push_back(signer_to_json(message));
  return boost::json::object{
      {"time", tools::to_text(act->time)}, {"lsn", act->lsn}, {"by", std::move(by)}};
}

boost::json::object held_to_json(const HeldRecord& held) {
  return {{"record", held.owner.to_text() + " " + zones::to_text(held.type) + " " +
                         zones::rdata_to_text(held.type, held.rdata)},
          {"since", act_to_json(held.put)},
          {"again", act_to_json(held.prolonged)},
          {"until", act_to_json(held.removed)}};
}

}  // namespace

Outcome history(const History& options, std::ostream& out) {
  const auto name = zone_name(options.name);
  if (!name) return tl::unexpected(name.error());
  zones::HistoryQuery query{.name = *name, .below = options.below, .since = {}};
  if (!options.since.empty()) {
    const auto since = tools::time_from_text(options.since);
    if (!since) return tl::unexpected("'" + options.since + TIME_FORMS);
    query.since = *since;
  }
  auto store = open_to_read(options.store);
  if (!store) return tl::unexpected(store.error());
  // Whoever reads `out` may be slow, so the store is done with first.
  std::string text;
  zones::read_history(**store, query, [&](const zones::HistoryEntry& entry) {
    text += options.json ? boost::json::serialize(to_json(entry)) + "\n" : to_text(entry);
    return true;
  });
  store->reset();
  out << text;
  return 0;
}

Outcome who(const Who& options, std::ostream& out) {
  EndpointQuery query;
  const auto address = keys::address_from_text(options.address);
  if (!address) return tl::unexpected("'" + options.address + "' is no address");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto time = options.time == "now" ? now : tools::time_from_text(options.time);
  if (!time) return tl::unexpected("'" + options.time + TIME_FORMS);
  query = {.address = *address, .port = options.port, .at = *time};
  auto store = open_to_read(options.store);
  if (!store) return tl::unexpected(store.error());
  const auto holders = find_holders(**store, query, now);
  store->reset();
  if (!holders) return tl::unexpected(holders.error());
  for (const Holder& holder : *holders) {
    if (options.json) {
      boost::json::object json{{"host", holder.host.to_text()},
                               {"endpoint", held_to_json(holder.endpoint)}};
      json["address"] =
          holder.address ? boost::json::value(held_to_json(*holder.address)) : nullptr;
      out << boost::json::serialize(json) << '\n';
    } else {
      out << holder.host.to_text() << '\n' << held_to_text(holder.endpoint);
      if (holder.address) out << held_to_text(*holder.address);
    }
  }
  if (!holders->empty()) return 0;
  if (!options.json) {
    out << "no name here held " << options.address << " port " << options.port << " at "
        << tools::to_text(query.at) << '\n';
  }
  return 1;
}

}  // namespace dnsdctl
