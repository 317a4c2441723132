#include "dnsd/tcp_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "dnsd/coroutine_end.h"
#include "dnsd/dispatch_log.h"
#include "dnsd/transfer_out.h"
#include "zones/counted.h"

namespace dnsd {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto AS_TUPLE = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t LENGTH_OCTETS = 2;                // RFC 1035 §4.2.2
constexpr std::size_t FIRST_IN_OCTETS = 1024;           // a query, an update
constexpr std::size_t USUAL_IN_OCTETS = 8 * 1024;       // many queries at a time
constexpr std::size_t MAX_OUT_OCTETS = 64 * 1024;       // then no more is read
constexpr std::size_t MAX_IDLE_OUT_OCTETS = 16 * 1024;  // kept between messages
constexpr auto STOP_GRACE = std::chrono::seconds(1);    // for what is written at a stop

std::size_t u16_at(const std::uint8_t* at) { return static_cast<std::size_t>(at[0] << 8 | at[1]); }

}  // namespace

TcpConnection::TcpConnection(asio::ip::tcp::socket socket, const Peer& peer, TcpThread& thread,
                             Dispatcher& dispatcher, TcpClients& clients, TcpClients::Slot slot,
                             TcpCounters& counters)
    : socket_(std::move(socket)),
      peer_(peer),
      thread_(thread),
      dispatcher_(dispatcher),
      clients_(clients),
      slot_(std::move(slot)),
      counters_(counters),
      deadline_(socket_.get_executor(), [this] { on_deadline(); }),
      changed_(socket_.get_executor()),
      in_(FIRST_IN_OCTETS) {
  changed_.expires_at(Clock::time_point::max());
  counters_.open.fetch_add(1, std::memory_order_relaxed);
}

TcpConnection::~TcpConnection() { counters_.open.fetch_sub(1, std::memory_order_relaxed); }

asio::awaitable<void> TcpConnection::serve(std::shared_ptr<TcpConnection> self) {
  // Whatever ends this coroutine closes the connection, or its deadline would keep it.
  struct Closer {
    TcpConnection& connection;
    ~Closer() { connection.close(); }
  };
  const Closer closer{*self};
  self->place_ = self->thread_.connections.insert(self->thread_.connections.end(), self.get());
  self->listed_ = true;
  if (self->thread_.draining) co_return;

  error_code ignored;
  self->socket_.non_blocking(true, ignored);
  self->read_by_ = Clock::now() + self->clients_.idle_timeout();
  self->set_deadline();  // first, so that the timer is set once
  self->deadline_.start(self);
  co_await self->read_and_answer();
  co_await self->finish();
}

asio::awaitable<void> TcpConnection::read_and_answer() {
  while (!closed_ && !read_no_more_ && !thread_.draining) {
    std::unique_ptr<TransferOut> transfer = answer_messages();
    flush();
    if (transfer) {
      co_await run_transfer(std::move(transfer));
      continue;
    }
    if (closed_ || read_no_more_) co_return;
    if (!has_room()) {
      co_await wait_for_change();
      continue;
    }
    if (has_message()) continue;  // for whose answer there was no room
    const bool more = co_await read_some();
    if (!more) co_return;
  }
}

/// Whole messages in the buffer, until there is none, no room for answers, or a transfer to run.
std::unique_ptr<TransferOut> TcpConnection::answer_messages() {
  std::unique_ptr<TransferOut> transfer;
  if (!has_message()) return transfer;
  const State& state = thread_.reader.current();
  const std::function<SendLater()> send_later = [this]() -> SendLater {
    ++in_flight_;
    return [weak = weak_from_this(),
            executor = socket_.get_executor()](std::vector<std::uint8_t> octets) {
      // The lock is not carried along: a post that never runs would keep the connection, and with
      // it its context.
      if (weak.expired()) return;
      asio::post(executor, [weak, octets = std::move(octets)] {
        if (const auto self = weak.lock()) self->answer_later(octets);
      });
    };
  };
  Peer peer = peer_;
  peer.idle_timeout_100ms = clients_.keepalive();
  std::uint64_t count = 0;
  while (!transfer && has_room()) {
    const std::span<const std::uint8_t> message = next_message();
    if (message.data() == nullptr) break;
    ++count;
    if (message.size() <
        zones::HEADER_OCTETS) {  // whoever sends this will not be understood later either
      read_no_more_ = true;
      break;
    }
    const std::size_t size = dispatcher_.handle(state, message, peer, thread_.scratch, send_later,
                                                &transfer, &thread_.reader);
    if (size != 0) {
      counters_.answers.count_shared({thread_.scratch.data(), size});
      append({thread_.scratch.data(), size});
    }
    in_begin_ += LENGTH_OCTETS + message.size();
  }
  thread_.reader.idle();
  counters_.messages.fetch_add(count, std::memory_order_relaxed);
  if (count != 0) touch();
  read_by_ = Clock::time_point::max();
  return transfer;
}

/// The next whole message without its length; no data when there is none yet.
std::span<const std::uint8_t> TcpConnection::next_message() const {
  const std::size_t size = in_end_ - in_begin_;
  const std::uint8_t* at = in_.data() + in_begin_;
  if (size < LENGTH_OCTETS || size < LENGTH_OCTETS + u16_at(at)) return {};
  return {at + LENGTH_OCTETS, u16_at(at)};
}

/// False at the end of the stream.
asio::awaitable<bool> TcpConnection::read_some() {
  // What is left of a message goes to the front, and the buffer grows with what comes of it: the
  // length alone is no reason to take memory.
  const std::size_t left = in_end_ - in_begin_;
  std::memmove(in_.data(), in_.data() + in_begin_, left);
  in_begin_ = 0;
  in_end_ = left;
  const std::size_t need = left < LENGTH_OCTETS ? 0 : LENGTH_OCTETS + u16_at(in_.data());
  if (left == in_.size()) {
    in_.resize(std::min(need, in_.size() * 2));
  } else if (in_.size() > USUAL_IN_OCTETS && std::max(need, left) <= USUAL_IN_OCTETS) {
    in_.resize(USUAL_IN_OCTETS);
    in_.shrink_to_fit();
  }
  if (read_by_ == Clock::time_point::max()) {
    read_by_ = Clock::now() + clients_.idle_timeout();
    set_deadline();
  }
  const auto [error, count] = co_await socket_.async_read_some(
      asio::buffer(in_.data() + in_end_, in_.size() - in_end_), AS_TUPLE);
  in_end_ += count;
  // It filled the buffer: more at once may come.
  if (in_end_ == in_.size() && in_.size() < USUAL_IN_OCTETS) in_.resize(USUAL_IN_OCTETS);
  // drain() ends what we read, too, and the peer may go on.
  peer_ended_ = error == asio::error::eof && !thread_.draining;
  co_return !error && !closed_;
}

bool TcpConnection::has_room() const {
  return out_.size() + writing_.size() < MAX_OUT_OCTETS &&
         in_flight_ < clients_.limits().max_in_flight;
}

void TcpConnection::append(std::span<const std::uint8_t> octets) {
  const auto size = static_cast<std::uint16_t>(octets.size());
  const std::size_t needed = out_.size() + LENGTH_OCTETS + octets.size();
  if (needed > out_.capacity()) {  // never more than the limit and one answer
    out_.reserve(std::max(needed, std::min(out_.capacity() * 2, MAX_OUT_OCTETS)));
  }
  out_.push_back(static_cast<std::uint8_t>(size >> 8));
  out_.push_back(static_cast<std::uint8_t>(size));
  out_.insert(out_.end(), octets.begin(), octets.end());
}

void TcpConnection::answer_later(std::span<const std::uint8_t> octets) {
  --in_flight_;
  counters_.answers.count_shared(octets);
  if (closed_) return;
  append(octets);
  changed_.cancel();
  // Answers of one batch come one behind the other: one write for all that are queued by then.
  if (flush_posted_) return;
  flush_posted_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

/// Gives to the kernel what it takes at once; the rest goes to write_rest().
void TcpConnection::flush() {
  if (closed_ || write_active_ || out_.empty()) return;
  error_code error;
  const std::size_t written = socket_.write_some(asio::buffer(out_), error);
  if (error && error != asio::error::would_block) {
    close();
    return;
  }
  if (written != 0) touch();
  if (written == out_.size()) {
    out_.clear();
    if (out_.capacity() > MAX_IDLE_OUT_OCTETS) out_.shrink_to_fit();
    return;
  }
  out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(written));
  write_active_ = true;
  asio::co_spawn(socket_.get_executor(), write_rest(shared_from_this()), CoroutineEnd{"TCP write"});
}

asio::awaitable<void> TcpConnection::write_rest(std::shared_ptr<TcpConnection> self) {
  while (!self->closed_ && !self->out_.empty()) {
    self->writing_.swap(self->out_);
    self->write_by_ = Clock::now() + self->clients_.limits().write_timeout;
    if (self->thread_.stopping)
      self->write_by_ = std::min(self->write_by_, Clock::now() + STOP_GRACE);
    self->set_deadline();
    const auto [error, count] =
        co_await asio::async_write(self->socket_, asio::buffer(self->writing_), AS_TUPLE);
    self->writing_.clear();
    if (self->writing_.capacity() > MAX_IDLE_OUT_OCTETS) self->writing_.shrink_to_fit();
    self->write_by_ = Clock::time_point::max();
    if (error) {
      self->close();
    } else {
      self->touch();
    }
    self->changed_.cancel();
  }
  self->write_active_ = false;
}

asio::awaitable<void> TcpConnection::wait_for_change() { co_await changed_.async_wait(AS_TUPLE); }

asio::awaitable<void> TcpConnection::run_transfer(std::unique_ptr<TransferOut> transfer) {
  const std::string what = "transfer of " + transfer->apex().to_text() + " to " + to_text(peer_);
  for (;;) {
    while (!closed_ && out_.size() + writing_.size() >= MAX_OUT_OCTETS) co_await wait_for_change();
    if (closed_ || thread_.stopping) {
      spdlog::info("{} broken off: the connection ended", what);
      close();
      co_return;
    }
    const TransferOut::Step step = transfer->next(thread_.scratch);
    switch (step.status) {
      case TransferOut::Status::EXPIRED:
        spdlog::warn("{} broken off: it took too long", what);
        close();
        co_return;
      case TransferOut::Status::FAILED:
        spdlog::error("{} broken off: a record does not fit a message", what);
        close();
        co_return;
      case TransferOut::Status::MORE:
      case TransferOut::Status::LAST:
        break;
    }
    append({thread_.scratch.data(), step.octets});
    flush();
    if (step.status == TransferOut::Status::LAST) break;
    // Others of this thread get their turn between messages.
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
  spdlog::info("{} done: serial {}, {}, {}", what, transfer->serial(),
               zones::counted(transfer->records(), "record"),
               zones::counted(transfer->messages(), "message"));
}

/// After the last message was read: what is asked already is still answered.
asio::awaitable<void> TcpConnection::finish() {
  read_by_ = Clock::time_point::max();
  while (!closed_ && (!out_.empty() || write_active_ || (in_flight_ != 0 && !thread_.stopping))) {
    flush();
    if (closed_ || (out_.empty() && !write_active_ && in_flight_ == 0)) break;
    co_await wait_for_change();
  }
  // The kernel sends what was written, and the end behind it, also after close().
  if (closed_ || peer_ended_) co_return;
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  // Octets that were not read would make the kernel reset the connection, and the peer lose
  // answers.
  constexpr int MAX_READS = 64;
  for (int i = 0; i < MAX_READS && !error; ++i) socket_.read_some(asio::buffer(in_), error);
}

void TcpConnection::drain() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_receive, ignored);
  changed_.cancel();
}

void TcpConnection::stop() {
  drain();
  flush();
  if (out_.empty() && !write_active_) {
    close();
    return;
  }
  write_by_ = std::min(write_by_, Clock::now() + STOP_GRACE);
  set_deadline();
}

void TcpConnection::give_way() {
  counters_.displaced.fetch_add(1, std::memory_order_relaxed);
  close();
}

/// Something happened: it is the last to give way.
void TcpConnection::touch() {
  if (!listed_) return;
  thread_.connections.splice(thread_.connections.end(), thread_.connections, place_);
}

void TcpConnection::close() {
  if (closed_) return;
  closed_ = true;
  if (listed_) thread_.connections.erase(place_);
  listed_ = false;
  slot_.reset();
  error_code ignored;
  socket_.close(ignored);
  deadline_.stop();
  changed_.cancel();
}

void TcpConnection::set_deadline() { deadline_.set(std::min(read_by_, write_by_)); }

void TcpConnection::on_deadline() {
  const auto now = Clock::now();
  // Who waits for an answer of ours is not idle.
  if (read_by_ <= now && (in_flight_ != 0 || write_active_)) {
    read_by_ = now + clients_.limits().idle_timeout;
  }
  if (read_by_ <= now || write_by_ <= now) {
    counters_.timeouts.fetch_add(1, std::memory_order_relaxed);
    close();
    return;
  }
  set_deadline();
}

}  // namespace dnsd
