// dnsd-update: sends DNS updates, as nsupdate does.
#include <string.h>
#include <unistd.h>

#include <exception>
#include <fstream>
#include <iostream>

#include "keys/key_file.h"
#include "tools/dnsd-update/options.h"

namespace {

/// Takes a secret out of the process list. It has been there for a moment; -k is better.
void hide_secret(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "-y") == 0) explicit_bzero(argv[i + 1], strlen(argv[i + 1]));
  }
}

int run(int argc, char** argv) {
  using namespace dnsd_update;
  auto options = parse_command_line(argc, argv);
  if (!options) {
    if (options.error().status == EXIT_DONE) {
      std::cout << options.error().text;
    } else {
      std::cerr << options.error().text << '\n';
    }
    return options.error().status;
  }
  auto key = read_key(*options);
  hide_secret(argc, argv);
  if (!key) {  // nsupdate goes on and sends unsigned what was meant to be signed
    std::cerr << key.error() << '\n';
    return EXIT_MISTAKE;
  }
  if (const auto warning = keys::key_file_warning(options->key_file)) {
    std::cerr << "warning: " << *warning << '\n';
  }
  options->session.signer = std::move(*key);

  std::ifstream file;
  if (!options->file.empty()) {
    file.open(options->file);
    if (!file) {
      std::cerr << "could not open '" << options->file << "': " << strerror(errno) << '\n';
      return EXIT_MISTAKE;
    }
  }
  const bool at_terminal = options->file.empty() && isatty(STDIN_FILENO) != 0;
  options->session.prompt = at_terminal;
  options->session.interactive = options->session.interactive || at_terminal;
  SystemNetwork network(options->network);
  Session session(options->session, network, std::cout, std::cerr);
  return session.run(options->file.empty() ? std::cin : file);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "dnsd-update: " << error.what() << '\n';
    return dnsd_update::EXIT_MISTAKE;
  }
}
