#include "dnsd/http/portal.h"

#include <spdlog/spdlog.h>

#include "dnsd/http/accept.h"
#include "dnsd/http/page_headers.h"
#include "dnsd/http/reached.h"
#include "dnsd/http/redirect.h"
#include "dnsd/http/services.h"

namespace dnsd::http {
namespace {

/// The page itself, whatever else the name has: "/?portal".
bool asks_for_page(const Request& request) {
  return request.path == "/" && request.query == "portal";
}

}  // namespace

Portal::Portal(unsigned redirect, std::shared_ptr<PageTemplate> page, std::set<std::uint16_t> ports)
    : redirect_(redirect), ports_(std::move(ports)), page_(std::move(page)) {}

void Portal::handle(const Request& request, const State& state, Responder responder) {
  responder.send(answer(request, state));
}

void Portal::set_page(std::shared_ptr<PageTemplate> page) {
  const std::lock_guard lock(mutex_);
  page_ = std::move(page);
}

Response Portal::answer(const Request& request, const State& state) {
  if (request.target == "*") {  // RFC 9110 §9.3.7
    Response response{.status = 204};
    response.fields.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const auto name = zones::Name::from_text(request.host);
  const bool is_name = name && !name->is_root();
  const bool wants_page = request.is_read() && asks_for_page(request);
  bool explains = false;
  if (is_name && !wants_page) {
    NameServices web = services_of(state.catalogue, *name, Extent::WEB);
    if (const auto target = web_target(leave_out_portal(web, request, state, ports_))) {
      // A browser would end at an error of its own; a program arrives.
      explains = target->is_refused_by_browsers && request.is_read() &&
                 names_html(request.field("Accept").value_or(""));
      if (!explains) {
        return redirect_to(target->origin, request, redirect_status(redirect_, request.is_read()));
      }
    }
  }
  NameServices services = is_name ? services_of(state.catalogue, *name) : NameServices{};
  leave_out_portal(services, request, state, ports_);
  if (state.policy->reachability) {
    tell_reached(state.catalogue, *state.policy->reachability, services);
  }
  if (!services.exists)
    return page(404, request, is_name ? name->view() : zones::NameView(), services);
  if (wants_page || explains) return page(200, request, *name, services);
  if (!request.is_read()) {
    Response response = Response::text(405, "this name has no web service that could take it\n");
    response.fields.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  return page(request.path == "/" ? 200 : 404, request, *name, services);
}

Response Portal::page(unsigned status, const Request& request, zones::NameView name,
                      const NameServices& services) {
  const PageContent content{name, request.host, services};
  Response response{.status = status};
  response.fields.emplace_back("Vary", "Accept");
  if (prefers_json(request.field("Accept").value_or(""))) {
    response.fields.emplace_back("Cache-Control", "no-store");
    response.fields.emplace_back("X-Content-Type-Options", "nosniff");
    response.fields.emplace_back("Content-Type", "application/json");
    response.body = page_json(content);
    return response;
  }
  std::shared_ptr<PageTemplate> look;
  {
    const std::lock_guard lock(mutex_);
    look = page_;
  }
  const std::string nonce = make_nonce();
  add_page_headers(response, nonce, FormAction::NONE);
  response.body = look->render(content, nonce);
  return response;
}

}  // namespace dnsd::http
