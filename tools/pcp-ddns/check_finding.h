// A line of `pcp-ddns check`.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace pcp_ddns {

enum class Verdict : std::uint8_t {
  OK,
  NO,       // one of several that may be there, or what need not be
  WARNING,  // it works, but not for all that may be wanted
  FAILED,
};

struct Finding {
  Verdict verdict{};
  std::string text;
};
std::ostream& operator<<(std::ostream& out, const Finding& finding);

}  // namespace pcp_ddns
