// SPDX-License-Identifier: LGPL-2.1-or-later
// Sixty-four streams at one engine, a few at another and a few at one that dies now and then, doing
// at random what streams do. Short, and meant for the thread sanitizer most of all. What each
// stream does follows from a seed, which is printed and may be given as GST_TORCH_TEST_SEED.
#include <atomic>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <random>
#include <thread>

#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

constexpr int kStreams = 64;   // at the engine that all share
constexpr int kElsewhere = 8;  // at each of the others
constexpr int kRounds = 80;
constexpr int kThrowing = 66;  // greys whose frames fail
constexpr int kNan = 77;
constexpr int kLosesDevice = 88;  // at the engine that dies

unsigned seed_of_this_run() {
  const char* given = std::getenv("GST_TORCH_TEST_SEED");
  return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10))
                          : std::random_device{}();
}

/// How often things happened, so that a test can say that they did.
struct Happened {
  std::uint64_t results = 0;
  std::uint64_t failures = 0;
  std::uint64_t drains = 0;
  std::uint64_t lost_engines = 0;
};

/// One stream as an element drives it: a thread that submits and looks at results in order, and
/// flushes that come from another thread.
class RandomStream {
 public:
  RandomStream(SessionRequest request, bool mortal, unsigned seed)
      : request_(std::move(request)), mortal_(mortal), random_(seed) {
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
      if (!session()->engine_status().ok()) {
        EXPECT_TRUE(mortal_);
        ++happened_.lost_engines;
        check_some(waiting_.size());
        reopen();
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

  const Happened& happened() const { return happened_; }
  EngineStatistics engine_statistics() { return session()->engine_statistics(); }

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
    if (!session()->wait_credit()) return;  // a flush came, or the engine has failed
    int grey = chance(20) == 0 ? kThrowing : chance(20) == 0 ? kNan : chance(256);
    if (mortal_ && chance(20) == 0) grey = kLosesDevice;
    auto frame = session()->submit(grey_frame(grey), {}, waker_);
    if (mortal_ && frame.status().code() == Code::kDeviceLost) return;
    ASSERT_THAT(frame.status(), IsOk());
    waiting_.emplace_back(*frame, grey);
    if (waiting_.size() > 12) check_some(6);
  }

  void drain() {
    const int flushes = flushes_;
    if (!session()->drain()) return;  // a flush came
    ++happened_.drains;
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
      happened_.failures += item.status.ok() ? 0 : 1;
      if (mortal_ && item.status.code() == Code::kDeviceLost) continue;
      if (item.status.code() == Code::kCancelled) {
        EXPECT_GT(flushes_, 0);
      } else if (grey == kThrowing) {
        EXPECT_THAT(item.status, HasCode(Code::kForwardFailed));
      } else if (grey == kNan) {
        EXPECT_THAT(item.status, HasCode(Code::kBadOutput));
      } else {
        EXPECT_THAT(item, ShowsGrey(grey));
      }
      ++happened_.results;
    }
  }

  /// A result whose stream was flushed while it ran wakes nobody, so the wake-up alone won't do.
  bool await(const FrameResult& frame) {
    for (int i = 0; i < 60000 && !frame.complete(); ++i)
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
  const bool mortal_;
  std::mt19937 random_;
  const std::shared_ptr<TestWaker> waker_ = std::make_shared<TestWaker>();
  std::deque<std::pair<std::shared_ptr<FrameResult>, int>> waiting_;
  std::mutex flush_;  // held through a flush
  std::atomic<int> flushes_{0};
  Happened happened_;
  std::mutex mutex_;  // guards the pointer, which another thread follows
  std::shared_ptr<Session> session_;
};

class ManyStreamsTest : public SessionTest {};

TEST_F(ManyStreamsTest, SurviveFlushDrainTimeoutFailureAndOneAnother) {
  const unsigned seed = seed_of_this_run();
  std::cout << "GST_TORCH_TEST_SEED=" << seed << '\n';
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string faults =
      "input 3x2x2\nforward throw mean 66\nforward nan mean 77\nforward oom above 6\n";
  const auto shared = request(faults, 8, 3);
  auto other = shared;
  other.batch_size = 2;
  auto mortal = shared;
  mortal.model_file = write_model(faults + "forward device-lost mean 88", "mortal.pt");

  std::vector<std::unique_ptr<RandomStream>> streams;
  for (int i = 0; i < kStreams; ++i)
    streams.push_back(std::make_unique<RandomStream>(shared, false, seed + streams.size()));
  for (int i = 0; i < kElsewhere; ++i) {
    streams.push_back(std::make_unique<RandomStream>(other, false, seed + streams.size()));
    streams.push_back(std::make_unique<RandomStream>(mortal, true, seed + streams.size()));
  }

  std::atomic<bool> done{false};
  std::thread flusher([&] {
    std::mt19937 random(seed);
    while (!done) {
      streams[random() % streams.size()]->flush();
      std::this_thread::sleep_for(500us);
    }
  });
  std::vector<std::thread> threads;
  for (auto& stream : streams) threads.emplace_back([&stream] { stream->run(); });
  for (auto& thread : threads) thread.join();
  done = true;
  flusher.join();

  Happened all;
  for (const auto& stream : streams) {
    all.results += stream->happened().results;
    all.failures += stream->happened().failures;
    all.drains += stream->happened().drains;
    all.lost_engines += stream->happened().lost_engines;
  }
  EXPECT_GT(all.results, static_cast<std::uint64_t>(kStreams * kRounds / 8));
  EXPECT_GT(all.failures, 0U);
  EXPECT_GT(all.drains, 0U);
  EXPECT_GT(all.lost_engines, 0U);
  const auto closed = streams.front()->engine_statistics().closed;
  for (const auto reason : {CloseReason::kFull, CloseReason::kDrain})
    EXPECT_GT(closed.at(static_cast<std::size_t>(reason)), 0U) << to_string(reason);
  streams.clear();
  EXPECT_EQ(control.models(), 0);
  EXPECT_EQ(control.lanes(), 0);
  EXPECT_EQ(control.wrong_calls(), 0U);
}

}  // namespace
}  // namespace torchinfer::test
