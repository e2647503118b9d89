// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/frame_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace torchinfer::report {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// As the element writes it, split for the reader.
const std::string kLine =
    R"({"schema_version":"1.0","stream_id":"s","frame":7,"pts":360000000,"running_time":280000000,)"
    R"("stream_time":280000000,"wall_clock":{"time":"2026-11-24T08:30:01.000000005Z",)"
    R"("source":"system"},"size":{"width":640,"height":272},"analysed":true,"analyses":[{"model":)"
    R"("579344248a93","latency_ns":41000000,"batch":{"id":3,"size":8},"classes":[{"label":)"
    R"("unicycle","score":0.61},{"label":null,"score":null}]}],"objects":[{"label":"face","score":)"
    R"(0.9,"box":{"x":1,"y":2,"width":3,"height":4},"rotation":0,"track":null,"analyses":[)"
    R"({"model":null,"latency_ns":null,"batch":null,"classes":[]}]}]})";

Result<std::vector<Frame>> parse(const std::string& text) {
  std::istringstream stream(text);
  return parse_frame_log(stream, "log.jsonl");
}

TEST(FrameLog, ReadsEverythingThatAReportNeeds) {
  const auto frames = parse(kLine + "\n");
  ASSERT_TRUE(frames.ok()) << frames.status().message();
  ASSERT_THAT(*frames, SizeIs(1));
  const Frame& frame = frames->front();
  EXPECT_EQ(frame.number, 7U);
  EXPECT_EQ(frame.stream_time, 280'000'000U);
  EXPECT_EQ(frame.wall_clock, 1'795'509'001'000'000'005);
  EXPECT_EQ(frame.width, 640);
  EXPECT_EQ(frame.height, 272);
  EXPECT_TRUE(frame.analysed);
  ASSERT_THAT(frame.analyses, SizeIs(1));
  const Analysis& analysis = frame.analyses.front();
  EXPECT_EQ(analysis.model, "579344248a93");
  EXPECT_EQ(analysis.latency_ns, 41'000'000U);
  ASSERT_TRUE(analysis.batch);
  EXPECT_EQ(analysis.batch->id, 3U);
  EXPECT_EQ(analysis.batch->size, 8U);
  ASSERT_THAT(analysis.classes, SizeIs(2));
  EXPECT_EQ(analysis.classes[0].label, "unicycle");
  EXPECT_DOUBLE_EQ(analysis.classes[0].score, 0.61);
  EXPECT_EQ(analysis.classes[1].label, "?");
  ASSERT_THAT(frame.object_analyses, SizeIs(1));
  EXPECT_THAT(frame.object_analyses.front().model, IsEmpty());
  EXPECT_FALSE(frame.object_analyses.front().batch);
}

TEST(FrameLog, TakesTheWallClockOfThisMachineOnly) {
  std::string line = kLine;
  line.replace(line.find("\"system\""), 8, "\"ntp\"");
  const auto frames = parse(line);
  ASSERT_TRUE(frames.ok()) << frames.status().message();
  EXPECT_FALSE(frames->front().wall_clock);
}

TEST(FrameLog, NamesTheLineThatIsNoLine) {
  const auto other = parse(kLine + "\n{\"a\":1}\n");
  EXPECT_EQ(other.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(other.status().message(), HasSubstr("log.jsonl, line 2 is not a line"));
  EXPECT_THAT(other.status().message(), Not(HasSubstr("json.exception")));
  for (const char* text : {"no JSON\n", "[1\n", "\n", "null\n", "[1]\n"}) {
    EXPECT_THAT(parse(text).status().message(), HasSubstr("line 1 is not a line of analyticsjson"));
  }
}

TEST(FrameLog, SaysWhatALineThatIsCutOffOrMixedComesFrom) {
  const std::string half = kLine.substr(0, kLine.size() / 2);
  for (const std::string& line : {half, half + kLine, kLine + half}) {
    const auto broken = parse(kLine + "\n" + line);
    EXPECT_EQ(broken.status().code(), Code::kInvalidArgument);
    EXPECT_EQ(broken.status().message(),
              "log.jsonl, line 2 is cut off or mixed: the run was stopped, or two runs wrote this "
              "file");
  }
}

TEST(FrameLog, RefusesASchemaThatItDoesNotKnow) {
  std::string line = kLine;
  line.replace(line.find("1.0"), 3, "2.0");
  EXPECT_THAT(parse(line).status().message(), HasSubstr("schema version 2.0 is not handled"));
}

TEST(FrameLog, SaysWhatAnEmptyFileMeans) {
  EXPECT_THAT(parse("").status().message(), HasSubstr("holds no frame"));
}

TEST(FrameLog, SaysThatAFileIsMissing) {
  const auto frames = read_frame_log("/no/such/log.jsonl");
  EXPECT_EQ(frames.status().code(), Code::kNotFound);
  EXPECT_THAT(frames.status().message(), HasSubstr("/no/such/log.jsonl"));
}

TEST(FrameLog, SaysThatAFolderIsNoFile) {
  const auto frames = read_frame_log("/");
  EXPECT_EQ(frames.status().code(), Code::kUnreadable);
  EXPECT_EQ(frames.status().message(), "/ is a folder; name a file of JSON lines");
}

}  // namespace
}  // namespace torchinfer::report
