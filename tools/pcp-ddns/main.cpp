// pcp-ddns: command line and start.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "tools/pcp-ddns/agent.h"
#include "tools/pcp-ddns/log.h"

namespace {

int check(const std::filesystem::path& file) {
  const pcp_ddns::ConfigResult result = pcp_ddns::read_config(file);
  for (const auto& warning : result.warnings) std::cerr << "warning: " << warning.to_text() << '\n';
  for (const auto& error : result.errors) std::cerr << error.to_text() << '\n';
  if (!result.config) return EXIT_FAILURE;
  std::cout << file.string() << " is right: " << result.config->services.size() << " services, "
            << result.config->providers.size() << " providers\n";
  return EXIT_SUCCESS;
}

int run(const std::filesystem::path& path) {
  pcp_ddns::start_log(pcp_ddns::LogLevel::INFO);
  pcp_ddns::ConfigResult result = pcp_ddns::read_config(path);
  for (const auto& warning : result.warnings) spdlog::warn("{}", warning.to_text());
  for (const auto& error : result.errors) spdlog::error("{}", error.to_text());
  if (!result.config) return EXIT_FAILURE;
  pcp_ddns::set_log_level(result.config->log_level);
  pcp_ddns::StateFile file(result.config->state);
  auto state = file.load();
  if (!state) {
    spdlog::error("{}", state.error());
    return EXIT_FAILURE;
  }
  pcp_ddns::Agent agent(std::move(*result.config), file, std::move(*state));
  return agent.run();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Maps ports of a carrier-grade NAT by PCP, and publishes them in the DNS",
               "pcp-ddns");
  std::string file;
  bool only_check = false;
  app.add_option("--config,-c", file, "the configuration")->required();
  app.add_flag("--check", only_check, "judge the configuration, then end");
  app.set_version_flag("--version", "pcp-ddns " DNSD_VERSION);
  app.footer("Runs in the foreground. SIGTERM withdraws names and mappings, and stops.");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return only_check ? check(file) : run(file);
  } catch (const std::exception& error) {
    std::cerr << "pcp-ddns: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
