// Headers of every page for people.
#pragma once

#include <string>

#include "dnsd/http/message.h"

namespace dnsd::http {

/// Random, for one page's style element.
std::string make_nonce();

enum class FormAction { NONE, SELF };
/// The type, no-store, and a Content-Security-Policy: no script, nothing from elsewhere, and a
/// style only with this nonce.
void add_page_headers(Response& response, const std::string& nonce, FormAction forms);

}  // namespace dnsd::http
