// The ordered trie under snapshots (a qp-trie over TreeKey's digits), as readers see it: immutable
// nodes and blocks under 32-bit indices. A branch tests one digit and skips those that all names
// below it share.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "zones/tree_key.h"

namespace zones {

/// 16 octets, four to a cache line, where the arena aligns them. All zero: an empty tree.
struct Node {
  static constexpr std::uint64_t BRANCH = std::uint64_t{1} << 63;
  // Of a leaf: its name has NS, DNAME records (NS at the apex do not count: they are no zone cut).
  // Of a branch: so has the name that ends there, which is an ancestor of all others below the
  // branch.
  static constexpr std::uint64_t CUT = std::uint64_t{1} << 62;
  static constexpr std::uint64_t DNAME = std::uint64_t{1} << 61;
  static constexpr std::uint64_t DIGITS = (std::uint64_t{1} << TREE_DIGITS) - 1;

  std::uint64_t bits = 0;    // of a branch: also one for each digit that has a twig
  std::uint32_t index = 0;   // of the first twig, or of the leaf's block
  std::uint16_t offset = 0;  // of the digit that a branch tests
  std::uint16_t unused = 0;

  bool is_branch() const { return (bits & BRANCH) != 0; }
  bool is_empty() const { return bits == 0 && index == 0; }
  bool has(std::uint8_t digit) const { return (bits >> digit & 1) != 0; }
  /// Twigs before the one of `digit`.
  std::uint32_t rank(std::uint8_t digit) const {
    return static_cast<std::uint32_t>(std::popcount(bits & ((std::uint64_t{1} << digit) - 1)));
  }
  std::uint32_t twig_count() const {
    return static_cast<std::uint32_t>(std::popcount(bits & DIGITS));
  }
};
static_assert(sizeof(Node) == 16);

/// What a leaf refers to: size of the owner (1 octet) and of the payload (3), then the owner's
/// labels relative to the tree's root, case kept, then the payload.
class Block {
 public:
  static constexpr std::size_t UNIT_OCTETS = 8;  // blocks begin at a multiple of this
  static constexpr std::size_t HEADER_OCTETS = 4;
  static constexpr std::size_t MAX_PAYLOAD_OCTETS = (std::size_t{1} << 24) - 1;

  explicit Block(const std::uint8_t* at) : at_(at) { std::memcpy(&sizes_, at, sizeof sizes_); }
  static std::uint32_t sizes(std::size_t owner_octets, std::size_t payload_octets) {
    return static_cast<std::uint32_t>(owner_octets | payload_octets << 8);
  }

  std::span<const std::uint8_t> owner() const { return {at_ + HEADER_OCTETS, sizes_ & 0xff}; }
  std::span<const std::uint8_t> payload() const {
    return {at_ + HEADER_OCTETS + (sizes_ & 0xff), sizes_ >> 8};
  }
  std::size_t size() const { return HEADER_OCTETS + (sizes_ & 0xff) + (sizes_ >> 8); }
  static std::size_t units(std::size_t octets) { return (octets + UNIT_OCTETS - 1) / UNIT_OCTETS; }

 private:
  const std::uint8_t* at_;
  std::uint32_t sizes_;
};

/// Where the indices point.
struct TreeView {
  const Node* nodes = nullptr;
  const std::uint8_t* blocks = nullptr;

  const Node* twigs(const Node& branch) const { return nodes + branch.index; }
  const std::uint8_t* block_octets(std::uint32_t index) const {
    return blocks + std::size_t{index} * Block::UNIT_OCTETS;
  }
  std::uint32_t index_of(const std::uint8_t* block) const {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(block - blocks) /
                                      Block::UNIT_OCTETS);
  }
  Block block(const Node& leaf) const { return Block(block_octets(leaf.index)); }
  /// The first leaf in order; the node itself when it is one.
  const Node* first_leaf(const Node* node) const {
    while (node->is_branch()) node = twigs(*node);
    return node;
  }
};

/// Labels that a name shares with an owner, both counted from the right.
struct SharedLabels {
  std::size_t shared;
  std::size_t of_owner;
};
/// @param skip  labels of the key above the tree's root
SharedLabels shared_labels(const TreeKey& key, std::size_t skip,
                           std::span<const std::uint8_t> owner);

/// One way down the tree. Large; not initialised where it is not used.
struct Walk {
  const Node* leaf;  // one that shares as many leading digits with the key as any does
  std::size_t depth = 0;
  const Node* path[TreeKey::MAX_DIGITS];  // branches, offsets ascending; the last one may lack the
                                          // key's digit

  /// Follows `key` from `root`, which must not be empty.
  void run(const TreeView& tree, const Node& root, const std::uint8_t* digits, std::size_t size) {
    const Node* node = &root;
    while (node->is_branch()) {
      path[depth++] = node;
      const std::uint8_t digit = node->offset < size ? digits[node->offset] : END_DIGIT;
      if (!node->has(digit)) {
        node = tree.first_leaf(node);
        break;
      }
      node = tree.twigs(*node) + node->rank(digit);
    }
    leaf = node;
  }
};

/// The leaf of exactly this key, or null.
const Node* find_leaf(const TreeView& tree, const Node& root, const TreeKey& key);

/// Leaves in canonical order.
class TreeIterator {
 public:
  TreeIterator(const TreeView& tree, const Node& root);
  /// Begins after `key`, which need not exist.
  TreeIterator(const TreeView& tree, const Node& root, const TreeKey& key);
  /// Null at the end.
  const Node* next();

 private:
  struct Level {
    const Node* at;
    const Node* end;
  };
  TreeView tree_;
  std::size_t depth_ = 0;
  Level levels_[TreeKey::MAX_DIGITS + 1];
};

}  // namespace zones
