// SPDX-License-Identifier: LGPL-2.1-or-later
// Which streams share an engine, and an engine's life: element-rules 6, 8 and 9.
#include <future>
#include <thread>

#include "support/session_fixture.h"

namespace torchinfer::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RegistryTest : public SessionTest {};

TEST_F(RegistryTest, StreamsOfOneKeyShareOneEngineAndAreToldSo) {
  const auto wanted = request();
  const auto one = open(wanted), other = open(wanted);
  EXPECT_EQ(one->engine().id, other->engine().id);
  EXPECT_FALSE(one->engine().shared);
  EXPECT_TRUE(other->engine().shared);
  EXPECT_EQ(one->engine_users(), 2);
  EXPECT_EQ(control.loads(), 1U);
  EXPECT_THAT(one->engine().similar, IsEmpty());
}

TEST_F(RegistryTest, WhatBelongsToAStreamDoesNotPartEngines) {
  auto wanted = request("classes 3");
  const auto plain = open(wanted);
  wanted.label_file = folder.write("labels.txt", "a\nb\nc\n");
  auto settings = SessionSettings();
  settings.batch_timeout = 40ms;
  settings.top_k = 3;
  const auto labelled = open(wanted, settings);
  EXPECT_EQ(labelled->engine().id, plain->engine().id);
  EXPECT_THAT(labelled->model()->labels, ElementsAre("a", "b", "c"));
  EXPECT_THAT(plain->model()->labels, IsEmpty());
}

TEST_F(RegistryTest, TheSameFileUnderAnotherNameIsTheSameModel) {
  auto wanted = request();
  const auto one = open(wanted);
  wanted.model_file = write_model("", "copy.pt");
  EXPECT_EQ(open(wanted)->engine().id, one->engine().id);
}

TEST_F(RegistryTest, AFileReplacedMeanwhileIsAnotherModel) {
  const auto wanted = request();
  const auto before = open(wanted);
  (void)write_model("classes 7");
  const auto after = open(wanted);
  EXPECT_NE(after->engine().id, before->engine().id);
  EXPECT_EQ(after->engine().facts.outputs[0].dims[0], 7);
  EXPECT_EQ(before->engine().facts.outputs[0].dims[0], 256);
  EXPECT_THAT(after->engine().similar, IsEmpty());
}

TEST_F(RegistryTest, WhatIsInTheKeyPartsEnginesAndIsNamedWithBothValues) {
  const auto wanted = request("", 4, 1);
  const auto first = open(wanted);
  struct Case {
    const char* said;
    std::function<void(SessionRequest&)> change;
  };
  for (const Case& test :
       {Case{"batch-size is 4 there and 2 here", [](auto& r) { r.batch_size = 2; }},
        Case{"workers is 1 there and 2 here", [](auto& r) { r.workers = 2; }},
        Case{"threads is 1 there and 3 here", [](auto& r) { r.threads = 3; }},
        Case{"engine-name is \"\" there and \"mine\" here",
             [](auto& r) { r.engine_name = "mine"; }},
        Case{"precision is auto there and fp32 here",
             [](auto& r) { r.precision = Precision::kFp32; }},
        Case{"device is auto there and cpu here",
             [](auto& r) { r.device.kind = DeviceId::Kind::kCpu; }}}) {
    auto changed = wanted;
    test.change(changed);
    const auto other = open(changed);
    EXPECT_NE(other->engine().id, first->engine().id) << test.said;
    ASSERT_THAT(other->engine().similar, testing::SizeIs(1)) << test.said;
    EXPECT_THAT(other->engine().similar[0], HasSubstr(test.said));
    EXPECT_THAT(other->engine().similar[0],
                HasSubstr("Engine " + std::to_string(first->engine().id)));
  }
}

TEST_F(RegistryTest, AnotherInputOrQuantisedEngineInASidecarPartsEnginesOfOneFile) {
  const auto wanted = request("input 3x4x4");
  const auto first = open(wanted);
  auto changed = wanted;
  changed.model_info_file = folder.write(
      "other.modelinfo",
      "[modelinfo]\nversion=1.0\n[image]\ndir=input\ntype=uint8\ndims=-1,4,4,3\n"
      "[torchinference]\ntask=classification\ninterpolation=bilinear\nactivation=none\n"
      "resize=squash\nlayout=nhwc\ncolor-order=rgb\nquantized-engine=onednn\n");
  const auto other = open(changed);
  EXPECT_NE(other->engine().id, first->engine().id);
  EXPECT_THAT(other->engine().similar,
              ElementsAre(testing::AllOf(HasSubstr("input is float32 nchw 3x4x4 there and uint8 "
                                                   "nhwc 3x4x4 here"),
                                         HasSubstr("quantized-engine is none there"))));
  EXPECT_EQ(control.last_load().quantized_engine, "onednn");
}

TEST_F(RegistryTest, AutomaticWorkersAndThreadsAreResolvedBeforeEnginesAreCompared) {
  auto wanted = request("", 4, 0);
  wanted.threads = 0;
  const auto automatic = open(wanted);
  wanted.workers = automatic->engine().workers;
  wanted.threads = automatic->engine().threads;
  EXPECT_GE(wanted.workers, 1);
  EXPECT_LE(wanted.workers, 4);
  EXPECT_EQ(open(wanted)->engine().id, automatic->engine().id);
}

TEST_F(RegistryTest, ConcurrentOpenersOfOneKeyLoadOnceAndShare) {
  const auto wanted = request("load gate load");
  std::vector<std::future<Result<std::unique_ptr<Session>>>> openers;
  for (int i = 0; i < 8; ++i)
    openers.push_back(
        std::async(std::launch::async, [&] { return Session::open(wanted, live()); }));
  ASSERT_TRUE(control.await_at_gate("load", 1));
  control.open_gate("load");
  std::vector<std::unique_ptr<Session>> sessions;
  for (auto& opener : openers) {
    auto session = opener.get();
    ASSERT_THAT(session.status(), IsOk());
    sessions.push_back(std::move(session).value());
  }
  EXPECT_EQ(control.loads(), 1U);
  EXPECT_EQ(sessions[0]->engine_users(), 8);
  int newcomers = 0;
  for (const auto& session : sessions) newcomers += session->engine().shared ? 0 : 1;
  EXPECT_EQ(newcomers, 1);
}

TEST_F(RegistryTest, AFailureGoesToAllWhoWaitAndIsThenForgotten) {
  const auto wanted = request("load gate load\nload fail OutOfMemory");
  std::vector<std::future<Status>> openers;
  for (int i = 0; i < 4; ++i)
    openers.push_back(
        std::async(std::launch::async, [&] { return Session::open(wanted, live()).status(); }));
  ASSERT_TRUE(control.await_at_gate("load", 1));
  control.open_gate("load");
  for (auto& opener : openers) EXPECT_THAT(opener.get(), HasCode(Code::kOutOfMemory));
  const auto loads = control.loads();
  EXPECT_THAT(Session::open(wanted, live()).status(), HasCode(Code::kOutOfMemory));
  EXPECT_EQ(control.loads(), loads + 1) << "the failure was cached";
}

TEST_F(RegistryTest, AnotherModelLoadsWhileOneIsStuckInItsLoad) {
  const auto slow = request("load gate load");
  auto opener = std::async(std::launch::async, [&] { return Session::open(slow, live()); });
  ASSERT_TRUE(control.await_at_gate("load", 1));
  auto quick = slow;
  quick.model_file = write_model("classes 9", "quick.pt");
  EXPECT_THAT(infer(*open(quick), 4), ShowsGrey(4));
  control.open_gate("load");
  EXPECT_THAT(opener.get().status(), IsOk());
}

TEST_F(RegistryTest, AnEngineThatFailedIsNotGivenOutAgain) {
  const auto wanted = request("forward device-lost once", 1);
  const auto failed = open(wanted);
  (void)infer(*failed, 1);
  ASSERT_THAT(failed->engine_status(), HasCode(Code::kDeviceLost));
  const auto fresh = open(wanted);
  EXPECT_NE(fresh->engine().id, failed->engine().id);
  EXPECT_THAT(fresh->engine_status(), IsOk());
}

TEST_F(RegistryTest, TheLastSessionTakesTheEngineWithIt) {
  const auto wanted = request("", 4, 3);
  auto one = open(wanted);
  auto other = open(wanted);
  const auto id = one->engine().id;
  EXPECT_EQ(control.lanes(), 3);
  one.reset();
  EXPECT_THAT(infer(*other, 8), ShowsGrey(8));
  EXPECT_EQ(other->engine_users(), 1);
  other.reset();
  EXPECT_EQ(control.lanes(), 0);
  EXPECT_EQ(control.models(), 0);
  EXPECT_NE(open(wanted)->engine().id, id);
}

TEST_F(RegistryTest, NothingOfTheBackEndRunsInTheApplicationsThread) {
  bool called = true;
  // A thread of its own, since gtest's has long called on behalf of nobody knows whom.
  std::thread application([&] {
    auto session = open(request("", 4, 2));
    EXPECT_THAT(infer(*session, 8), ShowsGrey(8));
    session.reset();
    EXPECT_FALSE(Session::open(request("load throw"), live()).ok());
    called = control.called_on_this_thread();
  });
  application.join();
  EXPECT_FALSE(called);
  EXPECT_EQ(control.wrong_calls(), 0U) << "a lane left its thread";
}

TEST_F(RegistryTest, TheBatchSizeIsWhatTheSelfTestAllows) {
  const auto session = open(request("batch-limit 2", 8));
  EXPECT_EQ(session->engine().facts.batch_size, 2);
  EXPECT_FALSE(session->engine().facts.batch_size_reason.empty());
  std::vector<std::shared_ptr<FrameResult>> frames;
  for (int i = 0; i < 8; ++i) frames.push_back(submit(*session, grey_frame(i)));
  for (const auto& frame : frames) EXPECT_TRUE(waker->await(*frame));
  EXPECT_LE(control.largest_batch(), 2U);
}

TEST_F(RegistryTest, AModelsDigestMayBePinned) {
  auto wanted = request();
  const std::string sha = open(wanted)->engine().model_sha256;
  EXPECT_EQ(sha.size(), 64U);
  wanted.model_sha256 = sha;
  EXPECT_THAT(Session::open(wanted, live()).status(), IsOk());
  wanted.model_sha256 = std::string(64, '0');
  EXPECT_THAT(Session::open(wanted, live()).status(), FailsWith(Code::kDigestMismatch, sha));
}

TEST_F(RegistryTest, APinnedModelIsWhatItsArchiveSaysWhateverLiesBesideIt) {
  auto wanted = request();
  wanted.model_sha256 = open(wanted)->engine().model_sha256;
  const auto sidecar = wanted.model_file + ".modelinfo";
  folder.write(sidecar, "nonsense");
  const auto session = open(wanted);
  EXPECT_EQ(session->model()->source, wanted.model_file + "!modelinfo");
  EXPECT_EQ(session->model()->unread_sidecar, sidecar);
  wanted.model_sha256.clear();
  EXPECT_THAT(Session::open(wanted, live()).status(), FailsWith(Code::kBadModelInfo, sidecar));
}

TEST_F(RegistryTest, AFileThatIsNotThereIsAnErrorWithItsPath) {
  auto wanted = request();
  wanted.model_file = folder.path("no-such.pt");
  EXPECT_THAT(Session::open(wanted, live()).status(), FailsWith(Code::kNotFound, "no-such.pt"));
}

}  // namespace
}  // namespace torchinfer::test
