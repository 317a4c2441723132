#include "tools/pcp-ddns/upnp.h"

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

namespace pcp_ddns {
namespace {

constexpr int DISCOVERY_MILLISECONDS = 2000;
constexpr unsigned char TTL = 2;  // UPnP Device Architecture 1.1 §1.2.2
constexpr int MAX_PORTS_TRIED = 20;
constexpr std::uint32_t REFUSED_SECONDS = 30;
constexpr std::uint8_t UDP = 17;  // IANA "Protocol Numbers"
// UPnP WANIPConnection:1 §2.4.16, WANIPConnection:2 §2.5.16.
constexpr int NOT_AUTHORIZED = 606;
constexpr int CONFLICT = 718;
constexpr int SAME_PORTS_REQUIRED = 724;
constexpr int ONLY_PERMANENT_LEASES = 725;
constexpr int NO_PORT_MAPS_AVAILABLE = 728;
constexpr int CONFLICT_WITH_OTHER_MECHANISMS = 729;

bool has_option(const PcpRequest& request, OptionCode code) {
  return std::ranges::find(request.options, code, &Option::code) != request.options.end();
}

ResultCode pcp_result(int error) {
  switch (error) {
    case NOT_AUTHORIZED:
      return ResultCode::NOT_AUTHORIZED;
    case CONFLICT:
    case CONFLICT_WITH_OTHER_MECHANISMS:
    case NO_PORT_MAPS_AVAILABLE:
      return ResultCode::NO_RESOURCES;
    default:
      return ResultCode::NETWORK_FAILURE;
  }
}

/// One gateway, once it is found. Of the worker's thread.
class Igd {
 public:
  explicit Igd(const Address& local) : local_(local) {}
  ~Igd() { FreeUPNPUrls(&urls_); }
  Igd(const Igd&) = delete;
  Igd& operator=(const Igd&) = delete;

  PcpResponse answer(const PcpRequest& request);
  bool find();
  bool read_external_address(Address& address);

 private:
  ResultCode map(const PcpRequest& request, MapData& map);
  int add(const PcpRequest& request, std::uint16_t& port);

  const Address local_;
  UPNPUrls urls_{};
  IGDdatas data_{};
  std::array<char, 64> own_{};  // address, as the gateway sees this host
  bool found_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point not_looked_for_before_{};
  std::map<std::pair<std::uint8_t, std::uint16_t>, std::uint16_t> ports_;  // external ones of ours
};

bool Igd::find() {
  // Each of many services asks.
  const auto now = std::chrono::steady_clock::now();
  if (now < not_looked_for_before_) return false;
  not_looked_for_before_ = now + std::chrono::seconds(REFUSED_SECONDS / 2);
  const std::string interface = keys::to_text(local_);
  int error = 0;
  UPNPDev* devices = upnpDiscover(DISCOVERY_MILLISECONDS, interface.c_str(), nullptr,
                                  UPNP_LOCAL_PORT_ANY, 0, TTL, &error);
  if (devices == nullptr) return false;
  FreeUPNPUrls(&urls_);
  urls_ = {};
  // 1: connected, 2: not; some say the latter with an address that is not global.
  const int kind =
      UPNP_GetValidIGD(devices, &urls_, &data_, own_.data(), static_cast<int>(own_.size()));
  freeUPNPDevlist(devices);
  return kind == 1 || kind == 2;
}

PcpResponse Igd::answer(const PcpRequest& request) {
  PcpResponse response;
  response.opcode = Opcode::MAP;
  response.lifetime = request.lifetime;
  response.map = request.map;
  response.options = request.options;
  const std::uint8_t protocol = request.map.protocol;
  if (has_option(request, OptionCode::THIRD_PARTY) || has_option(request, OptionCode::FILTER)) {
    response.result = ResultCode::UNSUPP_OPTION;
  } else if (protocol != UDP && protocol != 6) {
    response.result = ResultCode::UNSUPP_PROTOCOL;
  } else if (!found_ && !(found_ = find())) {
    response.result = ResultCode::NETWORK_FAILURE;
  } else {
    response.result = map(request, response.map);
  }
  response.epoch = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_)
          .count());
  if (response.result != ResultCode::SUCCESS) {
    response.lifetime = REFUSED_SECONDS;
  } else {
    // Only those that were carried out are told (RFC 6887 §7.3).
    std::erase_if(response.options, [](const Option& option) {
      return option.code != OptionCode::PREFER_FAILURE && option.code != OptionCode::DESCRIPTION;
    });
  }
  return response;
}

bool Igd::read_external_address(Address& address) {
  std::array<char, 64> text{};
  if (UPNP_GetExternalIPAddress(urls_.controlURL, data_.first.servicetype, text.data()) != 0) {
    return false;
  }
  const auto read = keys::address_from_text(std::string_view(text.data()));
  if (read) address = *read;
  return read.has_value();
}

ResultCode Igd::map(const PcpRequest& request, MapData& map) {
  const std::pair key(map.protocol, map.internal_port);
  if (request.lifetime == 0) {
    const auto known = ports_.find(key);
    if (known == ports_.end()) return ResultCode::SUCCESS;
    const int error = UPNP_DeletePortMapping(urls_.controlURL, data_.first.servicetype,
                                             std::to_string(known->second).c_str(),
                                             map.protocol == UDP ? "UDP" : "TCP", nullptr);
    ports_.erase(known);
    return error < 0 ? ResultCode::NETWORK_FAILURE : ResultCode::SUCCESS;
  }
  std::uint16_t port = map.external_port != 0 ? map.external_port : map.internal_port;
  const auto known = ports_.find(key);
  if (known != ports_.end()) port = known->second;
  const int error = add(request, port);
  if (error != UPNPCOMMAND_SUCCESS) {
    if (error < 0) found_ = false;  // it is not there any more
    return pcp_result(error);
  }
  ports_[key] = port;
  map.external_port = port;
  if (read_external_address(map.external_address)) return ResultCode::SUCCESS;
  found_ = false;
  return ResultCode::NETWORK_FAILURE;
}

/// @param port  a wish; becomes what is mapped
int Igd::add(const PcpRequest& request, std::uint16_t& port) {
  const std::string inner = std::to_string(request.map.internal_port);
  std::string description = "pcp-ddns";
  for (const Option& option : request.options) {
    if (const auto text = read_description(option)) description = *text;
  }
  std::uint32_t lease = request.lifetime;
  const bool strict = has_option(request, OptionCode::PREFER_FAILURE);
  int error = 0;
  for (int i = 0; i < MAX_PORTS_TRIED; ++i) {
    error = UPNP_AddPortMapping(urls_.controlURL, data_.first.servicetype,
                                std::to_string(port).c_str(), inner.c_str(), own_.data(),
                                description.c_str(), request.map.protocol == UDP ? "UDP" : "TCP",
                                nullptr, std::to_string(lease).c_str());
    if (error == ONLY_PERMANENT_LEASES && lease != 0) {
      lease = 0;  // renewed and deleted as one with a lease
    } else if (error == SAME_PORTS_REQUIRED && port != request.map.internal_port && !strict) {
      port = request.map.internal_port;
    } else if ((error == CONFLICT || error == CONFLICT_WITH_OTHER_MECHANISMS) && !strict) {
      port = static_cast<std::uint16_t>(port == 65535 ? 1024 : port + 1);
    } else {
      break;
    }
  }
  return error;
}

}  // namespace

std::optional<Address> find_upnp_gateway(const Address& local) {
  Igd igd(local);
  if (!igd.find()) return std::nullopt;
  Address external{};
  igd.read_external_address(external);
  return external;
}

void UpnpWorker::open(const Address& local, OnResponse on_response) {
  on_response_ = std::make_shared<OnResponse>(std::move(on_response));
  const std::lock_guard lock(mutex_);
  jobs_.clear();
  local_ = local;
  answers_to_ = on_response_;
  ++generation_;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
}

void UpnpWorker::ask(std::span<const std::uint8_t> octets) {
  auto request = parse_request(octets);
  if (!request || request->opcode != Opcode::MAP) return;
  const std::lock_guard lock(mutex_);
  jobs_[{request->map.protocol, request->map.internal_port}] = std::move(*request);
  wakes_.notify_one();
}

void UpnpWorker::close() {
  on_response_.reset();
  const std::lock_guard lock(mutex_);
  jobs_.clear();
  ++generation_;
}

UpnpWorker::~UpnpWorker() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    wakes_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void UpnpWorker::work() {
  std::unique_ptr<Igd> igd;
  unsigned generation = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    wakes_.wait(lock, [this] { return ends_ || !jobs_.empty(); });
    if (ends_) return;
    if (!igd || generation != generation_) {
      generation = generation_;
      igd = std::make_unique<Igd>(local_);
    }
    const auto job = jobs_.extract(jobs_.begin());
    const std::weak_ptr<OnResponse> answers_to = answers_to_;
    lock.unlock();
    std::vector<std::uint8_t> answer = to_wire(igd->answer(job.mapped()));
    boost::asio::post(context_, [answers_to, answer = std::move(answer)] {
      if (const auto respond = answers_to.lock()) (*respond)(answer);
    });
    lock.lock();
  }
}

}  // namespace pcp_ddns
