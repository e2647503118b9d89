// SPDX-License-Identifier: LGPL-2.1-or-later
// What an engine does to its process: one module, one libtorch, the application's signal handlers,
// and the end of main(). Each case is a process of its own, process_child.cpp.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "support/status_matchers.h"
#include "support/temp_folder.h"
#include "test_models.h"

namespace torchinfer::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  std::string output;
  int status = -1;  ///< the exit status, or 1000 + the signal
};

/// Runs the child with its module in `folder`.
Outcome child(const std::string& folder, const std::string& arguments) {
  const std::string command = "GST_TORCH_MODULE_PATH='" + folder + "' OMP_NUM_THREADS=1 exec '" +
                              PROCESS_CHILD "' " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> buffer;
  while (const std::size_t read = fread(buffer.data(), 1, buffer.size(), pipe))
    outcome.output.append(buffer.data(), read);
  const int status = pclose(pipe);
  outcome.status = WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
  return outcome;
}

std::string real_model(const std::string& name) {
  return std::string(TEST_MODELS_DIR) + "/" + name + ".pt";
}

class Modules : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(FakeAndReal, Modules, testing::Values(FAKE_MODULE_DIR, REAL_MODULE_DIR),
                         [](const auto& info) { return info.index == 0 ? "Fake" : "Real"; });

TEST_P(Modules, AreOpenedFromTheFolderTheVariableNames) {
  EXPECT_THAT(child(GetParam(), "open").output, StartsWith("Ok "));
}

// Rule 11 of the elements: opened locally and for good, by a library of the same build. That no
// scan of the plugins opens one is shown where it is installed.
TEST_P(Modules, HideTheirSymbolsAndStayWhenTheirLastHandleIsClosed) {
  const auto outcome = child(GetParam(), "scope");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.output, AllOf(StartsWith("Ok "), HasSubstr("\nhidden\nresident\nOk ")));
}

TEST_P(Modules, LeaveTheApplicationsSignalHandlersAsTheyWere) {
  const auto outcome = child(GetParam(), "handlers");
  EXPECT_THAT(outcome.output, AllOf(StartsWith("Ok "), EndsWith("\n0 changed\n")));
}

TEST_P(Modules, ReturningFromMainWhileBusyIsAnOrdinaryExit) {
  TempFolder folder;
  const bool fake = GetParam() == std::string(FAKE_MODULE_DIR);
  const std::string model = fake ? folder.write("model.pt", "fake-model 1\nforward slow 20ms\n")
                                 : real_model("classifier");
  for (int i = 0; i < 4; ++i) {
    const auto outcome = child(GetParam(), "busy " + model);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    EXPECT_THAT(outcome.output, EndsWith("leaving\n0 lost\n"));
  }
}

TEST(Module, ThatLoadsWhenMainReturnsIsWaitedFor) {
  TempFolder folder;
  const auto model = folder.write("model.pt", "fake-model 1\nload slow 300ms\n");
  const auto outcome = child(FAKE_MODULE_DIR, "opening " + model + " -100");
  EXPECT_EQ(outcome.status, 0) << "destructors ran beneath the load: " << outcome.output;
  EXPECT_THAT(outcome.output, StartsWith("leaving\n"));
}

// While libtorch is opened, while it reads the model's archive, while it loads and tests the model.
TEST(Module, OfLibtorchMayBeAnywhereInAnOpeningWhenMainReturns) {
  for (const int milliseconds : {10, 300, 500, 550, 600, 650, 700}) {
    const auto outcome = child(REAL_MODULE_DIR, "opening " + real_model("classifier") + " " +
                                                    std::to_string(milliseconds));
    EXPECT_EQ(outcome.status, 0) << milliseconds << " ms: " << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr("leaving\n"));
  }
}

TEST_P(Modules, RefuseAProcessThatHasAnotherLibtorchAndNameBoth) {
  const auto outcome = child(GetParam(), std::string("after ") + FOREIGN_LIBTORCH);
  EXPECT_THAT(outcome.output,
              AllOf(StartsWith("ForeignLibtorch "), HasSubstr(FOREIGN_LIBTORCH),
                    HasSubstr(std::string(GetParam()) + "/libtorchinfer-torch.so")));
}

TEST(Module, TakesTheLibtorchThatTheApplicationHasWhereItIsItsOwn) {
  const auto outcome = child(REAL_MODULE_DIR, "after own");
  EXPECT_THAT(outcome.output, StartsWith("Ok "));
}

TEST(Module, IsFoundBesideTheLibraryWithoutTheVariable) {
  EXPECT_THAT(child("", "open").output, AllOf(StartsWith("Ok "), HasSubstr("libtorch")));
}

TEST(Module, ThatIsMissingIsAnErrorWithItsPathAndTheRemedy) {
  EXPECT_THAT(
      child("/no/such/folder", "open").output,
      AllOf(StartsWith("ModuleMissing "), HasSubstr("/no/such/folder/libtorchinfer-torch.so"),
            HasSubstr("install"), HasSubstr("GST_TORCH_MODULE_PATH")));
}

TEST(Module, ThatCannotBeOpenedIsAnErrorWithTheLinkersReason) {
  TempFolder folder;
  const auto path = folder.write("libtorchinfer-torch.so", "no library\n");
  EXPECT_THAT(child(folder.path("."), "open").output,
              AllOf(StartsWith("ModuleMissing "), HasSubstr("cannot be opened")));
}

TEST(Module, OfAnotherBuildIsRefusedWithBothBuildIds) {
  EXPECT_THAT(
      child(WRONG_BUILD_DIR, "open").output,
      AllOf(StartsWith("ModuleMissing "), HasSubstr("of-yesterday"), HasSubstr("this one is ")));
}

TEST(Module, AFailureToOpenIsNotTheLastWordAndASuccessIs) {
  const auto outcome = child("/no/such/folder", std::string("again ") + FAKE_MODULE_DIR);
  EXPECT_THAT(outcome.output,
              AllOf(StartsWith("ModuleMissing "), HasSubstr("\nOk "), EndsWith("the same\n")));
}

TEST(Process, ReturningFromMainDoesNotHangWithAForwardThatDoes) {
  TempFolder folder;
  const auto model = folder.write("model.pt", "fake-model 1\npatience 100ms\nforward gate g\n");
  for (const char* when : {"at-once", "told", "closing"}) {
    const auto outcome = child(FAKE_MODULE_DIR, "hung " + model + " " + when);
    EXPECT_EQ(outcome.status, 0) << when << ": " << outcome.output;
    EXPECT_THAT(outcome.output, EndsWith("leaving\n")) << when;
    if (when == std::string("told")) {
      EXPECT_THAT(outcome.output, HasSubstr("\nHung "));
    }
  }
}

TEST(Process, TheEnginesThreadsTakeNoneOfTheApplicationsSignals) {
  TempFolder folder;
  const auto model = folder.write("model.pt", "fake-model 1\n");
  EXPECT_EQ(child(FAKE_MODULE_DIR, "signals " + model).output, "Ok \npending\n");
}

}  // namespace
}  // namespace torchinfer::test
