#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ostream>

#include "keys/grant_file.h"
#include "keys/key_file.h"
#include "tools/common/host_name.h"
#include "tools/common/join_token.h"
#include "tools/common/portal_records.h"
#include "tools/common/private_file.h"
#include "tools/dnsdctl/commands.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

constexpr const char* KEY_FOLDER = "keys";  // beside the configuration

zones::Result<std::string, std::string> read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.good() && !in.eof()) {
    return tl::unexpected(path.string() + ": " + std::strerror(errno));
  }
  return text;
}

/// Whether the host's key may publish there already; else what is missing.
std::string missing_grant(const keys::GrantFile::Zone& zone, const zones::Name& host) {
  const auto web = zones::Name::from_text("_http._tcp." + host.to_text());
  for (const auto& [name, type] :
       {std::pair(host, zones::Type::A), std::pair(web.value_or(host), zones::Type::SRV)}) {
    const keys::Ruling ruling = zone.grants.judge({host, {}, false}, {name, type, {}, false}, {});
    if (ruling.allowed) continue;
    return "no grant of zone " + zone.name.to_text() + " permits " + host.to_text() +
           " to publish itself (" + ruling.why +
           "); this one does, for all hosts, below the zone's [[zone]]:\n"
           "[[zone.grant]]\nkey = \"*." +
           zone.name.to_text() + "\"\nnames = [\"self\", \"below-self\"]\ntypes = [\"service\"]";
  }
  return {};
}

/// Whether the host's key may publish the portal's own SRV and URI beside its name.
bool may_publish_portal(const keys::GrantFile& file, const keys::GrantFile::Zone& zone,
                        const zones::Name& host) {
  const tools::PortalRecords records = tools::portal_records(host, file.portal_port);
  const auto permits = [&](const zones::Name& owner, zones::Type type, const zones::Rdata& rdata) {
    return zone.grants.judge({host, {}, false}, {owner, type, rdata, true}, file.portal).allowed;
  };
  return permits(records.service, zones::Type::SRV, records.srv) &&
         permits(host, zones::Type::URI, records.uri);
}

/// Who may read the configuration may read the keys: dnsd, when it runs as another user.
void give_to_owner_of(const std::filesystem::path& config, const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(config.c_str(), &status) != 0) return;
  if (::chown(path.c_str(), status.st_uid, status.st_gid) != 0) return;  // not root: it is ours
}

/// At its end, in one write. @return empty, or what went wrong
std::string append(const std::filesystem::path& config, const std::string& table) {
  const int file = ::open(config.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return config.string() + ": " + std::strerror(errno);
  const off_t before = ::lseek(file, 0, SEEK_END);
  const ssize_t written = ::write(file, table.data(), table.size());
  std::string failure;
  if (written != static_cast<ssize_t>(table.size()) || ::fsync(file) != 0) {
    failure = config.string() + ": " + std::strerror(written < 0 ? errno : ENOSPC);
    if (before < 0 || ::ftruncate(file, before) != 0) failure += "; look at its end";
  }
  ::close(file);
  return failure;
}

}  // namespace

Outcome enroll(const Enroll& options, std::ostream& out, std::ostream& err) {
  const auto host = zones::Name::from_text(options.host);
  if (options.host.empty() || !host || host->is_root() || !tools::is_host_name(*host)) {
    return tl::unexpected("'" + options.host + "' is no host name; one is like h1.dyn.example.");
  }
  auto text = read_text(options.config);
  if (!text) return tl::unexpected(text.error());
  const keys::GrantFile file = keys::read_grant_file(*text, options.config);
  const bool ends_in_line = text->empty() || text->back() == '\n';
  if (!file.errors.empty()) {
    keys::wipe(*text);
    return tl::unexpected(file.errors.front().to_text());
  }
  const keys::GrantFile::Zone* zone = file.zone_of(*host);
  if (zone == nullptr || zone->name == *host) {
    keys::wipe(*text);
    return tl::unexpected(host->to_text() + " is below no [[zone]] of " + options.config.string());
  }
  std::string name = host->lowered().to_text();
  const std::filesystem::path folder =
      std::filesystem::absolute(options.config).parent_path() / KEY_FOLDER;
  const std::string table = std::string(ends_in_line ? "" : "\n") + "\n[[key]]\nname = \"" + name +
                            "\"\nsecret-file = \"" + KEY_FOLDER + "/" + name + "key\"\n";
  const bool stays_right = keys::read_grant_file(*text + table, options.config).errors.empty();
  keys::wipe(*text);
  if (file.has_key(*host)) {
    return tl::unexpected(options.config.string() + " has a [[key]] " + name +
                          " already: remove it and its file to enroll the host anew");
  }
  if (std::string missing = missing_grant(*zone, *host); !missing.empty()) {
    return tl::unexpected(std::move(missing));
  }
  if (!stays_right) {
    return tl::unexpected(options.config.string() + ": a [[key]] cannot be added at its end");
  }
  tools::JoinToken token;
  token.zone = zone->name;
  token.host = *host;
  token.server = options.server;
  token.portal = file.portal.addresses;
  const bool has_portal = file.portal_port != 0 && !file.portal.addresses.empty();
  const bool portal_published = has_portal && may_publish_portal(file, *zone, *host);
  if (portal_published) token.portal_port = file.portal_port;
  token.key = {host->lowered(), keys::DEFAULT_ALGORITHM,
               std::make_shared<const keys::Secret>(
                   keys::Secret::random(keys::mac_octets(keys::DEFAULT_ALGORITHM)))};
  std::string line = tools::to_text(token);
  if (!tools::parse_join_token(line)) {
    keys::wipe(line);
    return tl::unexpected("'" + options.server + "' is no address or name of a server");
  }
  std::error_code ignored;
  if (std::filesystem::create_directory(folder, ignored)) {
    ::chmod(folder.c_str(), 0700);
    give_to_owner_of(options.config, folder);
  }
  const std::filesystem::path key_path = folder / (name + "key");
  std::string key = keys::to_named_conf(token.key);
  std::string failure = tools::write_private_file(key_path, key);
  keys::wipe(key);
  if (failure.empty()) {
    give_to_owner_of(options.config, key_path);
    failure = append(options.config, table);
    if (!failure.empty()) ::unlink(key_path.c_str());
  }
  if (failure.empty()) {
    out << line << std::endl;
    err << "remark: " << name << " is in " << options.config.string() << " and "
        << key_path.string()
        << "; it counts after dnsd got SIGHUP. The line above is its secret, shown this once: give "
           "it "
           "to the host's owner, for pcp-ddns join\n";
    if (has_portal && !portal_published) {
      err << "remark: the portal's own SRV and URI will not be published, for no grant permits "
             "them: "
             "types SRV and URI, ports \""
          << file.portal_port << "\", targets \"self\"\n";
    }
  }
  keys::wipe(line);
  if (!failure.empty()) return tl::unexpected(std::move(failure));
  return 0;
}

}  // namespace dnsdctl
