// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include <mutex>

#include "inference_fixture.h"

// One loaded model for many streams, and what is said of it: messages, statistics, latency.

namespace torchinfer::test {
namespace {

using Structure = std::unique_ptr<GstStructure, void (*)(GstStructure*)>;

class Engine : public InferenceTest {
 protected:
  /// The next element message of that name; others are thrown away.
  static Structure message(Pads& pads, const char* name, GstClockTime timeout = 60 * GST_SECOND) {
    while (GstMessage* message = pads.wait_for_message(GST_MESSAGE_ELEMENT, timeout)) {
      Structure found(nullptr, gst_structure_free);
      if (gst_message_has_name(message, name))
        found.reset(gst_structure_copy(gst_message_get_structure(message)));
      gst_message_unref(message);
      if (found) return found;
    }
    return {nullptr, gst_structure_free};
  }

  static Structure stats(Pads& pads) {
    return {get<GstStructure*>(pads.element(), "stats"), gst_structure_free};
  }

  static int integer(const Structure& structure, const char* field) {
    int value = -1;
    EXPECT_TRUE(gst_structure_get_int(structure.get(), field, &value)) << field;
    return value;
  }

  std::string another(const std::string& properties = "") {
    return "torchinference model-file=" + folder.path("model.pt") +
           " workers=1 threads=1 batch-size=1 " + properties;
  }
};

TEST_F(Engine, IsSharedByStreamsThatAskForTheSame) {
  Pads one(launch());
  Pads two(another("top-k=1 batch-timeout=5000000 overload-policy=wait"));
  EXPECT_EQ(control.loads(), 1u);
  EXPECT_EQ(stat(one.element(), "engine-id"), stat(two.element(), "engine-id"));
  EXPECT_EQ(integer(stats(one), "engine-users"), 2);
  for (auto* pads : {&one, &two}) pads->start();
  one.push(Pads::buffer(1));
  two.push(Pads::buffer(2));
  one.wait_for(4);
  two.wait_for(4);
  EXPECT_EQ(results_of(one.arrived_buffer(0))->classes.size(), 5u);
  EXPECT_EQ(results_of(two.arrived_buffer(0))->classes.size(), 1u);
  one.set_state(GST_STATE_NULL);
  EXPECT_EQ(integer(stats(two), "engine-users"), 1);
  EXPECT_EQ(control.models(), 1);
  two.set_state(GST_STATE_NULL);
  EXPECT_EQ(control.models(), 0);
}

TEST_F(Engine, IsNotSharedUnderAnotherName) {
  Pads one(launch());
  Pads two(another("engine-name=other"));
  EXPECT_EQ(control.loads(), 2u);
  EXPECT_NE(stat(one.element(), "engine-id"), stat(two.element(), "engine-id"));
}

TEST_F(Engine, SaysWhatWasLoadedAndWithWhomItIsShared) {
  Pads one(launch("labels a,b\nclasses 2", "device=cpu"), true);
  const auto first = message(one, "torchinference-loaded");
  ASSERT_NE(first, nullptr);
  gboolean shared = TRUE;
  EXPECT_TRUE(gst_structure_get_boolean(first.get(), "shared", &shared));
  EXPECT_FALSE(shared);
  EXPECT_EQ(gst_structure_get_string(first.get(), "model-file"), folder.path("model.pt"));
  EXPECT_EQ(std::string(gst_structure_get_string(first.get(), "model-sha256")).size(), 64u);
  EXPECT_STREQ(gst_structure_get_string(first.get(), "device"), "cpu");
  EXPECT_EQ(integer(first, "labels"), 2);
  EXPECT_EQ(integer(first, "batch-size"), 1);
  for (const auto field : {"runtime", "precision", "optimisation", "model-info"})
    EXPECT_NE(gst_structure_get_string(first.get(), field), nullptr) << field;
  for (const auto field : {"self-test-difference", "load-time", "batch-times", "engine-id"})
    EXPECT_TRUE(gst_structure_has_field(first.get(), field)) << field;

  Pads two(another("device=cpu"));
  const auto second = message(two, "torchinference-loaded");
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(gst_structure_get_boolean(second.get(), "shared", &shared));
  EXPECT_TRUE(shared);

  Pads three(another("device=cpu threads=2"));
  const auto third = message(three, "torchinference-loaded");
  ASSERT_NE(third, nullptr);
  const GValue* why = gst_structure_get_value(third.get(), "not-shared-with");
  ASSERT_EQ(gst_value_array_get_size(why), 1u);
  EXPECT_THAT(g_value_get_string(gst_value_array_get_value(why, 0)), testing::HasSubstr("threads"));
}

TEST_F(Engine, StaysLoadedOnTheWayToReadyAndGoesWithNull) {
  Pads pads(launch());
  pads.set_state(GST_STATE_READY);
  EXPECT_EQ(control.models(), 1);
  pads.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(control.loads(), 1u);
  pads.set_state(GST_STATE_NULL);
  EXPECT_EQ(control.models(), 0);
}

TEST_F(Engine, IsAnotherOneWhenThePropertiesHaveChangedInReady) {
  Pads pads(launch());
  pads.set_state(GST_STATE_READY);
  const auto path = write_model("classes 10\nlabels a,b,c,d,e,f,g,h,i,j", "other.pt");
  g_object_set(pads.element(), "model-file", path.c_str(), nullptr);
  pads.set_state(GST_STATE_PLAYING);
  EXPECT_EQ(control.loads(), 2u);
  EXPECT_EQ(control.models(), 1);
  pads.start();
  pads.push(Pads::buffer(2));
  pads.wait_for(4);
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "c");
}

TEST_F(Engine, IsNotNeededWhereNothingIsAttached) {
  Pads pads("torchinference attach=0");
  EXPECT_EQ(control.loads(), 0u);
  EXPECT_FALSE(gst_structure_has_field(stats(pads).get(), "engine-id"));
}

TEST_F(Engine, LabelFileAndModelInfoAreTheStreamsOwn) {
  const auto labels = folder.write("labels.txt", "x\ny\nz\n");
  Pads one(launch("classes 3\nlabels a,b,c"));
  Pads two(another("label-file=" + labels));
  EXPECT_EQ(control.loads(), 1u);
  for (auto* pads : {&one, &two}) {
    pads->start();
    pads->push(Pads::buffer(1));
    pads->wait_for(4);
  }
  EXPECT_EQ(best_class(one.arrived_buffer(0)), "b");
  EXPECT_EQ(best_class(two.arrived_buffer(0)), "y");
}

TEST_F(Engine, StatisticsComeAtTheEndOfTheStream) {
  Pads pads(launch("", "batch-size=4"));
  pads.start();
  for (guint64 number = 0; number < 10; number++) pads.push(Pads::buffer(number));
  pads.push_event(gst_event_new_eos());
  pads.wait_for(14);
  const auto last = message(pads, "torchinference-stats");
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(stat(last.get(), "received"), 10u);
  EXPECT_EQ(stat(last.get(), "pushed"), 10u);
  EXPECT_EQ(stat(last.get(), "inferred"), 10u);
  EXPECT_EQ(stat(last.get(), "batched-frames"), 10u);
  guint64 frames = 0, batches = 0;
  for (guint64 size = 1; size <= 4; size++) {
    const auto* sizes = gst_value_get_structure(gst_structure_get_value(last.get(), "batch-sizes"));
    guint64 count = 0;
    gst_structure_get_uint64(sizes, ("size-" + std::to_string(size)).c_str(), &count);
    frames += size * count;
    batches += count;
  }
  EXPECT_EQ(frames, 10u);
  EXPECT_EQ(batches, stat(last.get(), "batches"));
  EXPECT_EQ(batches, stat(last.get(), "close-reasons/full") +
                         stat(last.get(), "close-reasons/timeout") +
                         stat(last.get(), "close-reasons/nobody-left") +
                         stat(last.get(), "close-reasons/drain"));
  for (const auto stage : {"preprocess", "queue", "inference", "output-wait"}) {
    const std::string name = stage;
    EXPECT_EQ(stat(last.get(), name + "/count"), 10u) << name;
    EXPECT_LE(stat(last.get(), name + "/p50"), stat(last.get(), name + "/p95")) << name;
    EXPECT_LE(stat(last.get(), name + "/p95"), stat(last.get(), name + "/p99")) << name;
  }
  EXPECT_EQ(stat(last.get(), "forward/count"), batches);
}

/// What the element logs from here on.
class Log {
 public:
  Log() {
    gst_debug_set_active(TRUE);
    gst_debug_set_threshold_for_name(kCategory, GST_LEVEL_LOG);
    gst_debug_add_log_function(note, this, nullptr);
  }
  ~Log() {
    gst_debug_remove_log_function_by_data(this);
    gst_debug_unset_threshold_for_name(kCategory);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  std::string text() const {
    const std::lock_guard guard(lock_);
    return text_;
  }

 private:
  static constexpr const char* kCategory = "torchinference";

  static void note(GstDebugCategory* category, GstDebugLevel, const gchar*, const gchar*, gint,
                   GObject*, GstDebugMessage* message, gpointer self) {
    if (std::string(gst_debug_category_get_name(category)) != kCategory) return;
    auto* const log = static_cast<Log*>(self);
    const std::lock_guard guard(log->lock_);
    log->text_ += std::string(gst_debug_message_get(message)) + "\n";
  }

  mutable std::mutex lock_;
  std::string text_;
};

TEST_F(Engine, LogsWhyEachBatchClosed) {
  using testing::HasSubstr;
  const Log log;
  Pads pads(launch("", "batch-size=2 batch-timeout=10000000000"));
  pads.start();
  for (guint64 number = 0; number < 3; number++) pads.push(Pads::buffer(number));
  pads.query(gst_query_new_drain());
  EXPECT_THAT(log.text(), HasSubstr("batch 1 (2 frames, closed by full,"));
  EXPECT_THAT(log.text(),
              testing::ContainsRegex("batch 2 \\(1 frames, closed by (drain|nobody-left),"));
}

TEST_F(Engine, LogsWithHowManyItIsShared) {
  using testing::HasSubstr;
  const Log log;
  const Pads one(launch());
  EXPECT_THAT(log.text(), HasSubstr("(1 users)"));
  const Pads two(another());
  EXPECT_THAT(log.text(), HasSubstr("(2 users)"));
}

TEST_F(Engine, StatisticsComeAtTheirInterval) {
  Pads pads(launch("", "stats-interval=1"));
  pads.start();
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  EXPECT_EQ(stat(message(pads, "torchinference-stats").get(), "pushed"), 1u);
  EXPECT_EQ(stat(message(pads, "torchinference-stats").get(), "pushed"), 2u);
}

TEST_F(Engine, UpstreamsPoolsGrowByWhatTheEngineMayHold) {
  Pads pads(launch("", "batch-size=8 workers=2"));
  pads.set_answer([](GstQuery*) { return true; });
  pads.start();
  GstCaps* caps = gst_caps_from_string(Pads::kCaps);
  GstQuery* query = gst_query_new_allocation(caps, TRUE);
  gst_caps_unref(caps);
  ASSERT_TRUE(gst_pad_peer_query(pads.upstream(), query));
  guint min = 0;
  gst_query_parse_nth_allocation_pool(query, 0, nullptr, nullptr, &min, nullptr);
  EXPECT_GE(min, static_cast<guint>(integer(stats(pads), "credit")) + 8);
  gst_query_unref(query);
}

TEST_F(Engine, UpstreamsPoolsAreAskedForAgainWhereAPropertyMakesThemTooSmall) {
  Pads pads(launch("", "batch-size=8"));
  pads.set_answer([](GstQuery*) { return true; });
  pads.start();
  GstCaps* caps = gst_caps_from_string(Pads::kCaps);
  GstQuery* query = gst_query_new_allocation(caps, TRUE);
  gst_caps_unref(caps);
  ASSERT_TRUE(gst_pad_peer_query(pads.upstream(), query));
  gst_query_unref(query);
  g_object_set(pads.element(), "top-k", 3, nullptr);
  EXPECT_THAT(pads.upstream_events(), testing::Not(testing::Contains("reconfigure")));
  // Between two frames of a batch there are now three that no model looks at, and wait for it.
  g_object_set(pads.element(), "inference-interval", 4, nullptr);
  EXPECT_THAT(pads.upstream_events(), testing::Contains("reconfigure"));
}

}  // namespace
}  // namespace torchinfer::test
