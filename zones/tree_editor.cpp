#include "zones/tree_editor.h"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace zones {

TreeEditor::TreeEditor(std::size_t max_octets)
    : nodes_(sizeof(Node), max_octets), blocks_(Block::UNIT_OCTETS, max_octets) {}

TreeEditor::NewBlock TreeEditor::make_block(std::span<const std::uint8_t> owner,
                                            std::size_t payload_octets) {
  if (payload_octets > Block::MAX_PAYLOAD_OCTETS) throw std::bad_alloc();
  const std::size_t octets = Block::HEADER_OCTETS + owner.size() + payload_octets;
  const std::uint32_t index = blocks_.allocate(Block::units(octets));
  std::uint8_t* at = block_octets(index);
  const std::uint32_t sizes = Block::sizes(owner.size(), payload_octets);
  std::memcpy(at, &sizes, sizeof sizes);
  std::ranges::copy(owner, at + Block::HEADER_OCTETS);
  return {index, at + Block::HEADER_OCTETS + owner.size()};
}

void TreeEditor::release_block(std::uint32_t index) {
  blocks_.release(index, Block::units(Block(block_octets(index)).size()));
}

// The twigs of a branch of the running version, copied when earlier versions see them.
Node* TreeEditor::own_twigs(Node& branch) {
  if (!nodes_.fresh(branch.index)) {
    const std::size_t count = branch.twig_count();
    const std::uint32_t copy = nodes_.allocate(count);
    std::copy_n(node(branch.index), count, node(copy));
    nodes_.release(branch.index, count);
    branch.index = copy;
  }
  return node(branch.index);
}

// The node at which a key leaves the tree that differs from all others at `difference` or before.
Node* TreeEditor::descend(Node& root, const TreeKey& key, std::size_t difference) {
  way_root_ = &root;
  way_size_ = 0;
  way_is_last_ = true;
  Node* slot = &root;
  while (slot->is_branch() && slot->offset < difference) {
    way_[way_size_++] = slot;
    const std::uint32_t rank = slot->rank(key.digit(slot->offset));
    way_is_last_ = way_is_last_ && rank + 1 == slot->twig_count();
    slot = own_twigs(*slot) + rank;
  }
  return slot;
}

// The same for a key after the last one of the tree, by the way to that.
Node* TreeEditor::resume(Node& root, std::size_t difference) {
  while (way_size_ > 0 && way_[way_size_ - 1]->offset >= difference) --way_size_;
  if (way_size_ == 0) return &root;
  Node& parent = *way_[way_size_ - 1];
  return node(parent.index) + parent.twig_count() - 1;
}

Node* TreeEditor::add_twig(Node& branch, std::uint8_t digit, const Node& twig) {
  const std::size_t count = branch.twig_count();
  const std::uint32_t rank = branch.rank(digit);
  const std::uint32_t wider = nodes_.allocate(count + 1);
  const Node* from = node(branch.index);
  Node* to = node(wider);
  std::copy_n(from, rank, to);
  to[rank] = twig;
  std::copy(from + rank, from + count, to + rank + 1);
  nodes_.release(branch.index, count);
  branch.index = wider;
  branch.bits |= std::uint64_t{1} << digit;
  return to + rank;
}

// Puts a branch in the place of `slot`, above it and the new leaf.
Node* TreeEditor::split(Node& slot, const TreeKey& key, std::size_t difference, const Node& leaf) {
  const Block old_block(view().block(*view().first_leaf(&slot)));
  const std::uint8_t old_digit = TreeKey(old_block.owner()).digit(difference);
  const std::uint8_t digit = key.digit(difference);
  const std::uint32_t twigs = nodes_.allocate(2);
  const std::size_t rank = digit > old_digit ? 1 : 0;
  node(twigs)[rank] = leaf;
  node(twigs)[1 - rank] = slot;
  slot.bits = Node::BRANCH | std::uint64_t{1} << digit | std::uint64_t{1} << old_digit;
  slot.index = twigs;
  slot.offset = static_cast<std::uint16_t>(difference);
  return node(twigs) + rank;
}

// The key is one below the branch.
void TreeEditor::refresh_flags(Node& branch, const TreeKey& key) {
  constexpr std::uint64_t FLAGS = Node::CUT | Node::DNAME;
  branch.bits &= ~FLAGS;
  if (branch.has(END_DIGIT) && key.label_begins(branch.offset)) {
    branch.bits |= node(branch.index)->bits & FLAGS;
  }
}

std::uint32_t TreeEditor::put(Node& root, const TreeKey& key, std::uint32_t block,
                              std::uint64_t flags) {
  Node leaf;
  leaf.bits = flags;
  leaf.index = block;
  std::uint32_t old = 0;
  if (root.is_empty()) {
    root = leaf;
    way_root_ = &root;
    way_size_ = 0;
    way_is_last_ = true;
  } else {
    const auto way_end = way_digits_ + way_digits_size_;
    Node* slot = nullptr;
    std::size_t difference = 0;
    if (way_root_ == &root && way_is_last_) {
      const std::size_t common = std::min(way_digits_size_, key.size());
      const auto differ = std::mismatch(way_digits_, way_digits_ + common, key.digits());
      difference = static_cast<std::size_t>(differ.first - way_digits_);
      const std::uint8_t last_digit = differ.first == way_end ? END_DIGIT : *differ.first;
      if (key.digit(difference) > last_digit) slot = resume(root, difference);
    }
    if (slot == nullptr) {
      Walk walk;
      walk.run(view(), root, key.digits(), key.size());
      difference = key.first_difference(TreeKey(view().block(*walk.leaf).owner()));
      slot = descend(root, key, difference);
    }
    if (difference == TreeKey::NONE) {
      old = slot->index;
      *slot = leaf;
    } else {
      const bool widens = slot->is_branch() && slot->offset == difference;
      Node* added = widens ? add_twig(*slot, key.digit(difference), leaf)
                           : split(*slot, key, difference, leaf);
      way_[way_size_++] = slot;
      way_is_last_ = way_is_last_ && added + 1 == node(slot->index) + slot->twig_count();
    }
    if (way_size_ > 0) refresh_flags(*way_[way_size_ - 1], key);
  }
  std::copy_n(key.digits(), key.size(), way_digits_);
  way_digits_size_ = key.size();
  return old;
}

void TreeEditor::remove_twig(Node& branch, std::uint8_t digit) {
  const std::size_t count = branch.twig_count();
  const std::uint32_t rank = branch.rank(digit);
  const std::uint32_t old = branch.index;
  const Node* from = node(old);
  if (count == 2) {
    branch = from[1 - rank];
  } else {
    const std::uint32_t narrower = nodes_.allocate(count - 1);
    Node* to = node(narrower);
    std::copy_n(from, rank, to);
    std::copy(from + rank + 1, from + count, to + rank);
    branch.index = narrower;
    branch.bits &= ~(std::uint64_t{1} << digit);
    // The name that ends here is the one that goes.
    if (digit == END_DIGIT) branch.bits &= ~(Node::CUT | Node::DNAME);
  }
  nodes_.release(old, count);
}

std::uint32_t TreeEditor::erase(Node& root, const TreeKey& key) {
  const Node* leaf = find_leaf(view(), root, key);
  if (leaf == nullptr) return 0;
  const std::uint32_t block = leaf->index;
  forget_way();
  Node* parent = nullptr;
  for (Node* slot = &root; slot->is_branch();) {
    const std::uint32_t rank = slot->rank(key.digit(slot->offset));
    parent = slot;
    // The last twigs are not copied twice.
    if (!node(slot->index)[rank].is_branch()) break;
    slot = own_twigs(*slot) + rank;
  }
  if (parent == nullptr) {
    root = {};
  } else {
    remove_twig(*parent, key.digit(parent->offset));
  }
  return block;
}

void TreeEditor::clear(Node& root) {
  forget_way();
  std::vector<Node> branches;
  const auto take = [&](const Node& taken) {
    if (taken.is_branch()) {
      branches.push_back(taken);
    } else {
      release_block(taken.index);
    }
  };
  if (!root.is_empty()) take(std::exchange(root, {}));
  while (!branches.empty()) {
    const Node branch = branches.back();
    branches.pop_back();
    const std::size_t count = branch.twig_count();
    for (std::size_t twig = 0; twig < count; ++twig) take(node(branch.index)[twig]);
    nodes_.release(branch.index, count);
  }
}

void TreeEditor::freeze(std::uint64_t version) {
  forget_way();
  nodes_.freeze(version);
  blocks_.freeze(version);
}

void TreeEditor::rollback() {
  forget_way();
  nodes_.rollback();
  blocks_.rollback();
}

void TreeEditor::reclaim(std::uint64_t oldest_in_use) {
  nodes_.reclaim(oldest_in_use);
  blocks_.reclaim(oldest_in_use);
}

}  // namespace zones
