// An update script: whatever it says, what comes of it is a message that reads back as it was, can
// be shown, and is left alone by lines that are mistakes. The input is the script.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tools/dnsd-update/message_text.h"
#include "tools/dnsd-update/script.h"

namespace {

using zones::Record;

void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

bool same(const std::vector<Record>& a, const std::vector<Record>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].owner.view().identical(b[i].owner) || a[i].type != b[i].type ||
        a[i].rrclass != b[i].rrclass || a[i].ttl != b[i].ttl || a[i].rdata != b[i].rdata) {
      return false;
    }
  }
  return true;
}

void check(const zones::Message& message) {
  const std::vector<std::uint8_t> octets = zones::to_wire(message);
  if (octets.empty()) return;  // too much for one message
  const auto again = zones::parse_message(octets);
  require(static_cast<bool>(again), "the message can be read");
  require(same(message.answer, again->answer), "prerequisites read back as they were");
  require(same(message.authority, again->authority), "updates read back as they were");
  require(again->edns.has_value() == message.edns.has_value(), "so does the lease");
  require(!dnsd_update::message_to_text(*again).empty(), "the message can be shown");
}

}  // namespace

/// ldns 1.8 forgets a few octets when the text of some types (CERT) is wrong.
extern "C" const char* __lsan_default_suppressions() { return "leak:libldns"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  dnsd_update::Script script;
  std::size_t records = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto step = script.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const zones::Message message = script.message(script.zone());
    const std::size_t now = message.answer.size() + message.authority.size();
    require(step || now == records, "a mistake leaves the message alone");
    records = now;
    if (!step || *step != dnsd_update::Step::SEND) continue;
    check(message);
    require(script.empty() == !script.search_start().has_value(), "a zone can be looked for");
    script.clear();
    records = 0;
  }
  check(script.message(script.zone()));
  return 0;
}
