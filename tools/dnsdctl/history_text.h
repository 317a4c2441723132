// What the journal holds, in the words of history and who.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "zones/history.h"
#include "zones/store.h"

namespace dnsdctl {

/// A message of the server's own: it ended leases.
bool is_of_server(const zones::JournalMessage& message);
/// "by key h1.dyn.example. (TSIG) from 192.0.2.1 port 5353"
std::string signer_to_text(const zones::JournalMessage& message);
/// key, signed-by, source and port
boost::json::object signer_to_json(const zones::JournalMessage& message);

/// Some lines, the first one without indentation.
std::string to_text(const zones::HistoryEntry& entry);
boost::json::object to_json(const zones::HistoryEntry& entry);

}  // namespace dnsdctl
