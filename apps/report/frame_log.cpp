// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report/frame_log.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

namespace torchinfer::report {
namespace {

using nlohmann::json;

std::optional<std::uint64_t> number_or_nothing(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::uint64_t>());
}

/// "2026-11-24T08:00:00.123456789Z" to nanoseconds since 1970.
std::int64_t parse_time(const std::string& text) {
  std::tm date = {};
  long fraction = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%9ldZ", &date.tm_year, &date.tm_mon,
                  &date.tm_mday, &date.tm_hour, &date.tm_min, &date.tm_sec, &fraction) != 7) {
    throw std::invalid_argument("the time " + text + " is not as analyticsjson writes it");
  }
  const auto day = std::chrono::year(date.tm_year) / date.tm_mon / date.tm_mday;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  const std::int64_t seconds = ((days * 24 + date.tm_hour) * 60 + date.tm_min) * 60 + date.tm_sec;
  return seconds * 1'000'000'000 + fraction;
}

Analysis read_analysis(const json& value) {
  Analysis analysis;
  if (const json& model = value.at("model"); !model.is_null()) analysis.model = model;
  analysis.latency_ns = number_or_nothing(value.at("latency_ns"));
  if (const json& batch = value.at("batch"); !batch.is_null()) {
    analysis.batch = Batch{batch.at("id"), batch.at("size")};
  }
  for (const json& entry : value.at("classes")) {
    const json& label = entry.at("label");
    const json& score = entry.at("score");
    analysis.classes.push_back({label.is_null() ? "?" : label.get<std::string>(),
                                score.is_null() ? 0.0 : score.get<double>()});
  }
  return analysis;
}

Frame read_frame(const json& value) {
  const auto version = value.at("schema_version").get<std::string>();
  if (version.rfind("1.", 0) != 0) {
    throw std::invalid_argument("schema version " + version + " is not handled; 1.x is");
  }
  Frame frame;
  frame.number = value.at("frame");
  frame.stream_time = number_or_nothing(value.at("stream_time"));
  const json& clock = value.at("wall_clock");
  if (clock.at("source") == "system") frame.wall_clock = parse_time(clock.at("time"));
  frame.width = value.at("size").at("width");
  frame.height = value.at("size").at("height");
  frame.analysed = value.at("analysed");
  for (const json& analysis : value.at("analyses")) {
    frame.analyses.push_back(read_analysis(analysis));
  }
  for (const json& object : value.at("objects")) {
    for (const json& analysis : object.at("analyses")) {
      frame.object_analyses.push_back(read_analysis(analysis));
    }
  }
  return frame;
}

}  // namespace

Result<std::vector<Frame>> parse_frame_log(std::istream& text, const std::string& source) {
  std::vector<Frame> frames;
  std::string line;
  for (std::size_t number = 1; std::getline(text, line); ++number) {
    const std::string place = source + ", line " + std::to_string(number);
    const json value = json::parse(line, nullptr, false);
    if (!value.is_object()) {
      return Status(Code::kInvalidArgument,
                    place + (line.starts_with('{')
                                 ? " is cut off or mixed: the run was stopped, or two runs wrote "
                                   "this file"
                                 : " is not a line of analyticsjson: it is no JSON object"));
    }
    try {
      frames.push_back(read_frame(value));
    } catch (const std::exception& error) {  // of the JSON library, or of read_frame()
      std::string what = error.what();
      if (what.starts_with("[json.exception.")) what.erase(0, what.find("] ") + 2);
      return Status(Code::kInvalidArgument,
                    std::string(place).append(" is not a line of analyticsjson: ").append(what));
    }
  }
  if (frames.empty()) {
    return Status(Code::kInvalidArgument, source +
                                              " holds no frame; did the pipeline run to the "
                                              "end of the stream?");
  }
  return frames;
}

Result<std::vector<Frame>> read_frame_log(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Status(Code::kUnreadable, path + " is a folder; name a file of JSON lines");
  }
  std::ifstream file(path);
  if (!file) {
    const int error = errno;
    return Status(error == ENOENT ? Code::kNotFound : Code::kUnreadable,
                  path + ": " + std::generic_category().message(error));
  }
  return parse_frame_log(file, path);
}

}  // namespace torchinfer::report
