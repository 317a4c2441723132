#include "zones/tree.h"

namespace zones {

SharedLabels shared_labels(const TreeKey& key, std::size_t skip,
                           std::span<const std::uint8_t> owner) {
  const auto asked = key.labels_before(skip);
  if (owner.size() <= asked.size()) {
    // Mostly the owner is an ancestor: the same octets, and a label begins where they begin.
    const std::size_t left = asked.size() - owner.size();
    if (equal_ignoring_case(asked.data() + left, owner.data(), owner.size())) {
      for (std::size_t labels = 0; skip + labels <= key.label_count(); ++labels) {
        if (key.labels_before(skip + labels).size() == left) return {labels, labels};
      }
    }
  }
  std::uint8_t begins[TreeKey::MAX_LABELS];
  std::size_t count = 0;
  for (std::size_t at = 0; at < owner.size(); at += owner[at] + std::size_t{1}) {
    begins[count++] = static_cast<std::uint8_t>(at);
  }
  std::size_t shared = 0;
  while (shared < count && skip + shared < key.label_count()) {
    const std::uint8_t* mine = key.label(skip + shared);
    const std::uint8_t* theirs = owner.data() + begins[count - 1 - shared];
    if (*mine != *theirs || !equal_ignoring_case(mine + 1, theirs + 1, *mine)) break;
    ++shared;
  }
  return {shared, count};
}

const Node* find_leaf(const TreeView& tree, const Node& root, const TreeKey& key) {
  if (root.is_empty()) return nullptr;
  const Node* node = &root;
  while (node->is_branch()) {
    const std::uint8_t digit = key.digit(node->offset);
    if (!node->has(digit)) return nullptr;
    node = tree.twigs(*node) + node->rank(digit);
  }
  const auto owner = tree.block(*node).owner();
  const auto labels = key.labels_before(0);
  const bool equal = owner.size() == labels.size() &&
                     equal_ignoring_case(owner.data(), labels.data(), labels.size());
  return equal ? node : nullptr;
}

TreeIterator::TreeIterator(const TreeView& tree, const Node& root) : tree_(tree) {
  if (!root.is_empty()) levels_[depth_++] = {&root, &root + 1};
}

TreeIterator::TreeIterator(const TreeView& tree, const Node& root, const TreeKey& key)
    : tree_(tree) {
  if (root.is_empty()) return;
  Walk walk;
  walk.run(tree, root, key.digits(), key.size());
  const TreeKey nearest(tree.block(*walk.leaf).owner());
  const std::size_t difference = key.first_difference(nearest);
  const Node* node = &root;
  while (node->is_branch() && node->offset < difference) {
    const Node* twigs = tree.twigs(*node);
    const Node* taken = twigs + node->rank(key.digit(node->offset));
    levels_[depth_++] = {taken + 1, twigs + node->twig_count()};
    node = taken;
  }
  if (difference == TreeKey::NONE) return;
  if (node->is_branch() && node->offset == difference) {
    const Node* twigs = tree.twigs(*node);
    levels_[depth_++] = {twigs + node->rank(key.digit(difference)), twigs + node->twig_count()};
  } else if (nearest.digit(difference) > key.digit(difference)) {
    levels_[depth_++] = {node, node + 1};  // all below `node` share that digit
  }
}

const Node* TreeIterator::next() {
  while (depth_ > 0) {
    Level& level = levels_[depth_ - 1];
    if (level.at == level.end) {
      --depth_;
      continue;
    }
    const Node* node = level.at++;
    if (!node->is_branch()) return node;
    const Node* twigs = tree_.twigs(*node);
    levels_[depth_++] = {twigs, twigs + node->twig_count()};
  }
  return nullptr;
}

}  // namespace zones
