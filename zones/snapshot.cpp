#include "zones/snapshot.h"

#include <algorithm>
#include <array>

#include "zones/rdata.h"

namespace zones {
namespace {

constexpr std::uint8_t STAR = '*';

/// Owners of a zone's names as whole names: the labels of a block, then the apex.
class OwnerBuffer {
 public:
  explicit OwnerBuffer(NameView apex) : apex_size_(apex.size()) {
    // At the end, so that only labels move.
    std::memcpy(octets_ + sizeof octets_ - apex_size_, apex.data(), apex_size_);
  }
  NameView name(std::span<const std::uint8_t> labels) {
    std::uint8_t* at = octets_ + sizeof octets_ - apex_size_ - labels.size();
    std::memcpy(at, labels.data(), labels.size());
    return {at, labels.size() + apex_size_};
  }

 private:
  std::uint8_t octets_[MAX_NAME_OCTETS];
  std::size_t apex_size_;
};

/// The size of the name that the `labels` rightmost labels of the key make.
std::uint8_t name_octets(const TreeKey& key, std::size_t labels) {
  const std::size_t all = key.labels_before(0).size();
  return static_cast<std::uint8_t>(all - key.labels_before(labels).size() + 1);
}

/// The label that is `number` labels from the right, from its length octet on; the owner must have
/// it.
const std::uint8_t* label_from_right(std::span<const std::uint8_t> owner, std::size_t number,
                                     std::size_t label_count) {
  const std::uint8_t* at = owner.data();
  for (std::size_t left = label_count - 1 - number; left > 0; --left) at += *at + 1;
  return at;
}

}  // namespace

ZoneSnapshot::ZoneSnapshot(const TreeView& tree, std::uint32_t block)
    : tree_(tree), block_(tree.block_octets(block)) {
  const std::size_t at = ZoneRecord::octet_in_block(Block(block_).owner().size());
  record_ = reinterpret_cast<const ZoneRecord*>(block_ + at);
}

NameView ZoneSnapshot::apex() const {
  const auto labels = Block(block_).owner();
  return {labels.data(), labels.size() + 1};
}

RRsetsView ZoneSnapshot::apex_rrsets() const {
  if (record_->apex_block == 0) return {};
  return RRsetsView(Block(tree_.block_octets(record_->apex_block)).payload());
}

RRsetView ZoneSnapshot::soa() const {
  if (!record_->has_soa) return {};
  return RRsetView(apex_rrsets().packed().data() + record_->soa_octet);
}

std::uint32_t ZoneSnapshot::serial() const {
  const RRsetView set = soa();
  return set ? read_soa(set.first()).serial : 0;
}

// RFC 1034 §4.3.2 step 3 in one walk. The walk looks at some digits only, so what it meets on its
// way are ancestors of the name just as far as the leaf at its end turns out to share labels with
// it.
Lookup ZoneSnapshot::find(const TreeKey& key) const {
  Lookup out;
  const std::size_t skip = record_->apex_labels;
  const std::size_t base = key.digits_of(skip);
  const auto asked = key.labels_before(skip);
  const std::uint8_t* digits = key.digits() + base;
  const std::size_t size = key.size() - base;
  if (record_->root.is_empty()) {
    out.kind = asked.empty() ? Lookup::Kind::EMPTY_NON_TERMINAL : Lookup::Kind::ABSENT;
    if (!asked.empty()) out.encloser_size = name_octets(key, skip);
    return out;
  }

  Walk walk;
  walk.run(tree_, record_->root, digits, size);
  const Block block = tree_.block(*walk.leaf);
  const auto owner = block.owner();
  const bool exact =
      owner.size() == asked.size() && equal_ignoring_case(owner.data(), asked.data(), asked.size());
  std::size_t shared = key.label_count() - skip;
  bool leaf_is_ancestor = false;  // or the name itself
  if (exact) {
    out.kind = Lookup::Kind::EXACT;
    out.rrsets = RRsetsView(block.payload());
    leaf_is_ancestor = true;
  } else {
    const SharedLabels labels = shared_labels(key, skip, owner);
    leaf_is_ancestor = labels.shared == labels.of_owner;
    if (labels.shared == shared) {
      out.kind = Lookup::Kind::EMPTY_NON_TERMINAL;
    } else {
      shared = labels.shared;
      out.encloser_size = name_octets(key, skip + shared);
    }
  }
  const std::size_t shared_digits = key.digits_of(skip + shared) - base;

  const auto meet = [&](std::uint64_t flags, std::size_t labels, RRsetsView rrsets) {
    if ((flags & Node::CUT) != 0 && out.cut_size == 0) {
      out.cut = rrsets;
      out.cut_size = name_octets(key, skip + labels);
    }
    if ((flags & Node::DNAME) != 0 && out.dname_size == 0) {
      out.dname = rrsets;
      out.dname_size = name_octets(key, skip + labels);
    }
  };
  constexpr std::uint64_t FLAGS = Node::CUT | Node::DNAME;
  std::size_t labels = 0;  // of the ancestor that ends at a branch
  for (std::size_t step = 0; step < walk.depth; ++step) {
    const Node& branch = *walk.path[step];
    if ((branch.bits & FLAGS) == 0) continue;
    // The name asked for ends here itself, or has parted from this branch's names before it.
    if (branch.offset >= size || branch.offset > shared_digits) break;
    while (key.digits_of(skip + labels) - base < branch.offset) ++labels;
    meet(branch.bits, labels, rrsets_of(*tree_.twigs(branch)));
  }
  if (leaf_is_ancestor && (walk.leaf->bits & FLAGS) != 0) {
    meet(exact ? walk.leaf->bits & Node::CUT : walk.leaf->bits, shared,
         RRsetsView(block.payload()));
  }
  if (out.kind == Lookup::Kind::ABSENT && record_->wildcards != 0) {
    find_wildcard(walk, shared_digits, shared, out);
  }
  return out;
}

// The source of synthesis (RFC 4592 §3.3.1): the child "*" of the closest encloser, which has
// `labels` labels.
void ZoneSnapshot::find_wildcard(const Walk& walk, std::size_t offset, std::size_t labels,
                                 Lookup& out) const {
  // Where the walk first came to names below the encloser only.
  std::size_t step = walk.depth;
  while (step > 0 && walk.path[step - 1]->offset >= offset) --step;
  const Node* node = step < walk.depth ? walk.path[step] : walk.leaf;
  const std::uint8_t wanted[2] = {single_digit(STAR), END_DIGIT};
  while (node->is_branch() && node->offset < offset + 2) {
    const std::uint8_t digit = wanted[node->offset - offset];
    if (!node->has(digit)) return;
    node = tree_.twigs(*node) + node->rank(digit);
  }
  // The wildcard itself comes before the names below it.
  const Block block = tree_.block(*tree_.first_leaf(node));
  std::size_t count = 0;
  for (std::size_t at = 0; at < block.owner().size(); at += block.owner()[at] + std::size_t{1})
    ++count;
  if (count <= labels) return;
  const std::uint8_t* label = label_from_right(block.owner(), labels, count);
  if (label[0] != 1 || label[1] != STAR) return;
  out.wildcard_exists = true;
  if (count == labels + 1) out.wildcard = RRsetsView(block.payload());
}

RRsetsView ZoneSnapshot::rrsets(NameView name) const {
  const TreeKey key(name.wire().first(name.size() - apex().size()));
  const Node* leaf = find_leaf(tree_, record_->root, key);
  return leaf == nullptr ? RRsetsView() : rrsets_of(*leaf);
}

void ZoneSnapshot::visit_all(
    TreeIterator& leaves,
    const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const {
  OwnerBuffer buffer(apex());
  while (const Node* leaf = leaves.next()) {
    const Block block = tree_.block(*leaf);
    if (!visit(buffer.name(block.owner()), RRsetsView(block.payload()))) return;
  }
}

void ZoneSnapshot::for_each(
    const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const {
  TreeIterator leaves(tree_, record_->root);
  visit_all(leaves, visit);
}

void ZoneSnapshot::for_each_after(
    std::optional<Name> after,
    const std::function<bool(NameView owner, RRsetsView rrsets)>& visit) const {
  if (!after) return for_each(visit);
  const TreeKey key(after->wire().first(after->size() - apex().size()));
  TreeIterator leaves(tree_, record_->root, key);
  visit_all(leaves, visit);
}

std::optional<ZoneSnapshot> Catalogue::enclosing(const TreeKey& key) const {
  if (root_.is_empty()) return std::nullopt;
  Walk walk;
  walk.run(tree_, root_, key.digits(), key.size());
  const SharedLabels labels = shared_labels(key, 0, tree_.block(*walk.leaf).owner());
  if (labels.shared == labels.of_owner) return ZoneSnapshot(tree_, walk.leaf->index);
  const std::size_t shared_digits = key.digits_of(labels.shared);
  for (std::size_t step = walk.depth; step > 0; --step) {
    const Node& branch = *walk.path[step - 1];
    if (branch.offset <= shared_digits && branch.has(END_DIGIT) &&
        key.label_begins(branch.offset)) {
      return ZoneSnapshot(tree_, tree_.twigs(branch)->index);
    }
  }
  return std::nullopt;
}

namespace {

constexpr std::size_t CACHE_LINE_OCTETS = 64;
// Keys and steps of a group fit into the first-level cache.
constexpr std::size_t PREFETCH_GROUP = 16;
// What is smaller stays in the second-level cache by itself.
constexpr std::size_t PREFETCH_PAYS_OCTETS = std::size_t{1} << 20;

/// Many ways down at a time: a step of each, so that their reads of memory overlap.
struct Descent {
  const Node* node;
  const std::uint8_t* digits;
  std::size_t size;
  Glimpse* glimpse;          // of the name
  std::uint64_t flags = 0;   // of all nodes on the way
  bool has_strayed = false;  // a branch lacked the digit
};

void descend(const TreeView& tree, std::span<Descent> descents) {
  std::array<Descent*, PREFETCH_GROUP> active;
  std::size_t count = 0;
  for (Descent& descent : descents) active[count++] = &descent;
  while (count > 0) {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < count; ++at) {
      Descent& descent = *active[at];
      const Node& node = *descent.node;
      descent.flags |= node.bits;
      if (!node.is_branch()) {
        const std::uint8_t* block = tree.block_octets(node.index);
        __builtin_prefetch(block);
        __builtin_prefetch(block + CACHE_LINE_OCTETS);
        continue;
      }
      const std::uint8_t digit =
          node.offset < descent.size ? descent.digits[node.offset] : END_DIGIT;
      const bool has_digit = node.has(digit);
      descent.has_strayed |= !has_digit;
      descent.node = tree.twigs(node) + (has_digit ? node.rank(digit) : 0);
      __builtin_prefetch(descent.node);
      active[kept++] = &descent;
    }
    count = kept;
  }
}

}  // namespace

void Catalogue::prefetch_group(std::span<const NameView> names, std::span<Glimpse> glimpses) const {
  std::array<TreeKey, PREFETCH_GROUP> keys;
  std::array<Descent, PREFETCH_GROUP> descents;
  for (std::size_t at = 0; at < names.size(); ++at) {
    keys[at].assign(names[at]);
    descents[at] = {&root_, keys[at].digits(), keys[at].size(), nullptr};
  }
  descend(tree_, std::span(descents).first(names.size()));
  std::size_t found = 0;
  for (std::size_t at = 0; at < names.size(); ++at) {
    // The leaf is the zone's where the zone is the only one hereabouts, as nearly always.
    const auto zone = enclosing(keys[at]);
    if (!zone || zone->record_->root.is_empty()) continue;
    const std::size_t above = keys[at].digits_of(zone->record_->apex_labels);
    glimpses[at].zone_block = tree_.index_of(zone->block_);
    descents[found++] = {&zone->record_->root, keys[at].digits() + above, keys[at].size() - above,
                         &glimpses[at]};
  }
  descend(tree_, std::span(descents).first(found));
  for (const Descent& descent : std::span(descents).first(found)) {
    if (descent.has_strayed || (descent.flags & (Node::CUT | Node::DNAME)) != 0) {
      *descent.glimpse = {};
    } else {
      descent.glimpse->name_block = descent.node->index;
    }
  }
}

void Catalogue::prefetch(std::span<const NameView> names, std::span<Glimpse> glimpses) const {
  if (names.size() < 2 || memory_octets_ < PREFETCH_PAYS_OCTETS || root_.is_empty()) return;
  while (!names.empty()) {
    const std::size_t count = std::min(names.size(), PREFETCH_GROUP);
    prefetch_group(names.first(count), glimpses.first(count));
    names = names.subspan(count);
    glimpses = glimpses.subspan(count);
  }
}

std::optional<Catalogue::Plain> Catalogue::recall(NameView name, const Glimpse& glimpse) const {
  if (glimpse.zone_block == 0) return std::nullopt;
  // The way down looked at some digits only: the name is another one until all of it is compared.
  const ZoneSnapshot zone(tree_, glimpse.zone_block);
  const NameView apex = zone.apex();
  const Block block(tree_.block_octets(glimpse.name_block));
  const auto owner = block.owner();
  if (owner.empty() || owner.size() + apex.size() != name.size() ||
      !equal_ignoring_case(name.data(), owner.data(), owner.size()) ||
      !equal_ignoring_case(name.data() + owner.size(), apex.data(), apex.size())) {
    return std::nullopt;
  }
  return Plain{zone, RRsetsView(block.payload())};
}

std::optional<ZoneSnapshot> Catalogue::zone(NameView apex) const {
  const Node* leaf = find_leaf(tree_, root_, TreeKey(apex));
  if (leaf == nullptr) return std::nullopt;
  return ZoneSnapshot(tree_, leaf->index);
}

void Catalogue::for_each(const std::function<bool(const ZoneSnapshot&)>& visit) const {
  TreeIterator leaves(tree_, root_);
  while (const Node* leaf = leaves.next()) {
    if (!visit(ZoneSnapshot(tree_, leaf->index))) return;
  }
}

}  // namespace zones
