// A session: reads the script, finds zone and server, sends, and tells what became of it.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "tools/dnsd-update/network.h"
#include "tools/dnsd-update/script.h"

namespace dnsd_update {

struct SessionOptions {
  bool interactive = false;  // a mistake does not end the session
  bool prompt = false;       // somebody sits at a terminal
  bool debug = false;
  bool local_only = false;  // the server is this host, and stays so
  keys::Signer signer;
};

/// Exit statuses of nsupdate.
constexpr int EXIT_DONE = 0;
constexpr int EXIT_MISTAKE = 1;        // in the script, or no server could be asked
constexpr int EXIT_UPDATE_FAILED = 2;  // at least one update

class Session {
 public:
  Session(SessionOptions options, Network& network, std::ostream& out, std::ostream& err);

  /// Until "quit" or the end of `in`; what was not sent by then is not sent.
  int run(std::istream& in);

 private:
  /// Ends a session that is not interactive.
  struct Fatal {
    std::string what;
  };
  struct Target {
    zones::Name zone;
    Network::Endpoints servers;
  };

  bool execute(std::string& line);
  void set_server();
  void set_local();
  void send();
  void send_to(const Target& target);
  void report(const Reply& reply);
  Target find_target();
  /// The answer of the first server that knows one.
  zones::Message ask_soa(const zones::Name& name);
  void show(const zones::Message& message);

  SessionOptions options_;
  Network& network_;
  std::ostream& out_;
  std::ostream& err_;
  Script script_;
  Network::Endpoints servers_;  // as the script says; empty: to be found
  std::optional<zones::Message> answer_;
  bool failed_ = false;
};

}  // namespace dnsd_update
