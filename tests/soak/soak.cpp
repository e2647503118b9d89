// SPDX-License-Identifier: LGPL-2.1-or-later
// Random operations over many streams for a while, with a book of every frame. Ends with a table
// and status 0 when no frame was lost, repeated or out of order, nothing stood still, and no
// element failed.

#include <gst/gst.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "stream.h"

namespace torchinfer::soak {
namespace {

using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

constexpr int kStreams = 8;
constexpr std::array kOperations{"flush", "caps change", "property",     "pause",          "ready",
                                 "null",  "model swap",  "broken model", "remove and add", "drain"};

struct Options {
  double minutes = 1;
  std::uint64_t seed = 0;
  std::string models;
};

/// Says what was going on when something stands still for good, and ends the process with a core.
class Watchdog {
 public:
  explicit Watchdog(std::uint64_t seed) : seed_(seed) {
    thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
  }
  void note(std::uint64_t step, int stream, const char* operation) {
    stream_ = stream;
    operation_ = operation;
    step_ = step;
  }

 private:
  void watch(const std::stop_token& stop) const {
    constexpr auto kLongest = std::chrono::minutes(3);
    std::uint64_t seen = 0;
    auto since = SteadyClock::now();
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (step_ != seen) {
        seen = step_;
        since = SteadyClock::now();
      } else if (SteadyClock::now() - since > kLongest) {
        std::fprintf(stderr, "soak: step %llu (%s of stream %d) does not end; seed %llu\n",
                     static_cast<unsigned long long>(seen), operation_.load(), stream_.load(),
                     static_cast<unsigned long long>(seed_));
        std::abort();
      }
    }
  }

  const std::uint64_t seed_;
  std::atomic<std::uint64_t> step_{0};
  std::atomic<int> stream_{-1};
  std::atomic<const char*> operation_{"start"};
  std::jthread thread_;
};

bool operate(Stream& stream, std::size_t operation) {
  switch (operation) {
    case 0: return stream.flush();
    case 1: stream.change_caps(); return true;
    case 2: stream.change_property(); return true;
    case 3: stream.change_state_and_back(GST_STATE_PAUSED); return true;
    case 4: stream.change_state_and_back(GST_STATE_READY); return true;
    case 5: stream.change_state_and_back(GST_STATE_NULL); return true;
    case 6: stream.swap_model(false); return true;
    case 7: stream.swap_model(true); return true;
    case 8:
      stream.remove();
      stream.add();
      return true;
    default: return stream.drain();
  }
}

class Soak {
 public:
  explicit Soak(const Options& options)
      : options_(options), random_(options.seed), watchdog_(options.seed) {
    for (const char* name : {"classifier", "colour", "traced_classifier", "uint8_nhwc"})
      menu_.models.push_back(options.models + '/' + name + ".pt");
    for (const char* name : {"plain_zip", "wrong_channels", "no_model_info", "missing"})
      menu_.broken.push_back(options.models + '/' + name + ".pt");
    shared_ = gst_pipeline_new("shared");
    for (int i = 0; i < kStreams; ++i)
      streams_.push_back(std::make_unique<Stream>(i, i < kStreams / 2 ? nullptr : shared_,
                                                  i % 2 == 1, menu_, random_));
    gst_element_set_state(shared_, GST_STATE_PLAYING);
  }

  int run() {
    const auto begin = SteadyClock::now();
    const Seconds duration(options_.minutes * 60);
    double early_memory = 0;
    double next_report = 10;
    while (!failed_ && Seconds(SteadyClock::now() - begin) < duration) {
      step();
      const double elapsed = Seconds(SteadyClock::now() - begin).count();
      if (early_memory == 0 && elapsed > duration.count() / 5) early_memory = resident_mb();
      if (elapsed < next_report) continue;
      next_report += 10;
      std::printf("%5.0f s  %llu operations, %.0f MB\n", elapsed,
                  static_cast<unsigned long long>(steps_), resident_mb());
      std::fflush(stdout);
    }
    const double late_memory = resident_mb();
    // All that is still inside must come out.
    for (const auto& stream : streams_)
      if (!failed_) note_failure(!stream->drain(), *stream, "the last drain");
    return finish(early_memory, late_memory);
  }

 private:
  void step() {
    Stream& stream = *streams_[random_() % streams_.size()];
    const std::size_t operation = random_() % kOperations.size();
    ++done_[operation];
    watchdog_.note(++steps_, stream.number(), kOperations[operation]);
    note_failure(!operate(stream, operation), stream, kOperations[operation]);
    note_failure(has_failed(stream.number() < kStreams / 2 ? stream.bin() : shared_, warnings_),
                 stream, kOperations[operation]);
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 30));
  }

  void note_failure(bool failed, const Stream& stream, const char* operation) {
    if (!failed) return;
    failed_ = true;
    std::fprintf(stderr, "soak: failed at step %llu, %s of stream %d\n",
                 static_cast<unsigned long long>(steps_), operation, stream.number());
    std::fprintf(stderr, "%s\n", stream.where_it_stands().c_str());
  }

  int finish(double early_memory, double late_memory) {
    Counts sum;
    std::printf("\n%-8s %9s %9s %8s %8s %5s %6s\n", "stream", "entered", "left", "flushed",
                "dropped", "lost", "wrong");
    const auto row = [](const char* name, const Counts& counts) {
      std::printf("%-8s %9llu %9llu %8llu %8llu %5llu %6llu\n", name,
                  static_cast<unsigned long long>(counts.entered),
                  static_cast<unsigned long long>(counts.left),
                  static_cast<unsigned long long>(counts.flushed),
                  static_cast<unsigned long long>(counts.dropped),
                  static_cast<unsigned long long>(counts.lost),
                  static_cast<unsigned long long>(counts.wrong));
    };
    for (const auto& stream : streams_) {
      stream->remove();
      row(std::to_string(stream->number()).c_str(), stream->counts());
      sum += stream->counts();
    }
    row("sum", sum);
    streams_.clear();
    gst_element_set_state(shared_, GST_STATE_NULL);
    gst_clear_object(&shared_);

    std::printf("\noperations:");
    for (std::size_t i = 0; i < kOperations.size(); ++i)
      std::printf(" %s %llu%s", kOperations[i], static_cast<unsigned long long>(done_[i]),
                  i + 1 < kOperations.size() ? "," : "\n");
    std::printf("memory: %.0f MB after a fifth of the time, %.0f MB at the end; warnings: %llu\n",
                early_memory, late_memory, static_cast<unsigned long long>(warnings_));
    const bool balanced =
        sum.entered == sum.left + sum.flushed + sum.dropped && sum.lost == 0 && sum.wrong == 0;
    const bool clean = !failed_ && balanced && sum.left > 0;
    std::printf("soak: %s, seed %llu\n", clean ? "clean" : "FAILED",
                static_cast<unsigned long long>(options_.seed));
    return clean ? 0 : 1;
  }

  const Options options_;
  Random random_;
  Menu menu_;
  Watchdog watchdog_;
  GstElement* shared_ = nullptr;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::array<std::uint64_t, kOperations.size()> done_{};
  std::uint64_t steps_ = 0;
  std::uint64_t warnings_ = 0;
  bool failed_ = false;
};

int main_of(int argc, char** argv) {
  Options options;
  gint64 seed = -1;
  gchar* models = nullptr;
  const GOptionEntry entries[] = {
      {"minutes", 'm', 0, G_OPTION_ARG_DOUBLE, &options.minutes, "How long (1)", "N"},
      {"seed", 's', 0, G_OPTION_ARG_INT64, &seed, "Repeat a run; by default another each time",
       "N"},
      {"models", 0, 0, G_OPTION_ARG_FILENAME, &models, "The folder of the tests' models", "FOLDER"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  GOptionContext* context = g_option_context_new(nullptr);
  g_option_context_add_main_entries(context, entries, nullptr);
  g_option_context_add_group(context, gst_init_get_option_group());
  GError* error = nullptr;
  const bool parsed = g_option_context_parse(context, &argc, &argv, &error) != FALSE;
  g_option_context_free(context);
  if (!parsed || models == nullptr) {
    std::fprintf(stderr, "soak: %s\n", parsed ? "--models is needed" : error->message);
    g_clear_error(&error);
    return 2;
  }
  options.models = models;
  g_free(models);
  options.seed = seed >= 0 ? static_cast<std::uint64_t>(seed) : std::random_device()();
  std::printf("soak: %d streams, %.2g minutes, seed %llu\n", kStreams, options.minutes,
              static_cast<unsigned long long>(options.seed));
  std::fflush(stdout);
  return Soak(options).run();
}

}  // namespace
}  // namespace torchinfer::soak

int main(int argc, char** argv) {
  try {
    return torchinfer::soak::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak: %s\n", error.what());
    return 1;
  }
}
