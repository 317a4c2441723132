#include "tools/pcp-ddns/check_finding.h"

#include <ostream>

namespace pcp_ddns {
namespace {

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::OK:
      return "ok      ";
    case Verdict::NO:
      return "no      ";
    case Verdict::WARNING:
      return "WARNING ";
    case Verdict::FAILED:
      break;
  }
  return "FAILED  ";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Finding& finding) {
  return out << word(finding.verdict) << finding.text << std::endl;
}

}  // namespace pcp_ddns
