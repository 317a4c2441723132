#include "tools/pcp-ddns/status.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace pcp_ddns {
namespace {

std::string to_text(ProviderStatus::State state) {
  switch (state) {
    case ProviderStatus::State::PUBLISHED:
      return "published";
    case ProviderStatus::State::WAITING:
      return "waiting";
    case ProviderStatus::State::FAILED:
      return "failed";
    case ProviderStatus::State::NOTHING:
      break;
  }
  return "nothing";
}

std::string to_text(ServiceStatus::State state) {
  switch (state) {
    case ServiceStatus::State::MAPPED:
      return "mapped";
    case ServiceStatus::State::ASKING:
      return "asking";
    case ServiceStatus::State::REFUSED:
      return "refused";
    case ServiceStatus::State::NOT_GLOBAL:
      break;
  }
  return "not-global";
}

/// Empty: nothing is known.
std::string to_text(zones::Reachability reached) {
  switch (reached) {
    case zones::Reachability::ANSWERED:
      return "yes";
    case zones::Reachability::REFUSED:
      return "refused";
    case zones::Reachability::SILENT:
      return "silent";
    case zones::Reachability::UNKNOWN:
    case zones::Reachability::TRYING:
      break;
  }
  return {};
}

/// Of providers that do not agree, what each saw.
std::string reached_text(const std::vector<ProviderStatus>& providers) {
  std::string text;
  for (const ProviderStatus& provider : providers) {
    const std::string one = to_text(provider.reached);
    if (one.empty() || text.find(one) != std::string::npos) continue;
    text += (text.empty() ? "" : ", ") + one;
  }
  return text.empty() ? "-" : text;
}

/// RFC 8259 §7. What is not ASCII is passed on when it is UTF-8, which nobody has checked: errors
/// come from the network, so other octets are escaped as the code points of their value.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c >= 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out += escaped;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : quoted(text); }

std::string number_or_null(const std::optional<std::chrono::seconds>& time) {
  return time ? std::to_string(time->count()) : "null";
}

/// "1h 5min", "5min", "12s".
std::string duration_text(const std::optional<std::chrono::seconds>& time) {
  if (!time) return "-";
  const auto seconds = std::max<std::int64_t>(time->count(), 0);
  if (seconds < 120) return std::to_string(seconds) + "s";
  const auto minutes = seconds / 60;
  if (minutes < 60) return std::to_string(minutes) + "min";
  return std::to_string(minutes / 60) + "h " + std::to_string(minutes % 60) + "min";
}

constexpr std::size_t COLUMNS = 7;
using Row = std::array<std::string, COLUMNS>;

std::string aligned(const std::vector<Row>& rows) {
  std::array<std::size_t, COLUMNS> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

bool Status::is_well() const {
  return std::ranges::all_of(services, [](const ServiceStatus& service) {
    return service.state == ServiceStatus::State::MAPPED &&
           std::ranges::all_of(service.providers, [](const ProviderStatus& provider) {
             return provider.state == ProviderStatus::State::PUBLISHED;
           });
  });
}

std::string to_table(const Status& status) {
  std::vector<Row> rows{{"SERVICE", "HERE", "ENDPOINT", "STATE", "REACHED", "RENEWAL", "UNTIL"}};
  std::string errors;
  for (const ServiceStatus& service : status.services) {
    std::string state = to_text(service.state);
    for (const ProviderStatus& provider : service.providers) {
      if (provider.state == ProviderStatus::State::NOTHING) continue;
      state += ", " + to_text(provider.state);
      if (service.providers.size() > 1) state += " at " + provider.name;
      if (!provider.error.empty()) {
        errors += service.name + " at " + provider.name + ": " + provider.error + "\n";
      }
    }
    if (!service.error.empty()) errors += service.name + ": " + service.error + "\n";
    rows.push_back({service.name, service.internal,
                    service.external.empty() ? "-" : service.external, state,
                    reached_text(service.providers), duration_text(service.renewal),
                    duration_text(service.end)});
  }
  const std::string first = status.gateway.empty() ? status.error : status.gateway;
  return (first.empty() ? "" : first + "\n\n") + aligned(rows) +
         (errors.empty() ? "" : "\n" + errors);
}

std::string to_json(const Status& status) {
  std::string text = "{\"gateway\":" + quoted_or_null(status.gateway) +
                     ",\"error\":" + quoted_or_null(status.error) + ",\"services\":[";
  for (const ServiceStatus& service : status.services) {
    if (text.back() == '}') text += ',';
    text += "{\"name\":" + quoted(service.name) + ",\"internal\":" + quoted(service.internal) +
            ",\"external\":" + quoted_or_null(service.external) + ",\"state\":\"" +
            to_text(service.state) + "\",\"renewal\":" + number_or_null(service.renewal) +
            ",\"end\":" + number_or_null(service.end) +
            ",\"error\":" + quoted_or_null(service.error) + ",\"providers\":[";
    for (const ProviderStatus& provider : service.providers) {
      if (text.back() == '}') text += ',';
      text += "{\"name\":" + quoted(provider.name) + ",\"state\":\"" + to_text(provider.state) +
              "\",\"error\":" + quoted_or_null(provider.error) +
              ",\"reached\":" + quoted_or_null(to_text(provider.reached)) + "}";
    }
    text += "]}";
  }
  return text + "]}";
}

}  // namespace pcp_ddns
