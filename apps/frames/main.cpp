// SPDX-License-Identifier: LGPL-2.1-or-later
// gst-torch-frames: what a model is given of a video or a picture, as bytes. gst-torch-export
// calibrates and checks on it.

#include <gst/gst.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "frames/model_frames.h"
#include "model/model_info.h"
#include "shell/output.h"
#include "shell/program.h"

namespace torchinfer::frames {
namespace {

struct Options {
  char* model_info = nullptr;
  char* output = nullptr;
  int most = 256;
  char** paths = nullptr;

  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() {
    g_free(model_info);
    g_free(output);
    g_strfreev(paths);
  }
};

Status run(const Options& options) {
  if (auto status = shell::check_output(options.output, {options.paths[0], options.model_info});
      !status.ok())
    return status;
  const auto info = read_model_info(options.model_info);
  if (!info) return info.status();
  const auto& params = info->preprocess;
  const auto frames =
      read_model_frames(options.paths[0], params, static_cast<std::size_t>(options.most));
  if (!frames) return frames.status();
  std::ofstream file(options.output, std::ios::binary);
  for (const auto& item : frames->items)
    file.write(reinterpret_cast<const char*>(item.data()),
               static_cast<std::streamsize>(item.size()));
  file.close();
  if (!file) return {Code::kUnreadable, std::string(options.output) + " cannot be written"};
  const nlohmann::json said = {{"frames", frames->items.size()},
                               {"every", frames->every},
                               {"decoded", frames->decoded},
                               {"bytes_per_frame", params.input.bytes()}};
  std::cout << said << '\n';
  return {};
}

std::string check(const Options& options) {
  if (options.paths == nullptr || *options.paths == nullptr || options.paths[1] != nullptr)
    return "name one video or picture";
  if (options.model_info == nullptr || options.output == nullptr)
    return "--model-info and --output are needed";
  if (options.most < 2 || options.most > 65536) return "--most is in 2..65536";
  return {};
}

std::string read(int argc, char** argv, Options& options) {
  const GOptionEntry entries[] = {
      {"model-info", 'm', 0, G_OPTION_ARG_FILENAME, &options.model_info,
       "What the model's input is and how a frame becomes one", "FILE"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
       "Where the inputs are written, one after the other", "FILE"},
      {"most", 'n', 0, G_OPTION_ARG_INT, &options.most,
       "Frames to take at most, evenly spread (256)", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.paths, nullptr, "CLIP"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const auto wrong = shell::read_arguments(
      argc, argv,
      {"Writes what torchinference gives a model of a video or picture: decoded, resized and laid\n"
       "out as the model info says. Prints how many frames, as a line of JSON.",
       "Exit status: 0 done; 1 a file cannot be read or written; 2 wrong usage.\n", entries,
       gst_init_get_option_group()});
  return wrong.empty() ? check(options) : wrong;
}

}  // namespace
}  // namespace torchinfer::frames

int main(int argc, char** argv) {
  using namespace torchinfer;
  frames::Options options;
  return shell::run_program(
      "gst-torch-frames", [&] { return frames::read(argc, argv, options); },
      [&] { return frames::run(options); });
}
