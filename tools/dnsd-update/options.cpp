#include "tools/dnsd-update/options.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <utility>

#include "keys/key_file.h"
#include "zones/number.h"

namespace dnsd_update {
namespace {

/// As typed; numbers are read afterwards, for messages like nsupdate's.
struct Raw {
  std::string port;
  std::string timeout;
  std::string udp_timeout;
  std::string udp_retries;
  std::string level;
  std::string random_device;
  bool version = false;
  bool types = false;
  bool private_types = false;
  bool gss = false;
  bool old_gss = false;
  bool ipv4 = false;
  bool ipv6 = false;
  bool more_debug = false;
};

void declare(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("file", options.file, "Script to read instead of standard input; - is that too");
  app.add_flag("-4", raw.ipv4, "Use IPv4 only");
  app.add_flag("-6", raw.ipv6, "Use IPv6 only");
  app.add_option("-C", options.network.resolv_conf, "File to read instead of /etc/resolv.conf");
  app.add_flag("-d", options.session.debug, "Show what is sent and received");
  app.add_flag("-D", raw.more_debug, "The same");
  app.add_flag("-g", raw.gss, "Refused: GSS-TSIG is not supported");
  app.add_flag("-i", options.session.interactive, "Go on after a mistake");
  app.add_option(
      "-k", options.key_file,
      "File with the key: TSIG, of tsig-keygen or keymgr, or SIG(0), of dnssec-keygen -T KEY");
  app.add_flag("-l", options.session.local_only, "Send to this host; needs -k or -y");
  app.add_option("-L", raw.level, "Accepted for nsupdate's sake");
  app.add_flag("-o", raw.old_gss, "Refused: GSS-TSIG is not supported");
  app.add_option("-p", raw.port, "Port of name servers (53)");
  app.add_flag("-P", raw.private_types, "List private record types: there are none");
  app.add_option("-r", raw.udp_retries, "Times to send a datagram again (3)");
  app.add_option("-R", raw.random_device, "Refused: deprecated");
  app.add_option("-t", raw.timeout, "Seconds until an update is given up (300)");
  app.add_flag("-T", raw.types, "List the record types that have names here");
  app.add_option("-u", raw.udp_timeout, "Seconds until a datagram is sent again (3)");
  app.add_flag("-v", options.network.exchange.tcp_only, "Use TCP for all updates");
  app.add_flag("-V,--version", raw.version, "Print the version");
  app.add_option("-y", options.key_text,
                 "TSIG key as [hmac:]name:secret; other users may see it, -k is better");
}

auto mistake(const std::string& text) { return tl::unexpected(Exit{EXIT_MISTAKE, text}); }

/// Types with a mnemonic that may be data in a zone, a line each.
std::string types_to_text() {
  std::string text;
  for (unsigned value = 1; value <= std::numeric_limits<std::uint16_t>::max(); ++value) {
    const auto type = static_cast<zones::Type>(value);
    if (zones::is_meta(type)) continue;
    const std::string name = zones::to_text(type);
    if (name != "TYPE" + std::to_string(value)) text += name + "\n";
  }
  return text;
}

/// nsupdate's rules: without -u the retry interval is 3 s; "-u 0" divides the whole time among the
/// tries; "-t 0" leaves TCP without an end.
zones::Result<keys::ExchangeOptions, Exit> timing(const Raw& raw, keys::ExchangeOptions result) {
  std::uint32_t total = 300;
  std::uint32_t each = 3;
  std::uint32_t retries = 3;
  if (!raw.timeout.empty() && !zones::read_number(raw.timeout, total)) {
    return mistake("bad timeout '" + raw.timeout + "'");
  }
  if (!raw.udp_timeout.empty() && !zones::read_number(raw.udp_timeout, each)) {
    return mistake("bad udp timeout '" + raw.udp_timeout + "'");
  }
  if (!raw.udp_retries.empty() &&
      (!zones::read_number(raw.udp_retries, retries) || retries > 1000)) {
    return mistake("bad udp retries '" + raw.udp_retries + "'");
  }
  using std::chrono::seconds;
  result.udp_tries = static_cast<int>(retries) + 1;
  if (each == 0) each = std::max(total / (retries + 1), 1U);
  result.try_timeout = seconds(each);
  result.total_timeout = total == 0 ? std::chrono::hours(24 * 365) : seconds(total);
  return result;
}

zones::Result<Options, Exit> judge(const Raw& raw, Options options) {
  if (raw.version) return tl::unexpected(Exit{EXIT_DONE, "dnsd-update " DNSD_VERSION "\n"});
  if (raw.types || raw.private_types) {
    return tl::unexpected(Exit{EXIT_DONE, raw.types ? types_to_text() : std::string{}});
  }
  if (raw.ipv4 && raw.ipv6) return mistake("only one of -4 and -6 allowed");
  if (raw.gss || raw.old_gss) {
    return mistake("dnsd-update: GSS-TSIG is not supported; sign with a TSIG key (-k) instead");
  }
  if (!raw.random_device.empty()) return mistake("The -R option has been deprecated.");
  if (!options.key_file.empty() && !options.key_text.empty()) {
    return mistake("dnsd-update: cannot specify both -k and -y");
  }
  if (options.session.local_only && options.key_file.empty() && options.key_text.empty()) {
    return mistake("dnsd-update: -l knows no session key; name a key with -k");
  }
  std::uint32_t port = options.network.port;
  if (!raw.port.empty() && (!zones::read_number(raw.port, port) || port < 1 || port > 65535)) {
    return mistake("bad port number '" + raw.port + "'");
  }
  options.network.port = static_cast<std::uint16_t>(port);
  auto exchange = timing(raw, options.network.exchange);
  if (!exchange) return tl::unexpected(exchange.error());
  options.network.exchange = *exchange;
  if (raw.ipv4) options.network.family = tools::Family::IPV4;
  if (raw.ipv6) options.network.family = tools::Family::IPV6;
  options.session.debug = options.session.debug || raw.more_debug;
  if (options.file == "-") options.file.clear();
  return options;
}

}  // namespace

zones::Result<Options, Exit> parse_command_line(int argc, const char* const* argv) {
  CLI::App app{"Sends DNS updates (RFC 2136), as nsupdate does", "dnsd-update"};
  app.set_help_flag("-h,--help", "Print this text");
  Raw raw;
  Options options;
  declare(app, raw, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected(Exit{EXIT_DONE, app.help()});
  } catch (const CLI::ParseError& error) {
    return mistake(std::string("dnsd-update: ") + error.what() + "; see dnsd-update --help");
  }
  return judge(raw, std::move(options));
}

zones::Result<keys::Signer, std::string> read_key(const Options& options) {
  if (!options.key_file.empty()) {
    auto found = keys::read_key_file(options.key_file);
    if (found) return keys::Signer(found->front());
    if (!found.error().is_sig0_key) {
      return tl::unexpected("could not read key from " + found.error().to_text());
    }
    auto own = keys::PrivateKey::from_files(found.error().file);
    if (!own) return tl::unexpected("could not read key from " + own.error());
    return keys::Signer(std::move(*own));
  }
  if (options.key_text.empty()) return keys::Signer{};
  auto key = keys::parse_key_option(options.key_text);
  if (!key) return tl::unexpected("key option -y: " + key.error());
  return keys::Signer(std::move(*key));
}

}  // namespace dnsd_update
