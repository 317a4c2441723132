// The answer to an UPDATE, made when the writer has decided: zone section, OPT, signature.
#pragma once

#include <optional>
#include <vector>

#include "dnsd/dispatch.h"
#include "dnsd/query.h"
#include "dnsd/update_writer.h"
#include "keys/tsig.h"

namespace dnsd {

/// What an answer takes over from its request; owns it.
struct UpdateRequest {
  UpdateRequest(std::span<const std::uint8_t> octets, const Request& request,
                std::uint16_t own_udp_octets);

  std::uint16_t id;
  std::vector<std::uint8_t> zone_section;
  bool has_edns;
  std::uint16_t udp_octets;  // what our OPT says
};

class UpdateResponder : public Responder {
 public:
  using Clock = Dispatcher::Clock;
  /// @param exchange  signs the answer; none: it is unsigned
  UpdateResponder(UpdateRequest request, std::optional<keys::TsigExchange> exchange, SendLater send,
                  Clock clock)
      : request_(std::move(request)),
        exchange_(std::move(exchange)),
        send_(std::move(send)),
        clock_(std::move(clock)) {}

  void reply(const UpdateReply& reply) override;

 private:
  const UpdateRequest request_;
  std::optional<keys::TsigExchange> exchange_;
  const SendLater send_;
  const Clock clock_;
};

}  // namespace dnsd
