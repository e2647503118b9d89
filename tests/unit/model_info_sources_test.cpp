// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "model/model_info.h"
#include "support/info_text.h"
#include "support/status_matchers.h"
#include "support/temp_folder.h"

namespace torchinfer {
namespace {

using test::FailsWith;
using test::InfoText;
using test::IsOk;
using testing::ElementsAre;
using testing::IsEmpty;

/// A folder with room for sidecars, and an archive's extra files.
class ModelInfoSourcesTest : public testing::Test {
 protected:
  static std::string named(const std::string& name) {
    return InfoText().set("torchinference", "name", name).text();
  }
  static std::string with_classes(int count) {
    return InfoText()
        .set("output_0", "dir", "output")
        .set("output_0", "type", "float32")
        .set("output_0", "dims", "-1," + std::to_string(count))
        .text();
  }
  Result<ModelInfo> resolve() const { return resolve_model_info(sources_); }

  test::TempFolder folder_;
  std::map<std::string, std::string> extra_files_;
  ModelInfoSources sources_{folder_.path("net.v1.pt"), "", "", &extra_files_};
};

TEST_F(ModelInfoSourcesTest, TakesWhatTheArchiveCarries) {
  extra_files_ = {{"modelinfo", named("inside")}, {"labels.txt", "tench\ngoldfish\n"}};
  const auto info = resolve();
  ASSERT_THAT(info.status(), IsOk());
  EXPECT_EQ(info->name, "inside");
  EXPECT_EQ(info->source, sources_.model_path + "!modelinfo");
  EXPECT_THAT(info->labels, ElementsAre("tench", "goldfish"));
}

TEST_F(ModelInfoSourcesTest, PrefersTheExplicitFileThenTheSidecarsThenTheArchive) {
  extra_files_ = {{"modelinfo", named("inside")}};
  folder_.write("net.v1.modelinfo", named("replaced"));
  EXPECT_EQ(resolve()->name, "replaced");
  folder_.write("net.v1.pt.modelinfo", named("appended"));
  EXPECT_EQ(resolve()->name, "appended");
  sources_.model_info_file = folder_.write("mine.txt", named("explicit"));
  EXPECT_EQ(resolve()->name, "explicit");
  EXPECT_EQ(resolve()->source, sources_.model_info_file);
}

TEST_F(ModelInfoSourcesTest, ReadsNoSidecarThatNobodyNamedOfAModelThatADigestPins) {
  sources_.pinned = true;
  extra_files_ = {{"modelinfo", named("inside")}};
  EXPECT_THAT(resolve()->unread_sidecar, IsEmpty());
  const auto replaced = folder_.write("net.v1.modelinfo", named("replaced"));
  ASSERT_THAT(resolve().status(), IsOk());
  EXPECT_EQ(resolve()->name, "inside");
  EXPECT_EQ(resolve()->unread_sidecar, replaced);
  const auto appended = folder_.write("net.v1.pt.modelinfo", "nonsense");
  EXPECT_EQ(resolve()->name, "inside");
  EXPECT_EQ(resolve()->unread_sidecar, appended);

  extra_files_.clear();
  EXPECT_THAT(resolve().status(),
              FailsWith(Code::kBadModelInfo, "\"" + appended + "\"", "set model-info-file"));
  sources_.model_info_file = replaced;
  ASSERT_THAT(resolve().status(), IsOk());
  EXPECT_EQ(resolve()->name, "replaced");
}

TEST_F(ModelInfoSourcesTest, PrefersTheExplicitLabels) {
  extra_files_ = {{"modelinfo", named("inside")}, {"labels.txt", "tench\ngoldfish\n"}};
  sources_.label_file = folder_.write("names.txt", "Schleie\nGoldfisch\n");
  EXPECT_THAT(resolve()->labels, ElementsAre("Schleie", "Goldfisch"));
}

TEST_F(ModelInfoSourcesTest, DoesWithoutLabels) {
  extra_files_ = {{"modelinfo", named("inside")}, {"labels.txt", ""}};
  const auto info = resolve();
  ASSERT_THAT(info.status(), IsOk());
  EXPECT_THAT(info->labels, IsEmpty());
}

TEST_F(ModelInfoSourcesTest, NamesAModelAfterItsFile) {
  extra_files_ = {{"modelinfo", InfoText().text()}};
  EXPECT_EQ(resolve()->name, "net.v1");
}

TEST_F(ModelInfoSourcesTest, SaysHowToMakeAnInfoWhenThereIsNone) {
  for (const bool empty : {false, true}) {
    if (empty) extra_files_["modelinfo"] = "";
    EXPECT_THAT(
        resolve().status(),
        FailsWith(Code::kBadModelInfo, "\"" + sources_.model_path + "\"", "gst-torch-export",
                  sources_.model_path + ".modelinfo", "model-info-file"));
  }
}

TEST_F(ModelInfoSourcesTest, OffersASampleThatWorks) {
  const Status none = resolve().status();
  const auto start = none.detail().find('[');
  ASSERT_NE(start, std::string::npos);
  folder_.write("net.v1.pt.modelinfo", none.detail().substr(start));
  EXPECT_THAT(resolve().status(), IsOk());
}

TEST_F(ModelInfoSourcesTest, DoesNotStepOverASidecarThatIsUnusable) {
  extra_files_ = {{"modelinfo", named("inside")}};
  folder_.write("net.v1.pt.modelinfo", "nonsense");
  EXPECT_THAT(resolve().status(),
              FailsWith(Code::kBadModelInfo, sources_.model_path + ".modelinfo"));
  std::filesystem::remove(folder_.path("net.v1.pt.modelinfo"));
  std::filesystem::create_directory(folder_.path("net.v1.pt.modelinfo"));
  EXPECT_THAT(resolve().status(), FailsWith(Code::kUnreadable, "net.v1.pt.modelinfo"));
}

TEST_F(ModelInfoSourcesTest, DoesNotStepOverAnExplicitFileThatIsMissing) {
  extra_files_ = {{"modelinfo", named("inside")}, {"labels.txt", "a\n"}};
  sources_.label_file = folder_.path("names.txt");
  EXPECT_THAT(resolve().status(), FailsWith(Code::kNotFound, "label file", "names.txt"));
  sources_.model_info_file = folder_.path("mine.txt");
  EXPECT_THAT(resolve().status(), FailsWith(Code::kNotFound, "model info file", "mine.txt"));
}

TEST_F(ModelInfoSourcesTest, NamesTheArchiveWhenItsOwnFilesAreBad) {
  extra_files_ = {{"modelinfo", "nonsense"}};
  EXPECT_THAT(resolve().status(),
              FailsWith(Code::kBadModelInfo, sources_.model_path + "!modelinfo"));
  extra_files_ = {{"modelinfo", named("inside")}, {"labels.txt", "a\n\nb\n"}};
  EXPECT_THAT(resolve().status(),
              FailsWith(Code::kBadLabels, sources_.model_path + "!labels.txt", "line 2"));
}

TEST_F(ModelInfoSourcesTest, CountsLabelsAgainstTheDeclaredClasses) {
  extra_files_ = {{"modelinfo", with_classes(3)}, {"labels.txt", "a\nb\nc\n"}};
  EXPECT_THAT(resolve().status(), IsOk());
  extra_files_["modelinfo"] = with_classes(-1);
  EXPECT_THAT(resolve().status(), IsOk()) << "an open count is the self-test's to find";
  extra_files_["modelinfo"] = with_classes(4);
  EXPECT_THAT(resolve().status(), FailsWith(Code::kBadLabels, "!labels.txt", "3", "4"));
  sources_.label_file = folder_.write("names.txt", "a\n");
  EXPECT_THAT(resolve().status(), FailsWith(Code::kBadLabels, "names.txt", "1", "4"));
}

}  // namespace
}  // namespace torchinfer
