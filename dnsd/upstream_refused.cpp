#include "dnsd/upstream_refused.h"

#include <algorithm>
#include <sstream>

namespace dnsd {

using zones::Type;

bool RefusedNames::add(const UpdateSection& section) {
  if (section.empty()) return false;
  const zones::Name& name = section.front().owner;
  const auto known = names_.find(name);
  if (known == names_.end() && names_.size() >= MAX_NAMES) {
    complete_ = false;
    return false;
  }
  Types& types = names_[name];
  for (const zones::Record& record : section) {
    // One NS of several at the apex that should go: which, only a comparison tells again.
    if (record.rrclass == zones::Class::NONE) complete_ = false;
    if (std::ranges::find(types, record.type) != types.end()) continue;
    if (types.size() < MAX_TYPES) {
      types.push_back(record.type);
    } else {
      complete_ = false;
    }
  }
  return known == names_.end();
}

void RefusedNames::remove(const zones::Name& name) { names_.erase(name); }

void RefusedNames::set_incomplete() { complete_ = false; }

void RefusedNames::clear() { *this = {}; }

bool RefusedNames::contains_any(const UpdateSection& section) const {
  return !names_.empty() && std::ranges::any_of(section, [&](const zones::Record& record) {
    return names_.contains(record.owner);
  });
}

std::string RefusedNames::to_text() const {
  std::string text;
  for (const auto& [name, types] : names_) {
    if (!text.empty()) text += ' ';
    text += name.to_text();
    char mark = '/';
    for (const Type type : types) {
      text += mark + zones::to_text(type);
      mark = ',';
    }
  }
  if (!complete_) text += text.empty() ? "+" : " +";
  return text;
}

RefusedNames RefusedNames::from_text(const std::string& text) {
  RefusedNames made;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t slash = word.rfind('/');  // a name may have some
    const auto name = zones::Name::from_text(word.substr(0, slash));
    if (slash == std::string::npos || !name || made.names_.size() >= MAX_NAMES) {
      made.complete_ = false;
      continue;
    }
    Types types;
    std::istringstream list(word.substr(slash + 1));
    for (std::string one; std::getline(list, one, ',');) {
      Type type{};
      if (zones::type_from_text(one, type) && types.size() < MAX_TYPES) {
        types.push_back(type);
      } else {
        made.complete_ = false;
      }
    }
    made.names_[*name] = std::move(types);
  }
  return made;
}

}  // namespace dnsd
