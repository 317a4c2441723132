// Asks a server for hosts of a zone that make_zone made, or updates them, and prints one line of
// JSON: how many right answers came, in which time, at what cost to the server.
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace load {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

sockaddr_in address_of(const std::string& server) {
  const auto colon = server.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, server.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "load: '%s' is no IPv4 address with a port\n", server.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(server.substr(colon + 1))));
  return address;
}

int connect_udp(const std::string& server) {
  const sockaddr_in address = address_of(server);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const timeval timeout{.tv_sec = 0, .tv_usec = 100'000};
  const int buffer = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror("load: connect");
    std::exit(2);
  }
  return fd;
}

double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cpu_seconds(pid_t pid) {
  if (pid == 0) return 0;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i)
    fields >> skipped;  // utime and stime are the 14th and 15th (proc(5))
  double utime = 0, stime = 0;
  fields >> utime >> stime;
  double sum = (utime + stime) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream children(folder + "/task/" + std::to_string(pid) + "/children");
  for (pid_t child = 0; children >> child;) sum += cpu_seconds(child);
  return sum;
}

void Packet::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}

void Packet::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void Packet::name(const std::string& text) {
  std::istringstream labels(text);
  for (std::string label; std::getline(labels, label, '.');) {
    u8(static_cast<std::uint8_t>(label.size()));
    for (const char c : label) u8(static_cast<std::uint8_t>(c));
  }
  u8(0);
}

}  // namespace load

namespace {

double percentile(std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

void print(const load::Options& options, load::Figures& figures) {
  std::sort(figures.latencies_ms.begin(), figures.latencies_ms.end());
  const double share = figures.server_cpu_seconds / figures.seconds;
  const double own_share = figures.own_cpu_seconds / figures.seconds;
  std::printf(
      "{\"answers\": %llu, \"wrong\": %llu, \"lost\": %llu, \"seconds\": %.4f, \"per_second\": "
      "%.0f, "
      "\"server_cpu_seconds\": %.4f, \"per_cpu_second\": %.0f, \"server_busy\": %.3f, "
      "\"generator_busy\": %.3f, \"generator_was_the_limit\": %s, \"p50_ms\": %.3f, \"p99_ms\": "
      "%.3f}\n",
      static_cast<unsigned long long>(figures.answers),
      static_cast<unsigned long long>(figures.wrong), static_cast<unsigned long long>(figures.lost),
      figures.seconds, static_cast<double>(figures.answers) / figures.seconds,
      figures.server_cpu_seconds,
      figures.server_cpu_seconds > 0
          ? static_cast<double>(figures.answers) / figures.server_cpu_seconds
          : 0,
      share, own_share,
      options.server_pid != 0 && own_share > 0.95 && share < 0.95 ? "true" : "false",
      percentile(figures.latencies_ms, 0.5), percentile(figures.latencies_ms, 0.99));
  if (!figures.first_wrong.empty()) {
    std::fprintf(stderr, "load: a wrong answer: %s\n", figures.first_wrong.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  load::Options options;
  CLI::App app{"Load generator for DNS servers"};
  app.require_subcommand(1);
  const auto common = [&options](CLI::App* command) {
    command->add_option("--server", options.server, "address:port");
    command->add_option("--zone", options.zone, "the zone that make_zone made");
    command->add_option("--hosts", options.hosts, "as told to make_zone")
        ->check(CLI::Range(1, 9'999'999));
    command->add_option("--seconds", options.seconds, "measured time");
    command->add_option("--warm-up", options.warm_up_seconds, "seconds before the measured time");
    command->add_option("--window", options.window, "requests in flight")
        ->check(CLI::Range(1U, load::MAX_WINDOW));
    command->add_option("--pid", options.server_pid, "server whose CPU time to take");
  };
  auto* query = app.add_subcommand("query", "A, SRV and TXT queries");
  common(query);
  query->add_option("--nxdomain", options.nxdomain_percent, "percentage of names that do not exist")
      ->check(CLI::Range(0, 100));
  query->add_flag("--echo", options.echo, "the server is tests/bench/echo");
  query->add_option("--tcp", options.connections, "over so many TCP connections that stay open")
      ->check(CLI::Range(1, 100));
  query->add_flag("--tcp-each", options.connection_each, "over a TCP connection for each query")
      ->excludes("--tcp");
  auto* update = app.add_subcommand("update", "signed updates, each of one host's address");
  common(update);
  update->add_option("--key", options.key_name, "name of the TSIG key")->required();
  update->add_option("--algorithm", options.key_algorithm, "of the key");
  update->add_option("--secret", options.key_secret, "base64")->required();
  update->add_option("--rate", options.rate, "updates a second, whatever the server does");
  update->add_flag("--key-each", options.key_each, "sign by a key of the host's name instead");
  update->add_flag("--once", options.once, "each host in turn, until each has been updated");
  update->add_option("--lease", options.lease_seconds,
                     "update all records of a host, with a lease of so many seconds");
  CLI11_PARSE(app, argc, argv);

  const bool tcp = options.connections != 0 || options.connection_each;
  load::Figures figures = update->parsed() ? load::run_updates(options)
                          : tcp            ? load::run_tcp_queries(options)
                                           : load::run_queries(options);
  print(options, figures);
  return figures.wrong == 0 && figures.answers > 0 ? 0 : 1;
}
