// The writer's side of the tree: copy on write within one pair of arenas that all versions share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "zones/arena.h"
#include "zones/tree.h"

namespace zones {

/// Changes trees whose root nodes lie in memory of the running version. What earlier versions see
/// is copied before it is changed, on the way from the root to the change only. After
/// std::bad_alloc only rollback() is possible.
class TreeEditor {
 public:
  /// @param max_octets  for nodes and for blocks, each
  explicit TreeEditor(std::size_t max_octets);

  TreeView view() const { return {node(0), blocks_.base()}; }

  /// A block of the running version with owner and room for the payload, which the caller writes.
  struct NewBlock {
    std::uint32_t index;
    std::uint8_t* payload;
  };
  NewBlock make_block(std::span<const std::uint8_t> owner, std::size_t payload_octets);
  bool fresh_block(std::uint32_t index) const { return blocks_.fresh(index); }
  std::uint8_t* block_octets(std::uint32_t index) {
    return blocks_.base() + std::size_t{index} * Block::UNIT_OCTETS;
  }
  void release_block(std::uint32_t index);

  /// Adds a leaf or gives it another block; names in canonical order are added without a walk.
  /// @param flags  Node::CUT and Node::DNAME
  /// @return the block it had, which the caller releases; 0 for a new leaf
  std::uint32_t put(Node& root, const TreeKey& key, std::uint32_t block, std::uint64_t flags);
  /// @return the block of the leaf that is gone, which the caller releases; 0 when there was none
  std::uint32_t erase(Node& root, const TreeKey& key);
  /// Releases all nodes and blocks.
  void clear(Node& root);

  void freeze(std::uint64_t version);
  void rollback();
  void reclaim(std::uint64_t oldest_in_use);
  std::size_t octets_in_use() const { return nodes_.octets_in_use() + blocks_.octets_in_use(); }

 private:
  Node* node(std::uint32_t index) { return reinterpret_cast<Node*>(nodes_.base()) + index; }
  const Node* node(std::uint32_t index) const {
    return reinterpret_cast<const Node*>(nodes_.base()) + index;
  }
  Node* own_twigs(Node& branch);
  Node* descend(Node& root, const TreeKey& key, std::size_t difference);
  Node* resume(Node& root, std::size_t difference);
  Node* add_twig(Node& branch, std::uint8_t digit, const Node& twig);
  Node* split(Node& slot, const TreeKey& key, std::size_t difference, const Node& leaf);
  void remove_twig(Node& branch, std::uint8_t digit);
  void refresh_flags(Node& branch, const TreeKey& key);
  void forget_way() { way_root_ = nullptr; }

  Arena nodes_;
  Arena blocks_;

  // The way to the leaf that put() touched last: branches of the running version, from the root.
  const Node* way_root_ = nullptr;
  bool way_is_last_ = false;  // that leaf is the last one of its tree
  std::size_t way_size_ = 0;
  Node* way_[TreeKey::MAX_DIGITS];
  std::uint8_t way_digits_[TreeKey::MAX_DIGITS];
  std::size_t way_digits_size_ = 0;
};

}  // namespace zones
