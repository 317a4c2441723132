#include "tools/dnsd-update/script.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "keys/key_file.h"
#include "tools/dnsd-update/check_names.h"
#include "tools/dnsd-update/service.h"
#include "tools/dnsd-update/words.h"
#include "zones/number.h"
#include "zones/update_lease.h"

namespace dnsd_update {
namespace {

using zones::Class;
using zones::Name;
using zones::Record;
using zones::Type;

auto error(std::string what) { return tl::unexpected(std::move(what)); }

/// RFC 2136 §2.4 and §2.5: what stands for "any" has TTL 0 and no RDATA.
void make_any(Record& record, Class rrclass) {
  record.rrclass = rrclass;
  record.ttl = 0;
  record.rdata.clear();
}

/// Records of meta types do not exist, and servers answer FORMERR to them (RFC 2136 §3.4.1.2).
bool may_be_named(Type type) { return type == Type::ANY || !zones::is_meta(type); }

}  // namespace

Script::Outcome Script::line(std::string_view text) {
  Words words(text);
  const std::string_view word = words.next();
  if (word.empty()) return Step::SEND;
  if (word.front() == ';') return Step::NONE;
  return command(word, words);
}

Script::Outcome Script::command(std::string_view word, Words& words) {
  static constexpr std::array<std::pair<std::string_view, Step>, 7> PLAIN{{
      {"send", Step::SEND},
      {"show", Step::SHOW},
      {"answer", Step::ANSWER},
      {"debug", Step::DEBUG},
      {"help", Step::HELP},
      {"version", Step::VERSION},
      {"quit", Step::QUIT},
  }};
  for (const auto& [name, step] : PLAIN) {
    if (is(word, name)) return step;
  }
  if (is(word, "prereq")) return prerequisite(words.next(), words);
  if (is_any_of(word, {"nxdomain", "yxdomain", "nxrrset", "yxrrset"})) {
    return prerequisite(word, words);
  }
  if (is(word, "update")) return update(words.next(), words);
  if (is_any_of(word, {"add", "del", "delete"})) return update(word, words);
  if (is(word, "service")) return service(words);
  return setting(word, words);
}

Script::Outcome Script::setting(std::string_view word, Words& words) {
  if (is(word, "server")) return host(server_, Step::SERVER, words);
  if (is(word, "local")) return host(local_, Step::LOCAL, words);
  if (is(word, "zone")) return set_zone(words);
  if (is(word, "class")) return set_class(words);
  if (is(word, "ttl")) return set_ttl(words);
  if (is(word, "key")) return set_key(words);
  if (is(word, "lease")) return set_lease(words);
  if (is_any_of(word, {"check-names", "check-svcb"})) {
    const std::string_view value = words.next();
    if (value.empty()) return error("could not read " + std::string(word) + " directive");
    const bool on = is_any_of(value, {"on", "yes", "true"});
    if (!on && !is_any_of(value, {"off", "no", "false"})) {
      return error("incorrect " + std::string(word) + " directive: " + std::string(value));
    }
    if (is(word, "check-names")) check_names_ = on;  // SVCB is always checked, with its RDATA
    return Step::NONE;
  }
  if (is_any_of(word, {"gsstsig", "oldgsstsig", "realm"})) {
    return error(std::string(word) + ": GSS-TSIG is not supported; sign with a TSIG key instead");
  }
  return error("incorrect section name: " + std::string(word));
}

Script::Outcome Script::host(Host& host, Step step, Words& words) {
  const std::string_view name = words.next();
  if (name.empty()) return error("could not read server name");
  const std::string_view port_text = words.next();
  std::uint32_t port = 0;
  if (!port_text.empty()) {
    const auto number = zones::number_from_text<std::uint32_t>(port_text);
    if (!number) return error("port " + quoted(port_text) + " is not numeric");
    if (*number < 1 || *number > 65535) {
      return error("port " + quoted(port_text) + " is out of range (1 to 65535)");
    }
    port = *number;
  }
  host = {.name = std::string(name), .port = static_cast<std::uint16_t>(port)};
  return step;
}

Script::Outcome Script::set_zone(Words& words) {
  const std::string_view word = words.next();
  if (word.empty()) return error("could not read zone name");
  const auto name = Name::from_text(word);
  if (!name) {
    return error("could not parse zone name: " + std::string(zones::to_text(name.error())));
  }
  zone_ = *name;
  return Step::NONE;
}

Script::Outcome Script::set_class(Words& words) {
  const std::string_view word = words.next();
  if (word.empty()) return error("could not read class name");
  Class rrclass{};
  if (!zones::class_from_text(word, rrclass)) {
    return error("could not parse class name: " + std::string(word));
  }
  if (rrclass == Class::ANY || rrclass == Class::NONE) {
    return error("bad default class: " + std::string(word));
  }
  default_class_ = rrclass;
  return Step::NONE;
}

Script::Outcome Script::set_ttl(Words& words) {
  const std::string_view word = words.next();
  if (word.empty()) return error("could not read ttl");
  if (is(word, "none")) {
    ttl_.reset();
    return Step::NONE;
  }
  const auto ttl = zones::number_from_text<std::uint32_t>(word);
  if (!ttl) return error("ttl " + quoted(word) + ": not a valid number");
  if (*ttl > zones::MAX_TTL) {
    return error("ttl " + quoted(word) + " is out of range (0 to 2147483647)");
  }
  ttl_ = *ttl;
  return Step::NONE;
}

Script::Outcome Script::set_key(Words& words) {
  const std::string_view name = words.next();  // [hmac:]name
  if (name.empty()) return error("could not read key name");
  const std::string_view secret = words.rest();
  if (secret.empty()) return error("could not read key secret");
  std::string text = std::string(name) + ":" + std::string(secret);
  auto key = keys::parse_key_option(text);
  keys::wipe(text);
  if (!key) return error("could not create key: " + key.error());
  signer_ = std::move(*key);
  return Step::NONE;
}

Script::Outcome Script::set_lease(Words& words) {
  const std::string_view word = words.next();
  if (word.empty()) return error("could not read lease time");
  if (is(word, "none")) {
    lease_.reset();
    return Step::NONE;
  }
  const auto records = zones::number_from_text<std::uint32_t>(word);
  if (!records) return error("lease time " + quoted(word) + ": not a valid number");
  zones::UpdateLease lease{.lease = *records, .key_lease = std::nullopt};
  if (const std::string_view key_word = words.next(); !key_word.empty()) {
    lease.key_lease = zones::number_from_text<std::uint32_t>(key_word);
    if (!lease.key_lease)
      return error("key lease time " + quoted(key_word) + ": not a valid number");
  }
  lease_ = lease;
  return Step::NONE;
}

bool Script::accept_class(Class rrclass) {
  if (class_ && *class_ != rrclass) return false;
  class_ = rrclass;
  return true;
}

Script::Outcome Script::prerequisite(std::string_view kind, Words& words) {
  if (kind.empty()) return error("could not read operation code");
  if (!is_any_of(kind, {"nxdomain", "yxdomain", "nxrrset", "yxrrset"})) {
    return error("incorrect operation code: " + std::string(kind));
  }
  const std::string_view owner = words.next();
  if (owner.empty()) return error("could not read owner name");
  auto name = Name::from_text(owner);
  if (!name) return error("invalid owner name: " + std::string(zones::to_text(name.error())));
  Record record;
  record.owner = *name;
  const bool exists = is_any_of(kind, {"yxdomain", "yxrrset"});
  if (is_any_of(kind, {"nxrrset", "yxrrset"})) {
    return prerequisite_rrset(std::move(record), exists, words);
  }
  record.type = Type::ANY;  // RFC 2136 §2.4.4 and §2.4.5
  make_any(record, exists ? Class::ANY : Class::NONE);
  prerequisites_.push_back(std::move(record));
  return Step::NONE;
}

Script::Outcome Script::prerequisite_rrset(Record record, bool exists, Words& words) {
  std::string_view word = words.next();
  if (word.empty()) return error("could not read class or type");
  Class rrclass = this->rrclass();
  if (zones::class_from_text(word, rrclass)) {
    word = words.next();
    if (word.empty()) return error("could not read type");
    if (rrclass == Class::ANY || rrclass == Class::NONE) rrclass = this->rrclass();
  }
  if (!zones::type_from_text(word, record.type) || !may_be_named(record.type)) {
    return error("invalid type: " + std::string(word));
  }
  const std::string_view data = words.rest();
  if (!exists) {
    make_any(record, Class::NONE);  // RFC 2136 §2.4.3
  } else if (data.empty()) {
    make_any(record, Class::ANY);  // RFC 2136 §2.4.1
  } else {
    if (auto what = read_rdata(record, data)) return error(*what);
    record.rrclass = rrclass;  // RFC 2136 §2.4.2, with TTL 0
  }
  if (!accept_class(rrclass)) return error("class mismatch: " + zones::to_text(rrclass));
  prerequisites_.push_back(std::move(record));
  return Step::NONE;
}

Script::Outcome Script::update(std::string_view operation, Words& words) {
  if (operation.empty()) return error("could not read operation code");
  const bool is_delete = is_any_of(operation, {"del", "delete"});
  if (!is_delete && !is(operation, "add")) {
    return error("incorrect operation code: " + std::string(operation));
  }
  const std::string_view owner = words.next();
  if (owner.empty()) return error("could not read owner name");
  auto name = Name::from_text(owner);
  if (!name) return error("invalid owner name: " + std::string(zones::to_text(name.error())));
  Record record;
  record.owner = *name;

  std::string_view word = words.next();
  const auto ttl = zones::number_from_text<std::uint32_t>(word);
  if (is_delete) {
    if (ttl) word = words.next();  // allowed, and ignored
  } else {
    if (word.empty()) return error("could not read owner ttl");
    if (!ttl && !ttl_) return error("ttl " + quoted(word) + ": not a valid number");
    record.ttl = ttl.value_or(ttl_.value_or(0));
    if (record.ttl > zones::MAX_TTL) {
      return error("ttl " + quoted(word) + " is out of range (0 to 2147483647)");
    }
    if (ttl) word = words.next();
  }
  return update_record(std::move(record), is_delete, word, words);
}

Script::Outcome Script::update_record(Record record, bool is_delete, std::string_view word,
                                      Words& words) {
  Class rrclass = this->rrclass();
  record.type = Type::ANY;
  // "ANY" is a type here, and the classes that mean "delete" are no news in a deletion.
  const bool has_class = !is(word, "ANY") && zones::class_from_text(word, rrclass);
  if (has_class) {
    if (rrclass == Class::NONE) {
      if (!is_delete) return error("class mismatch: NONE");
      rrclass = this->rrclass();
    }
    word = words.next();
  }
  if (!word.empty()) {
    if (!zones::type_from_text(word, record.type)) {
      return error(quoted(word) + (has_class
                                       ? " is not a valid type: unknown class/type"
                                       : " is not a valid class or type: unknown class/type"));
    }
  } else if (!is_delete) {
    return error(has_class ? "could not read type" : "could not read class or type");
  }
  const std::string_view data = words.rest();
  if (!data.empty()) {
    if (auto what = read_rdata(record, data)) return error(*what);
    if (check_names_ && !is_delete) {
      if (auto what = check_names(record)) return error(*what);
    }
    record.rrclass = is_delete ? Class::NONE : rrclass;  // RFC 2136 §2.5.4 and §2.5.1
  } else if (is_delete) {
    if (!may_be_named(record.type)) return error("invalid type: " + std::string(word));
    make_any(record, Class::ANY);  // RFC 2136 §2.5.2 and §2.5.3
  } else {
    return error("could not read rdata");
  }
  if (!accept_class(rrclass)) return error("class mismatch: " + zones::to_text(rrclass));
  updates_.push_back(std::move(record));
  return Step::NONE;
}

Script::Outcome Script::service(Words& words) {
  auto records = service_updates(words, {.rrclass = rrclass(),
                                         .ttl = ttl_.value_or(SERVICE_TTL),
                                         .check_names = check_names_,
                                         .before = updates_});
  if (!records) return error(records.error());
  if (!accept_class(Class::IN)) return error("class mismatch: IN");
  std::ranges::move(*records, std::back_inserter(updates_));
  return Step::NONE;
}

zones::Message Script::message(const std::optional<Name>& zone) const {
  zones::Message message;
  message.header.opcode = zones::Opcode::UPDATE;
  if (zone) message.question.push_back({*zone, Type::SOA, rrclass()});
  message.answer = prerequisites_;
  message.authority = updates_;
  if (lease_) {
    message.edns.emplace().options.push_back(
        {.code = zones::OptionCode::UPDATE_LEASE, .data = zones::update_lease_data(*lease_)});
  }
  return message;
}

std::optional<Name> Script::search_start() const {
  if (empty()) return std::nullopt;
  const Record& first = updates_.empty() ? prerequisites_.front() : updates_.front();
  // DS records live above the zone cut (RFC 4035 §2.4).
  return first.type == Type::DS ? first.owner.parent() : first.owner;
}

void Script::clear() {
  prerequisites_.clear();
  updates_.clear();
  class_.reset();
}

}  // namespace dnsd_update
