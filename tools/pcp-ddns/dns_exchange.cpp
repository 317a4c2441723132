#include "tools/pcp-ddns/dns_exchange.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "zones/rfc.h"

namespace pcp_ddns {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

std::chrono::sys_seconds wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Its handlers keep it alive.
class Runner : public std::enable_shared_from_this<Runner> {
 public:
  Runner(asio::io_context& context, keys::Exchange exchange, const udp::endpoint& server,
         OnDnsOutcome on_outcome)
      : exchange_(std::move(exchange)),
        server_(server),
        on_outcome_(std::move(on_outcome)),
        udp_(context),
        tcp_(context),
        timer_(context) {}

  void step();
  void cancel() {
    on_outcome_ = {};
    close();
  }

 private:
  void send_udp(std::span<const std::uint8_t> octets);
  void send_tcp(std::span<const std::uint8_t> octets);
  void receive_udp();
  void read_tcp();
  void wait(Clock::time_point until);
  void failed(const error_code& error);
  void finish(bool done);
  void close() {
    error_code ignored;
    udp_.close(ignored);
    tcp_.close(ignored);
    timer_.cancel();
  }

  keys::Exchange exchange_;
  const udp::endpoint server_;
  OnDnsOutcome on_outcome_;
  udp::socket udp_;
  tcp::socket tcp_;
  asio::steady_timer timer_;
  std::vector<std::uint8_t> out_;
  std::vector<std::uint8_t> in_;
  std::array<std::uint8_t, 2> length_{};
  std::string failure_;  // of the network, since the last send
};

void Runner::step() {
  using Action = keys::Exchange::Action;
  while (on_outcome_) {
    const keys::Exchange::Step step = exchange_.next(Clock::now(), wall_clock());
    switch (step.action) {
      case Action::SEND_UDP:
        send_udp(step.octets);
        break;
      case Action::SEND_TCP:
        send_tcp(step.octets);
        break;
      case Action::WAIT:
        return wait(step.until);
      case Action::DONE:
        return finish(true);
      case Action::FAILED:
        return finish(false);
    }
  }
}

void Runner::finish(bool done) {
  close();
  const OnDnsOutcome on_outcome = std::exchange(on_outcome_, {});
  DnsOutcome outcome;
  if (done) {
    outcome.exchange = &exchange_;
  } else {
    outcome.failure = failure_.empty() ? exchange_.failure() : failure_;
  }
  on_outcome(outcome);
}

void Runner::failed(const error_code& error) {
  failure_ = error.message();
  exchange_.transport_failed(Clock::now());
}

void Runner::wait(Clock::time_point until) {
  timer_.expires_at(until);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->step();
  });
}

void Runner::send_udp(std::span<const std::uint8_t> octets) {
  failure_.clear();
  error_code error;
  if (!udp_.is_open()) {
    udp_.open(server_.protocol(), error);
    if (!error) udp_.connect(server_, error);
    if (error) return failed(error);
    in_.resize(zones::MAX_MESSAGE_OCTETS);
    receive_udp();
  }
  udp_.send(asio::buffer(octets.data(), octets.size()), 0, error);
  if (error) failed(error);
}

void Runner::receive_udp() {
  udp_.async_receive(
      asio::buffer(in_), [self = shared_from_this()](const error_code& error, std::size_t size) {
        if (error == asio::error::operation_aborted || !self->udp_.is_open()) return;
        if (error) {
          self->failed(error);
        } else {
          self->exchange_.received(std::span(self->in_).first(size), Clock::now(), wall_clock());
        }
        self->receive_udp();
        self->step();
      });
}

void Runner::send_tcp(std::span<const std::uint8_t> octets) {
  failure_.clear();
  error_code ignored;
  udp_.close(ignored);
  tcp_.close(ignored);
  out_.assign({static_cast<std::uint8_t>(octets.size() >> 8),
               static_cast<std::uint8_t>(octets.size() & 0xff)});
  out_.insert(out_.end(), octets.begin(), octets.end());
  tcp_.async_connect({server_.address(), server_.port()},
                     [self = shared_from_this()](const error_code& error) {
                       if (error == asio::error::operation_aborted) return;
                       if (error) {
                         self->failed(error);
                         return self->step();
                       }
                       asio::async_write(self->tcp_, asio::buffer(self->out_),
                                         [self](const error_code& written, std::size_t) {
                                           if (written == asio::error::operation_aborted) return;
                                           if (!written) return self->read_tcp();
                                           self->failed(written);
                                           self->step();
                                         });
                     });
}

void Runner::read_tcp() {
  asio::async_read(
      tcp_, asio::buffer(length_),
      [self = shared_from_this()](const error_code& error, std::size_t) {
        if (error == asio::error::operation_aborted) return;
        if (error) {
          self->failed(error);
          return self->step();
        }
        self->in_.resize(static_cast<std::size_t>(self->length_[0]) << 8 | self->length_[1]);
        asio::async_read(self->tcp_, asio::buffer(self->in_),
                         [self](const error_code& read, std::size_t) {
                           if (read == asio::error::operation_aborted) return;
                           if (read) {
                             self->failed(read);
                             return self->step();
                           }
                           self->exchange_.received(self->in_, Clock::now(), wall_clock());
                           self->read_tcp();
                           self->step();
                         });
      });
}

}  // namespace

std::function<void()> run_dns_exchange(asio::io_context& context, keys::Exchange exchange,
                                       const udp::endpoint& server, OnDnsOutcome on_outcome) {
  const auto runner =
      std::make_shared<Runner>(context, std::move(exchange), server, std::move(on_outcome));
  asio::post(context, [runner] { runner->step(); });
  return [weak = std::weak_ptr(runner)] {
    if (const auto alive = weak.lock()) alive->cancel();
  };
}

}  // namespace pcp_ddns
