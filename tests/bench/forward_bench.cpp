// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What libtorch alone makes of a TorchScript model, with nothing of this project in it: the
// strongest of TorchScript's own optimisations, and as many forwards at once as there are cores, of
// one thread each. Other shares of the cores can be asked for.
//
//   forward_bench SECONDS WORKERS THREADS MODEL BATCH...
//
// Prints one line of JSON: frames a second and CPU time of a frame, for each batch size.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUps = 3;
constexpr int kSide = 224;

struct Share {
  double seconds = 1.0;
  int workers = 1;
  int threads = 1;
};

struct Rate {
  double fps = 0.0;
  double cpu_ms = 0.0;  ///< of all cores, for a frame
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double process_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

torch::jit::Module load(const std::string& path) {
  // With either on, an optimised module may never return from its second forward.
  torch::jit::getProfilingMode() = false;
  torch::jit::setTensorExprFuserEnabled(false);
  auto module = torch::jit::load(path, at::Device(at::kCPU));
  module.eval();
  return torch::jit::optimize_for_inference(module);
}

/// All workers begin together; each goes on until the time is over. The rate is the sum of theirs,
/// so that it does not matter that they do not end together.
Rate measure(const torch::jit::Module& model, const Share& share, int batch) {
  const auto workers = static_cast<std::size_t>(share.workers);
  std::vector<double> rates(workers);
  std::barrier begin(share.workers);
  std::atomic<long> forwards{0};
  double cpu_first = 0.0;
  const auto work = [&](std::size_t worker) {
    const c10::InferenceMode no_gradients;
    // Asked for first, or the number would not be this thread's own.
    (void)at::get_num_threads();
    at::set_num_threads(share.threads);
    auto module = model;
    const auto input = at::randn({batch, 3, kSide, kSide});
    for (int i = 0; i < kWarmUps; ++i) module.forward({input});
    begin.arrive_and_wait();
    if (worker == 0) cpu_first = process_cpu_seconds();
    const auto start = Clock::now();
    long count = 0;
    double taken = 0.0;
    while (taken < share.seconds) {
      module.forward({input});
      ++count;
      taken = std::chrono::duration<double>(Clock::now() - start).count();
    }
    rates[worker] = static_cast<double>(count * batch) / taken;
    forwards += count;
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  Rate rate;
  for (const double each : rates) rate.fps += each;
  rate.cpu_ms = (process_cpu_seconds() - cpu_first) * 1e3 / static_cast<double>(forwards * batch);
  return rate;
}

int measure_all(int argc, char** argv) {
  if (argc < 6) throw std::runtime_error("give SECONDS WORKERS THREADS MODEL BATCH...");
  const Share share{std::stod(argv[1]), std::stoi(argv[2]), std::stoi(argv[3])};
  const c10::InferenceMode no_gradients;
  const auto model = load(argv[4]);
  std::string text;
  for (int i = 5; i < argc; ++i) {
    const Rate rate = measure(model, share, std::stoi(argv[i]));
    char entry[128];
    std::snprintf(entry, sizeof entry, "%s\"%s\": {\"fps\": %.3f, \"cpu_ms\": %.4f}",
                  text.empty() ? "" : ", ", argv[i], rate.fps, rate.cpu_ms);
    text += entry;
  }
  std::printf("{%s}\n", text.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return measure_all(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "forward_bench: %s\n", error.what());
    return 1;
  }
}
