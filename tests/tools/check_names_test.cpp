#include "tools/dnsd-update/check_names.h"

#include <gtest/gtest.h>

#include "tools/dnsd-update/script.h"

namespace dnsd_update {
namespace {

// Observed of nsupdate 9.18; empty: the record is accepted.
const struct {
  const char* line;
  const char* error;
} rows[] = {
    {"add h.a 60 A 192.0.2.1", ""},
    {"add h-x.a 60 AAAA ::1", ""},
    {"add 1.a 60 A 192.0.2.1", ""},
    {"add *.a 60 A 192.0.2.1", ""},
    {"add . 60 A 192.0.2.1", ""},
    {"add h_x.a 60 A 192.0.2.1", "bad owner 'h_x.a'"},
    {"add h_x.a 60 AAAA ::1", "bad owner 'h_x.a'"},
    {"add h_x.a 60 MX 10 a.b", "bad owner 'h_x.a'"},
    {"add a-.b 60 A 192.0.2.1", "bad owner 'a-.b'"},
    {"add -a.b 60 A 192.0.2.1", "bad owner '-a.b'"},
    {"add *.*.a 60 A 192.0.2.1", "bad owner '*.*.a'"},
    {"add a.*.b 60 A 192.0.2.1", "bad owner 'a.*.b'"},
    {"add a\\032b 60 A 192.0.2.1", "bad owner 'a\\032b'"},
    {"add h.a 60 MX 10 a_.b", "bad name 'a_.b'"},
    {"add h.a 60 MX 10 .", ""},
    {"add h.a 60 MX 10 *.b", "bad name '*.b'"},
    {"add h.a 60 NS a_.b", "bad name 'a_.b'"},
    {"add _h.a 60 NS b", ""},
    {"add h.a 60 SRV 1 2 3 a_.b", "bad name 'a_.b'"},
    {"add _sip._udp.a 60 SRV 1 2 3 a.b", ""},
    {"add h.a 60 AFSDB 1 a_.b", "bad name 'a_.b'"},
    {"add h.a 60 RT 1 a_.b", "bad name 'a_.b'"},
    {"add a. 60 SOA a.b a_.c 1 2 3 4 5", ""},
    {"add a. 60 SOA a_.b a.c 1 2 3 4 5", "bad name 'a_.b'"},
    {"add h.a 60 PTR a_.b", ""},
    {"add 1.0.ip6.arpa 60 PTR a_.b", "bad name 'a_.b'"},
    {"add b._dns-sd._udp.1.in-addr.arpa 60 PTR a_.b", ""},
    {"add 1.in-addr.arpa 60 PTR a_.b", "bad name 'a_.b'"},
    {"add _http._tcp.a 60 PTR My\\032Web._http._tcp.a", ""},
    {"add b._dns-sd._udp.a 60 PTR a_.b", ""},
    {"add h.a 60 CNAME a_.b", ""},
    {"add h_.a 60 TXT x", ""},
    {"add a. 60 RP a_.b a_.c", ""},
};

TEST(CheckNames, AsNsupdate) {
  for (const auto& row : rows) {
    SCOPED_TRACE(row.line);
    Script script;
    const auto step = script.line(row.line);
    EXPECT_EQ(step ? "" : step.error(),
              *row.error == '\0' ? "" : std::string("check-names failed: ") + row.error);
  }
}

}  // namespace
}  // namespace dnsd_update
