// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "core/image_view.h"
#include "core/tensor_view.h"
#include "decode/decoder.h"
#include "engine/block_pool.h"
#include "engine/close_reason.h"
#include "preprocess/plan.h"

namespace torchinfer {

/// Called by the engine when the last item of a frame is done. Runs on a worker thread with no lock
/// held; must not block and must not call the engine.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void wake() noexcept = 0;
};

/// When and in which company an item was inferred.
struct ItemTiming {
  TimePoint submitted;                      ///< the task entered the queue
  TimePoint started;                        ///< its batch's forward began
  TimePoint done;                           ///< its result was decoded
  std::uint64_t batch_id = 0;               ///< counts the engine's batches from 1
  std::uint32_t batch_size = 0;             ///< items in that batch
  CloseReason reason = CloseReason::kFull;  ///< why it was not larger
  std::uint32_t worker = 0;                 ///< which of the engine's workers ran it, from 0
};

/// What came of one item. Written by one worker before FrameResult::open falls; read by the element
/// after it is 0.
struct ItemResult {
  Status status;
  std::vector<Class> classes;       ///< best first
  std::vector<TensorView> tensors;  ///< raw outputs, only when asked for
  ItemTiming timing;
};

/// One frame's items (one for the whole frame, or one per region); they may ride in different
/// batches. Shared by the element, which waits for it, and by the tasks. Dropping it is how a flush
/// forgets a frame.
struct FrameResult {
  std::atomic<int> open{
      0};  ///< items not done; 0 = complete (acquire load makes the items visible)
  std::vector<ItemResult> items;
  std::shared_ptr<const ModelInfo> model;
  std::string model_id;  ///< first 12 digits of the model file's SHA-256
  std::shared_ptr<Waker> waker;

  bool complete() const { return open.load(std::memory_order_acquire) == 0; }
};

/// A stream's statistics; the engine's own business.
class Seat;

/// One item on its way through the engine. Move only.
struct Task {
  std::shared_ptr<FrameResult> frame;
  std::uint32_t item = 0;  ///< index into frame->items
  ImageView image;         ///< dropped by stage() where the pixels have been copied out
  Block block;             ///< filled by Model::stage()
  std::shared_ptr<const PreprocessPlan> pre;
  std::shared_ptr<const DecodePlan> post;
  bool keep_tensors = false;
  TimePoint submitted;
  std::shared_ptr<Seat> seat;
};

}  // namespace torchinfer
