// pcp-ddns join: from a token to a configuration.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace pcp_ddns {

struct JoinOptions {
  std::filesystem::path config;       // to be created
  std::vector<std::string> services;  // "_http._tcp:8000"
};

/// Writes the configuration, and the key beside it, both mode 0600; a file that exists is left as
/// it is. What it wrote is read again, as the agent will.
/// @return empty, or a sentence, which shows nothing of the token; nothing is written then
std::string join(const JoinOptions& options, std::string_view token, std::ostream& out);

/// The token, from a terminal without echo. Empty when there is none. Wipe it.
std::string read_token(std::istream& in);

}  // namespace pcp_ddns
