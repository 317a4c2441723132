// The names whose changes an upstream refuses, so that others' changes go on. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "dnsd/upstream_changes.h"
#include "zones/name.h"

namespace dnsd {

/// Which RRsets of which names an upstream may have otherwise because it refused them. They are
/// sent again with the next change of the name, and from time to time.
///
/// Bounded: beyond MAX_NAMES, and MAX_TYPES of a name, it is only known that there are more, and
/// nothing less than a full synchronisation finds them.
class RefusedNames {
 public:
  static constexpr std::size_t MAX_NAMES = 500;
  static constexpr std::size_t MAX_TYPES = 64;
  using Types = std::vector<zones::Type>;

  /// @param section  what was refused, of one name. @return false when the name was known before
  bool add(const UpdateSection& section);
  void remove(const zones::Name& name);
  /// For example because a full synchronisation was given up.
  void set_incomplete();
  void clear();
  bool contains(const zones::Name& name) const { return names_.contains(name); }
  bool contains_any(const UpdateSection& section) const;
  const std::map<zones::Name, Types>& names() const { return names_; }
  std::size_t size() const { return names_.size(); }
  bool is_complete() const { return complete_; }
  bool empty() const { return names_.empty() && complete_; }

  /// "a.dyn.example./A,TXT b.dyn.example./MX +"; the last: incomplete.
  std::string to_text() const;
  /// What is malformed makes it incomplete.
  static RefusedNames from_text(const std::string& text);
  bool operator==(const RefusedNames&) const = default;

 private:
  std::map<zones::Name, Types> names_;
  bool complete_ = true;
};

}  // namespace dnsd
