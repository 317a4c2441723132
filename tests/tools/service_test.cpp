// The script's word "service": which records it replaces, and which lines it refuses.
#include "tools/dnsd-update/service.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tools/dnsd-update/script.h"
#include "zones/text.h"

namespace dnsd_update {
namespace {

/// The updates that a script makes, a line each; deletions begin with "- ".
struct Result {
  std::string updates;
  std::string error;  // of the first line that has one
};

std::string line_of(const zones::Record& record) {
  const std::string what = record.owner.to_text() + " " + zones::to_text(record.type);
  if (record.rrclass == zones::Class::ANY && record.ttl == 0 && record.rdata.empty()) {
    return "- " + what;
  }
  return record.owner.to_text() + " " + std::to_string(record.ttl) + " " +
         zones::to_text(record.rrclass) + " " + zones::to_text(record.type) + " " +
         zones::rdata_to_text(record.type, record.rdata);
}

Result run(const std::string& text) {
  Script script;
  std::istringstream lines(text);
  Result result;
  for (std::string line; std::getline(lines, line);) {
    const auto step = script.line(line);
    if (!step && result.error.empty()) result.error = step.error();
  }
  for (const zones::Record& record : script.message(std::nullopt).authority) {
    result.updates += line_of(record) + "\n";
  }
  return result;
}

#define DELETE_HTTP "- h1.example. A\n- _http._tcp.h1.example. SRV\n- _http._tcp.h1.example. TXT\n"
#define ADD_A "h1.example. 60 IN A 198.51.100.1\n"
#define ADD_HTTP ADD_A "_http._tcp.h1.example. 60 IN SRV 0 0 8001 h1.example.\n"

TEST(Service, ReplacesAnEndpoint) {
  const struct {
    const char* what;
    const char* script;
    const char* updates;
  } rows[] = {
      {"A, SRV, TXT", "service h1.example. http tcp 198.51.100.1 8001 path=/",
       DELETE_HTTP ADD_HTTP "_http._tcp.h1.example. 60 IN TXT \"path=/\"\n"},
      {"RFC 2782 no TXT: that of before goes all the same",
       "service h1.example http tcp 198.51.100.1 8001", DELETE_HTTP ADD_HTTP},
      {"underscores, case and blanks", "SERVICE h1.example  _http\t_TCP 198.51.100.1  8001 \r",
       "- h1.example. A\n- _http._TCP.h1.example. SRV\n- _http._TCP.h1.example. TXT\n" ADD_A
       "_http._TCP.h1.example. 60 IN SRV 0 0 8001 h1.example.\n"},
      {"IPv6", "service h1.example sip udp 2001:db8::1 5060",
       "- h1.example. AAAA\n- _sip._udp.h1.example. SRV\n- _sip._udp.h1.example. TXT\n"
       "h1.example. 60 IN AAAA 2001:db8::1\n"
       "_sip._udp.h1.example. 60 IN SRV 0 0 5060 h1.example.\n"},
      {"both families", "service h1.example http tcp 198.51.100.1,2001:db8::1,198.51.100.1 8001",
       "- h1.example. A\n- h1.example. AAAA\n- _http._tcp.h1.example. SRV\n"
       "- _http._tcp.h1.example. TXT\n" ADD_A "h1.example. 60 IN AAAA 2001:db8::1\n"
       "_http._tcp.h1.example. 60 IN SRV 0 0 8001 h1.example.\n"},
      {"the script's TTL", "ttl 300\nservice h1.example http tcp 198.51.100.1 8001 a=b",
       DELETE_HTTP "h1.example. 300 IN A 198.51.100.1\n"
                   "_http._tcp.h1.example. 300 IN SRV 0 0 8001 h1.example.\n"
                   "_http._tcp.h1.example. 300 IN TXT \"a=b\"\n"},
      {"RFC 2782 priority and weight",
       "service h1.example http tcp 198.51.100.1 8001 priority 10 weight 20 a",
       DELETE_HTTP ADD_A "_http._tcp.h1.example. 60 IN SRV 10 20 8001 h1.example.\n"
                         "_http._tcp.h1.example. 60 IN TXT \"a\"\n"},
      {"RFC 6763 §6.4 strings as in a zone file; options end where they begin",
       "service h1.example http tcp 198.51.100.1 8001 \"a b=c;d\" e= f;(g) https",
       DELETE_HTTP ADD_HTTP
       "_http._tcp.h1.example. 60 IN TXT \"a b=c;d\" \"e=\" \"f;(g)\" \"https\"\n"},
      {"RFC 7553 §4.1 URI of a scheme", "service h1.example http tcp 198.51.100.1 8001 uri http",
       DELETE_HTTP "- _http._tcp.h1.example. URI\n" ADD_HTTP
                   "_http._tcp.h1.example. 60 IN URI 0 0 \"http://h1.example:8001/\"\n"},
      {"with TXT's path",
       "service h1.example http tcp 198.51.100.1 8001 weight 2 uri https path=/a/b?c",
       DELETE_HTTP "- _http._tcp.h1.example. URI\n" ADD_A
                   "_http._tcp.h1.example. 60 IN SRV 0 2 8001 h1.example.\n"
                   "_http._tcp.h1.example. 60 IN TXT \"path=/a/b?c\"\n"
                   "_http._tcp.h1.example. 60 IN URI 0 2 \"https://h1.example:8001/a/b?c\"\n"},
      {"a path that is no absolute one",
       "service h1.example http tcp 198.51.100.1 8001 uri http path=a",
       DELETE_HTTP "- _http._tcp.h1.example. URI\n" ADD_HTTP
                   "_http._tcp.h1.example. 60 IN TXT \"path=a\"\n"
                   "_http._tcp.h1.example. 60 IN URI 0 0 \"http://h1.example:8001/\"\n"},
      {"a whole URI", "service h1.example http tcp 198.51.100.1 8001 uri http://192.0.2.1:1/x;y",
       DELETE_HTTP "- _http._tcp.h1.example. URI\n" ADD_HTTP
                   "_http._tcp.h1.example. 60 IN URI 0 0 \"http://192.0.2.1:1/x;y\"\n"},
      {"RFC 9460 §9", "service h1.example http tcp 198.51.100.1 8001 https",
       "- h1.example. A\n- h1.example. HTTPS\n- _http._tcp.h1.example. SRV\n"
       "- _http._tcp.h1.example. TXT\n" ADD_A "h1.example. 60 IN HTTPS 1 . port=8001\n"
       "_http._tcp.h1.example. 60 IN SRV 0 0 8001 h1.example.\n"},
      {"RFC 9460 §7.1", "service h1.example http tcp 198.51.100.1 8001 alpn h2,http/1.1 https",
       "- h1.example. A\n- h1.example. HTTPS\n- _http._tcp.h1.example. SRV\n"
       "- _http._tcp.h1.example. TXT\n" ADD_A
       "h1.example. 60 IN HTTPS 1 . alpn=h2,http/1.1 port=8001\n"
       "_http._tcp.h1.example. 60 IN SRV 0 0 8001 h1.example.\n"},
      {"two services share the host's address",
       "service h1.example http tcp 198.51.100.1 8001\n"
       "service h1.example ssh tcp 198.51.100.1 8002",
       DELETE_HTTP ADD_HTTP "- _ssh._tcp.h1.example. SRV\n- _ssh._tcp.h1.example. TXT\n"
                            "_ssh._tcp.h1.example. 60 IN SRV 0 0 8002 h1.example.\n"},
      {"check-names off", "check-names off\nservice h_1.example http tcp 198.51.100.1 8001",
       "- h_1.example. A\n- _http._tcp.h_1.example. SRV\n- _http._tcp.h_1.example. TXT\n"
       "h_1.example. 60 IN A 198.51.100.1\n"
       "_http._tcp.h_1.example. 60 IN SRV 0 0 8001 h_1.example.\n"},
      {"delete: the host's address stays, as others may use it",
       "service delete h1.example http tcp",
       "- _http._tcp.h1.example. SRV\n- _http._tcp.h1.example. TXT\n"},
      {"delete with all", "service del h1.example http tcp URI https address",
       "- h1.example. A\n- h1.example. AAAA\n- h1.example. HTTPS\n"
       "- _http._tcp.h1.example. SRV\n- _http._tcp.h1.example. TXT\n"
       "- _http._tcp.h1.example. URI\n"},
      {"a host called delete", "service delete. http tcp 198.51.100.1 8001",
       "- delete. A\n- _http._tcp.delete. SRV\n- _http._tcp.delete. TXT\n"
       "delete. 60 IN A 198.51.100.1\n_http._tcp.delete. 60 IN SRV 0 0 8001 delete.\n"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    const Result result = run(row.script);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.updates, row.updates);
  }
}

TEST(Service, AMistakeLeavesTheMessageAsItWas) {
  const std::string label(63, 'x');
  const struct {
    std::string line;
    const char* error;
  } rows[] = {
      {"service", "could not read service name"},
      {"service delete", "could not read service name"},
      {"service h1..x http tcp 198.51.100.1 1", "invalid owner name: "},
      {"service h1", "could not read service ''"},
      {"service h1 ht_tp tcp 198.51.100.1 1", "could not read service 'ht_tp'"},
      {"service h1 -http tcp 198.51.100.1 1", "could not read service '-http'"},
      {"service h1 _ tcp 198.51.100.1 1", "could not read service '_'"},
      {"service h1 " + label + " tcp 198.51.100.1 1", "could not read service 'xxx"},
      {"service h1 tcp http 198.51.100.1 1", "protocol 'http' is not tcp, udp, sctp or dccp"},
      {"service " + label + "." + label + "." + label +
           ".x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x."
           "x.x.x.x.x.x.x.x.x http tcp 198.51.100.1 1",
       "invalid service name: "},
      {"service h1 http tcp", "could not read address"},
      {"service h1 http tcp ,", "address '': not an IP address"},
      {"service h1 http tcp 198.51.100 1", "address '198.51.100': not an IP address"},
      {"service h1 http tcp 2001:db8::g 1", "address '2001:db8::g': not an IP address"},
      {"service h1 http tcp h2.example 1", "address 'h2.example': not an IP address"},
      {"service h1 http tcp 198.51.100.1", "port '': not a valid number"},
      {"service h1 http tcp 198.51.100.1 http", "port 'http': not a valid number"},
      {"service h1 http tcp 198.51.100.1 0", "port '0' is out of range (1 to 65535)"},
      {"service h1 http tcp 198.51.100.1 65536", "port '65536' is out of range (1 to 65535)"},
      {"service h1 http tcp 198.51.100.1 1 priority", "priority '': not a valid number"},
      {"service h1 http tcp 198.51.100.1 1 weight 65536", "weight '65536' is out of range (0 to"},
      {"service h1 http tcp 198.51.100.1 1 uri", "could not read uri"},
      {"service h1 http tcp 198.51.100.1 1 uri h1:p\\\"q", "uri 'h1:p\\\"q': not a URI"},
      {"service h1 http tcp 198.51.100.1 1 uri http path=/\\\"", "uri 'http://h1:1/\"': not a URI"},
      {"service h1 http tcp 198.51.100.1 1 https alpn", "could not read alpn"},
      {"service h1 http tcp 198.51.100.1 1 https alpn h2;h3", "could not read alpn"},
      {"service h1 http tcp 198.51.100.1 1 https alpn h2,,h3", "HTTPS 1 . alpn=h2,,h3 port=1: "},
      {"service h1 http tcp 198.51.100.1 1 alpn h2", "alpn belongs to https"},
      {"service h1 http tcp 198.51.100.1 1 =x", "TXT '=x' has no key: KEY=VALUE"},
      {"service h1 http tcp 198.51.100.1 1 \"\"", "TXT '' has no key: KEY=VALUE"},
      {"service h1 http tcp 198.51.100.1 1 a\\001=x", "TXT 'a\001=x': a key is of printable ASCII"},
      {"service h1 http tcp 198.51.100.1 1 a=x A", "TXT key 'A' is given twice"},
      {"service h1 http tcp 198.51.100.1 1 \"open", "invalid rdata format: "},
      {"service h1 http tcp 198.51.100.1 1 " + std::string(256, 'x'), "invalid rdata format: "},
      {"service h_1 http tcp 198.51.100.1 1", "check-names failed: bad owner 'h_1'"},
      {"check-names off\nservice h_1 http tcp 198.51.100.1 1 uri http",
       "uri: h_1. is no host name; write the whole URI"},
      {"service delete h1 http", "protocol '' is not tcp"},
      {"service delete h1 http tcp 198.51.100.1", "service delete: '198.51.100.1' is not address"},
      {"service h0 http tcp 192.0.2.2 1", "h0. has other addresses earlier in this message"},
      {"service h0 http tcp 192.0.2.1,192.0.2.2 1", "h0. has other addresses earlier in this"},
      {"service delete h0 http tcp address", "h0. A is added earlier in this message"},
      {"service h0 ssh tcp 192.0.2.1 1", "_ssh._tcp.h0. SRV is added earlier in this message"},
  };
  const std::string before = "service h0 ssh tcp 192.0.2.1 22\n";
  for (const auto& row : rows) {
    SCOPED_TRACE(row.line);
    const Result result = run(before + row.line);
    EXPECT_EQ(result.error.substr(0, std::string(row.error).size()), row.error);
    EXPECT_EQ(result.updates, run(before).updates);
  }
  EXPECT_EQ(run("class CH\nservice h1 http tcp 198.51.100.1 1").error, "service needs class IN");
}

}  // namespace
}  // namespace dnsd_update
