// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>

#include "inference_fixture.h"

// Whose buffers they are: what is written on them, when they are copied, and what a pool's buffer
// brings along from its former life.

namespace torchinfer::test {
namespace {

using testing::ElementsAre;
using testing::IsNull;
using testing::NotNull;

class Buffers : public InferenceTest {
 protected:
  static GstBuffer* flagged(guint64 number, GstBufferFlags flag) {
    GstBuffer* buffer = Pads::buffer(number);
    GST_BUFFER_FLAG_SET(buffer, flag);
    return buffer;
  }

  /// Pushes a frame that the test holds as well, and lets it arrive. Whether it arrived as it is.
  static bool arrives_uncopied(Pads& pads, GstBuffer* buffer) {
    gst_buffer_ref(buffer);
    const auto before = pads.arrived_buffers();
    pads.push(buffer);
    pads.query(gst_query_new_drain());
    const bool same = pads.arrived_buffers() == before + 1 && pads.arrived_buffer(before) == buffer;
    gst_buffer_unref(buffer);
    return same;
  }

  static std::vector<std::string> best_classes(const Pads& pads) {
    std::vector<std::string> classes;
    for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
      classes.push_back(best_class(pads.arrived_buffer(i)));
    return classes;
  }
};

TEST_F(Buffers, AreWrittenOnTheFrameItselfWhereNobodyElseHoldsIt) {
  Pads pads(launch());
  pads.start();
  GstBuffer* sent = Pads::buffer(4);
  pads.push(sent);
  pads.wait_for(4);
  EXPECT_EQ(pads.arrived_buffer(0), sent);
  EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(sent), 1);
}

// And the tensors of a model before us, which GStreamer 1.26 loses in a copy.
TEST_F(Buffers, AreWrittenOnACopyWhereOthersHoldTheFrame) {
  Pads pads(launch());
  pads.start();
  GstBuffer* sent = Pads::buffer(4);
  const gsize dims[] = {2};
  GstTensor* tensor =
      gst_tensor_new_simple(g_quark_from_string("scores"), GST_TENSOR_DATA_TYPE_FLOAT32,
                            gst_buffer_new_allocate(nullptr, 2 * sizeof(float), nullptr),
                            GST_TENSOR_DIM_ORDER_ROW_MAJOR, 1, const_cast<gsize*>(dims));
  GstTensor** tensors = g_new(GstTensor*, 1);
  tensors[0] = tensor;
  gst_tensor_meta_set(gst_buffer_add_tensor_meta(sent), 1, tensors);
  gst_buffer_ref(sent);
  pads.push(sent);
  pads.wait_for(4);
  GstBuffer* got = pads.arrived_buffer(0);
  EXPECT_NE(got, sent);
  EXPECT_EQ(gst_buffer_peek_memory(got, 0), gst_buffer_peek_memory(sent, 0));
  EXPECT_EQ(best_class(got), "4");
  EXPECT_EQ(best_class(sent), "");
  auto* copied = gst_buffer_get_tensor_meta(got);
  ASSERT_NE(copied, nullptr);
  ASSERT_EQ(copied->num_tensors, 1u);
  EXPECT_EQ(copied->tensors[0]->id, g_quark_from_string("scores"));
  EXPECT_EQ(gst_buffer_get_n_meta(got, GST_TENSOR_META_API_TYPE), 1u);
  gst_buffer_unref(sent);
}

TEST_F(Buffers, AreNeverCopiedBecauseTheEngineStillHoldsThem) {
  // A late stage reads the frame in its forward, as a GPU does.
  Pads pads(launch("stage late", "batch-size=4 workers=2 overload-policy=wait"));
  pads.start();
  std::vector<GstBuffer*> sent;
  for (guint64 number = 0; number < 200; number++) {
    sent.push_back(Pads::buffer(number));
    ASSERT_EQ(pads.push(sent.back()), GST_FLOW_OK);
  }
  pads.query(gst_query_new_drain());
  ASSERT_EQ(pads.arrived_buffers(), 200u);
  for (std::size_t i = 0; i < 200; i++) EXPECT_EQ(pads.arrived_buffer(i), sent[i]);
}

TEST_F(Buffers, AreNotCopiedWhereNoModelLooks) {
  Pads pads(launch("", "inference-interval=2"));
  pads.start();
  EXPECT_FALSE(arrives_uncopied(pads, Pads::buffer(0))) << "has results";
  EXPECT_TRUE(arrives_uncopied(pads, Pads::buffer(1))) << "between two that are looked at";
  EXPECT_TRUE(arrives_uncopied(pads, flagged(2, GST_BUFFER_FLAG_GAP)));
  EXPECT_TRUE(arrives_uncopied(pads, flagged(3, GST_BUFFER_FLAG_CORRUPTED)));
  EXPECT_THAT(best_classes(pads), ElementsAre("0", "", "", ""));
}

TEST_F(Buffers, AreNotCopiedWhereTheModelFails) {
  Pads pads(launch("forward nan mean 1", "error-policy=pass"));
  pads.start();
  EXPECT_TRUE(arrives_uncopied(pads, Pads::buffer(1)));
  EXPECT_EQ(stat(pads.element(), "failed"), 1u);
}

TEST_F(Buffers, AreNotCopiedWhereTheModelHasNoTime) {
  Pads& pads = play(launch("forward gate g", "overload-policy=skip"));
  pads.start();
  for (guint64 number = 0; number < 2; number++) pads.push(Pads::buffer(number));
  ASSERT_TRUE(control.await_at_gate("g", 1));
  GstBuffer* skipped = Pads::buffer(2);
  gst_buffer_ref(skipped);
  pads.push(skipped);
  control.open_gate("g");
  pads.wait_for(6);
  EXPECT_EQ(pads.arrived_buffer(2), skipped);
  EXPECT_EQ(stat(pads.element(), "skipped-overload"), 1u);
  gst_buffer_unref(skipped);
}

/// A pool of one buffer: each frame is the one before it in another life.
class PooledBuffers : public Buffers {
 protected:
  PooledBuffers() {
    GstStructure* config = gst_buffer_pool_get_config(pool_);
    gst_buffer_pool_config_set_params(config, nullptr, 128, 1, 1);
    gst_buffer_pool_set_config(pool_, config);
    gst_buffer_pool_set_active(pool_, TRUE);
  }
  ~PooledBuffers() override {
    gst_buffer_pool_set_active(pool_, FALSE);
    gst_object_unref(pool_);
  }

  GstBuffer* frame(guint64 number) {
    GstBuffer* buffer = nullptr;
    EXPECT_EQ(gst_buffer_pool_acquire_buffer(pool_, &buffer, nullptr), GST_FLOW_OK);
    gst_buffer_memset(buffer, 0, static_cast<guint8>(number), 128);
    GST_BUFFER_OFFSET(buffer) = number;
    return buffer;
  }

  /// Sends a frame through and returns it as it arrived; its life ends with the next one's begin.
  GstBuffer* pass(Pads& pads, GstBuffer* buffer) {
    pads.push(buffer);
    pads.query(gst_query_new_drain());
    return pads.arrived_buffer(0);
  }

 private:
  GstBufferPool* pool_ = gst_buffer_pool_new();
};

TEST_F(PooledBuffers, BringNoEmptyMetaAlongWhereNoModelLooks) {
  Pads pads(launch("", "inference-interval=2"));
  pads.start();
  EXPECT_THAT(gst_buffer_get_analytics_relation_meta(pass(pads, frame(0))), NotNull());
  pads.forget();
  EXPECT_THAT(gst_buffer_get_analytics_relation_meta(pass(pads, frame(1))), IsNull());
  pads.forget();
  EXPECT_EQ(best_class(pass(pads, frame(2))), "2");
  pads.forget();
  GstBuffer* gap = frame(3);
  GST_BUFFER_FLAG_SET(gap, GST_BUFFER_FLAG_GAP);
  EXPECT_THAT(gst_buffer_get_analytics_relation_meta(pass(pads, gap)), IsNull());
  pads.forget();
}

TEST_F(PooledBuffers, CarryTheirLastResultsAlone) {
  Pads pads(launch("", "top-k=2"));
  pads.start();
  for (guint64 number = 0; number < 20; number++) {
    GstBuffer* got = pass(pads, frame(number));
    EXPECT_EQ(best_class(got), std::to_string(number));
    // The mark and the classes.
    EXPECT_EQ(gst_analytics_relation_get_length(gst_buffer_get_analytics_relation_meta(got)), 2u);
    EXPECT_EQ(gst_buffer_get_n_meta(got, GST_ANALYTICS_RELATION_META_API_TYPE), 1u);
    pads.forget();
  }
}

TEST_F(PooledBuffers, AreNotCopiedToTakeAnEmptyMetaOff) {
  Pads pads(launch("", "inference-interval=2"));
  pads.start();
  pass(pads, frame(0));
  pads.forget();
  GstBuffer* shared = frame(1);
  EXPECT_TRUE(arrives_uncopied(pads, shared));
  EXPECT_EQ(best_class(pads.arrived_buffer(0)), "") << "an empty meta says nothing";
  pads.forget();
}

/// With two frames at the gate, which is all the credit there is, each further one is dropped.
class Drops : public Buffers {
 protected:
  Pads& dropping() {
    Pads& pads = play(launch("forward gate g", "overload-policy=drop"));
    pads.start();
    pads.wait_for(3);
    for (guint64 number = 0; number < 4; number++) pads.push(Pads::buffer(number));
    EXPECT_TRUE(control.await_at_gate("g", 1));
    EXPECT_EQ(stat(pads.element(), "dropped"), 2u);
    return pads;
  }

  static std::vector<bool> disconts(const Pads& pads) {
    std::vector<bool> flags;
    for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
      flags.push_back(GST_BUFFER_IS_DISCONT(pads.arrived_buffer(i)));
    return flags;
  }
};

TEST_F(Drops, AreMarkedOnTheNextFrameAlsoWhereNoModelLooksAtIt) {
  Pads& pads = dropping();
  pads.push(flagged(4, GST_BUFFER_FLAG_GAP));
  pads.push(flagged(5, GST_BUFFER_FLAG_GAP));
  control.open_gate("g");
  EXPECT_EQ(pads.wait_for(7).back(), "buffer 5");
  EXPECT_THAT(disconts(pads), ElementsAre(false, false, true, false));
}

TEST_F(Drops, AreNotMarkedOnAFrameThatOthersHold) {
  Pads& pads = dropping();
  GstBuffer* shared = flagged(4, GST_BUFFER_FLAG_GAP);
  gst_buffer_ref(shared);
  pads.push(shared);
  control.open_gate("g");
  pads.wait_for(6);
  EXPECT_THAT(disconts(pads), ElementsAre(false, false, true));
  EXPECT_NE(pads.arrived_buffer(2), shared);
  EXPECT_FALSE(GST_BUFFER_IS_DISCONT(shared));
  gst_buffer_unref(shared);
}

}  // namespace
}  // namespace torchinfer::test
