// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace torchinfer::bench {

/// A pipeline of a launch line, for programs that measure one and end. Errors are thrown as
/// std::runtime_error with the text of the element that posted them. Not thread-safe.
class Pipeline {
 public:
  explicit Pipeline(const std::string& line);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Returns in PLAYING; models are loaded then.
  void play();

  enum class End { kEos, kAsked, kTime };
  /// Serves the bus until the end of the stream, ask_to_end(), or `time` has gone by.
  End run(std::optional<std::chrono::milliseconds> time = std::nullopt);
  /// Lets run() return. From any thread.
  void ask_to_end();

  /// Returns when no thread of the pipeline runs any more. What elements said of themselves is gone
  /// then.
  void stop();

  GstElement* get() const { return pipeline_; }
  /// All sinks, in bins too.
  std::vector<GstElement*> sinks() const;
  /// What every `torchinference` says in its `stats`.
  nlohmann::json inference_stats() const;

 private:
  GstElement* pipeline_ = nullptr;
  GstBus* bus_ = nullptr;
};

/// Numbers, booleans, texts and structures keep their kind; anything else becomes text.
nlohmann::json to_json(const GstStructure* structure);

/// CPU time of the process so far, in milliseconds: all threads, user and system.
double process_cpu_milliseconds();

/// {"p50", "p99", "max", "count"} of `values`; {"count": 0} where there are none.
nlohmann::json spread_of(std::vector<double> values);

/// Prints what `measure` returns as one line of JSON, or what it throws on standard error; the
/// program's exit status.
int report(const char* program, nlohmann::json (*measure)(int argc, char** argv), int argc,
           char** argv);

}  // namespace torchinfer::bench
