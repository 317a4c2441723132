// pcp-ddns: command line and start.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tools/pcp-ddns/agent.h"
#include "tools/pcp-ddns/check.h"
#include "tools/pcp-ddns/join.h"
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

/// Its problems go to standard error, as those of check().
std::optional<pcp_ddns::Config> read(const std::filesystem::path& file) {
  pcp_ddns::ConfigResult result = pcp_ddns::read_config(file);
  for (const auto& warning : result.warnings) std::cerr << "warning: " << warning.to_text() << '\n';
  for (const auto& error : result.errors) std::cerr << error.to_text() << '\n';
  return std::move(result.config);
}

int status(const std::filesystem::path& file, bool json) {
  const auto config = read(file);
  if (!config) return EXIT_FAILURE;
  const auto text = pcp_ddns::read_status(pcp_ddns::status_socket_path(config->state));
  if (!text) {
    std::cerr << "pcp-ddns: " << text.error() << '\n';
    return EXIT_FAILURE;
  }
  const std::size_t end = text->find('\n');
  std::cout << (json ? text->substr(0, end + 1) : text->substr(end + 1)) << std::flush;
  return EXIT_SUCCESS;
}

int check_network(const std::filesystem::path& file) {
  const auto config = read(file);
  if (!config) return EXIT_FAILURE;
  return pcp_ddns::check_surroundings(*config, std::cout) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int join(const pcp_ddns::JoinOptions& options, const std::string& token_file) {
  std::ifstream file;
  if (!token_file.empty()) file.open(token_file);
  std::string token;
  if (file) token = pcp_ddns::read_token(token_file.empty() ? std::cin : file);
  const std::string failure =
      token.empty() ? "there is no token: give it on standard input, or name its file by --token"
                    : pcp_ddns::join(options, token, std::cout);
  keys::wipe(token);
  if (failure.empty()) return EXIT_SUCCESS;
  std::cerr << "pcp-ddns: " << failure << '\n';
  return EXIT_FAILURE;
}

int run(const std::filesystem::path& path, bool once, bool json) {
  pcp_ddns::start_log(pcp_ddns::LogLevel::INFO);
  pcp_ddns::ConfigResult result = pcp_ddns::read_config(path);
  for (const auto& warning : result.warnings) spdlog::warn("{}", warning.to_text());
  for (const auto& error : result.errors) spdlog::error("{}", error.to_text());
  if (!result.config) return EXIT_FAILURE;
  pcp_ddns::set_log_level(result.config->log_level);
  pcp_ddns::StateFile file(result.config->state);
  if (once && pcp_ddns::read_status(pcp_ddns::status_socket_path(file.path()))) {
    spdlog::error("an agent with this state file runs already: pcp-ddns status");
    return EXIT_FAILURE;
  }
  auto state = file.load();
  if (!state) {
    spdlog::error("{}", state.error());
    return EXIT_FAILURE;
  }
  pcp_ddns::Agent agent(std::move(*result.config), file, std::move(*state));
  if (!once) return agent.run();
  const int result_code = agent.run_once();
  const pcp_ddns::Status reached = agent.status();
  std::cout << (json ? to_json(reached) + "\n" : to_table(reached)) << std::flush;
  return result_code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Maps ports of a carrier-grade NAT by PCP, and publishes them in the DNS",
               "pcp-ddns");
  std::string file;
  bool only_check = false;
  bool once = false;
  bool json = false;
  app.fallthrough();
  app.add_option("--config,-c", file, "the configuration")->required();
  app.add_flag("--check", only_check, "judge the configuration, then end");
  app.add_flag("--once", once, "map and publish, tell what came of it, then end");
  app.add_flag("--json", json, "status and --once: for scripts");
  CLI::App* tell =
      app.add_subcommand("status", "Tell what a running agent has mapped and published");
  CLI::App* look = app.add_subcommand(
      "check", "Tell whether PCP server and name servers answer, without changing anything");
  app.set_version_flag("--version", "pcp-ddns " DNSD_VERSION);
  app.footer("Runs in the foreground. SIGTERM withdraws names and mappings, and stops.");
  pcp_ddns::JoinOptions joined;
  std::string token_file;
  CLI::App* enter = app.add_subcommand("join",
                                       "Write the configuration that a token of dnsdctl enroll is "
                                       "for; reads it from standard input");
  enter
      ->add_option("--service", joined.services,
                   "a service, as _http._tcp:8000; more than once for more")
      ->required();
  enter->add_option("--token", token_file, "the file with the token");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (only_check) return check(file);
    joined.config = file;
    if (*enter) return join(joined, token_file);
    if (*tell) return status(file, json);
    if (*look) return check_network(file);
    return run(file, once, json);
  } catch (const std::exception& error) {
    std::cerr << "pcp-ddns: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
