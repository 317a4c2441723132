// The language of nsupdate: lines of text into the UPDATE message that they describe (RFC 2136).
// Owns no socket and prints nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/exchange.h"
#include "zones/message.h"
#include "zones/name.h"
#include "zones/result.h"
#include "zones/update_lease.h"

namespace dnsd_update {

/// What a line asks of the program around the script.
enum class Step : std::uint8_t {
  NONE,    // the script has taken note
  SERVER,  // server() is new: find its addresses
  LOCAL,   // local() is new
  SHOW,
  SEND,
  ANSWER,
  DEBUG,
  HELP,
  VERSION,
  QUIT,
};

/// As written; port 0 where there was none.
struct Host {
  std::string name;
  std::uint16_t port = 0;
};

class Words;

class Script {
 public:
  /// Understands one line, with or without its line end. An error is a sentence for the user and
  /// leaves the message as it was; it never contains a secret.
  zones::Result<Step, std::string> line(std::string_view text);

  /// The UPDATE so far, with ID 0. Without `zone` (not known yet) its zone section is empty.
  zones::Message message(const std::optional<zones::Name>& zone) const;
  /// Neither a prerequisite nor an update has been given since the last clear().
  bool empty() const { return prerequisites_.empty() && updates_.empty(); }
  /// Where the search for the zone begins: the first update's owner, else the first
  /// prerequisite's. nullopt when empty().
  std::optional<zones::Name> search_start() const;
  /// Forgets prerequisites and updates; zone, server, key, TTL and lease stay.
  void clear();

  const std::optional<zones::Name>& zone() const { return zone_; }
  const Host& server() const { return server_; }
  const Host& local() const { return local_; }
  zones::Class rrclass() const { return class_.value_or(default_class_); }
  const std::optional<zones::UpdateLease>& lease() const { return lease_; }
  const keys::Signer& signer() const { return signer_; }
  void set_signer(keys::Signer signer) { signer_ = std::move(signer); }

 private:
  using Outcome = zones::Result<Step, std::string>;

  Outcome command(std::string_view word, Words& words);
  Outcome setting(std::string_view word, Words& words);
  Outcome prerequisite(std::string_view kind, Words& words);
  Outcome prerequisite_rrset(zones::Record record, bool exists, Words& words);
  Outcome update(std::string_view operation, Words& words);
  Outcome update_record(zones::Record record, bool is_delete, std::string_view word, Words& words);
  Outcome service(Words& words);
  Outcome host(Host& host, Step step, Words& words);
  Outcome set_zone(Words& words);
  Outcome set_class(Words& words);
  Outcome set_ttl(Words& words);
  Outcome set_key(Words& words);
  Outcome set_lease(Words& words);
  /// All records of a message are of the zone's class (RFC 2136 §3.4.1.2).
  bool accept_class(zones::Class rrclass);

  std::optional<zones::Name> zone_;
  Host server_;
  Host local_;
  keys::Signer signer_;
  std::optional<std::uint32_t> ttl_;
  std::optional<zones::UpdateLease> lease_;
  bool check_names_ = true;
  zones::Class default_class_ = zones::Class::IN;
  std::optional<zones::Class> class_;  // of the message, once a record has fixed it
  std::vector<zones::Record> prerequisites_;
  std::vector<zones::Record> updates_;
};

}  // namespace dnsd_update
