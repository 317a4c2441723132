#include "dnsd/config_fields.h"

#include <algorithm>

namespace dnsd {

const toml::node* ConfigFields::endpoints(std::string_view name, std::vector<Endpoint>& value) {
  constexpr std::string_view FORM =
      R"("address:port", as "192.0.2.1:53", "[2001:db8::1]:53" or "0.0.0.0:53")";
  const toml::node* node = take(name);
  if (!node) return nullptr;
  std::vector<Endpoint> found;
  bool right = true;
  const auto one = [&](const toml::node& element) {
    const auto* text = element.as_string();
    const auto endpoint = text ? endpoint_from_text(text->get()) : std::nullopt;
    if (!endpoint) {
      right = false;
      error(&element, name,
            "must be " + std::string(FORM) + ", not " +
                (text ? "\"" + keys::printable(text->get()) + "\"" : type_of(element)));
    } else if (endpoint->port() != 0 && std::ranges::find(found, *endpoint) != found.end()) {
      right = false;
      error(&element, name, "has " + dnsd::to_text(*endpoint) + " twice");
    } else {
      found.push_back(*endpoint);
    }
  };
  if (const auto* array = node->as_array()) {
    for (const toml::node& element : *array) one(element);
    if (array->empty()) {
      right = false;
      error(node, name, "is empty; it must have at least one " + std::string(FORM));
    }
  } else {
    one(*node);
  }
  if (!right) return nullptr;
  value = std::move(found);
  return node;
}

}  // namespace dnsd
