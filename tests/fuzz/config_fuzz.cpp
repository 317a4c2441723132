// Any text as a configuration: it is right, or there are errors of one line each; and what is right
// is the same when it is read again.

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "dnsd/config.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_one_line(const std::vector<dnsd::ConfigProblem>& problems, std::size_t lines) {
  std::size_t before = 0;
  for (const dnsd::ConfigProblem& problem : problems) {
    const std::string text = problem.to_text();
    require(text.find('\n') == std::string::npos && !problem.what.empty());
    require(problem.line >= before && problem.line <= lines);
    before = problem.line;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  const dnsd::ConfigResult result = dnsd::parse_config(text, "/there/is/no/such/folder/dnsd.toml");
  require(result.config.has_value() == result.errors.empty());
  require_one_line(result.errors, lines);
  require_one_line(result.warnings, lines);
  if (!result.config) return 0;

  const dnsd::Config& config = *result.config;
  require(!config.listen.empty());
  for (const dnsd::Endpoint& endpoint : config.listen) {
    require(dnsd::endpoint_from_text(dnsd::to_text(endpoint)) == endpoint);
  }
  const auto policy = dnsd::make_policy(config);
  require(policy->keyring.size() == config.keys.size());
  for (const dnsd::ZoneConfig& zone : config.zones)
    require(policy->grants_of(zone.name) != nullptr);
  const dnsd::ConfigResult again = dnsd::parse_config(text, "/there/is/no/such/folder/dnsd.toml");
  require(again.config && dnsd::needs_restart(config, *again.config).empty());
  return 0;
}
