// Portal: what a browser gets that asks for a hosted name (RFC 7393 §3.2, §3.3): a redirect to the
// name's web service, or a page of all its services.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>

#include "dnsd/http/handler.h"
#include "dnsd/http/page.h"

namespace dnsd::http {

class Portal final : public Handler {
 public:
  /// @param redirect  the status for GET and HEAD: 301, 302, 307 or 308
  /// @param ports  those on which visitors may reach the portal
  Portal(unsigned redirect, std::shared_ptr<PageTemplate> page, std::set<std::uint16_t> ports);

  void handle(const Request& request, const State& state, Responder responder) override;
  /// Pages tell since and until when services are published; without this they do not. Before the
  /// listener starts. `times` must live until the listener is stopped.
  void set_times(PublishedTimes& times) { times_ = &times; }
  /// From now on pages look like this. Any thread.
  void set_page(std::shared_ptr<PageTemplate> page);

 private:
  struct Page;

  Page page(unsigned status, const Request& request, const zones::Name& name,
            NameServices&& services);
  void show(Page&& page, const State& state, Responder responder);

  const unsigned redirect_;
  const std::set<std::uint16_t> ports_;
  PublishedTimes* times_ = nullptr;
  std::mutex mutex_;
  std::shared_ptr<PageTemplate> page_;
};

}  // namespace dnsd::http
