#include "dnsd/http/page.h"

#include <qrencode.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <kainjow/mustache.hpp>
#include <mutex>

#include "dnsd/config_keys.h"
#include "dnsd/http/page_template.h"
#include "dnsd/http/reached.h"
#include "dnsd/http/time_text.h"
#include "zones/host_text.h"

namespace dnsd::http {
namespace {

namespace json = boost::json;
namespace mustache = kainjow::mustache;

constexpr std::size_t MAX_TEMPLATE_OCTETS = 256 * 1024;
constexpr std::size_t MAX_QR_OCTETS = 300;
constexpr std::size_t MAX_QR_CODES = 8;
constexpr const char* REPLACEMENT = "\xef\xbf\xbd";  // U+FFFD
constexpr const char* BAD_PORT = "Browsers refuse to connect to this port.";

std::string host_of(const Service& service) {
  if (service.source == Service::Source::URI) return {};
  return clean_text(zones::host_text(service.target), 1'024);
}

bool has_bad_port(const Service& service) {
  const auto origin = web_origin(service);
  return origin && is_bad_port(origin->port);
}

/// A well-formed sequence at the start of `text` (RFC 3629 §4): its octets and code point; 0
/// octets: none.
std::size_t decode(std::string_view text, char32_t& code) {
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = octet(0);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  code = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((octet(i) & 0xc0U) != 0x80U) return 0;
    code = code << 6U | (octet(i) & 0x3fU);
  }
  constexpr char32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < SMALLEST[size] || code > 0x10ffff || is_surrogate ? 0 : size;
}

bool is_shown(char32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool is_direction = (code >= 0x200e && code <= 0x200f) || code == 0x061c ||
                            (code >= 0x202a && code <= 0x202e) ||
                            (code >= 0x2066 && code <= 0x2069);
  const bool is_line = code == 0x2028 || code == 0x2029;
  return !is_control && !is_direction && !is_line;
}

/// An empty text counts as something in mustache: what is not there is not set.
void set(mustache::data& data, const char* name, const std::string& text) {
  if (!text.empty()) data.set(name, text);
}

/// `since` for programs, `since_text` for people.
void set(mustache::data& data, const std::string& name,
         std::optional<std::chrono::sys_seconds> time) {
  if (!time) return;
  data.set(name, iso_time(*time));
  data.set(name + "_text", time_text(*time));
}

PublishedTime time_of(const PageContent& content, std::size_t service) {
  return service < content.times.size() ? content.times[service] : PublishedTime{};
}

mustache::data data_of(const Service& service, const std::string& url, const PublishedTime& time) {
  mustache::data one;
  set(one, "service", clean_text(service.service));
  set(one, "protocol", service.protocol);
  set(one, "instance", clean_text(service.instance));
  set(one, "host", host_of(service));
  set(one, "port", service.port == 0 ? "" : std::to_string(service.port));
  set(one, "url", url);
  if (url.empty()) set(one, "uri", clean_text(service.uri, 1'024));
  if (has_bad_port(service)) set(one, "warning", BAD_PORT);
  if (service.reached) {
    one.set("reached", to_sentence(*service.reached));
    one.set("reached_how", std::string(how(*service.reached)));
    one.set("reached_at", iso_time(service.reached->at));
  }
  set(one, "since", time.since);
  set(one, "until", time.until);
  mustache::data txt(mustache::data::type::list);
  for (const auto& [key, value] : service.txt) {
    mustache::data pair;
    set(pair, "key", clean_text(key));
    set(pair, "value", clean_text(value));
    txt.push_back(pair);
  }
  one.set("txt", txt);
  return one;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t max_octets) {
  std::string clean;
  while (!text.empty()) {
    char32_t code = 0;
    const std::size_t size = decode(text, code);
    const bool shown = size != 0 && is_shown(code);
    const std::string_view part = shown ? text.substr(0, size) : std::string_view(REPLACEMENT);
    if (clean.size() + part.size() > max_octets) return clean + "…";
    clean += part;
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return clean;
}

std::string qr_svg(const std::string& text) {
  if (text.empty() || text.size() > MAX_QR_OCTETS) return {};
  struct Free {
    void operator()(QRcode* code) const { QRcode_free(code); }
  };
  const std::unique_ptr<QRcode, Free> code(
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1));
  if (!code) return {};
  constexpr int QUIET = 4;  // modules around it
  const int width = code->width;
  const std::string size = std::to_string(width + 2 * QUIET);
  std::string svg = "<svg role=\"img\" aria-label=\"QR code of the link\" viewBox=\"0 0 " + size +
                    " " + size + "\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h" +
                    size + "v" + size + "H0z\"/><path fill=\"#000\" d=\"";
  for (int y = 0; y < width; ++y) {
    for (int x = 0; x < width;) {
      int run = 0;
      while (x + run < width && (code->data[y * width + x + run] & 1) != 0) ++run;
      if (run > 0) {
        svg += "M" + std::to_string(x + QUIET) + " " + std::to_string(y + QUIET) + "h" +
               std::to_string(run) + "v1h-" + std::to_string(run) + "z";
      }
      x += std::max(run, 1);
    }
  }
  return svg + "\"/></svg>";
}

struct PageTemplate::Impl {
  explicit Impl(const std::string& text) : parsed(text) {}
  std::mutex mutex;  // rendering changes it
  mustache::mustache parsed;
};

PageTemplate::PageTemplate() = default;
PageTemplate::~PageTemplate() = default;

zones::Result<std::shared_ptr<PageTemplate>, std::string> PageTemplate::load(
    const std::filesystem::path& file) {
  std::string text(DEFAULT_PAGE);
  if (!file.empty()) {
    if (std::string failure = read_regular_file(file, MAX_TEMPLATE_OCTETS, text);
        !failure.empty()) {
      return tl::unexpected("template " + file.string() + " " + failure);
    }
  }
  std::shared_ptr<PageTemplate> page(new PageTemplate);
  page->impl_ = std::make_unique<Impl>(text);
  if (!page->impl_->parsed.is_valid()) {
    return tl::unexpected("template " + file.string() +
                          " is no mustache: " + page->impl_->parsed.error_message());
  }
  return page;
}

std::string PageTemplate::render(const PageContent& content, const std::string& nonce) {
  mustache::data page;
  page.set("nonce", nonce);
  page.set("name", clean_text(content.name_text));
  page.set("exists", mustache::data(content.services.exists));
  page.set("has_services", mustache::data(!content.services.services.empty()));
  mustache::data list(mustache::data::type::list);
  std::size_t codes = 0;
  std::size_t place = 0;
  for (const Service& service : content.services.services) {
    mustache::data one = data_of(service, service.url(content.name), time_of(content, place++));
    if (const std::string svg =
            codes < MAX_QR_CODES ? qr_svg(service.url(content.name)) : std::string();
        !svg.empty()) {
      one.set("qr", svg);
      ++codes;
    }
    list.push_back(one);
  }
  page.set("services", list);
  const std::lock_guard lock(impl_->mutex);
  return impl_->parsed.render(page);
}

std::string page_json(const PageContent& content) {
  json::object page;
  page["name"] = clean_text(content.name_text);
  page["exists"] = content.services.exists;
  json::array list;
  std::size_t place = 0;
  for (const Service& service : content.services.services) {
    json::object one;
    one["service"] = clean_text(service.service);
    if (!service.protocol.empty()) one["protocol"] = service.protocol;
    if (!service.instance.empty()) one["instance"] = clean_text(service.instance);
    if (service.source == Service::Source::URI) {
      one["uri"] = clean_text(service.uri, 1'024);
    } else {
      one["host"] = host_of(service);
      one["port"] = service.port;
    }
    one["priority"] = service.priority;
    one["ttl"] = service.ttl;
    if (const std::string url = service.url(content.name); !url.empty()) one["url"] = url;
    if (has_bad_port(service)) one["warning"] = BAD_PORT;
    if (const auto& reached = service.reached) {
      one["reachable"] = {{"answered", reached->state == zones::Reachability::ANSWERED},
                          {"how", how(*reached)},
                          {"at", iso_time(reached->at)}};
    }
    const PublishedTime time = time_of(content, place++);
    if (time.since) one["since"] = iso_time(*time.since);
    if (time.until) one["until"] = iso_time(*time.until);
    json::object txt;
    for (const auto& [key, value] : service.txt) txt[clean_text(key)] = clean_text(value);
    if (!txt.empty()) one["txt"] = std::move(txt);
    list.push_back(std::move(one));
  }
  page["services"] = std::move(list);
  return json::serialize(page) + "\n";
}

}  // namespace dnsd::http
