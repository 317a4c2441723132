// Content negotiation (RFC 9110 §12.5.1), as far as the portal needs it.
#pragma once

#include <string_view>

namespace dnsd::http {

/// True when an Accept field names application/json, and wants it rather than text/html.
bool prefers_json(std::string_view accept);
/// True when it names text/html, as browsers do that show a page.
bool names_html(std::string_view accept);

}  // namespace dnsd::http
