// One version of the zones, immutable, for any number of readers; and the builder that makes the next one.
// An ordered trie with structural sharing underneath (tree.h): a change costs what it touches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/tree.h"

namespace zones {

/// What find() says of a name in one zone (RFC 1034 §4.3.2, RFC 4592 §3.3.1). Views are valid as long as the version.
struct Lookup {
  enum class Kind : std::uint8_t {
    EXACT,               // the name has records
    EMPTY_NON_TERMINAL,  // it has none, but a name below it has
    ABSENT,              // it does not exist; see `wildcard`
  };
  Kind kind = Kind::ABSENT;
  RRsetsView rrsets;               // of the name itself when EXACT
  /// The topmost name below the apex, at or above the one asked for, that has NS records: the zone cut. Its size in
  /// octets as a suffix of the name asked for tells its owner.
  RRsetsView cut;
  std::uint8_t cut_size = 0;       // octets of the cut's owner name; 0: none
  /// The topmost name at or above the parent of the one asked for that has a DNAME, the apex included.
  RRsetsView dname;
  std::uint8_t dname_size = 0;
  std::uint8_t encloser_size = 0;  // octets of the closest encloser's name, when ABSENT
  RRsetsView wildcard;             // records of "*.<closest encloser>", when ABSENT and there are any
  bool wildcard_exists = false;    // "*.<closest encloser>" exists, perhaps only as an empty non-terminal
};

class ZoneSnapshot {
 public:
  NameView apex() const;
  RRsetsView apex_rrsets() const;
  RRsetView soa() const;
  std::uint32_t serial() const;
  std::uint64_t name_count() const;    // with records
  std::uint64_t record_count() const;

  /// `name` must be at or below the apex.
  Lookup find(NameView name) const;
  /// Records of exactly this name; empty when it has none.
  RRsetsView rrsets(NameView name) const;
  /// True for a name with records or with a name below it that has some.
  bool exists(NameView name) const;
  /// In canonical order, the apex first. False from `visit` ends it.
  void for_each(const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const;
  /// The same in steps, for transfers: names after `after` (all for nullopt). False from `visit` ends it.
  void for_each_after(std::optional<Name> after,
                      const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const;

 private:
  // tree.h's part
};

/// The zones of one version. A value of a few words; valid until its version is reclaimed.
class Catalogue {
 public:
  /// The zone with the longest origin at or above `name`.
  std::optional<ZoneSnapshot> enclosing(NameView name) const;
  std::optional<ZoneSnapshot> zone(NameView apex) const;
  std::size_t size() const;
  void for_each(const std::function<bool(const ZoneSnapshot&)>& visit) const;

 private:
  // tree.h's part
};

/// Makes versions. One thread, the writer, owns it; readers use the catalogues it freezes while it works on.
class CatalogueBuilder {
 public:
  CatalogueBuilder();
  ~CatalogueBuilder();

  /// The version being made, with every change so far. Valid until the next change.
  Catalogue working() const;
  /// False when it is there already.
  bool add_zone(NameView apex);
  bool remove_zone(NameView apex);
  /// The records of `owner` become these; an empty view removes the name. The zone must exist, and `owner` be at or
  /// below `apex`. Throws std::bad_alloc when the arena is full; roll back then.
  void put(NameView apex, NameView owner, RRsetsView rrsets);
  /// Names of a new zone in canonical order: as put(), faster.
  /// Ends the version: it never changes again, and the next change begins another one.
  Catalogue freeze();
  /// Forgets all changes since freeze().
  void rollback();
  /// The version that freeze() made last: 0, 1, 2, …
  std::uint64_t version() const;
  /// Gives back the memory of what only versions below `oldest_in_use` can see.
  void reclaim(std::uint64_t oldest_in_use);
  /// Octets in use by live and not yet reclaimed versions.
  std::size_t memory_octets() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zones
