// The portal's page of a name (RFC 7393 §3.3), for people and for programs.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "dnsd/http/services.h"
#include "dnsd/published_times.h"
#include "zones/name.h"
#include "zones/result.h"

namespace dnsd::http {

/// What a page shows. Everything that was published is escaped on its way into it.
struct PageContent {
  zones::NameView name;
  std::string_view name_text;  // as the visitor wrote it
  const NameServices& services;
  std::span<const PublishedTime> times{};  // of the services, in their order; none: not known
};

/// A mustache template; the variables are told in dnsd.toml(5). Any thread.
class PageTemplate {
 public:
  /// The one that comes with dnsd, or the one of a file. The error is a sentence.
  static zones::Result<std::shared_ptr<PageTemplate>, std::string> load(
      const std::filesystem::path& file);
  ~PageTemplate();
  PageTemplate(const PageTemplate&) = delete;
  PageTemplate& operator=(const PageTemplate&) = delete;

  /// @param nonce  of the page's style element (Content-Security-Policy)
  std::string render(const PageContent& content, const std::string& nonce);

 private:
  PageTemplate();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The same as JSON.
std::string page_json(const PageContent& content);

/// An image of a QR code (ISO/IEC 18004) in SVG, without outside parts; empty when the text is too
/// long for one.
std::string qr_svg(const std::string& text);

/// Valid UTF-8 without control characters and without those that turn the direction of writing, cut
/// to `max_octets`; what is no such text becomes U+FFFD.
std::string clean_text(std::string_view text, std::size_t max_octets = 256);

}  // namespace dnsd::http
