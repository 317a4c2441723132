#include "tools/pcp-ddns/join.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "keys/key_file.h"
#include "tools/common/join_token.h"
#include "tools/common/private_file.h"
#include "tools/pcp-ddns/config.h"
#include "zones/number.h"

namespace pcp_ddns {
namespace {

/// What is typed is not shown, as long as this lives.
class NoEcho {
 public:
  NoEcho() {
    if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);  // a line may be longer than 4095
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    std::cerr << "the token, then Enter: " << std::flush;
  }
  ~NoEcho() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cerr << std::endl;
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

/// Empty when it is not "_http._tcp:8000".
std::string service_table(const std::string& service, const std::string& host) {
  const std::size_t colon = service.rfind(':');
  if (colon == std::string::npos) return {};
  const auto port =
      zones::number_from_text<std::uint16_t>(std::string_view(service).substr(colon + 1));
  const std::string type = service.substr(0, colon);
  if (!port || type.find_first_of("\"\\\n") != std::string::npos) return {};
  return "\n[[service]]\nhost = \"" + host + "\"\ntype = \"" + type +
         "\"\nport = " + std::to_string(*port) + "\n";
}

}  // namespace

std::string read_token(std::istream& in) {
  const NoEcho no_echo;
  std::string text;
  text.reserve(tools::MAX_TOKEN_OCTETS + 2);  // never moved, so that no copy is left
  char c = 0;
  while (text.size() <= tools::MAX_TOKEN_OCTETS && in.get(c) && (c != '\n' || text.empty())) {
    if (c != '\n') text += c;
  }
  return text;
}

std::string join(const JoinOptions& options, std::string_view text, std::ostream& out) {
  const auto token = tools::parse_join_token(text);
  if (!token) return token.error();
  const std::string host = token->host.to_text();
  const std::filesystem::path config = std::filesystem::absolute(options.config);
  const std::filesystem::path key_path = config.parent_path() / (host + "key");
  std::string toml =
      "# Made by pcp-ddns join; pcp-ddns(8) tells what else there is.\n\n[[provider]]\nzone = \"" +
      token->zone.to_text() + "\"\n";
  if (!token->server.empty()) toml += "server = \"" + token->server + "\"\n";
  if (!token->portal.empty()) {
    toml += "portal = [";
    for (const Address& address : token->portal) {
      toml += (toml.back() == '[' ? "\"" : ", \"") + keys::to_text(address) + "\"";
    }
    toml += "]\n";
    if (token->portal_port != 0) {
      toml += "portal-port = " + std::to_string(token->portal_port) + "\n";
    }
  }
  toml += "key = { secret-file = \"" + host + "key\" }\n";
  for (const std::string& service : options.services) {
    const std::string table = service_table(service, host);
    if (table.empty()) return "'" + service + "' is no service: one is like _http._tcp:8000";
    toml += table;
  }
  std::string key = keys::to_named_conf(token->key);
  std::string failure = tools::write_private_file(key_path, key);
  keys::wipe(key);
  if (!failure.empty()) return failure;
  failure = tools::write_private_file(config, toml);
  if (failure.empty()) {
    const ConfigResult result = read_config(config);
    if (!result.errors.empty()) failure = result.errors.front().to_text();
    if (!failure.empty()) ::unlink(config.c_str());
  }
  if (!failure.empty()) {
    ::unlink(key_path.c_str());
    return failure;
  }
  out << host << " has joined: " << config.string() << " and its key are written.\n"
      << "Next: pcp-ddns check --config " << options.config.string() << ", then pcp-ddns --config "
      << options.config.string() << std::endl;
  return {};
}

}  // namespace pcp_ddns
