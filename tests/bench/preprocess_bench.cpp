// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Time of one frame to 3 x 224 x 224 float32 on one core.
//
//   preprocess_bench                 a table: formats, filters, each level of the CPU's kernels
//   preprocess_bench FILTER          one line of JSON: an I420 frame of 1920x1080 with this filter,
//                                    all cores at it at once; and how many there are
//
// Compare the ratios within one run: absolute times depend on the machine and on what else it does.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/cpu_budget.h"
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

using Preprocess = std::function<Status(const ImageView&, std::byte*)>;

/// What is measured: frames of one format on their way into a model.
struct Work {
  std::shared_ptr<const PreprocessPlan> plan;
  std::vector<test::TestImage> images;
  std::vector<ImageView> frames;
  std::size_t input_bytes = 0;
};

Work make_work(PixelFormat pixels, int width, int height, Interpolation interpolation) {
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
  Work work;
  work.plan = *make_plan(format, {}, params);
  for (int i = 0; i < kFrames; ++i) work.images.emplace_back(format, static_cast<std::uint32_t>(i));
  for (const test::TestImage& image : work.images) work.frames.push_back(image.view());
  work.input_bytes = params.input.bytes();
  return work;
}

/// The median of kTurns.
double milliseconds_of(const Work& work, const Preprocess& preprocess) {
  std::vector<std::byte> out(work.input_bytes);
  std::vector<double> times;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double begin = thread_milliseconds();
    const Status status =
        preprocess(work.frames[static_cast<std::size_t>(turn % kFrames)], out.data());
    times.push_back(thread_milliseconds() - begin);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      std::exit(1);
    }
  }
  std::nth_element(times.begin(), times.begin() + kTurns / 2, times.end());
  return times[kTurns / 2];
}

void print_kernels(PixelFormat pixels, int width, int height, Interpolation interpolation) {
  const Work work = make_work(pixels, width, height, interpolation);
  std::printf("%-5s %4dx%-4d %-8s", test::name_of(pixels).c_str(), width, height,
              interpolation == Interpolation::kBilinear ? "bilinear" : "bicubic");
  double baseline = 0;
  for (const CpuKernels& kernels : usable_cpu_kernels()) {
    const double time = milliseconds_of(work, [&](const ImageView& frame, std::byte* out) {
      return preprocess_on_cpu_with(kernels, *work.plan, frame, out);
    });
    if (baseline == 0) baseline = time;
    std::printf("  %s %.2f ms (%.2f x)", kernels.name, time, baseline / time);
  }
  std::printf("\n");
}

void print_table() {
  for (const PixelFormat format : {PixelFormat::kNV12, PixelFormat::kI420, PixelFormat::kRgb,
                                   PixelFormat::kBgrx, PixelFormat::kGray8}) {
    for (const Interpolation interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
      print_kernels(format, 1920, 1080, interpolation);
    }
  }
  print_kernels(PixelFormat::kNV12, 640, 360, Interpolation::kBilinear);
  print_kernels(PixelFormat::kNV12, 3840, 2160, Interpolation::kBilinear);
}

/// As in a pipeline: the kernels that are chosen there, and no core to itself.
void print_cost(Interpolation interpolation) {
  const auto cores = static_cast<std::size_t>(available_cores());
  std::vector<Work> works;
  for (std::size_t i = 0; i < cores; ++i)
    works.push_back(make_work(PixelFormat::kI420, 1920, 1080, interpolation));
  std::vector<double> times(cores);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < cores; ++i)
    threads.emplace_back([&, i] {
      times[i] = milliseconds_of(works[i], [&](const ImageView& frame, std::byte* out) {
        return preprocess_on_cpu(*works[i].plan, frame, out);
      });
    });
  for (std::thread& thread : threads) thread.join();
  std::sort(times.begin(), times.end());
  std::printf("{\"cpu_ms\": %.4f, \"cores\": %zu}\n", times[cores / 2], cores);
}

}  // namespace
}  // namespace torchinfer

int main(int argc, char** argv) {
  const std::string_view filter = argc > 1 ? argv[1] : "";
  if (argc == 1) {
    torchinfer::print_table();
  } else if (argc == 2 && filter == "bilinear") {
    torchinfer::print_cost(torchinfer::Interpolation::kBilinear);
  } else if (argc == 2 && filter == "bicubic") {
    torchinfer::print_cost(torchinfer::Interpolation::kBicubic);
  } else {
    std::fprintf(stderr, "preprocess_bench: give nothing, bilinear or bicubic\n");
    return 2;
  }
  return 0;
}
