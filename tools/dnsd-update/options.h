// The command line, with nsupdate's options.
#pragma once

#include <optional>
#include <string>

#include "tools/dnsd-update/network.h"
#include "tools/dnsd-update/session.h"
#include "zones/result.h"

namespace dnsd_update {

struct Options {
  SessionOptions session;  // `interactive` as asked for; the key not yet read
  NetworkOptions network;
  std::string file;      // empty: standard input
  std::string key_file;  // -k
  std::string key_text;  // -y
};

/// The program is to end now: with `text` on standard output when `status` is 0, else on standard
/// error.
struct Exit {
  int status = 0;
  std::string text;
};

zones::Result<Options, Exit> parse_command_line(int argc, const char* const* argv);

/// Reads the key that -y or -k named, if any. An error names no secret.
zones::Result<keys::Signer, std::string> read_key(const Options& options);

}  // namespace dnsd_update
