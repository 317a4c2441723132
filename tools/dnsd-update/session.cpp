#include "tools/dnsd-update/session.h"

#include <strings.h>

#include <cstring>
#include <istream>
#include <ostream>
#include <utility>

#include "tools/common/utc_time.h"
#include "tools/dnsd-update/message_text.h"
#include "zones/host_text.h"

namespace dnsd_update {
namespace {

using zones::Message;
using zones::Name;
using zones::Rcode;
using zones::Record;
using zones::Type;

constexpr const char* HELP =
    "local address [port]      (send from this address)\n"
    "server address [port]     (set the primary server of the zone)\n"
    "send                      (send the update request; so does an empty line)\n"
    "show                      (show the update request)\n"
    "answer                    (show the answer to the last request)\n"
    "quit                      (quit, any pending update is not sent)\n"
    "help                      (display this message)\n"
    "version                   (display the program's version)\n"
    "debug                     (show what is sent and received)\n"
    "key [hmac:]keyname secret (use TSIG to sign the request)\n"
    "zone name                 (set the zone to be updated)\n"
    "class CLASS               (set the zone's DNS class, e.g. IN (default), CH)\n"
    "ttl { seconds | none }    (set the default TTL of records to add)\n"
    "lease seconds [seconds]   (records, and KEY records, expire unless refreshed; or: none)\n"
    "check-names { on | off }  (enable / disable check-names)\n"
    "[prereq] nxdomain name    (require that this name does not exist)\n"
    "[prereq] yxdomain name    (require that this name exists)\n"
    "[prereq] nxrrset ....     (require that this RRset does not exist)\n"
    "[prereq] yxrrset ....     (require that this RRset exists)\n"
    "[update] add ....         (add the given record to the zone)\n"
    "[update] del[ete] ....    (remove the given record(s) from the zone)\n"
    "service name service proto address port [options] [key=value ...]\n"
    "                          (replace where a service is reached: A, SRV, TXT)\n"
    "service delete name service proto [options]\n";

Message soa_query(const Name& name, zones::Class rrclass, bool recursive) {
  Message query;
  query.header.rd = recursive;
  query.question.push_back({name, Type::SOA, rrclass});
  return query;
}

std::string lease_to_text(const zones::UpdateLease& lease) {
  std::string text = std::to_string(lease.lease) + " s";
  if (lease.key_lease) text += ", of KEY records " + std::to_string(*lease.key_lease) + " s";
  return text;
}

/// RFC 9664 §4.2: a server that knows leases says for how long it grants one, shorter or longer;
/// that is the time within which to send the update again. Empty when it is what was asked for.
std::string judge_lease(const zones::UpdateLease& asked, const Message& response) {
  const zones::EdnsOption* option =
      response.edns ? response.edns->find(zones::OptionCode::UPDATE_LEASE) : nullptr;
  if (option == nullptr) {
    return "warning: the server grants no leases: what was added stays until it is deleted\n";
  }
  const auto granted = zones::read_update_lease(option->data);
  if (!granted) return "warning: the answer's lease is malformed; see 'answer'\n";
  if (*granted == asked) return {};
  return "the server grants another lease: " + lease_to_text(*granted) +
         " (asked for: " + lease_to_text(asked) + ")\n";
}

/// The SOA that tells the zone of `name`: in the answer, or of a name above in the authority
/// section (RFC 2308 §2). An alias tells nothing: its target's zone is another one.
const Record* find_soa(const Message& response, const Name& name) {
  for (const Record& record : response.answer) {
    if (record.type == Type::CNAME && record.owner == name) return nullptr;
    if (record.type == Type::SOA && record.owner == name) return &record;
  }
  for (const Record& record : response.authority) {
    if (record.type == Type::SOA && name.is_at_or_below(record.owner)) return &record;
  }
  return nullptr;
}

}  // namespace

Session::Session(SessionOptions options, Network& network, std::ostream& out, std::ostream& err)
    : options_(std::move(options)), network_(network), out_(out), err_(err) {
  script_.set_signer(options_.signer);
}

int Session::run(std::istream& in) {
  std::string line;
  if (options_.local_only) {
    auto found = network_.resolve("localhost", 0);
    if (!found) {
      err_ << "couldn't get address for 'localhost': " << found.error() << '\n';
      return EXIT_MISTAKE;
    }
    servers_ = std::move(*found);
  }
  for (;;) {
    if (options_.prompt) out_ << "> " << std::flush;
    if (!std::getline(in, line)) break;
    bool go_on = true;
    try {
      go_on = execute(line);
    } catch (const Fatal& fatal) {
      out_.flush();
      err_ << fatal.what << '\n';
      if (!options_.interactive) return EXIT_MISTAKE;
    }
    explicit_bzero(line.data(), line.size());  // it may have held a key
    if (!go_on) break;
  }
  return failed_ ? EXIT_UPDATE_FAILED : EXIT_DONE;
}

bool Session::execute(std::string& line) {
  const auto step = script_.line(line);
  if (!step) {
    throw Fatal{options_.interactive ? step.error() : step.error() + "\nsyntax error"};
  }
  switch (*step) {
    case Step::NONE:
      break;
    case Step::SERVER:
      set_server();
      break;
    case Step::LOCAL:
      set_local();
      break;
    case Step::SHOW:
      out_ << "Outgoing update query:\n";
      show(script_.message(script_.zone()));
      break;
    case Step::SEND:
      send();
      break;
    case Step::ANSWER:
      if (answer_) {
        out_ << "Answer:\n";
        show(*answer_);
      }
      break;
    case Step::DEBUG:
      options_.debug = true;
      break;
    case Step::HELP:
      out_ << "dnsd-update " DNSD_VERSION ":\n" << HELP;
      break;
    case Step::VERSION:
      out_ << "dnsd-update " DNSD_VERSION "\n";
      break;
    case Step::QUIT:
      return false;
  }
  return true;
}

void Session::show(const Message& message) { out_ << message_to_text(message) << std::flush; }

void Session::set_server() {
  if (options_.local_only) throw Fatal{"cannot reset server in localhost-only mode\nsyntax error"};
  const Host& host = script_.server();
  auto found = network_.resolve(host.name, host.port);
  if (!found) {
    throw Fatal{"couldn't get address for '" + host.name + "': " + found.error() +
                (options_.interactive ? "" : "\nsyntax error")};
  }
  servers_ = std::move(*found);
}

void Session::set_local() {
  const Host& host = script_.local();
  const auto local = tools::Endpoint::numeric(host.name, host.port);
  if (!local) {
    throw Fatal{"invalid address " + host.name + (options_.interactive ? "" : "\nsyntax error")};
  }
  network_.set_local(*local);
}

void Session::send() {
  if (script_.empty() && !script_.zone()) return;  // an empty line before the first command
  try {
    send_to(find_target());
  } catch (const Fatal&) {
    script_.clear();
    throw;
  }
  script_.clear();
}

Message Session::ask_soa(const Name& name) {
  const bool ask_resolvers = servers_.empty();
  for (const tools::Endpoint& server : ask_resolvers ? network_.resolvers() : servers_) {
    // Unsigned: a resolver does not know the key, and anybody may ask (a hidden primary too).
    Reply reply = network_.exchange(
        server, [&] { return soa_query(name, script_.rrclass(), ask_resolvers); }, {}, {});
    if (reply.message && options_.debug) {
      err_ << "Reply from SOA query:\n" << message_to_text(*reply.message);
    }
    const auto rcode =
        reply.message ? static_cast<Rcode>(reply.message->header.rcode) : Rcode::SERVFAIL;
    if (rcode == Rcode::NOERROR || rcode == Rcode::NXDOMAIN) {
      return std::move(*reply.message);
    }
    err_ << "; Communication with " << server.to_text()
         << " failed: " << (reply.message ? rcode_to_text(*reply.message) : reply.failure) << '\n';
  }
  throw Fatal{"could not reach any name server"};
}

Session::Target Session::find_target() {
  if (script_.zone() && !servers_.empty()) return {*script_.zone(), servers_};
  Name name = script_.zone() ? *script_.zone() : script_.search_start().value_or(Name{});
  for (;;) {
    const Message response = ask_soa(name);
    const auto rcode = static_cast<Rcode>(response.header.rcode);
    if (script_.zone() && rcode == Rcode::NXDOMAIN) {
      throw Fatal{"specified zone '" + zones::host_text(name) + "' does not exist (NXDOMAIN)"};
    }
    const Record* soa = find_soa(response, name);
    if (soa == nullptr) {
      if (name.is_root() || script_.zone()) throw Fatal{"could not find enclosing zone"};
      name = name.parent();
      continue;
    }
    const Name primary(zones::read_soa(soa->rdata).mname);
    if (options_.debug) {
      err_ << "Found zone name: " << zones::host_text(soa->owner) << '\n'
           << "The primary is: " << zones::host_text(primary) << '\n';
    }
    Target target{script_.zone().value_or(soa->owner), servers_};
    if (target.servers.empty()) {
      auto found = network_.resolve(primary.to_text(), 0);
      if (!found) {
        throw Fatal{"couldn't get address for '" + zones::host_text(primary) +
                    "': " + found.error()};
      }
      target.servers = std::move(*found);
    }
    return target;
  }
}

void Session::send_to(const Target& target) {
  if (zones::to_wire(script_.message(target.zone)).empty()) {
    throw Fatal{"the update is larger than a message can be (65,535 octets): send it in parts"};
  }
  bool shown = false;
  const auto on_send = [&](std::span<const std::uint8_t> octets) {
    if (!options_.debug || std::exchange(shown, true)) return;
    if (const auto message = zones::parse_message(octets)) {
      out_ << "Outgoing update query:\n";
      show(*message);
    }
  };
  for (const tools::Endpoint& server : target.servers) {
    if (options_.debug) err_ << "Sending update to " << server.to_text() << '\n';
    Reply reply = network_.exchange(
        server, [&] { return script_.message(target.zone); }, script_.signer(), on_send);
    if (reply.message || reply.tsig_error != 0) return report(reply);
    err_ << "; Communication with " << server.to_text() << " failed: " << reply.failure << '\n';
  }
  failed_ = true;
}

void Session::report(const Reply& reply) {
  answer_ = reply.message;
  // Without a message the RCODE is known all the same (RFC 8945 §5.2).
  const std::string rcode = answer_ ? rcode_to_text(*answer_) : zones::to_text(Rcode::NOTAUTH);
  if (reply.tsig_error != 0) {
    err_ << "; TSIG error with server: "
         << (answer_ ? std::string("tsig indicates error") : reply.failure) << '\n';
    if (reply.server_time) {  // to be told, never to be set by (RFC 8945 §5.4.3)
      err_ << "; the server's clock says " << tools::to_text(*reply.server_time) << '\n';
    }
  }
  if (!answer_ || answer_->header.rcode != 0 || reply.tsig_error != 0) {
    failed_ = true;
    err_ << "update failed: " << rcode;
    if (reply.tsig_error != 0) err_ << '(' << tsig_error_to_text(reply.tsig_error) << ')';
    err_ << '\n';
    if (const std::string reason = answer_ ? reason_to_text(*answer_) : ""; !reason.empty()) {
      err_ << "; the server says: " << reason << '\n';
    }
  }
  if (answer_ && answer_->header.rcode == 0 && script_.lease()) {
    err_ << judge_lease(*script_.lease(), *answer_);
  }
  if (options_.debug && answer_) {
    out_.flush();
    err_ << "\nReply from update query:\n" << message_to_text(*answer_);
  }
}

}  // namespace dnsd_update
