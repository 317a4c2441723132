#include "dnsd/update_responder.h"

#include <spdlog/spdlog.h>

#include "keys/sig0.h"
#include "zones/edns.h"
#include "zones/wire_writer.h"

namespace dnsd {
namespace {

constexpr std::uint16_t QR_UPDATE = 0xa800;  // QR, opcode 5
constexpr std::size_t OPT_OCTETS = 11;
constexpr std::size_t OPTION_HEADER_OCTETS = 4;

zones::Edns edns_of(const UpdateReply& reply, const UpdateRequest& request) {
  zones::Edns edns;
  edns.udp_octets = request.udp_octets;
  if (request.edns_do) edns.flags = zones::EDNS_DO;  // RFC 3225 §3
  edns.extended_rcode = static_cast<std::uint8_t>(static_cast<unsigned>(reply.rcode) >> 4);
  if (reply.granted) {
    edns.options.push_back(
        {zones::OptionCode::UPDATE_LEASE, zones::update_lease_data(*reply.granted)});
  }
  edns.options.insert(edns.options.end(), request.options.begin(), request.options.end());
  if (reply.reason) edns.options.push_back(reply.reason->option());
  return edns;
}

std::vector<std::uint8_t> signed_answer(const std::vector<std::uint8_t>& octets,
                                        const Sig0Signing& signing, std::chrono::sys_seconds now) {
  try {
    std::vector<std::uint8_t> answer = octets;
    keys::sign_sig0(answer, *signing.key, now, signing.request);
    if (answer.size() <= signing.max_octets) return answer;
  } catch (const std::exception& error) {
    spdlog::error("an answer goes out without SIG(0): {}", error.what());
  }
  return octets;
}

}  // namespace

UpdateRequest::UpdateRequest(std::span<const std::uint8_t> octets, const Request& request,
                             std::uint16_t own_udp_octets, const AnswerOptions& its_options)
    : id(request.id),
      zone_section(octets.begin() + zones::HEADER_OCTETS,
                   octets.begin() + static_cast<std::ptrdiff_t>(request.question_end)),
      has_edns(request.has_edns),
      edns_do(request.edns_do),
      udp_octets(own_udp_octets),
      options(its_options.list()) {}

void UpdateResponder::reply(const UpdateReply& reply) {
  if (reply.bad_time && exchange_) exchange_->refuse_time();
  const zones::Edns edns = edns_of(reply, request_);
  std::size_t opt_octets = OPT_OCTETS;
  for (const zones::EdnsOption& option : edns.options) {
    opt_octets += OPTION_HEADER_OCTETS + option.data.size();
  }
  // Header, the zone section as it came (RFC 2136 §3.8), OPT.
  std::vector<std::uint8_t> octets(zones::HEADER_OCTETS + request_.zone_section.size() +
                                   opt_octets +
                                   (exchange_ ? exchange_->max_signature_octets() : 0));
  zones::WireWriter writer(octets);
  writer.u16(request_.id);
  writer.u16(static_cast<std::uint16_t>(QR_UPDATE | (static_cast<unsigned>(reply.rcode) & 0xf)));
  writer.u16(1);
  writer.u16(0);
  writer.u16(0);
  writer.u16(request_.has_edns ? 1 : 0);
  writer.octets(request_.zone_section);
  if (request_.has_edns) zones::write_edns(writer, edns);
  std::size_t size = writer.size();
  if (exchange_) size = exchange_->sign(octets, size, clock_());
  if (size == 0) return;  // cannot be: the room was counted
  octets.resize(size);
  if (!signing_) {
    send_(std::move(octets));
    return;
  }
  // The writer has better things to do than a public-key operation.
  const auto sign_and_send = [octets = std::move(octets), signing = *signing_, send = send_,
                              now = clock_()] { send(signed_answer(octets, signing, now)); };
  if (!signing_->pool->post(sign_and_send)) sign_and_send();
}

}  // namespace dnsd
