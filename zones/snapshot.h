// One version of the zones, immutable, for any number of readers; and the builder that makes the
// next one. An ordered trie with structural sharing underneath (tree.h): a change costs what it
// touches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/tree.h"
#include "zones/tree_key.h"

namespace zones {

/// What find() says of a name in one zone (RFC 1034 §4.3.2, RFC 4592 §3.3.1). Views are valid as
/// long as the version.
struct Lookup {
  enum class Kind : std::uint8_t {
    EXACT,               // the name has records
    EMPTY_NON_TERMINAL,  // it has none, but a name below it has
    ABSENT,              // it does not exist; see `wildcard`
  };
  Kind kind = Kind::ABSENT;
  RRsetsView rrsets;  // of the name itself when EXACT
  /// The topmost name below the apex, at or above the one asked for, that has NS records: the zone
  /// cut. Its size in octets as a suffix of the name asked for tells its owner.
  RRsetsView cut;
  std::uint8_t cut_size = 0;  // octets of the cut's owner name; 0: none
  /// The topmost name at or above the parent of the one asked for that has a DNAME, the apex
  /// included.
  RRsetsView dname;
  std::uint8_t dname_size = 0;
  std::uint8_t encloser_size = 0;  // octets of the closest encloser's name, when ABSENT
  RRsetsView wildcard;  // records of "*.<closest encloser>", when ABSENT and there are any
  bool wildcard_exists =
      false;  // "*.<closest encloser>" exists, perhaps only as an empty non-terminal
};

/// What the catalogue knows of a zone. In the payload of a block whose owner is the apex (tree.h).
struct ZoneRecord {
  Node root;                // of the tree of the zone's names, relative to the apex
  std::uint64_t names = 0;  // with records
  std::uint64_t records = 0;
  std::uint64_t wildcards = 0;   // names with records that have a label "*" anywhere
  std::uint32_t apex_block = 0;  // 0: the apex has no records
  std::uint32_t soa_octet = 0;   // where the SOA begins in the apex's payload, if there is one
  bool has_soa = false;
  std::uint8_t apex_labels = 0;

  /// Where it lies in a block with this owner: after the owner and a root label, so that these two
  /// are a name.
  static std::size_t octet_in_block(std::size_t owner_octets) {
    return (Block::HEADER_OCTETS + owner_octets + 1 + 7) / 8 * 8;
  }
};
static_assert(alignof(ZoneRecord) <= Block::UNIT_OCTETS);

/// One zone of one version. A value of a few words; valid until its version is reclaimed. It always
/// has an apex, even when that has no records yet.
class ZoneSnapshot {
 public:
  NameView apex() const;
  RRsetsView apex_rrsets() const;
  /// False while the zone has none.
  RRsetView soa() const;
  /// 0 without a SOA.
  std::uint32_t serial() const;
  std::uint64_t name_count() const { return record_->names; }  // with records
  std::uint64_t record_count() const { return record_->records; }

  /// `name` must be at or below the apex. No allocation, no lock, no recursion; one walk, and a
  /// second one from the closest encloser on when there is a wildcard to be found.
  Lookup find(NameView name) const { return find(TreeKey(name)); }
  /// The same for a key of the whole name, which serves Catalogue::enclosing() as well.
  Lookup find(const TreeKey& key) const;
  /// Records of exactly this name; empty when it has none.
  RRsetsView rrsets(NameView name) const;
  /// True for the apex and for a name with records or with a name below it that has some.
  bool exists(NameView name) const { return find(name).kind != Lookup::Kind::ABSENT; }
  /// In canonical order, the apex first. False from `visit` ends it.
  void for_each(const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const;
  /// The same in steps, for transfers: names after `after` (all for nullopt). False from `visit`
  /// ends it.
  void for_each_after(std::optional<Name> after,
                      const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const;

 private:
  friend class Catalogue;
  friend class CatalogueBuilder;
  ZoneSnapshot(const TreeView& tree, std::uint32_t block);
  void visit_all(TreeIterator& leaves,
                 const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const;
  RRsetsView rrsets_of(const Node& leaf) const { return RRsetsView(tree_.block(leaf).payload()); }
  void find_wildcard(const Walk& walk, std::size_t offset, std::size_t labels, Lookup& out) const;

  TreeView tree_;
  const std::uint8_t* block_;
  const ZoneRecord* record_;
};

/// Where prefetch() came to with a name: a guess of the same version, which recall() judges.
struct Glimpse {
  std::uint32_t zone_block = 0;  // 0: nothing was seen
  std::uint32_t name_block = 0;
};

/// The zones of one version. A value of a few words; valid until its version is reclaimed. Empty
/// when default-made.
class Catalogue {
 public:
  /// The zone with the longest origin at or above `name`.
  std::optional<ZoneSnapshot> enclosing(NameView name) const { return enclosing(TreeKey(name)); }
  std::optional<ZoneSnapshot> enclosing(const TreeKey& key) const;
  std::optional<ZoneSnapshot> zone(NameView apex) const;
  std::size_t size() const { return size_; }
  /// Brings what enclosing() and find() of these names will read into the processor's caches, for
  /// all of them at a time: with zones larger than the caches, waiting for memory is most of what a
  /// query costs.
  /// @param glimpses  one a name, all zero; becomes what recall() makes use of
  void prefetch(std::span<const NameView> names, std::span<Glimpse> glimpses) const;
  /// A name below an apex that has records, with no zone cut and no DNAME at it or above it: most
  /// of those that are asked for.
  struct Plain {
    ZoneSnapshot zone;  // as enclosing() finds it
    RRsetsView rrsets;  // as find() does
  };
  /// What enclosing() and find() would say of such a name, without another way down.
  /// @param glimpse  of prefetch() of this version and any name, or nothing
  std::optional<Plain> recall(NameView name, const Glimpse& glimpse) const;
  /// In canonical order of the apexes. False from `visit` ends it.
  void for_each(const std::function<bool(const ZoneSnapshot&)>& visit) const;

 private:
  friend class CatalogueBuilder;
  void prefetch_group(std::span<const NameView> names, std::span<Glimpse> glimpses) const;

  TreeView tree_;
  Node root_;
  std::size_t size_ = 0;
  std::size_t memory_octets_ = 0;
};

/// Makes versions. One thread, the writer, owns it; readers use the catalogues it freezes while it
/// works on. Readers of other threads must have received a catalogue from the writer's thread, and
/// the writer their word that they no longer use one, by something that synchronises (an atomic, a
/// lock).
class CatalogueBuilder {
 public:
  /// @param max_octets  that nodes, and as many that records, may use; by default what 32-bit
  /// indices reach
  explicit CatalogueBuilder(std::size_t max_octets = std::size_t{1} << 36);
  ~CatalogueBuilder();
  CatalogueBuilder(const CatalogueBuilder&) = delete;
  CatalogueBuilder& operator=(const CatalogueBuilder&) = delete;

  /// The version being made, with every change so far. Valid until the next change.
  Catalogue working() const;
  /// False when it is there already.
  bool add_zone(NameView apex);
  /// False when there is none. Takes time in proportion to the zone's size.
  bool remove_zone(NameView apex);
  /// The records of `owner` become these; an empty view removes the name. The zone must exist
  /// (std::invalid_argument), and `owner` be at or below `apex`. Names of a zone that come in
  /// canonical order are added fastest. Throws std::bad_alloc when the arena is full, or the
  /// records exceed 16 MiB; roll back then.
  void put(NameView apex, NameView owner, RRsetsView rrsets);
  /// A name that is there, valid until the next change.
  struct Present {
    std::span<const std::uint8_t> labels;  // of the owner below the apex, as they are spelled there
    RRsetsView rrsets;
  };
  /// The same for a name that the zone does not have yet. When it has, nothing is changed, and that
  /// comes back.
  std::optional<Present> add(NameView apex, NameView owner, RRsetsView rrsets);
  /// Ends the version: it never changes again, and the next change begins another one.
  Catalogue freeze();
  /// Forgets all changes since freeze().
  void rollback();
  /// The version that freeze() made last: 1, 2, 3, …; 0, which is empty, before that.
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
