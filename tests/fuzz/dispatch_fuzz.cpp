// Any octets through the dispatcher, as they are or with a valid TSIG behind them, over UDP and
// TCP: what is answered parses, belongs to the request, keeps to its limit, and is signed when the
// request was.

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "../dnsd/dispatch_world.h"

namespace {

using dnsd::Transport;
using dnsd::test::Octets;
using dnsd::test::World;

void require(bool condition) {
  if (!condition) std::abort();
}

/// A new one from time to time, since updates make its zone grow.
World& world() {
  constexpr int RUNS = 5000;
  static std::unique_ptr<World> current;
  static int runs = RUNS;
  if (++runs > RUNS) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()));
    current = std::make_unique<World>();
    auto policy = std::make_shared<dnsd::Policy>(*dnsd::test::make_test_policy());
    policy->identity = {{'n', 's', '1'}, dnsd::txt_rdata("dnsd"), dnsd::txt_rdata("ns1")};
    policy->cookies =
        std::make_shared<const dnsd::Cookies>(std::vector{dnsd::Cookies::Secret{1, 2, 3}});
    current->writer->set_policy(policy);
    runs = 0;
  }
  return *current;
}

void check_answer(const Octets& request, const Octets& answer, Transport transport) {
  require(answer.size() >= zones::HEADER_OCTETS);
  require(request.size() >= zones::HEADER_OCTETS);
  require(answer[0] == request[0] && answer[1] == request[1]);
  require((request[2] & 0x80) == 0 && (answer[2] & 0x80) != 0);
  require((answer[2] & 0x78) == (request[2] & 0x78));
  if (transport == Transport::UDP) require(answer.size() <= 1232 + keys::MAX_TSIG_OCTETS);
  require(zones::parse_message(answer).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint8_t OVER_TCP = 1;
  constexpr std::uint8_t WITH_KEY = 2;
  if (size < 1) return 0;
  World& place = world();
  const Transport transport = (data[0] & OVER_TCP) != 0 ? Transport::TCP : Transport::UDP;
  Octets request(data + 1, data + size);
  keys::TsigClient client(dnsd::test::make_key((data[0] & 4) != 0 ? "reader." : "editor."));
  // A TSIG behind what is no message need not be one: the message may end elsewhere.
  const auto parsed = zones::parse_message(request);
  const bool has_key = (data[0] & WITH_KEY) != 0 && parsed && !parsed->signature &&
                       client.sign(request, dnsd::test::NOW);

  std::promise<Octets> later;
  World::Answer answer = place.ask_now(request, transport, later);
  if (place.asked_later) {
    require(answer.octets.empty() && !answer.transfer && has_key);
    answer.octets = later.get_future().get();
  }
  std::uint16_t error = 0;
  std::optional<std::chrono::sys_seconds> server_time;
  const auto is_valid = [&](const Octets& octets) {
    return client.verify(octets, dnsd::test::NOW, error, server_time) ==
           keys::TsigClient::Verdict::VALID;
  };
  if (answer.transfer) {
    require(has_key && transport == Transport::TCP);
    for (dnsd::TransferOut::Step step{dnsd::TransferOut::Status::MORE, 0};
         step.status == dnsd::TransferOut::Status::MORE;) {
      Octets out(65'535);
      step = answer.transfer->next(out);
      out.resize(step.octets);
      if (step.octets == 0) break;
      check_answer(request, out, transport);
      require(is_valid(out));
    }
    return 0;
  }
  if (answer.octets.empty()) return 0;
  check_answer(request, answer.octets, transport);
  // A request that is malformed has no signature that could be answered, and of one with an opcode
  // that is not offered nothing behind the header is read.
  const int rcode = answer.octets[3] & 0x0f;
  const bool signature_unread = rcode == static_cast<int>(zones::Rcode::FORMERR) ||
                                rcode == static_cast<int>(zones::Rcode::NOTIMP);
  if (has_key && !signature_unread) require(is_valid(answer.octets));
  return 0;
}
