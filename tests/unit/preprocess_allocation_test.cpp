// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Counts this thread's allocations by replacing operator new in the whole executable, which
// sanitizers want to do themselves; their builds leave this file empty.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include "preprocess/plan.h"
#include "support/test_image.h"

namespace {

thread_local std::size_t allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

constexpr std::size_t kDefault = alignof(std::max_align_t);

}  // namespace

// The library's other forms of new and delete call these.
void* operator new(std::size_t size) { return allocate_or_throw(size, kDefault); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace torchinfer {
namespace {

TEST(Allocation, HappensInAThreadsFirstFrameOnly) {
  for (const PixelFormat format : kAllFormats) {
    for (const ResizePolicy resize : {ResizePolicy::kShortSide, ResizePolicy::kLetterbox}) {
      PreprocessParams params;
      params.input = {DType::kFloat16, Layout::kNhwc, 3, 32, 48};
      params.resize = resize;
      params.resize_size = 50;
      const TestImage image({format, 130, 70, {}});
      ImageView view = image.view();
      const auto plan = make_plan(view.format, {}, params);
      ASSERT_TRUE(plan.ok());
      std::vector<std::byte> out(params.input.bytes());
      const auto run = [&] { return preprocess_on_cpu(**plan, view, out.data()).ok(); };

      ASSERT_TRUE(run());
      const std::size_t before = allocations;
      bool ok = true;
      for (int i = 0; i < 10; ++i) ok = run() && ok;
      EXPECT_EQ(allocations, before) << name_of(format);
      EXPECT_TRUE(ok);
    }
  }
}

TEST(Allocation, IsSeenByThisTest) {
  const std::size_t before = allocations;
  PreprocessParams params;
  params.input = {DType::kFloat32, Layout::kNchw, 3, 8, 8};
  const auto plan = make_plan({PixelFormat::kGray8, 10, 10, {}}, {}, params);
  EXPECT_TRUE(plan.ok());
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace torchinfer

#endif
