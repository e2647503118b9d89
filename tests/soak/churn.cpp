// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream comes and goes a thousand times while three others play. Ends with status 0 when the
// others lost no frame and the heap has grown by less than one percent since the hundredth time.

#include <gst/gst.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "stream.h"

#ifdef __SANITIZE_ADDRESS__
// From sanitizer/allocator_interface.h, which not every compiler's package has.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace torchinfer::soak {
namespace {

constexpr int kNeighbours = 3;
constexpr int kWarmUp = 100;
constexpr double kMostGrowth = 0.01;

/// AddressSanitizer has an allocator of its own.
std::size_t heap_bytes() {
#ifdef __SANITIZE_ADDRESS__
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

/// In use, in MB: the least of a few looks, since frames are on their way at any time. While it is
/// not below `enough` it looks on for half a minute: frames that a busy machine has held up go,
/// what has leaked stays.
double heap_mb(double enough) {
  double least = std::numeric_limits<double>::max();
  for (int i = 0; i < 20 || (least >= enough && i < 1500); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    least = std::min(least, static_cast<double>(heap_bytes()) / 1e6);
  }
  return least;
}

int run(const std::string& models, int cycles) {
  Random random(1);
  // One model and one batch size: all streams share an engine, as cameras do.
  const Menu menu{{models + "/classifier.pt"}, {}, {"4"}};
  GstElement* shared = gst_pipeline_new("shared");
  std::vector<std::unique_ptr<Stream>> neighbours;
  for (int i = 0; i < kNeighbours; ++i)
    neighbours.push_back(
        std::make_unique<Stream>(i, i == 0 ? nullptr : shared, i == 1, menu, random));
  gst_element_set_state(shared, GST_STATE_PLAYING);

  double early_heap = 0;
  double early_resident = 0;
  bool failed = false;
  std::uint64_t warnings = 0;
  {
    Stream guest(kNeighbours, shared, false, menu, random);
    for (int cycle = 1; cycle <= cycles && !failed; ++cycle) {
      failed = !guest.makes_progress();
      guest.remove();
      for (GstElement* pipeline : {shared, neighbours[0]->bin()})
        failed = has_failed(pipeline, warnings) || failed;
      if (cycle == std::min(kWarmUp, cycles)) {
        early_heap = heap_mb(std::numeric_limits<double>::max());
        early_resident = resident_mb();
      }
      if (cycle < cycles) guest.add();
    }
  }
  const double late_heap = heap_mb(early_heap * (1 + kMostGrowth));
  const double late_resident = resident_mb();

  Counts sum;
  for (const auto& neighbour : neighbours) {
    failed = !neighbour->drain() || failed;
    neighbour->remove();
    sum += neighbour->counts();
  }
  neighbours.clear();
  gst_element_set_state(shared, GST_STATE_NULL);
  gst_object_unref(shared);

  const double growth = late_heap / early_heap - 1;
  std::printf("churn: %d cycles; neighbours: %llu frames, %llu lost, %llu wrong\n", cycles,
              static_cast<unsigned long long>(sum.entered),
              static_cast<unsigned long long>(sum.lost + sum.dropped),
              static_cast<unsigned long long>(sum.wrong));
  std::printf("heap %.2f MB after %d, %.2f MB at the end (%+.2f %%); resident %.0f and %.0f MB\n",
              early_heap, kWarmUp, late_heap, growth * 100, early_resident, late_resident);
  const bool clean =
      !failed && sum.entered > 0 && sum.lost + sum.dropped + sum.wrong == 0 && growth < kMostGrowth;
  std::printf("churn: %s\n", clean ? "clean" : "FAILED");
  return clean ? 0 : 1;
}

}  // namespace
}  // namespace torchinfer::soak

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 2) {
    std::fprintf(stderr, "usage: churn MODELS [CYCLES]\n");
    return 2;
  }
  try {
    return torchinfer::soak::run(argv[1], argc > 2 ? std::stoi(argv[2]) : 1000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "churn: %s\n", error.what());
    return 1;
  }
}
