#include "dnsd/check.h"

#include <cstdlib>
#include <ostream>

#include "dnsd/config.h"
#include "dnsd/http/page.h"
#include "dnsd/http/tls.h"
#include "zones/counted.h"
#include "zones/zone_file.h"

namespace dnsd {
namespace {

/// What is wrong with the file of a zone; empty for nothing.
std::string judge_zone_file(const Config& config, const ZoneConfig& zone) {
  const ConfigProblem missing{
      config.file, zone.line,
      "zone " + zone.name.to_text() + " has no 'file', and there is no store yet to take it from"};
  if (zone.file.empty()) return missing.to_text();
  const auto read = zones::ZoneFile::read(zone.file, zone.name);
  return read ? std::string() : read.error().to_text();
}

/// What is wrong with the portal's certificate and template; empty for nothing.
std::string judge_portal(const Config& config) {
  const auto problem = [&](const std::string& what) {
    return ConfigProblem{config.file, config.http.line, what}.to_text();
  };
  if (!config.http.tls_listen.empty()) {
    const auto loaded = http::TlsContext::load(config.http.tls);
    if (!loaded) return problem(loaded.error());
  }
  const auto page = http::PageTemplate::load(config.http.page_template);
  return page ? std::string() : problem(page.error());
}

}  // namespace

int check(const std::filesystem::path& file, std::ostream& out, std::ostream& errors) {
  const ConfigResult result = read_config(file);
  for (const ConfigProblem& warning : result.warnings) {
    errors << "warning: " << warning.to_text() << '\n';
  }
  for (const ConfigProblem& error : result.errors) errors << "error: " << error.to_text() << '\n';
  if (!result.config) return EXIT_FAILURE;

  std::error_code unknown;
  const bool store_exists = std::filesystem::exists(result.config->store_path, unknown);
  bool good = true;
  for (const ZoneConfig& zone : result.config->zones) {
    if (store_exists && (zone.file.empty() || !std::filesystem::exists(zone.file, unknown)))
      continue;
    const std::string wrong = judge_zone_file(*result.config, zone);
    if (wrong.empty()) continue;
    errors << (store_exists ? "warning: " : "error: ") << wrong << '\n';
    good = good && store_exists;
  }
  if (const std::string wrong = judge_portal(*result.config); !wrong.empty()) {
    errors << "error: " << wrong << '\n';
    good = false;
  }
  if (!good) return EXIT_FAILURE;
  out << file.string() << ": good: " << zones::counted(result.config->zones.size(), "zone") << ", "
      << zones::counted(result.config->keyring.size(), "key") << '\n';
  return EXIT_SUCCESS;
}

}  // namespace dnsd
