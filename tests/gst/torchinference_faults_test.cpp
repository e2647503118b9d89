// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>

#include "child_fixture.h"
#include "error_fixture.h"
#include "inference_fixture.h"

// The table of faults: each code that the library may say is brought about at the element, and told
// with the domain and number that the table in gst-plugin/gst_error.cpp promises. What happens once
// a process only happens in a process of its own, fault_child.cpp.

namespace torchinfer::test {
namespace {

using testing::HasSubstr;

enum class Place {
  kStart,    ///< on the way to PAUSED
  kStream,   ///< while frames run
  kProcess,  ///< in a process that is as it must not be
};

struct Fault {
  const char* name;
  Place place;
  Code code;
  GQuark (*domain)();
  gint number;
  std::string model;       ///< lines of the fake model
  std::string properties;  ///< "@" is the folder of the test's files
  /// kProcess: the folder with the module, the child's scenario, and its library.
  const char* modules = FAKE_MODULE_DIR;
  const char* scenario = "play";
  const char* library = nullptr;
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const std::vector<Fault>& faults() {
  constexpr auto kStart = Place::kStart;
  constexpr auto kStream = Place::kStream;
  constexpr auto kProcess = Place::kProcess;
  constexpr auto core = gst_core_error_quark;
  constexpr auto library = gst_library_error_quark;
  constexpr auto resource = gst_resource_error_quark;
  constexpr auto stream = gst_stream_error_quark;
  static const std::vector<Fault> all = {
      {"ASettingThatMeansNothing", kStart, Code::kInvalidArgument, library,
       GST_LIBRARY_ERROR_SETTINGS, "", "device=tpu"},
      {"AMissingFile", kStart, Code::kNotFound, resource, GST_RESOURCE_ERROR_NOT_FOUND, "",
       "model-file=@/none.pt"},
      {"AFolder", kStart, Code::kUnreadable, resource, GST_RESOURCE_ERROR_OPEN_READ, "",
       "model-file=@/."},
      {"AFileOverTheCap", kStart, Code::kTooLarge, resource, GST_RESOURCE_ERROR_READ, "",
       "model-file=@/huge.pt"},
      {"AnotherDigest", kStart, Code::kDigestMismatch, resource, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
       "", "model-sha256=" + std::string(64, '0')},
      {"AFileThatIsNoModel", kStart, Code::kCorruptModel, resource, GST_RESOURCE_ERROR_READ,
       "holiday pictures", ""},
      {"AForbiddenOperator", kStart, Code::kForbiddenOperator, resource,
       GST_RESOURCE_ERROR_NOT_AUTHORIZED, "load fail ForbiddenOperator", ""},
      {"NoModelInfo", kStart, Code::kBadModelInfo, resource, GST_RESOURCE_ERROR_SETTINGS, "no-info",
       ""},
      {"LabelsOfAnotherModel", kStart, Code::kBadLabels, resource, GST_RESOURCE_ERROR_SETTINGS,
       "classes 3\nlabels a,b", ""},
      {"AModelThatIsNotHandled", kStart, Code::kUnsupported, stream,
       GST_STREAM_ERROR_NOT_IMPLEMENTED, "load fail Unsupported", ""},
      {"ADeviceThatIsNotThere", kStart, Code::kNoDevice, resource, GST_RESOURCE_ERROR_NOT_FOUND, "",
       "device=cuda:7"},
      {"NoMemoryForTheModel", kStart, Code::kOutOfMemory, resource,
       GST_RESOURCE_ERROR_NO_SPACE_LEFT, "load fail OutOfMemory", ""},
      {"NoMemoryForAWorker", kStart, Code::kOutOfMemory, resource, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
       "lane fail", ""},
      {"ASelfTestThatFails", kStart, Code::kForwardFailed, library, GST_LIBRARY_ERROR_FAILED,
       "load fail ForwardFailed", ""},
      {"AnOutputOfNoUse", kStart, Code::kBadOutput, stream, GST_STREAM_ERROR_FORMAT,
       "load fail BadOutput", ""},
      {"ALoadThatThrows", kStart, Code::kInternal, core, GST_CORE_ERROR_FAILED, "load throw", ""},

      {"NoMemoryForAForward", kStream, Code::kOutOfMemory, resource,
       GST_RESOURCE_ERROR_NO_SPACE_LEFT, "forward oom after 2", ""},
      {"AForwardThatThrows", kStream, Code::kForwardFailed, library, GST_LIBRARY_ERROR_FAILED,
       "forward throw after 2", ""},
      {"AForwardThatThrowsNoException", kStream, Code::kForwardFailed, library,
       GST_LIBRARY_ERROR_FAILED, "forward throw-int after 2", ""},
      {"AForwardThatSaysItFailed", kStream, Code::kForwardFailed, library, GST_LIBRARY_ERROR_FAILED,
       "forward fail after 2", ""},
      {"NaN", kStream, Code::kBadOutput, stream, GST_STREAM_ERROR_FORMAT, "forward nan after 2",
       ""},
      {"AnotherShapeAfterTheLoad", kStream, Code::kBadOutput, stream, GST_STREAM_ERROR_FORMAT,
       "classes 2\nlabels a,b\nforward wrong-shape after 2", ""},
      {"NoOutputAfterTheLoad", kStream, Code::kBadOutput, stream, GST_STREAM_ERROR_FORMAT,
       "forward no-output after 2", ""},
      {"ALostDevice", kStream, Code::kDeviceLost, resource, GST_RESOURCE_ERROR_FAILED,
       "forward device-lost after 2", ""},
      {"AForwardThatNeverReturns", kStream, Code::kHung, library, GST_LIBRARY_ERROR_FAILED,
       "patience 200ms\nforward gate g after 2", ""},
      {"AFrameThatCannotBePrepared", kStream, Code::kInternal, core, GST_CORE_ERROR_FAILED,
       "stage throw", ""},
      {"AFrameThatFindsNoMemory", kStream, Code::kOutOfMemory, resource,
       GST_RESOURCE_ERROR_NO_SPACE_LEFT, "stage fail OutOfMemory", ""},

      {"NoModule", kProcess, Code::kModuleMissing, library, GST_LIBRARY_ERROR_INIT, "", "",
       "/no/such/folder"},
      {"AModuleOfAnotherBuild", kProcess, Code::kModuleMissing, library, GST_LIBRARY_ERROR_INIT, "",
       "", WRONG_BUILD_DIR},
      {"ASecondLibtorch", kProcess, Code::kForeignLibtorch, library, GST_LIBRARY_ERROR_INIT, "", "",
       FAKE_MODULE_DIR, "after", FOREIGN_LIBTORCH},
      {"AProcessThatEnds", kProcess, Code::kCancelled, core, GST_CORE_ERROR_STATE_CHANGE, "", "",
       FAKE_MODULE_DIR, "ending"},
  };
  return all;
}

auto those(Place place) {
  std::vector<Fault> found;
  std::ranges::copy_if(faults(), std::back_inserter(found),
                       [place](const Fault& fault) { return fault.place == place; });
  return testing::ValuesIn(found);
}

std::string name_of(const testing::TestParamInfo<Fault>& info) { return info.param.name; }

TEST(Faults, OfEveryCodeAreBroughtAbout) {
  for (int i = 1;; i++) {
    const auto code = static_cast<Code>(i);
    if (to_string(code) == "Unknown") break;
    EXPECT_TRUE(std::ranges::any_of(faults(), [code](const Fault& row) {
      return row.code == code;
    })) << to_string(code);
  }
}

class FaultTest : public InferenceTest,
                  public ErrorTelling,
                  public testing::WithParamInterface<Fault> {
 protected:
  // A forward that hung comes back, so that the tests behind this one find nothing of it.
  void TearDown() override {
    InferenceTest::TearDown();
    EXPECT_TRUE(eventually([&] { return control.models() == 0; }));
  }

  std::string good_model() override { return write_model("", "good.pt"); }

  void expect_playing(Pads& pads) override {
    pads.start();
    pads.push(Pads::buffer(3));
    pads.wait_for(4);
    EXPECT_EQ(best_class(pads.arrived_buffer(0)), "3");
  }

  std::string faulty(const std::string& more = "") {
    auto properties = GetParam().properties + " " + more;
    if (const auto at = properties.find('@'); at != std::string::npos)
      properties.replace(at, 1, folder.path("."));
    if (properties.find("huge.pt") != std::string::npos)
      folder.write_sparse("huge.pt", (std::uintmax_t{4} << 30) + 1);
    return launch(GetParam().model, properties);
  }

  static void expect_the_fault(const Told& told) {
    EXPECT_EQ(told.domain, GetParam().domain()) << told.text;
    EXPECT_EQ(told.code, GetParam().number) << told.text;
    EXPECT_EQ(told.torch_code, to_string(GetParam().code)) << told.text;
    EXPECT_NE(told.text, "");
  }
};

class AtStart : public FaultTest {};
INSTANTIATE_TEST_SUITE_P(, AtStart, those(Place::kStart), name_of);

TEST_P(AtStart, FaultsAreToldOnceAndCanBeSetRight) { expect_the_fault(fail_and_recover(faulty())); }

class InStream : public FaultTest {};
INSTANTIATE_TEST_SUITE_P(, InStream, those(Place::kStream), name_of);

TEST_P(InStream, FaultsAreToldOnceAndEndIt) {
  Pads& pads = play(faulty("overload-policy=wait"));
  pads.start();
  GstFlowReturn flow = GST_FLOW_OK;
  for (guint64 number = 0; number < 1000 && flow == GST_FLOW_OK; number++)
    flow = pads.push(Pads::buffer(number % 2));
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  expect_the_fault(read(pads.wait_for_message(GST_MESSAGE_ERROR)));
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_ERROR, 0), nullptr) << "a second error";
  // What came before it has left in its order.
  for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
    EXPECT_NE(best_class(pads.arrived_buffer(i)), "");
}

TEST_P(InStream, FaultsAreToldOnceAndTheVideoGoesOnWhereTheyArePassedOver) {
  Pads& pads = play(faulty("overload-policy=wait error-policy=pass"));
  pads.start();
  constexpr guint64 kFrames = 20;
  for (guint64 number = 0; number < kFrames; number++)
    ASSERT_EQ(pads.push(Pads::buffer(number % 2)), GST_FLOW_OK);
  pads.query(gst_query_new_drain());
  EXPECT_EQ(pads.arrived_buffers(), kFrames);
  EXPECT_GT(stat(pads.element(), "failed"), 0u);
  EXPECT_EQ(stat(pads.element(), "inferred") + stat(pads.element(), "failed"), kFrames);
  expect_the_fault(read(pads.wait_for_message(GST_MESSAGE_WARNING)));
  EXPECT_EQ(pads.wait_for_message(
                static_cast<GstMessageType>(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0),
            nullptr)
      << "a second word";
}

class InProcess : public FaultTest {};
INSTANTIATE_TEST_SUITE_P(, InProcess, those(Place::kProcess), name_of);

TEST_P(InProcess, FaultsAreToldAndItEndsInOrder) {
  const auto outcome =
      play_in_child(GetParam().scenario, "videotestsrc num-buffers=3 ! " + faulty() + " ! fakesink",
                    GetParam().library, GetParam().modules);
  EXPECT_EQ(outcome.status, 0) << outcome.printed;
  EXPECT_THAT(outcome.printed, HasSubstr(std::string(g_quark_to_string(GetParam().domain())) + " " +
                                         std::to_string(GetParam().number) + " " +
                                         std::string(to_string(GetParam().code)) + " "));
}

// A fault that does not come again costs no frame and is told to nobody.
TEST_F(InferenceTest, AForwardThatFailsOnceIsRunAgain) {
  for (const std::string fault : {"throw", "throw-int", "fail", "oom"}) {
    Pads pads(launch("forward " + fault + " once", "batch-size=2 overload-policy=wait"));
    pads.start();
    for (guint64 number = 0; number < 8; number++)
      ASSERT_EQ(pads.push(Pads::buffer(number)), GST_FLOW_OK);
    pads.query(gst_query_new_drain());
    ASSERT_EQ(pads.arrived_buffers(), 8u);
    for (guint64 number = 0; number < 8; number++)
      EXPECT_EQ(best_class(pads.arrived_buffer(number)), std::to_string(number)) << fault;
    EXPECT_EQ(stat(pads.element(), "failed"), 0u);
    EXPECT_EQ(stat(pads.element(), "failed-batches"), 1u);
    EXPECT_EQ(pads.wait_for_message(
                  static_cast<GstMessageType>(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR), 0),
              nullptr);
  }
}

}  // namespace
}  // namespace torchinfer::test
