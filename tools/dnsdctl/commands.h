// dnsdctl's commands. Each writes its result to `out`, remarks to `err`, and returns the exit
// status or, as an error, one line that tells what to do. A StoreError goes through to main().
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "zones/result.h"

namespace dnsdctl {

using Outcome = zones::Result<int, std::string>;

struct KeyNew {
  std::string name;
  std::string algorithm = "hmac-sha256";
  std::filesystem::path out;  // empty: standard output
  bool toml = false;          // dnsd's configuration instead of BIND's
};
Outcome key_new(const KeyNew& options, std::ostream& out);

struct Enroll {
  std::filesystem::path config;
  std::string host;
  std::string server;  // as the host reaches it; empty: it asks for the zone's primary
};
/// Makes a key for a host, adds it to a configuration that permits it its names, and prints the
/// join token.
Outcome enroll(const Enroll& options, std::ostream& out, std::ostream& err);

struct ZoneImport {
  std::filesystem::path store;
  std::string zone;
  std::filesystem::path file;  // "-": standard input
};
Outcome zone_import(const ZoneImport& options, std::ostream& out, std::ostream& err);

struct ZoneExport {
  std::filesystem::path store;
  std::string zone;
  std::filesystem::path file;  // empty: standard output
};
/// The checkpoint and the journal above it: what a server would answer with.
Outcome zone_export(const ZoneExport& options, std::ostream& out);

Outcome zone_list(const std::filesystem::path& store, std::ostream& out);

struct LeaseList {
  std::filesystem::path store;
  std::string zone;  // empty: all
};
/// A line a leased record: when its lease ends, and the record.
Outcome lease_list(const LeaseList& options, std::ostream& out);

struct ZoneCheck {
  std::string zone;
  std::filesystem::path file;  // "-": standard input
  bool strict = false;         // warnings count as errors
};
Outcome zone_check(const ZoneCheck& options, std::ostream& out);

struct Explain {
  std::filesystem::path config;
  std::string key;
  std::string name;
  std::string type;
  std::vector<std::string> data;  // words of the RDATA to add; none: the RRset is to be removed
  std::string source;             // where the update comes from, over TCP; empty: not proven
};
/// Whether the grants of a configuration permit one change: 0 when they do, 1 when not.
Outcome explain(const Explain& options, std::ostream& out, std::ostream& err);

/// SQLite's own check, all checksums, a whole replay of the journal and its numbers.
Outcome store_check(const std::filesystem::path& store, std::ostream& out);

struct History {
  std::filesystem::path store;
  std::string name;
  bool below = false;
  std::string since;  // empty: all that is kept
  bool json = false;  // an object a line
};
/// Who changed a name, and how. Works beside a running server.
Outcome history(const History& options, std::ostream& out);

struct Who {
  std::filesystem::path store;
  std::string address;
  std::uint16_t port = 0;
  std::string time;
  bool json = false;
};
/// Who held an external address and port at a time; 1 when it was nobody. Works beside a running
/// server.
Outcome who(const Who& options, std::ostream& out);

}  // namespace dnsdctl
