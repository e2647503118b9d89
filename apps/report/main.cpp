// SPDX-License-Identifier: LGPL-2.1-or-later
// gst-torch-report: a run's JSON lines to a page of text, and its labelled video to a contact
// sheet.

#include <gst/gst.h>

#include <iostream>
#include <opencv2/imgcodecs.hpp>
#include <sstream>

#include "report/frame_log.h"
#include "report/run_sheet.h"
#include "report/summary.h"
#include "shell/output.h"
#include "shell/program.h"

namespace torchinfer::report {
namespace {

struct Options {
  char* video = nullptr;
  char* sheet = nullptr;
  int columns = SheetLayout{}.columns;
  int rows = SheetLayout{}.rows;
  int tile_width = SheetLayout{}.tile_width;
  int labels = 5;
  char** logs = nullptr;

  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() {
    g_free(video);
    g_free(sheet);
    g_strfreev(logs);
  }
};

Status write_sheet(const Options& options, const std::string& log,
                   const std::vector<Frame>& frames) {
  const auto sheet =
      make_run_sheet(options.video, frames, {options.columns, options.rows, options.tile_width});
  if (!sheet) {
    const bool of_the_log = sheet.status().code() == Code::kInvalidArgument;
    return {sheet.status().code(), (of_the_log ? log + ": " : "") + sheet.status().message()};
  }
  const std::string path = options.sheet;
  if (!cv::imwrite(path, *sheet)) return {Code::kUnreadable, path + " cannot be written"};
  return {};
}

/// Found out before anything is decoded.
Status check_sheet(const Options& options) {
  if (options.sheet == nullptr) return {};
  const std::string path = options.sheet;
  if (!cv::haveImageWriter(path)) {
    return {Code::kInvalidArgument, path + ": no picture format that is known; name it .png"};
  }
  return shell::check_output(path, {options.video, options.logs[0]});
}

Status run(const Options& options) {
  if (Status status = check_sheet(options); !status.ok()) return status;
  for (char** log = options.logs; *log != nullptr; ++log) {
    auto frames = read_frame_log(*log);
    if (!frames) return frames.status();
    std::ostringstream page;
    print(page, *log, summarise(*frames), static_cast<std::size_t>(options.labels));
    std::cout << shell::printable(page.str()) << std::flush;
    if (options.sheet == nullptr) continue;
    if (Status status = write_sheet(options, *log, *frames); !status.ok()) return status;
    std::cout << "  sheet    " << options.sheet << '\n';
  }
  return {};
}

/// What is wrong with the options, or nothing.
std::string check(const Options& options) {
  if (options.logs == nullptr || *options.logs == nullptr) return "name a file of JSON lines";
  if ((options.video == nullptr) != (options.sheet == nullptr)) {
    return "--video and --sheet go together";
  }
  if (options.sheet != nullptr && options.logs[1] != nullptr) {
    return "a contact sheet is made of one run: name one file of JSON lines";
  }
  if (options.columns < 1 || options.columns > 20 || options.rows < 1 || options.rows > 100) {
    return "--columns is in 1..20, --rows in 1..100";
  }
  if (options.tile_width < 64 || options.tile_width > 4096) return "--tile-width is in 64..4096";
  constexpr std::int64_t most_pixels = std::int64_t{1} << 30;
  if (std::int64_t{options.tile_width} * options.tile_width * options.columns * options.rows >
      most_pixels) {
    return "the sheet would be too large: fewer --columns or --rows, or a smaller --tile-width";
  }
  if (options.labels < 0) return "--labels is 0 or more";
  return {};
}

std::string read(int argc, char** argv, Options& options) {
  const GOptionEntry entries[] = {
      {"video", 'v', 0, G_OPTION_ARG_FILENAME, &options.video, "The labelled video of the same run",
       "FILE"},
      {"sheet", 's', 0, G_OPTION_ARG_FILENAME, &options.sheet,
       "Write frames of the video side by side", "FILE.png"},
      {"columns", 0, 0, G_OPTION_ARG_INT, &options.columns, "Frames in a row (3)", "N"},
      {"rows", 0, 0, G_OPTION_ARG_INT, &options.rows, "Rows (4)", "N"},
      {"tile-width", 0, 0, G_OPTION_ARG_INT, &options.tile_width, "Width of a frame (640)",
       "PIXELS"},
      {"labels", 'l', 0, G_OPTION_ARG_INT, &options.labels, "Labels to name (5)", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.logs, nullptr, "JSONL..."},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const auto wrong = shell::read_arguments(
      argc, argv,
      {"Says what a run of torchinference did, from the lines that analyticsjson wrote:\n"
       "frames, speed, batches, latency, and the most frequent labels.",
       "Exit status: 0 done; 1 a file cannot be read or written; 2 wrong usage.\n", entries,
       gst_init_get_option_group()});
  return wrong.empty() ? check(options) : wrong;
}

}  // namespace
}  // namespace torchinfer::report

int main(int argc, char** argv) {
  using namespace torchinfer;
  report::Options options;
  return shell::run_program(
      "gst-torch-report", [&] { return report::read(argc, argv, options); },
      [&] { return report::run(options); });
}
