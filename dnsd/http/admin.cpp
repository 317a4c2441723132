#include "dnsd/http/admin.h"

namespace dnsd::http {
namespace {

constexpr std::string_view METRICS = "/metrics";
constexpr std::string_view HEALTH = "/healthz";

}  // namespace

void AdminHandler::add_to(Routes& routes) {
  routes.add(std::string(METRICS), *this);
  routes.add(std::string(HEALTH), *this);
}

void AdminHandler::handle(const Request& request, const State& state, Responder responder) {
  if (!request.is_read()) {
    Response refusal = Response::text(405, "GET only\n");
    refusal.fields.emplace_back("Allow", "GET, HEAD");
    responder.send(std::move(refusal));
    return;
  }
  Response response;
  if (request.path == METRICS) {
    response.fields.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = metrics_text(sources_, state);
  } else if (sources_.writer && !sources_.writer().store_writable) {
    response = Response::text(503, "the store cannot be written\n");
  } else {
    response = Response::text(200, "ok\n");
  }
  response.fields.emplace_back("Cache-Control", "no-store");
  responder.send(std::move(response));
}

}  // namespace dnsd::http
