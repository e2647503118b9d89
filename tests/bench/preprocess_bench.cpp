// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Time of one frame to 3 x 224 x 224 float32 on one core, for each level of the CPU's kernels.
// Compare the ratios within one run: absolute times depend on the machine and on what else it does.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "preprocess/cpu_preprocess.h"
#include "preprocess/plan.h"
#include "support/test_image.h"

namespace torchinfer {
namespace {

constexpr int kFrames = 4;  // in turn, so that no frame stays in the caches of its own accord
constexpr int kTurns = 60;

/// Of the processor, not of the clock, so that other work on the machine disturbs it less.
double thread_milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

/// The median of kTurns.
double milliseconds_of(const CpuKernels& kernels, const PreprocessPlan& plan,
                       const std::vector<ImageView>& frames, std::byte* out) {
  std::vector<double> times;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double begin = thread_milliseconds();
    const Status status = preprocess_on_cpu_with(
        kernels, plan, frames[static_cast<std::size_t>(turn % kFrames)], out);
    times.push_back(thread_milliseconds() - begin);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      std::exit(1);
    }
  }
  std::nth_element(times.begin(), times.begin() + kTurns / 2, times.end());
  return times[kTurns / 2];
}

void measure(PixelFormat pixels, int width, int height, Interpolation interpolation) {
  const bool yuv = test::is_yuv(pixels);
  const ImageFormat format{pixels,
                           width,
                           height,
                           {yuv ? ColorMatrix::kBt709 : ColorMatrix::kRgb,
                            yuv ? ColorRange::kLimited : ColorRange::kFull,
                            {}}};
  PreprocessParams params;
  params.input = {DType::kFloat32, Layout::kNchw, 3, 224, 224};
  params.interpolation = interpolation;
  params.ranges = {{{-2.118, 2.249}, {-2.036, 2.429}, {-1.804, 2.640}}};
  const auto plan = make_plan(format, {}, params);

  std::vector<test::TestImage> images;
  std::vector<ImageView> frames;
  for (int i = 0; i < kFrames; ++i) images.emplace_back(format, static_cast<std::uint32_t>(i));
  for (const test::TestImage& image : images) frames.push_back(image.view());
  std::vector<std::byte> out(params.input.bytes());

  std::printf("%-5s %4dx%-4d %-8s", test::name_of(pixels).c_str(), width, height,
              interpolation == Interpolation::kBilinear ? "bilinear" : "bicubic");
  double baseline = 0;
  for (const CpuKernels& kernels : usable_cpu_kernels()) {
    const double time = milliseconds_of(kernels, **plan, frames, out.data());
    if (baseline == 0) baseline = time;
    std::printf("  %s %.2f ms (%.2f x)", kernels.name, time, baseline / time);
  }
  std::printf("\n");
}

}  // namespace
}  // namespace torchinfer

int main() {
  using torchinfer::Interpolation;
  using torchinfer::PixelFormat;
  for (const PixelFormat format : {PixelFormat::kNV12, PixelFormat::kI420, PixelFormat::kRgb,
                                   PixelFormat::kBgrx, PixelFormat::kGray8}) {
    for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
      torchinfer::measure(format, 1920, 1080, interpolation);
    }
  }
  torchinfer::measure(PixelFormat::kNV12, 640, 360, Interpolation::kBilinear);
  torchinfer::measure(PixelFormat::kNV12, 3840, 2160, Interpolation::kBilinear);
}
