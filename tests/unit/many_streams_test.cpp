// SPDX-License-Identifier: LGPL-2.1-or-later
// Sixty-four streams at one engine and a few at another, doing at random what streams do. Short,
// and meant for the thread sanitizer most of all.
#include <atomic>
#include <deque>
#include <random>
#include <thread>

#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

constexpr int kStreams = 64;
constexpr int kRounds = 80;
constexpr int kThrowing = 66;  // greys whose frames fail
constexpr int kNan = 77;

/// One stream as an element drives it: a thread that submits and looks at results in order, and
/// flushes that come from another thread.
class RandomStream {
 public:
  RandomStream(SessionRequest request, unsigned seed)
      : request_(std::move(request)), random_(seed) {
    reopen();
  }

  void run() {
    for (int i = 0; i < kRounds; ++i) {
      switch (chance(16)) {
        case 0: drain(); break;
        case 1: cancel(); break;
        case 2: configure(); break;
        case 3: session()->set_contributing(chance(2) == 0); break;
        case 4: session()->hurry(); break;
        case 5:
          if (chance(4) == 0) reopen();
          break;
        case 6: check_some(waiting_.size()); break;
        case 7: std::this_thread::sleep_for(std::chrono::microseconds(chance(2000))); break;
        default: submit(); break;
      }
    }
    session()->hurry();
    check_some(waiting_.size());
    count();
  }

  /// From another thread, at any time: what FLUSH_START and FLUSH_STOP do.
  void flush() {
    const std::lock_guard lock(flush_);
    const auto now = session();
    now->interrupt(true);
    ++flushes_;
    now->cancel();
    now->interrupt(false);
  }

  std::uint64_t checked() const { return checked_; }

 private:
  int chance(int of) { return std::uniform_int_distribution<int>(0, of - 1)(random_); }

  std::shared_ptr<Session> session() {
    const std::lock_guard lock(mutex_);
    return session_;
  }

  SessionSettings settings() {
    SessionSettings settings;
    settings.live = chance(2) == 0;
    settings.batch_timeout = std::chrono::milliseconds(chance(3) * 5);
    settings.top_k = 1 + chance(3);
    settings.keep_tensors = chance(4) == 0;
    return settings;
  }

  void reopen() {
    waiting_.clear();
    if (session_) count();
    auto opened = Session::open(request_, settings());
    ASSERT_THAT(opened.status(), IsOk());
    std::shared_ptr<Session> fresh = std::move(opened).value();
    const std::lock_guard lock(mutex_);
    session_.swap(fresh);
  }

  void configure() { session()->configure(settings()); }

  void submit() {
    if (!session()->wait_credit()) return;  // a flush came
    const int grey = chance(20) == 0 ? kThrowing : chance(20) == 0 ? kNan : chance(256);
    auto frame = session()->submit(grey_frame(grey), {}, waker_);
    ASSERT_THAT(frame.status(), IsOk());
    waiting_.emplace_back(*frame, grey);
    if (waiting_.size() > 12) check_some(6);
  }

  void drain() {
    const int flushes = flushes_;
    if (!session()->drain()) return;  // a flush came
    const std::lock_guard lock(flush_);
    if (flushes_ != flushes) return;  // or its tasks were with the flush for a moment
    for (const auto& [frame, grey] : waiting_) EXPECT_TRUE(frame->complete());
  }

  void cancel() {
    session()->cancel();
    waiting_.clear();
  }

  /// Results come for all that nobody has cancelled, and belong to their frames.
  void check_some(std::size_t count) {
    for (; count > 0 && !waiting_.empty(); --count) {
      const auto [frame, grey] = waiting_.front();
      waiting_.pop_front();
      if (!await(*frame)) {
        ADD_FAILURE() << "a result never came";
        return;
      }
      const ItemResult& item = frame->items.at(0);
      if (item.status.code() == Code::kCancelled) {
        EXPECT_GT(flushes_, 0);
      } else if (grey == kThrowing) {
        EXPECT_THAT(item.status, HasCode(Code::kForwardFailed));
      } else if (grey == kNan) {
        EXPECT_THAT(item.status, HasCode(Code::kBadOutput));
      } else {
        EXPECT_THAT(item, ShowsGrey(grey));
      }
      ++checked_;
    }
  }

  /// A result whose stream was flushed while it ran wakes nobody, so the wake-up alone won't do.
  bool await(const FrameResult& frame) {
    for (int i = 0; i < 10000 && !frame.complete(); ++i)
      (void)waker_->await_wakes(waker_->wakes() + 1, 1ms);
    return frame.complete();
  }

  void count() {
    const std::lock_guard lock(flush_);
    const auto now = session();
    EXPECT_TRUE(now->drain());
    const auto counts = now->statistics();
    EXPECT_EQ(counts.submitted, counts.finished + counts.failed + counts.cancelled);
  }

  const SessionRequest request_;
  std::mt19937 random_;
  const std::shared_ptr<TestWaker> waker_ = std::make_shared<TestWaker>();
  std::deque<std::pair<std::shared_ptr<FrameResult>, int>> waiting_;
  std::mutex flush_;  // held through a flush
  std::atomic<int> flushes_{0};
  std::uint64_t checked_ = 0;
  std::mutex mutex_;  // guards the pointer, which another thread follows
  std::shared_ptr<Session> session_;
};

class ManyStreamsTest : public SessionTest {};

TEST_F(ManyStreamsTest, SurviveFlushDrainTimeoutFailureAndOneAnother) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto shared =
      request("input 3x2x2\nforward throw mean 66\nforward nan mean 77\nforward oom above 6", 8, 3);
  auto other = shared;
  other.batch_size = 2;

  std::vector<std::unique_ptr<RandomStream>> streams;
  for (unsigned i = 0; i < kStreams; ++i)
    streams.push_back(std::make_unique<RandomStream>(i % 8 == 7 ? other : shared, seed + i));

  std::atomic<bool> done{false};
  std::thread flusher([&] {
    std::mt19937 random(seed);
    while (!done) {
      streams[random() % kStreams]->flush();
      std::this_thread::sleep_for(500us);
    }
  });
  std::vector<std::thread> threads;
  for (auto& stream : streams) threads.emplace_back([&stream] { stream->run(); });
  for (auto& thread : threads) thread.join();
  done = true;
  flusher.join();

  std::uint64_t checked = 0;
  for (const auto& stream : streams) checked += stream->checked();
  EXPECT_GT(checked, static_cast<std::uint64_t>(kStreams * kRounds / 8));
  streams.clear();
  EXPECT_EQ(control.models(), 0);
  EXPECT_EQ(control.lanes(), 0);
  EXPECT_EQ(control.wrong_calls(), 0U);
}

}  // namespace
}  // namespace torchinfer::test
