// Names of hosts as people and URIs write them.
#pragma once

#include <string>

#include "zones/name.h"

namespace zones {

/// "h1.dyn.example": Name::to_text() without the final dot. The root keeps its own.
inline std::string host_text(NameView name) {
  std::string text = name.to_text();
  if (text.size() > 1) text.pop_back();
  return text;
}

}  // namespace zones
