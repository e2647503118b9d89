// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <tuple>

#include "inference_fixture.h"
#include "support/allocation_probe.h"
#include "support/malloc_probe.h"

// A frame in steady state costs the heap what GStreamer takes for its metadata and nothing more.
// What that is, is measured here as well: the same frames pass an identity, and who receives them
// attaches the same metadata with GStreamer's functions alone.

namespace torchinfer::test {
namespace {

constexpr const char* kCaps = "video/x-raw,format=I420,width=320,height=240,framerate=25/1";
constexpr guint kFrameBytes = 320 * 240 * 3 / 2;
/// Frames under way: more than two workers' batches and the next one.
constexpr guint64 kWindow = 16;
constexpr guint64 kFramesOfARound = 200;
constexpr gsize kClasses = 3;

/// Whose the frames are, which decides what metadata on them costs.
enum class Frames {
  kOfAPool,    ///< they keep the relation meta, emptied, from one life to the next
  kWithoutIt,  ///< the meta is new on each
  kShared,     ///< somebody else holds each, so that it is written on a copy
};

/// A stream of frames that are used again, and the end of its pipeline.
class Loop {
 public:
  /// `attaches`: the end of the pipeline adds the results that a model would have.
  Loop(const std::string& launch, Frames frames, bool attaches)
      : pads_(launch), frames_(frames), attaches_(attaches) {
    gst_pad_set_element_private(end_, this);
    gst_pad_set_chain_function(end_, chain);
    gst_pad_set_event_function(end_, event);
    gst_pad_set_active(end_, TRUE);
    // Pads writes down what arrives, for which it allocates.
    pads_.unlink();
    gst_pad_link(source_, end_);

    GstStructure* config = gst_buffer_pool_get_config(pool_);
    gst_buffer_pool_config_set_params(config, nullptr, kFrameBytes, 2 * kWindow, 0);
    gst_buffer_pool_set_config(pool_, config);
    gst_buffer_pool_set_active(pool_, TRUE);
    pads_.start("stream", kCaps);
    for (gsize i = 0; i < kClasses; i++)
      labels_[i] = g_quark_from_string(std::string(1, static_cast<char>('a' + i)).c_str());
    play(2 * kFramesOfARound);  // pools grow to their size
  }
  ~Loop() {
    pads_.set_state(GST_STATE_NULL);
    gst_pad_unlink(source_, end_);
    gst_pad_set_active(end_, FALSE);
    gst_object_unref(source_);
    gst_object_unref(end_);
    gst_buffer_pool_set_active(pool_, FALSE);
    gst_object_unref(pool_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// In and out again, kWindow of them at a time. Nothing here allocates.
  void play(guint64 frames) {
    for (guint64 i = 0; i < frames; i++, sent_++) {
      if (sent_ >= kWindow) await(sent_ - kWindow + 1);
      GstBuffer* buffer = nullptr;
      ASSERT_EQ(gst_buffer_pool_acquire_buffer(pool_, &buffer, nullptr), GST_FLOW_OK);
      GST_BUFFER_PTS(buffer) = sent_ * 40 * GST_MSECOND;
      GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
      if (frames_ == Frames::kShared) hold(gst_buffer_ref(buffer));
      ASSERT_EQ(pads_.push(buffer), GST_FLOW_OK);
    }
    await(sent_);
    if (frames_ == Frames::kShared)
      for (guint64 i = 0; i < kWindow; i++) hold(nullptr, i);
  }

  /// Classes that frames have carried away.
  guint64 classes() const {
    const std::lock_guard guard(lock_);
    return classes_;
  }

 private:
  void hold(GstBuffer* buffer) { hold(buffer, sent_ % kWindow); }
  void hold(GstBuffer* buffer, guint64 place) {
    GstBuffer* const before = std::exchange(held_[place], buffer);
    if (before != nullptr) gst_buffer_unref(before);
  }

  void await(guint64 arrived) {
    std::unique_lock lock(lock_);
    ASSERT_TRUE(
        changed_.wait_for(lock, std::chrono::minutes(1), [&] { return arrived_ >= arrived; }));
  }

  GstBuffer* attach(GstBuffer* buffer) const {
    buffer = gst_buffer_make_writable(buffer);
    GstAnalyticsRelationMeta* const meta = gst_buffer_add_analytics_relation_meta(buffer);
    const GstTorchAnalysis analysis = {labels_[0], 1, 1, 1};
    gfloat scores[kClasses] = {1, 0, 0};
    GQuark labels[kClasses];
    std::copy(labels_.begin(), labels_.end(), labels);
    GstAnalyticsMtd mark;
    GstAnalyticsClsMtd classes;
    gst_torch_analysis_add(meta, &analysis, &mark);
    gst_analytics_relation_meta_add_cls_mtd(meta, kClasses, scores, labels, &classes);
    gst_analytics_relation_meta_set_relation(meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, mark.id,
                                             classes.id);
    return buffer;
  }

  static gsize classes_of(GstAnalyticsRelationMeta* meta) {
    gpointer state = nullptr;
    GstAnalyticsMtd mtd;
    if (meta == nullptr || !gst_analytics_relation_meta_iterate(
                               meta, &state, gst_analytics_cls_mtd_get_mtd_type(), &mtd))
      return 0;
    return gst_analytics_cls_mtd_get_length(&mtd);
  }

  static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
    auto* const self = static_cast<Loop*>(gst_pad_get_element_private(pad));
    if (self->attaches_) buffer = self->attach(buffer);
    GstAnalyticsRelationMeta* const meta = gst_buffer_get_analytics_relation_meta(buffer);
    const gsize classes = classes_of(meta);
    if (meta != nullptr && self->frames_ == Frames::kWithoutIt)
      gst_buffer_remove_meta(buffer, reinterpret_cast<GstMeta*>(meta));
    gst_buffer_unref(buffer);
    const std::lock_guard guard(self->lock_);
    self->classes_ += classes;
    self->arrived_++;
    self->changed_.notify_all();
    return GST_FLOW_OK;
  }

  static gboolean event(GstPad*, GstObject*, GstEvent* event) {
    gst_event_unref(event);
    return TRUE;
  }

  Pads pads_;
  const Frames frames_;
  const bool attaches_;
  GstPad* const source_ = gst_element_get_static_pad(pads_.element(), "src");
  GstPad* const end_ = GST_PAD(gst_object_ref_sink(gst_pad_new("end", GST_PAD_SINK)));
  GstBufferPool* const pool_ = gst_buffer_pool_new();
  std::array<GQuark, kClasses> labels_{};
  std::array<GstBuffer*, kWindow> held_{};
  guint64 sent_ = 0;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  guint64 arrived_ = 0;
  guint64 classes_ = 0;
};

/// Of a round of frames, all threads together.
struct Cost {
  guint64 mallocs = std::numeric_limits<guint64>::max();
  guint64 news = std::numeric_limits<guint64>::max();
};

/// The cheapest of some rounds: one may have threads meet as they never did before, and a pool that
/// grows for it. What a frame needs for itself, each round has.
Cost cost_of(Loop& loop) {
  Cost least;
  for (int round = 0; round < 5; round++) {
    const auto classes_before = loop.classes();
    const AllocationProbe news;
    const MallocProbe mallocs;
    loop.play(kFramesOfARound);
    least.mallocs = std::min(least.mallocs, mallocs.calls_of_all());
    least.news = std::min(least.news, news.calls_of_all());
    EXPECT_EQ(loop.classes() - classes_before, kClasses * kFramesOfARound);
  }
  return least;
}

/// Of the metadata, without anything of ours.
Cost cost_of_gstreamer(Frames frames) {
  Loop loop("identity", frames, true);
  return cost_of(loop);
}

class HeapPerFrame : public InferenceTest,
                     public testing::WithParamInterface<std::tuple<Frames, int>> {};

TEST_P(HeapPerFrame, IsWhatGStreamerTakesForTheMetadata) {
  const auto [frames, batch_size] = GetParam();
  const auto gstreamers = cost_of_gstreamer(frames);
  Loop loop("torchinference model-file=" + write_model("classes 4\nlabels a,b,c,d") +
                " workers=2 threads=1 overload-policy=wait class-confidence-threshold=0 top-k=" +
                std::to_string(kClasses) + " batch-size=" + std::to_string(batch_size),
            frames, false);
  const auto cost = cost_of(loop);
  RecordProperty("mallocs_of_a_round", std::to_string(cost.mallocs));
  RecordProperty("gstreamers_mallocs_of_a_round", std::to_string(gstreamers.mallocs));
  EXPECT_EQ(cost.news, 0u) << "operator new, which no library but ours calls here";
  EXPECT_LE(cost.mallocs, gstreamers.mallocs) << "in " << kFramesOfARound << " frames";
}

std::string name_of(const testing::TestParamInfo<std::tuple<Frames, int>>& info) {
  constexpr const char* kNames[] = {"OfAPool", "WithoutRelationMeta", "Shared"};
  const auto [frames, batch_size] = info.param;
  return kNames[static_cast<int>(frames)] + ("InBatchesOf" + std::to_string(batch_size));
}

INSTANTIATE_TEST_SUITE_P(, HeapPerFrame,
                         testing::Combine(testing::Values(Frames::kOfAPool, Frames::kWithoutIt,
                                                          Frames::kShared),
                                          testing::Values(1, 4)),
                         name_of);

TEST(HeapPerFrameWithoutAModel, IsNothing) {
  Loop loop("torchinference attach=0", Frames::kWithoutIt, true);
  const auto cost = cost_of(loop);
  EXPECT_EQ(cost.news, 0u);
  EXPECT_LE(cost.mallocs, cost_of_gstreamer(Frames::kWithoutIt).mallocs);
}

// Or the tests above would pass because nothing is counted.
TEST(HeapProbes, CountWhatGStreamerAndThePluginAllocate) {
  const AllocationProbe news;
  const MallocProbe mallocs;
  gst_buffer_unref(gst_buffer_new());
  EXPECT_EQ(news.calls_of_all(), 0u);
  EXPECT_GE(mallocs.calls_of_all(), 1u);
  gst_object_unref(gst_object_ref_sink(gst_element_factory_make("torchinference", nullptr)));
  EXPECT_GE(news.calls_of_all(), 1u);
}

}  // namespace
}  // namespace torchinfer::test
