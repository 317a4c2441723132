// dnsd: command line, start-up and signals.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "dnsd/check.h"
#include "dnsd/config.h"
#include "dnsd/log.h"
#include "dnsd/server.h"

namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  return set;
}

/// Threads that are started after this leave the signals to wait_for_signals().
void block_signals() {
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void log_problems(const dnsd::ConfigResult& result) {
  for (const dnsd::ConfigProblem& warning : result.warnings) spdlog::warn("{}", warning.to_text());
  for (const dnsd::ConfigProblem& error : result.errors) spdlog::error("{}", error.to_text());
}

void reload(dnsd::Server& server, const std::filesystem::path& file) {
  const dnsd::ConfigResult result = dnsd::read_config(file);
  log_problems(result);
  if (result.config) {
    server.reload(*result.config);
  } else {
    spdlog::error("the configuration is as before: {} is not right", file.string());
  }
}

void wait_for_signals(dnsd::Server& server, const std::filesystem::path& file) {
  const sigset_t set = handled_signals();
  for (;;) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    if (number != SIGHUP) return;
    reload(server, file);
  }
}

int run(const std::filesystem::path& file) {
  dnsd::start_log(dnsd::LogLevel::INFO);
  dnsd::ConfigResult result = dnsd::read_config(file);
  if (result.config) dnsd::set_log_level(result.config->log_level);
  log_problems(result);
  if (!result.config) return EXIT_FAILURE;
  int status = EXIT_SUCCESS;
  try {
    dnsd::Server server(std::move(*result.config), [] {
      block_signals();
      dnsd::make_log_asynchronous();
    });
    wait_for_signals(server, file);
    server.stop();
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    status = EXIT_FAILURE;
  }
  if (!dnsd::stop_log()) _exit(status);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An authoritative DNS server for hosts behind a carrier-grade NAT", "dnsd");
  std::string file;
  bool check = false;
  app.add_option("--config,-c", file, "the configuration, see dnsd.toml(5)")->required();
  app.add_flag("--check", check, "judge the configuration and the zone files, then end");
  app.set_version_flag("--version", std::string("dnsd ") + DNSD_VERSION);
  app.footer("Runs in the foreground. SIGHUP reloads the configuration, SIGTERM stops.");
  CLI11_PARSE(app, argc, argv);
  // A log pipe that breaks must not end the server.
  std::signal(SIGPIPE, SIG_IGN);
  return check ? dnsd::check(file, std::cout, std::cerr) : run(file);
}
