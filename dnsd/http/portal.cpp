#include "dnsd/http/portal.h"

#include <spdlog/spdlog.h>

#include "dnsd/http/accept.h"
#include "dnsd/http/page_headers.h"
#include "dnsd/http/reached.h"
#include "dnsd/http/redirect.h"
#include "dnsd/http/services.h"

namespace dnsd::http {
namespace {

/// What the store is asked about the services.
std::vector<PublishedRecord> records_of(const NameServices& services, const zones::Name& name) {
  std::vector<PublishedRecord> records;
  records.reserve(services.services.size());
  for (const Service& service : services.services) {
    PublishedRecord& record = records.emplace_back();
    if (service.rdata.size() > PublishedTimes::MAX_RDATA_OCTETS) continue;
    record = {service.owner(name), service.type(), {service.rdata.begin(), service.rdata.end()}};
  }
  return records;
}

/// The page itself, whatever else the name has: "/?portal".
bool asks_for_page(const Request& request) {
  return request.path == "/" && request.query == "portal";
}

}  // namespace

Portal::Portal(unsigned redirect, std::shared_ptr<PageTemplate> page, std::set<std::uint16_t> ports)
    : redirect_(redirect), ports_(std::move(ports)), page_(std::move(page)) {}

/// All that it is made of, for when the request is gone.
struct Portal::Page {
  unsigned status = 200;
  bool is_json = false;
  zones::Name name{};
  std::string name_text{};
  NameServices services{};
  std::shared_ptr<PageTemplate> look{};

  Response render(const PublishedTimes::Times& times) const;
};

void Portal::set_page(std::shared_ptr<PageTemplate> page) {
  const std::lock_guard lock(mutex_);
  page_ = std::move(page);
}

void Portal::handle(const Request& request, const State& state, Responder responder) {
  if (request.target == "*") {  // RFC 9110 §9.3.7
    Response response{.status = 204};
    response.fields.emplace_back("Allow", "GET, HEAD");
    return responder.send(std::move(response));
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
        return responder.send(
            redirect_to(target->origin, request, redirect_status(redirect_, request.is_read())));
      }
    }
  }
  NameServices services = is_name ? services_of(state.catalogue, *name) : NameServices{};
  leave_out_portal(services, request, state, ports_);
  const auto show_page = [&](unsigned status) {
    if (state.policy->reachability) {
      tell_reached(state.catalogue, *state.policy->reachability, services);
    }
    show(page(status, request, is_name ? *name : zones::Name(), std::move(services)), state,
         std::move(responder));
  };
  if (!services.exists) return show_page(404);
  if (wants_page || explains) return show_page(200);
  if (!request.is_read()) {
    Response response = Response::text(405, "this name has no web service that could take it\n");
    response.fields.emplace_back("Allow", "GET, HEAD");
    return responder.send(std::move(response));
  }
  show_page(request.path == "/" ? 200 : 404);
}

Portal::Page Portal::page(unsigned status, const Request& request, const zones::Name& name,
                          NameServices&& services) {
  const std::lock_guard lock(mutex_);
  return {.status = status,
          .is_json = prefers_json(request.field("Accept").value_or("")),
          .name = name,
          .name_text = std::string(request.host),
          .services = std::move(services),
          .look = page_};
}

void Portal::show(Page&& page, const State& state, Responder responder) {
  const auto zone = state.catalogue.enclosing(page.name);
  if (times_ == nullptr || !zone || page.services.services.empty()) {
    return responder.send(page.render({}));
  }
  std::vector<PublishedRecord> records = records_of(page.services, page.name);
  for (Service& service : page.services.services) service.rdata = {};  // the state's
  const auto shared =
      std::make_shared<std::pair<Page, Responder>>(std::move(page), std::move(responder));
  const auto send = [shared](const PublishedTimes::Times& times) {
    shared->second.send(shared->first.render(times));
  };
  // Without times rather than late.
  if (!times_->ask(zones::Name(zone->apex()), std::move(records), send)) send({});
}

Response Portal::Page::render(const PublishedTimes::Times& times) const {
  const PageContent content{name, name_text, services, times};
  Response response{.status = status};
  response.fields.emplace_back("Vary", "Accept");
  if (is_json) {
    response.fields.emplace_back("Cache-Control", "no-store");
    response.fields.emplace_back("X-Content-Type-Options", "nosniff");
    response.fields.emplace_back("Content-Type", "application/json");
    response.body = page_json(content);
    return response;
  }
  const std::string nonce = make_nonce();
  add_page_headers(response, nonce, FormAction::NONE);
  response.body = look->render(content, nonce);
  return response;
}

}  // namespace dnsd::http
