// SPDX-License-Identifier: LGPL-2.1-or-later
// A forward that does not return. Time is the fake clock's, so the default
// patience of 30 s passes when a test turns the hands.
#include <future>
#include <thread>

#include "support/fake_clock.h"
#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

class WatchdogTest : public SessionTest {
 protected:
  // The fake clock must not go before the threads that ask it for the time.
  ~WatchdogTest() override { clean_up(); }

  std::unique_ptr<Session> open(const SessionRequest& wanted) {
    const auto sleeps = clock.sleeps();
    auto session = Session::open(wanted, live(), clock);
    if (!session.ok()) throw std::runtime_error(session.status().message());
    if (!(*session)->engine().shared) {
      EXPECT_TRUE(clock.await_sleeps(sleeps + 1));
    }
    return std::move(session).value();
  }

  /// Turns the hands so that the watchdog looks once more, and waits until it has.
  void look(Duration interval = kInterval) {
    const auto sleeps = clock.sleeps();
    clock.advance(interval);
    EXPECT_TRUE(clock.await_sleeps(sleeps + 1));
  }

  /// As many looks as a forward may take.
  void look_patiently(Duration interval = kInterval) {
    for (int i = 0; i < 4; ++i) look(interval);
  }

  /// A frame whose forward hangs, and looks until the watchdog has seen enough.
  std::shared_ptr<FrameResult> hang(Session& session) {
    auto frame = submit(session, grey_frame(66));
    EXPECT_TRUE(control.await_at_gate("hang", 1));
    look_patiently();
    EXPECT_FALSE(frame->complete());
    clock.advance(kInterval);
    EXPECT_TRUE(waker->await(*frame));
    return frame;
  }

  /// Lets everything come back that hangs, and waits until it has gone.
  void clean_up() {
    control.open_gate("hang");
    for (int i = 0; i < 10000 && (control.models() > 0 || control.lanes() > 0); ++i)
      std::this_thread::sleep_for(1ms);
    EXPECT_EQ(control.models(), 0);
    EXPECT_EQ(control.lanes(), 0);
    EXPECT_EQ(control.wrong_calls(), 0U);
  }

  static constexpr const char* kModel = "forward gate hang mean 66";
  static constexpr Duration kInterval = Duration(30s) / 4;  // between two looks
  FakeClock clock;
};

TEST_F(WatchdogTest, AForwardThatDoesNotReturnFailsItsEngineForAllItsStreams) {
  const auto wanted = request(kModel, 1);
  const auto one = open(wanted), other = open(wanted);
  const auto running = submit(*one, grey_frame(66));
  ASSERT_TRUE(control.await_at_gate("hang", 1));
  const auto queued = submit(*other, grey_frame(1));
  while (other->has_credit()) (void)submit(*other, grey_frame(1));
  const auto sleeps = clock.sleeps();
  auto credit = std::async(std::launch::async, [&] { return other->wait_credit(); });
  ASSERT_TRUE(clock.await_sleeps(sleeps + 1));
  look_patiently();
  EXPECT_THAT(one->engine_status(), IsOk());
  clock.advance(kInterval);
  for (const auto& frame : {running, queued}) {
    ASSERT_TRUE(waker->await(*frame));
    EXPECT_THAT(frame->items[0].status, FailsWith(Code::kHung, "30 s", "Restart the process"));
  }
  EXPECT_FALSE(credit.get());
  for (const auto* session : {one.get(), other.get()}) {
    EXPECT_THAT(session->engine_status(), HasCode(Code::kHung));
    EXPECT_EQ(session->statistics().failed, session->statistics().submitted);
  }
  EXPECT_THAT(one->submit(grey_frame(1), {}, waker).status(), HasCode(Code::kHung));
  EXPECT_TRUE(one->drain());
  EXPECT_TRUE(other->drain());
}

TEST_F(WatchdogTest, NobodyWaitsForTheWorkerAndTheOthersGo) {
  auto session = open(request(kModel, 1, 3));
  (void)hang(*session);
  session.reset();  // would hang here
  EXPECT_EQ(control.lanes(), 1);
  EXPECT_EQ(control.models(), 1) << "the forward may still use it";
}

TEST_F(WatchdogTest, ASessionThatLeavesMeanwhileGoesWhenTheWatchdogHasSeenEnough) {
  auto session = open(request(kModel, 1));
  const auto frame = submit(*session, grey_frame(66));
  ASSERT_TRUE(control.await_at_gate("hang", 1));
  auto gone = std::async(std::launch::async, [&] { session.reset(); });
  look_patiently();
  EXPECT_EQ(gone.wait_for(50ms), std::future_status::timeout);
  clock.advance(kInterval);
  EXPECT_EQ(gone.wait_for(kSoon), std::future_status::ready);
}

TEST_F(WatchdogTest, TheKeyIsRefusedWhileTheForwardHangsAndOtherModelsGoOn) {
  const auto wanted = request(kModel, 1);
  auto session = open(wanted);
  (void)hang(*session);
  EXPECT_THAT(Session::open(wanted, live(), clock).status(), FailsWith(Code::kHung, "Restart"));
  session.reset();
  EXPECT_THAT(Session::open(wanted, live(), clock).status(), FailsWith(Code::kHung, "Restart"));
  EXPECT_EQ(control.loads(), 1U);
  auto another = wanted;
  another.model_file = write_model("classes 9", "another.pt");
  EXPECT_THAT(infer(*open(another), 4), ShowsGrey(4));
}

TEST_F(WatchdogTest, AForwardThatComesBackAfterAllFreesEverythingAndTheKey) {
  const auto wanted = request(kModel, 1);
  auto session = open(wanted);
  const auto frame = hang(*session);
  control.open_gate("hang");
  session.reset();
  clean_up();
  EXPECT_THAT(frame->items[0].status, HasCode(Code::kHung)) << "changed after it was told";
  session = open(wanted);
  EXPECT_THAT(infer(*session, 66), ShowsGrey(66));
}

TEST_F(WatchdogTest, ASlowForwardIsLeftInPeace) {
  const auto session = open(request(kModel, 1));
  for (int i = 0; i < 2; ++i) {
    control.close_gate("hang");
    const auto frame = submit(*session, grey_frame(66));
    ASSERT_TRUE(control.await_at_gate("hang", 1));
    look_patiently();
    control.open_gate("hang");
    ASSERT_TRUE(waker->await(*frame));
    EXPECT_THAT(frame->items[0], ShowsGrey(66));
  }
}

TEST_F(WatchdogTest, AProcessThatWasStoppedHasNotHung) {
  const auto session = open(request(kModel, 1));
  const auto frame = submit(*session, grey_frame(66));
  ASSERT_TRUE(control.await_at_gate("hang", 1));
  look();
  look(1h);
  look();
  control.open_gate("hang");
  ASSERT_TRUE(waker->await(*frame));
  EXPECT_THAT(frame->items[0], ShowsGrey(66));
}

TEST_F(WatchdogTest, PatienceGrowsWithTheTimeOfTheSelfTest) {
  const auto session = open(request(std::string(kModel) + "\nbatch-time 1s", 1));
  const auto frame = submit(*session, grey_frame(66));
  ASSERT_TRUE(control.await_at_gate("hang", 1));
  look_patiently(25s);
  EXPECT_FALSE(frame->complete());
  clock.advance(25s);
  ASSERT_TRUE(waker->await(*frame));
  EXPECT_THAT(frame->items[0].status, FailsWith(Code::kHung, "100 s"));
}

}  // namespace
}  // namespace torchinfer::test
