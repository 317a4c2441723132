#include <algorithm>
#include <new>
#include <stdexcept>

#include "zones/snapshot.h"
#include "zones/tree_editor.h"

namespace zones {
namespace {

std::span<const std::uint8_t> labels_below(NameView owner, NameView apex) {
  return owner.wire().first(owner.size() - apex.size());
}

bool has_wildcard_label(std::span<const std::uint8_t> labels) {
  for (std::size_t at = 0; at < labels.size(); at += labels[at] + std::size_t{1}) {
    if (labels[at] == 1 && labels[at + 1] == '*') return true;
  }
  return false;
}

std::uint64_t record_count(RRsetsView rrsets) {
  std::uint64_t count = 0;
  for (const RRsetView set : rrsets) count += set.count();
  return count;
}

std::uint64_t leaf_flags(RRsetsView rrsets, bool is_apex) {
  std::uint64_t flags = 0;
  for (const RRsetView set : rrsets) {
    if (set.type() == Type::NS && !is_apex) flags |= Node::CUT;
    if (set.type() == Type::DNAME) flags |= Node::DNAME;
  }
  return flags;
}

}  // namespace

struct CatalogueBuilder::Impl {
  explicit Impl(std::size_t max_octets) : editor(max_octets) {}

  std::uint32_t zone_block(NameView apex) const;
  ZoneRecord& record(std::uint32_t block);
  ZoneRecord& open(NameView apex, std::uint32_t block);
  void close() { open_zone = nullptr; }
  enum class Old { REPLACE, KEEP };
  std::optional<Present> put(ZoneRecord& zone, NameView apex, NameView owner, RRsetsView rrsets,
                             Old what_is_there);
  void erase(ZoneRecord& zone, NameView apex, NameView owner);
  void forget_name(ZoneRecord& zone, std::uint32_t block);

  TreeEditor editor;
  Node root;  // of the catalogue's tree
  std::size_t size = 0;
  Node frozen_root;
  std::size_t frozen_size = 0;
  std::uint64_t version = 0;
  // The zone that was changed last, in the running version.
  ZoneRecord* open_zone = nullptr;
  Name open_apex;
};

std::uint32_t CatalogueBuilder::Impl::zone_block(NameView apex) const {
  const Node* leaf = find_leaf(editor.view(), root, TreeKey(apex));
  return leaf == nullptr ? 0 : leaf->index;
}

ZoneRecord& CatalogueBuilder::Impl::record(std::uint32_t block) {
  std::uint8_t* octets = editor.block_octets(block);
  return *reinterpret_cast<ZoneRecord*>(octets +
                                        ZoneRecord::octet_in_block(Block(octets).owner().size()));
}

// The zone's record, in a block of the running version.
ZoneRecord& CatalogueBuilder::Impl::open(NameView apex, std::uint32_t block) {
  if (!editor.fresh_block(block)) {
    const Block old(editor.block_octets(block));
    const auto copy = editor.make_block(old.owner(), old.payload().size());
    std::ranges::copy(old.payload(), copy.payload);
    editor.put(root, TreeKey(apex), copy.index, 0);
    editor.release_block(block);
    block = copy.index;
  }
  open_zone = &record(block);
  open_apex = Name(apex);
  return *open_zone;
}

void CatalogueBuilder::Impl::forget_name(ZoneRecord& zone, std::uint32_t block) {
  const Block gone(editor.block_octets(block));
  zone.names -= 1;
  zone.records -= record_count(RRsetsView(gone.payload()));
  if (has_wildcard_label(gone.owner())) zone.wildcards -= 1;
  editor.release_block(block);
}

// @return what the name has already, when that is to be kept
std::optional<CatalogueBuilder::Present> CatalogueBuilder::Impl::put(ZoneRecord& zone,
                                                                     NameView apex, NameView owner,
                                                                     RRsetsView rrsets,
                                                                     Old what_is_there) {
  const auto labels = labels_below(owner, apex);
  const auto packed = rrsets.packed();
  const auto block = editor.make_block(labels, packed.size());
  std::ranges::copy(packed, block.payload);
  const std::uint64_t flags = leaf_flags(rrsets, labels.empty());
  const TreeKey key(labels);
  const std::uint32_t old = editor.put(zone.root, key, block.index, flags);
  if (old != 0 && what_is_there == Old::KEEP) {
    const Block kept(editor.block_octets(old));
    const RRsetsView kept_rrsets(kept.payload());
    editor.put(zone.root, key, old, leaf_flags(kept_rrsets, labels.empty()));
    editor.release_block(block.index);
    return Present{kept.owner(), kept_rrsets};
  }
  if (old != 0) forget_name(zone, old);
  zone.names += 1;
  zone.records += record_count(rrsets);
  if (has_wildcard_label(labels)) zone.wildcards += 1;
  if (!labels.empty()) return std::nullopt;
  zone.apex_block = block.index;
  const RRsetView soa = rrsets.find(Type::SOA);
  zone.has_soa = static_cast<bool>(soa);
  zone.soa_octet = soa ? static_cast<std::uint32_t>(soa.packed() - packed.data()) : 0;
  return std::nullopt;
}

void CatalogueBuilder::Impl::erase(ZoneRecord& zone, NameView apex, NameView owner) {
  const auto labels = labels_below(owner, apex);
  const std::uint32_t block = editor.erase(zone.root, TreeKey(labels));
  if (block == 0) return;
  forget_name(zone, block);
  if (!labels.empty()) return;
  zone.apex_block = 0;
  zone.has_soa = false;
}

CatalogueBuilder::CatalogueBuilder(std::size_t max_octets)
    : impl_(std::make_unique<Impl>(max_octets)) {}

CatalogueBuilder::~CatalogueBuilder() = default;

Catalogue CatalogueBuilder::working() const {
  Catalogue catalogue;
  catalogue.tree_ = impl_->editor.view();
  catalogue.root_ = impl_->root;
  catalogue.size_ = impl_->size;
  catalogue.memory_octets_ = memory_octets();
  return catalogue;
}

bool CatalogueBuilder::add_zone(NameView apex) {
  if (impl_->zone_block(apex) != 0) return false;
  impl_->close();
  const auto labels = labels_below(apex, NameView());
  const std::size_t at = ZoneRecord::octet_in_block(labels.size());
  const auto block = impl_->editor.make_block(
      labels, at + sizeof(ZoneRecord) - Block::HEADER_OCTETS - labels.size());
  *block.payload = 0;  // the root label
  ZoneRecord* record = new (impl_->editor.block_octets(block.index) + at) ZoneRecord;
  record->apex_labels = static_cast<std::uint8_t>(apex.label_count());
  impl_->editor.put(impl_->root, TreeKey(apex), block.index, 0);
  ++impl_->size;
  return true;
}

bool CatalogueBuilder::remove_zone(NameView apex) {
  const std::uint32_t block = impl_->zone_block(apex);
  if (block == 0) return false;
  Node names = impl_->record(block).root;
  impl_->close();
  impl_->editor.clear(names);
  impl_->editor.erase(impl_->root, TreeKey(apex));
  impl_->editor.release_block(block);
  --impl_->size;
  return true;
}

void CatalogueBuilder::put(NameView apex, NameView owner, RRsetsView rrsets) {
  ZoneRecord* zone = impl_->open_zone;
  if (zone == nullptr || apex != impl_->open_apex) {
    const std::uint32_t block = impl_->zone_block(apex);
    if (block == 0) throw std::invalid_argument("no zone " + apex.to_text());
    if (rrsets.empty() && find_leaf(impl_->editor.view(), impl_->record(block).root,
                                    TreeKey(labels_below(owner, apex))) == nullptr) {
      return;  // nothing to remove is no change
    }
    zone = &impl_->open(apex, block);
  }
  if (rrsets.empty()) {
    impl_->erase(*zone, apex, owner);
  } else {
    impl_->put(*zone, apex, owner, rrsets, Impl::Old::REPLACE);
  }
}

std::optional<CatalogueBuilder::Present> CatalogueBuilder::add(NameView apex, NameView owner,
                                                               RRsetsView rrsets) {
  ZoneRecord* zone = impl_->open_zone;
  if (zone == nullptr || apex != impl_->open_apex) {
    const std::uint32_t block = impl_->zone_block(apex);
    if (block == 0) throw std::invalid_argument("no zone " + apex.to_text());
    zone = &impl_->open(apex, block);
  }
  return impl_->put(*zone, apex, owner, rrsets, Impl::Old::KEEP);
}

Catalogue CatalogueBuilder::freeze() {
  impl_->close();
  impl_->editor.freeze(++impl_->version);
  impl_->frozen_root = impl_->root;
  impl_->frozen_size = impl_->size;
  return working();
}

void CatalogueBuilder::rollback() {
  impl_->close();
  impl_->editor.rollback();
  impl_->root = impl_->frozen_root;
  impl_->size = impl_->frozen_size;
}

std::uint64_t CatalogueBuilder::version() const { return impl_->version; }

void CatalogueBuilder::reclaim(std::uint64_t oldest_in_use) {
  impl_->editor.reclaim(oldest_in_use);
}

std::size_t CatalogueBuilder::memory_octets() const { return impl_->editor.octets_in_use(); }

}  // namespace zones
