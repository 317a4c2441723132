#include "tools/dnsdctl/history_text.h"

#include <boost/json/array.hpp>

#include "keys/grant.h"
#include "tools/common/utc_time.h"
#include "zones/rfc.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

using zones::HistoryEntry;
using zones::JournalMessage;

const char* to_text(zones::SignedBy by) { return by == zones::SignedBy::SIG0 ? "SIG(0)" : "TSIG"; }

bool is_refused(const HistoryEntry& entry) {
  return entry.message && entry.message->rcode != zones::Rcode::NOERROR;
}

std::string lease_to_text(const zones::LeaseChange& lease) {
  const bool ends = lease.expires != std::chrono::sys_seconds();
  return lease.owner.to_text() + " " + zones::to_text(lease.type) + " " +
         zones::rdata_to_text(lease.type, lease.rdata) +
         (ends ? " until " + tools::to_text(lease.expires) : " without end");
}

boost::json::array records_to_json(const std::vector<zones::Record>& records) {
  boost::json::array array;
  for (const zones::Record& record : records) array.emplace_back(zones::record_to_text(record));
  return array;
}

}  // namespace

bool is_of_server(const JournalMessage& message) {
  return message.key.is_root() && message.source == decltype(message.source){};
}

std::string signer_to_text(const JournalMessage& message) {
  if (is_of_server(message)) return "by the server, at the end of leases";
  return "by key " + message.key.to_text() + " (" + to_text(message.signed_by) + ") from " +
         keys::to_text(message.source) + " port " + std::to_string(message.source_port);
}

boost::json::object signer_to_json(const JournalMessage& message) {
  if (is_of_server(message)) return {{"key", nullptr}};
  return {{"key", message.key.to_text()},
          {"signed-by", to_text(message.signed_by)},
          {"source", keys::to_text(message.source)},
          {"port", message.source_port}};
}

std::string to_text(const HistoryEntry& entry) {
  std::string text = tools::to_text(entry.time) + "  LSN " + std::to_string(entry.lsn);
  if (entry.from_serial != entry.to_serial) text += "  serial " + std::to_string(entry.to_serial);
  text += "  " + (entry.message ? signer_to_text(*entry.message)
                                : std::string("by a message that the journal does not name"));
  if (is_refused(entry)) {
    text += "  refused: " + zones::to_text(entry.message->rcode) + "\n";
    for (const zones::Name& owner : entry.message->touched) text += "  ? " + owner.to_text() + "\n";
    return text;
  }
  text += "\n";
  for (const zones::Record& record : entry.removed) {
    text += "  - " + zones::record_to_text(record) + "\n";
  }
  for (const zones::Record& record : entry.added) {
    text += "  + " + zones::record_to_text(record) + "\n";
  }
  if (entry.message) {
    for (const zones::LeaseChange& lease : entry.message->leases) {
      text += "  lease " + lease_to_text(lease) + "\n";
    }
  }
  if (entry.others != 0) {
    text += "  (together with " + std::to_string(entry.others) +
            " more of this commit; what each of them did is not kept)\n";
  }
  return text;
}

boost::json::object to_json(const HistoryEntry& entry) {
  boost::json::object json{{"time", tools::to_text(entry.time)}, {"lsn", entry.lsn}};
  if (entry.message) {
    json["zone"] = entry.message->zone.to_text();
    json["by"] = signer_to_json(*entry.message);
    json["rcode"] = zones::to_text(entry.message->rcode);
    if (is_refused(entry)) {
      boost::json::array names;
      for (const zones::Name& owner : entry.message->touched) names.emplace_back(owner.to_text());
      json["names"] = std::move(names);
      return json;
    }
  }
  if (entry.from_serial != entry.to_serial) json["serial"] = entry.to_serial;
  json["removed"] = records_to_json(entry.removed);
  json["added"] = records_to_json(entry.added);
  json["together-with"] = entry.others;
  if (entry.message && !entry.message->leases.empty()) {
    boost::json::array leases;
    for (const zones::LeaseChange& lease : entry.message->leases) {
      boost::json::object one{{"record", lease.owner.to_text() + " " + zones::to_text(lease.type) +
                                             " " + zones::rdata_to_text(lease.type, lease.rdata)}};
      const bool ends = lease.expires != std::chrono::sys_seconds();
      one["until"] = ends ? boost::json::value(tools::to_text(lease.expires)) : nullptr;
      leases.push_back(std::move(one));
    }
    json["leases"] = std::move(leases);
  }
  return json;
}

}  // namespace dnsdctl
