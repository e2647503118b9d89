// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/options.h"

#include <glib.h>

#include <cmath>
#include <memory>
#include <utility>

#include "model/text.h"

namespace torchinfer::bench {
namespace {

constexpr int kMostStreams = 256, kLargestSide = 16384;

/// What GLib writes; freed with it.
struct Parsed {
  char* batch_sizes = nullptr;
  char* workers = nullptr;
  char* threads = nullptr;
  char* precision = nullptr;
  char* size = nullptr;
  char* replay = nullptr;
  char* model_info = nullptr;
  char* labels = nullptr;
  char* json = nullptr;
  char* chart = nullptr;
  char** models = nullptr;
  int streams = 1;
  double frame_rate = 25.0;
  double seconds = 3.0;
  gboolean quiet = FALSE;

  Parsed() = default;
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
  ~Parsed() {
    for (char* text :
         {batch_sizes, workers, threads, precision, size, replay, model_info, labels, json, chart})
      g_free(text);
    g_strfreev(models);
  }
};

Status wrong(const std::string& what) { return {Code::kInvalidArgument, what}; }

std::string text_of(const char* text) { return text != nullptr ? text : ""; }

/// Reads a list that was given into `list`.
template <class List, class Parse>
Status read_list(const char* text, const char* option, List& list, const Parse& parse) {
  if (text == nullptr) return {};
  auto parsed = parse(text);
  if (!parsed) return wrong(std::string(option) + ": " + parsed.status().message());
  list = *std::move(parsed);
  return {};
}

Status read_size(const char* text, Options& options) {
  if (text == nullptr) return {};
  const std::string_view size = text;
  const auto cross = size.find('x');
  const auto width = parse_numbers(size.substr(0, cross), kLargestSide);
  const auto height = parse_numbers(cross == size.npos ? "" : size.substr(cross + 1), kLargestSide);
  if (!width || !height || width->size() != 1 || height->size() != 1)
    return wrong("--size: " + quoted(size) + " is no size such as 1920x1080, of at most " +
                 std::to_string(kLargestSide) + " pixels");
  options.width = width->front();
  options.height = height->front();
  return {};
}

Status read(const Parsed& parsed, Options& options) {
  if (parsed.models == nullptr || parsed.models[1] != nullptr) return wrong("name one model file");
  for (const char* name :
       {static_cast<const char*>(parsed.models[0]), static_cast<const char*>(parsed.json),
        static_cast<const char*>(parsed.chart), static_cast<const char*>(parsed.replay)})
    if (name != nullptr && *name == '\0') return wrong("the name of a file is empty");
  auto& choices = options.choices;
  const auto numbers = [](int most) {
    return [most](std::string_view text) { return parse_numbers(text, most); };
  };
  for (Status status :
       {read_list(parsed.batch_sizes, "--batch-sizes", choices.batch_sizes,
                  numbers(kMostBatchSize)),
        read_list(parsed.workers, "--workers", choices.workers, numbers(kMostThreads)),
        read_list(parsed.threads, "--threads", choices.threads, numbers(kMostThreads)),
        read_list(parsed.precision, "--precision", choices.precisions, parse_precisions),
        read_size(parsed.size, options)})
    if (!status.ok()) return status;
  if (parsed.streams < 1 || parsed.streams > kMostStreams)
    return wrong("--streams is in 1.." + std::to_string(kMostStreams));
  if (!(parsed.frame_rate > 0.0 && parsed.frame_rate <= 1000.0))
    return wrong("--fps is above 0 and at most 1000");
  if (!(parsed.seconds >= 0.1 && parsed.seconds <= 3600.0))
    return wrong("--seconds is in 0.1..3600");
  // Less than one, and nothing could be said of them.
  if (parsed.seconds * parsed.streams * parsed.frame_rate < 1.0)
    return wrong(
        "no frame may come within --seconds, at --fps of so many --streams; measure longer");
  if (parsed.replay != nullptr && parsed.size != nullptr)
    return wrong("--size is of no use with --replay, whose inputs have theirs");

  options.replay = text_of(parsed.replay);
  options.json = text_of(parsed.json);
  options.chart = text_of(parsed.chart);
  options.quiet = parsed.quiet != FALSE;
  auto& plan = options.plan;
  plan.model.model_file = parsed.models[0];
  plan.model.model_info_file = text_of(parsed.model_info);
  plan.model.label_file = text_of(parsed.labels);
  plan.streams = parsed.streams;
  plan.frame_rate = parsed.frame_rate;
  plan.time = Duration(static_cast<Duration::rep>(std::llround(parsed.seconds * 1e9)));
  plan.answers = parsed.replay != nullptr;
  return {};
}

}  // namespace

Result<Options> parse_options(int argc, char** argv) {
  Parsed parsed;
  const auto word = G_OPTION_ARG_STRING;
  const auto file = G_OPTION_ARG_FILENAME;
  const GOptionEntry entries[] = {
      {"streams", 's', 0, G_OPTION_ARG_INT, &parsed.streams, "Streams at once (1)", "N"},
      {"fps", 'f', 0, G_OPTION_ARG_DOUBLE, &parsed.frame_rate,
       "Frames a second of each, as a camera brings them (25)", "N"},
      {"size", 0, 0, word, &parsed.size, "Size of the frames (1920x1080)", "WxH"},
      {"batch-sizes", 'b', 0, word, &parsed.batch_sizes, "Batch sizes to try (1,4,8)", "N,..."},
      {"workers", 'w', 0, word, &parsed.workers,
       "Workers to try (by the cores, from one to all of them)", "N,..."},
      {"threads", 't', 0, word, &parsed.threads,
       "Threads of each worker to try (what the workers leave)", "N,..."},
      {"precision", 'p', 0, word, &parsed.precision, "Of auto, fp32, bf16, fp16 (auto)", "P,..."},
      {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &parsed.seconds, "Length of each measurement (3)",
       "N"},
      {"replay", 'r', 0, file, &parsed.replay,
       "Feed the inputs that dump-inputs saved, and say what the model makes of them", "FILE.npy"},
      {"model-info-file", 0, 0, file, &parsed.model_info, "As torchinference's property", "FILE"},
      {"label-file", 0, 0, file, &parsed.labels, "As torchinference's property", "FILE"},
      {"json", 'j', 0, file, &parsed.json, "Write all figures as JSON", "FILE"},
      {"chart", 'c', 0, file, &parsed.chart, "Write a chart", "FILE.png"},
      {"quiet", 'q', 0, G_OPTION_ARG_NONE, &parsed.quiet, "Show no progress", nullptr},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &parsed.models, nullptr, "MODEL"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const std::unique_ptr<GOptionContext, void (*)(GOptionContext*)> context(
      g_option_context_new(nullptr), g_option_context_free);
  g_option_context_set_summary(
      context.get(),
      "Measures a model with torchinference's own engine in several settings, and says which of\n"
      "them to take for a number of streams, as properties to copy. What is measured is a frame's\n"
      "way through the element: preprocessing, waiting, the forward. Decoding is not. Run it on "
      "the\n"
      "machine that will do the work, while it does nothing else.");
  g_option_context_set_description(
      context.get(),
      "Each setting is measured twice: as fast as frames are taken, and, where that is fast "
      "enough,\n"
      "with the streams' frames coming as from cameras.\n\n"
      "Exit status: 0 done; 1 the model cannot be measured, or a file not read or written;\n"
      "2 wrong usage.\n");
  g_option_context_add_main_entries(context.get(), entries, nullptr);
  // GLib's own help would end the process in here.
  g_option_context_set_help_enabled(context.get(), FALSE);
  gboolean help = FALSE;
  const GOptionEntry help_entry[] = {
      {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Show this page", nullptr},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  g_option_context_add_main_entries(context.get(), help_entry, nullptr);
  GError* error = nullptr;
  if (g_option_context_parse(context.get(), &argc, &argv, &error) == FALSE) {
    const std::string message = error->message;
    g_error_free(error);
    return wrong(message);
  }
  Options options;
  if (help != FALSE) {
    const std::unique_ptr<char, void (*)(void*)> page(
        g_option_context_get_help(context.get(), TRUE, nullptr), g_free);
    g_print("%s", page.get());
    options.help = true;
    return options;
  }
  if (auto status = read(parsed, options); !status.ok()) return status;
  return options;
}

}  // namespace torchinfer::bench
