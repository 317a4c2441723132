// What the operator's programs ask on the address of [admin]: /metrics and /healthz.
#pragma once

#include "dnsd/http/handler.h"
#include "dnsd/metrics.h"

namespace dnsd::http {

/// Tells no secrets, but the names of the zones and how busy they are: it belongs on an address
/// that only the operator reaches.
class AdminHandler : public Handler {
 public:
  explicit AdminHandler(MetricsSources sources) : sources_(std::move(sources)) {}

  /// Adds itself under its two paths.
  void add_to(Routes& routes);
  /// /metrics: metrics_text(). /healthz: 200 "ok"; 503 with a sentence while the store cannot be
  /// written: queries are then answered all the same, updates are not.
  void handle(const Request& request, const State& state, Responder responder) override;

 private:
  const MetricsSources sources_;
};

}  // namespace dnsd::http
