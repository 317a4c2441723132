#include "dnsd/http/readiness.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dnsd::http {
namespace {

using Side = Readiness::Watch::Side;
using Outcome = std::optional<boost::system::error_code>;  // empty while it waits

/// A watched socket, and its peer.
class Peer {
 public:
  explicit Peer(Readiness& readiness) {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_) != 0) {
      throw std::runtime_error("socketpair");
    }
    if (!watch.open(readiness, ends_[0])) throw std::runtime_error("not watched");
  }
  ~Peer() {
    watch.close();
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void says(std::string_view text) const {
    EXPECT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void ends() const { EXPECT_EQ(::shutdown(ends_[1], SHUT_WR), 0); }
  std::string reads(std::size_t most) const { return read_from(ends_[0], most); }
  std::string takes(std::size_t most) const { return read_from(ends_[1], most); }
  ssize_t write(std::string_view text) const { return ::write(ends_[0], text.data(), text.size()); }

  Readiness::Watch watch;

 private:
  static std::string read_from(int socket, std::size_t most) {
    std::string text(most, '\0');
    const ssize_t count = ::read(socket, text.data(), text.size());
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  int ends_[2];
};

class ReadinessTest : public testing::Test {
 protected:
  void wait(Peer& peer, Outcome& outcome, Side side = Side::READ) {
    outcome.reset();
    peer.watch.async_wait(side, [&](boost::system::error_code error) { outcome = error; });
  }
  void run_until(const Outcome& outcome) {
    while (!outcome) context_.run_one();
  }
  /// All that happened before has been looked at.
  void settle() {
    Peer peer(readiness_);
    Outcome outcome;
    wait(peer, outcome);
    peer.says("x");
    run_until(outcome);
  }

  boost::asio::io_context context_{1};
  Readiness readiness_{context_};
};

TEST_F(ReadinessTest, AnEdgeBeforeTheWaiterIsNotLost) {
  Peer peer(readiness_);
  peer.says("early");
  settle();
  Outcome outcome;
  wait(peer, outcome);
  run_until(outcome);
  EXPECT_FALSE(*outcome);
  EXPECT_EQ(peer.reads(100), "early");
}

TEST_F(ReadinessTest, NobodyIsResumedFromWithinAWait) {
  Peer peer(readiness_);
  peer.says("early");
  settle();
  Outcome outcome;
  wait(peer, outcome);
  EXPECT_FALSE(outcome);
  run_until(outcome);
}

TEST_F(ReadinessTest, WhatIsLeftNeedsNoOtherEdge) {
  Peer peer(readiness_);
  peer.says("firstsecond");
  Outcome outcome;
  wait(peer, outcome);
  run_until(outcome);
  EXPECT_EQ(peer.reads(5), "first");
  wait(peer, outcome);
  run_until(outcome);
  EXPECT_EQ(peer.reads(100), "second");
}

TEST_F(ReadinessTest, AfterTheSocketWasEmptiedAWaitLastsUntilTheNextEdge) {
  Peer peer(readiness_);
  for (const bool blocked : {false, true}) {
    peer.says("one");
    Outcome outcome;
    wait(peer, outcome);
    run_until(outcome);
    EXPECT_EQ(peer.reads(100), "one");
    if (blocked) {
      peer.watch.would_block(Side::READ);
    } else {
      peer.watch.was_emptied();
    }
    wait(peer, outcome);
    settle();
    EXPECT_FALSE(outcome);
    peer.says("two");
    run_until(outcome);
    EXPECT_EQ(peer.reads(100), "two");
    peer.watch.was_emptied();
  }
}

TEST_F(ReadinessTest, ThePeersEndIsFoundAfterItsLastOctets) {
  Peer peer(readiness_);
  peer.says("last");
  peer.ends();
  Outcome outcome;
  wait(peer, outcome);
  run_until(outcome);
  EXPECT_EQ(peer.reads(100), "last");
  peer.watch.was_emptied();
  wait(peer, outcome);
  run_until(outcome);
  EXPECT_FALSE(*outcome);
  EXPECT_EQ(peer.reads(100), "");
}

TEST_F(ReadinessTest, AWriterWaitsUntilThePeerTakes) {
  Peer peer(readiness_);
  const std::string text(100'000, 'x');
  while (peer.write(text) > 0) continue;
  peer.watch.would_block(Side::WRITE);
  Outcome outcome;
  wait(peer, outcome, Side::WRITE);
  settle();
  EXPECT_FALSE(outcome);
  while (!peer.takes(text.size()).empty()) continue;
  run_until(outcome);
  EXPECT_FALSE(*outcome);
  EXPECT_GT(peer.write(text), 0);
}

TEST_F(ReadinessTest, WhoIsClosedInsideABatchIsNotResumedByIt) {
  constexpr std::size_t COUNT = 50;
  std::vector<std::unique_ptr<Peer>> peers;
  std::size_t resumed = 0;
  std::size_t aborted = 0;
  for (std::size_t i = 0; i < COUNT; ++i) {
    peers.push_back(std::make_unique<Peer>(readiness_));
    peers.back()->watch.async_wait(Side::READ, [&](boost::system::error_code error) {
      ++(error ? aborted : resumed);
      peers.clear();
    });
    peers.back()->says("x");
  }
  while (resumed + aborted < COUNT) context_.run_one();
  EXPECT_EQ(resumed, 1U);
  settle();
}

TEST_F(ReadinessTest, OthersHaveTheirTurnBetweenBatches) {
  constexpr std::size_t COUNT = 400;
  std::vector<std::unique_ptr<Peer>> peers;
  std::size_t resumed = 0;
  std::size_t resumed_before_post = 0;
  for (std::size_t i = 0; i < COUNT; ++i) {
    peers.push_back(std::make_unique<Peer>(readiness_));
    peers.back()->watch.async_wait(Side::READ, [&](boost::system::error_code error) {
      EXPECT_FALSE(error);
      if (++resumed == 1) boost::asio::post(context_, [&] { resumed_before_post = resumed; });
    });
    peers.back()->says("x");
  }
  while (resumed < COUNT) context_.run_one();
  EXPECT_GT(resumed_before_post, 0U);
  EXPECT_LT(resumed_before_post, COUNT);
}

TEST_F(ReadinessTest, ClosedItEndsWaitsAndIsNoWork) {
  Peer peer(readiness_);
  Outcome outcome;
  wait(peer, outcome);
  readiness_.close();
  peer.watch.close();
  context_.run();  // returns
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, boost::asio::error::operation_aborted);
  wait(peer, outcome);
  EXPECT_FALSE(outcome);
  context_.restart();
  context_.run();
  EXPECT_EQ(outcome, boost::asio::error::operation_aborted);
}

}  // namespace
}  // namespace dnsd::http
