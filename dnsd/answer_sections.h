// Answer sections: records written straight into the send buffer, names by what is cheap to know of
// it.
#pragma once

#include <cstdint>
#include <span>

#include "dnsd/query.h"
#include "zones/name.h"
#include "zones/rrset.h"

namespace dnsd {

/// Where a name stands in the answer, so that it and its suffixes can be pointed to (RFC 1035
/// §4.1.4).
struct NamePlace {
  std::uint16_t at = 0;       // offset of its first octet; 0: it does not stand anywhere
  std::uint16_t literal = 0;  // octets of whole labels there, before the root label or a pointer
  std::uint16_t rest_at = 0;  // where that pointer leads
};

/// The owner of records to write: the name, and if possible a pointer to it.
struct Owner {
  zones::NameView name;
  std::uint16_t at = 0;  // where the name stands, 0 for nowhere
};

enum class Section : std::uint8_t { ANSWER, AUTHORITY, ADDITIONAL };

/// Header, question, sections and OPT of one answer. No allocation; a record that does not fit is
/// not written, nor is anything in its place. Used by one thread, for one answer.
class AnswerSections {
 public:
  /// `octets` is the request, of which the header and the question are taken over. `out` must have
  /// room for at least that and an OPT; records find no more room than `limits` and the request
  /// allow.
  AnswerSections(std::span<const std::uint8_t> octets, const Request& request,
                 const AnswerLimits& limits, std::span<std::uint8_t> out);
  /// False when `out` is too small even for header, question and OPT.
  bool has_room() const { return has_room_; }

  NamePlace question_place() const { return question_place_; }
  /// The owner made of `name`, which stands at `place`, without its first `stripped` octets (whole
  /// labels).
  static Owner suffix(zones::NameView name, NamePlace place, std::size_t stripped);

  /// Writes a whole RRset, or nothing and returns false. Names in RDATA are compressed against the
  /// question where their type allows that (RFC 3597 §4), and only to the same spelling.
  bool put(Section section, const Owner& owner, zones::RRsetView rrset, std::uint32_t ttl);
  bool put(Section section, const Owner& owner, zones::RRsetView rrset) {
    return put(section, owner, rrset, rrset.ttl());
  }
  /// Writes one TXT record of class CHAOS about the question's name, with TTL 0.
  bool put_chaos_txt(std::span<const std::uint8_t> rdata);
  /// Writes one CNAME record.
  bool put_cname(const Owner& owner, zones::NameView target, std::uint32_t ttl);
  /// Where the name began that put() or put_cname() wrote last in RDATA.
  NamePlace last_name() const { return last_name_; }

  std::size_t size() const { return static_cast<std::size_t>(at_ - out_); }
  /// The RDATA of the record that begins at `record`, and the offset after it: for pointers into
  /// what was written.
  struct Written {
    std::size_t rdata_at;
    std::size_t end;
  };
  Written written(std::size_t record) const;
  /// The owner of records about a name that begins at `at` in what was written; 0: nowhere.
  Owner owner_at(zones::NameView name, std::size_t at) const;

  /// Back to header and question.
  void clear();
  /// Writes header and OPT.
  /// @param reason  for OPT; null: none. Left out where it does not fit, with TC (RFC 8914 §3)
  /// @return the size of the whole answer
  std::size_t finish(zones::Rcode rcode, bool authoritative, bool truncated,
                     const zones::ExtendedErrorView* reason = nullptr);

 private:
  bool put_opaque(const Owner& owner, zones::RRsetView rrset, std::uint32_t ttl);
  bool put_with_names(const Owner& owner, zones::RRsetView rrset, std::uint32_t ttl,
                      std::size_t names_at, std::size_t name_count);
  bool put_fixed(const Owner& owner, zones::Type type, std::uint32_t ttl,
                 zones::Class rrclass = zones::Class::IN);
  void put_owner(const Owner& owner);
  bool put_name(zones::NameView name);
  void put_opt(zones::Rcode rcode, const zones::ExtendedErrorView* reason);
  std::size_t question_suffix_at(zones::NameView name) const;
  std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  std::uint16_t& count(Section section) { return counts_[static_cast<std::size_t>(section)]; }

  const Request& request_;
  std::uint8_t* out_;
  std::uint8_t* at_;
  std::uint8_t* end_;  // records end here: OPT and what is reserved come after it
  std::uint16_t own_udp_octets_;
  std::span<const std::uint8_t> options_;
  bool has_room_;
  NamePlace question_place_;
  NamePlace last_name_;
  std::uint16_t counts_[3] = {0, 0, 0};
};

}  // namespace dnsd
