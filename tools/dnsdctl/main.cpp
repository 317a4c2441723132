// dnsdctl: the operator's hand on keys, zones and stores.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>

#include "tools/dnsdctl/commands.h"
#include "zones/store.h"

namespace {

using dnsdctl::Outcome;
using Command = std::function<Outcome()>;

/// The chosen command ends up in `command`; options live as long as main()'s statics.
struct Options {
  dnsdctl::KeyNew key_new;
  dnsdctl::Enroll enroll;
  dnsdctl::ZoneImport zone_import;
  dnsdctl::ZoneExport zone_export;
  dnsdctl::ZoneCheck zone_check;
  dnsdctl::LeaseList lease_list;
  std::filesystem::path list_store;
  std::filesystem::path check_store;
  dnsdctl::History history;
  dnsdctl::Who who;
  dnsdctl::Explain explain;
};

void declare_key(CLI::App& app, Options& options, Command& command) {
  CLI::App* key = app.add_subcommand("key", "Keys for signed updates and transfers (TSIG)");
  key->require_subcommand(1);
  CLI::App* make = key->add_subcommand("new", "Make a key and print it");
  dnsdctl::KeyNew& wish = options.key_new;
  make->add_option("name", wish.name, "The key's name, such as h1.dyn.example.")->required();
  make->add_option("--algorithm", wish.algorithm, "hmac-sha256 (default), hmac-sha512, …");
  make->add_option("--out", wish.out, "File to create, readable by its owner only");
  make->add_flag("--toml", wish.toml, "For dnsd's configuration instead of named.conf's form");
  make->callback([&] { command = [&wish] { return dnsdctl::key_new(wish, std::cout); }; });
}

void declare_enroll(CLI::App& app, Options& options, Command& command) {
  CLI::App* enroll =
      app.add_subcommand("enroll", "Make a key for a host, and the token to join with");
  dnsdctl::Enroll& wish = options.enroll;
  enroll->add_option("--config", wish.config, "dnsd's configuration, to which the key is added")
      ->required();
  enroll->add_option("--server", wish.server,
                     "Address or name of this server, as the host reaches it; default: it asks for "
                     "the zone's primary");
  enroll->add_option("host", wish.host, "The host's name, such as h1.dyn.example.")->required();
  enroll->callback(
      [&] { command = [&wish] { return dnsdctl::enroll(wish, std::cout, std::cerr); }; });
}

void declare_zone(CLI::App& app, Options& options, Command& command) {
  CLI::App* zone = app.add_subcommand("zone", "Zones in a store");
  zone->require_subcommand(1);

  CLI::App* import = zone->add_subcommand("import", "Create a zone from a zone file");
  dnsdctl::ZoneImport& in = options.zone_import;
  import->add_option("--store", in.store, "The store; created when missing")->required();
  import->add_option("zone", in.zone, "The zone's name")->required();
  import->add_option("file", in.file, "The zone file, - for standard input")->required();
  import->callback(
      [&] { command = [&in] { return dnsdctl::zone_import(in, std::cout, std::cerr);
};
}  // namespace
);

CLI::App* out = zone->add_subcommand("export", "Write a zone as a zone file");
dnsdctl::ZoneExport& from = options.zone_export;
out->add_option("--store", from.store, "The store")->required();
out->add_option("zone", from.zone, "The zone's name")->required();
out->add_option("file", from.file, "The file to write; default: standard output");
out->callback([&] { command = [&from] { return dnsdctl::zone_export(from, std::cout); }; });

CLI::App* list = zone->add_subcommand("list", "List zones with serial and size");
list->add_option("--store", options.list_store, "The store")->required();
list->callback([&] {
  command = [&options] { return dnsdctl::zone_list(options.list_store, std::cout); };
});

CLI::App* check = zone->add_subcommand("check", "Look for mistakes in a zone file");
dnsdctl::ZoneCheck& judged = options.zone_check;
check->add_option("zone", judged.zone, "The zone's name")->required();
check->add_option("file", judged.file, "The zone file, - for standard input")->required();
check->add_flag("--strict", judged.strict, "Exit with 1 for warnings too");
check->callback([&] { command = [&judged] { return dnsdctl::zone_check(judged, std::cout); }; });
}

void declare_lease(CLI::App& app, Options& options, Command& command) {
  CLI::App* lease = app.add_subcommand("lease", "Leases of records (RFC 9664)");
  lease->require_subcommand(1);
  CLI::App* list = lease->add_subcommand("list", "List leased records and when they end");
  dnsdctl::LeaseList& which = options.lease_list;
  list->add_option("--store", which.store, "The store")->required();
  list->add_option("zone", which.zone, "The zone's name; default: all zones");
  list->callback([&] { command = [&which] { return dnsdctl::lease_list(which, std::cout); }; });
}

void declare_history(CLI::App& app, Options& options, Command& command) {
  CLI::App* history = app.add_subcommand("history", "Tell who changed a name, and how");
  dnsdctl::History& asked = options.history;
  history->add_option("--store", asked.store, "The store, of a running server as well")->required();
  history->add_option("name", asked.name, "The name")->required();
  history->add_flag("--below", asked.below, "And all names below it");
  history->add_option("--since", asked.since, "From this time on, as in 2026-11-24T10:30:00Z");
  history->add_flag("--json", asked.json, "An object a line");
  history->callback([&] { command = [&asked] { return dnsdctl::history(asked, std::cout); }; });

  CLI::App* who = app.add_subcommand("who", "Tell which host held an address and port at a time");
  dnsdctl::Who& endpoint = options.who;
  who->add_option("--store", endpoint.store, "The store, of a running server as well")->required();
  who->add_option("address", endpoint.address, "The external address")->required();
  who->add_option("port", endpoint.port, "The external port")->required();
  who->add_option("time", endpoint.time, "The time, as in 2026-11-24T10:30:00Z, or now")
      ->required();
  who->add_flag("--json", endpoint.json, "An object a line");
  who->callback([&] { command = [&endpoint] { return dnsdctl::who(endpoint, std::cout); }; });
}

void declare_check(CLI::App& app, Options& options, Command& command) {
  CLI::App* check = app.add_subcommand("check", "Check a whole store: file, checksums, journal");
  check->add_option("--store", options.check_store, "The store")->required();
  check->callback([&] {
    command = [&options] { return dnsdctl::store_check(options.check_store, std::cout); };
  });
}

void declare_explain(CLI::App& app, Options& options, Command& command) {
  CLI::App* explain =
      app.add_subcommand("explain", "Tell which grant permits a change, or why none");
  dnsdctl::Explain& asked = options.explain;
  explain->add_option("--config", asked.config, "dnsd's configuration")->required();
  explain->add_option("--source", asked.source, "The address that the update comes from, over TCP");
  explain->add_option("key", asked.key, "The key that signs")->required();
  explain->add_option("name", asked.name, "The record's name")->required();
  explain->add_option("type", asked.type, "The record's type")->required();
  explain->add_option("data", asked.data, "What to add; without it the RRset is to be removed");
  explain->callback(
      [&] { command = [&asked] { return dnsdctl::explain(asked, std::cout, std::cerr); }; });
}

int fail(const std::string& what) {
  std::cerr << "dnsdctl: " << what << '\n';
  return 1;
}

int run(int argc, char** argv) {
  CLI::App app{"Looks after dnsd's keys, zones and stores", "dnsdctl"};
  app.set_version_flag("--version", "dnsdctl " DNSD_VERSION);
  app.require_subcommand(1);
  Options options;
  Command command;
  declare_key(app, options, command);
  declare_enroll(app, options, command);
  declare_zone(app, options, command);
  declare_lease(app, options, command);
  declare_check(app, options, command);
  declare_history(app, options, command);
  declare_explain(app, options, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + "; see dnsdctl --help");
  }
  const Outcome outcome = command();
  return outcome ? *outcome : fail(outcome.error());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const zones::StoreError& error) {
    return fail(error.what());
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
