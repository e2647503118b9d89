// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/options.h"

#include <glib.h>

#include <iostream>
#include <memory>
#include <utility>
#include <vector>

namespace torchinfer::inspect {
namespace {

constexpr const char* kSummary =
    "Looks into a TorchScript model: what it is, what it takes, what it is made of, and what "
    "speaks\n"
    "against running it with torchinference as it is. Nothing of the model is run but with "
    "--probe\n"
    "and --profile.";
constexpr const char* kDescription =
    "Examples:\n"
    "  gst-torch-inspect net.pt                              a page on the model\n"
    "  gst-torch-inspect net.pt --module layer1 --graph      one module's graph\n"
    "  gst-torch-inspect net.pt --module layer1 --inline     its code with all that it calls\n"
    "  gst-torch-inspect net.pt --dot --inline | dot -Tsvg   a drawing\n"
    "  gst-torch-inspect net.pt --profile --frames clip.mp4  where the time goes\n"
    "  gst-torch-inspect --system                            what a bug report needs\n"
    "\n"
    "Exit status: 0 done; 1 the file is broken, refused or has no such part, or libtorch cannot "
    "load\n"
    "it; 2 wrong usage.\n";

struct FreeContext {
  void operator()(GOptionContext* context) const { g_option_context_free(context); }
};

/// What GLib hands out, freed once it has been copied.
struct Texts {
  char* module = nullptr;
  char* method = nullptr;
  char* frames = nullptr;
  char* chart = nullptr;
  char* model_info_file = nullptr;
  char* label_file = nullptr;
  char** models = nullptr;
  Texts() = default;
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;
  ~Texts() {
    for (char* text : {module, method, frames, chart, model_info_file, label_file}) g_free(text);
    g_strfreev(models);
  }
};

std::string check(const Options& options, std::size_t models) {
  if (models > 1) return "name one model";
  if (models == 0 && !options.system) return "name a model file";
  if (models == 1 && options.model.empty()) return "name a model file; the name is empty";
  if (!options.module.empty() && !options.lists() && !options.profile)
    return "--module goes with --graph, --code, --inline, --dot, --tree and --profile";
  if (models == 0 && (options.lists() || options.probe || options.profile))
    return "name the model file to look into";
  if (!options.profile && (!options.frames.empty() || !options.chart.empty()))
    return "--frames and --chart go with --profile";
  if (options.runs < 1 || options.runs > 10'000) return "--runs is in 1..10000";
  if (options.batch < 1 || options.batch > 64) return "--batch is in 1..64";
  if (options.threads < 1 || options.threads > 1024) return "--threads is in 1..1024";
  if (options.time_limit < 0 || options.memory_limit < 0) return "limits are positive";
  return {};
}

}  // namespace

Parsed parse(int argc, char** argv, Options& options, std::string& problem) {
  Texts texts;
  int graph = 0, code = 0, inlined = 0, dot = 0, tree = 0, probe = 0, profile = 0, json = 0,
      system = 0, version = 0;
  const GOptionEntry entries[] = {
      {"module", 'm', 0, G_OPTION_ARG_FILENAME, &texts.module,
       "Look at this part of the model, as layer1.0", "PATH"},
      {"method", 0, 0, G_OPTION_ARG_FILENAME, &texts.method, "Of this method (forward)", "NAME"},
      {"graph", 'g', 0, G_OPTION_ARG_NONE, &graph, "Print the graph", nullptr},
      {"code", 'c', 0, G_OPTION_ARG_NONE, &code, "Print the code, read back as Python", nullptr},
      {"inline", 'i', 0, G_OPTION_ARG_NONE, &inlined,
       "With all that is called put in its place; alone, of the code", nullptr},
      {"tree", 't', 0, G_OPTION_ARG_NONE, &tree, "Print the tree of modules", nullptr},
      {"dot", 0, 0, G_OPTION_ARG_NONE, &dot, "Print a drawing of the graph for graphviz", nullptr},
      {"probe", 'p', 0, G_OPTION_ARG_NONE, &probe,
       "Run the model on noise: outputs, batches, other sizes", nullptr},
      {"profile", 0, 0, G_OPTION_ARG_NONE, &profile,
       "Run the model and say where the time goes, by operator and module", nullptr},
      {"frames", 0, 0, G_OPTION_ARG_FILENAME, &texts.frames,
       "Profile on the frames of this video, preprocessed as torchinference does", "CLIP"},
      {"chart", 0, 0, G_OPTION_ARG_FILENAME, &texts.chart, "Draw the profile's bars", "FILE.png"},
      {"runs", 0, 0, G_OPTION_ARG_INT, &options.runs, "Forwards to measure (20)", "N"},
      {"batch", 0, 0, G_OPTION_ARG_INT, &options.batch, "Frames in each (1)", "N"},
      {"threads", 0, 0, G_OPTION_ARG_INT, &options.threads, "Threads within an operator (1)", "N"},
      {"model-info-file", 0, 0, G_OPTION_ARG_FILENAME, &texts.model_info_file,
       "As torchinference's property", "FILE"},
      {"label-file", 0, 0, G_OPTION_ARG_FILENAME, &texts.label_file, "As torchinference's property",
       "FILE"},
      {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print all that is asked for as JSON", nullptr},
      {"system", 's', 0, G_OPTION_ARG_NONE, &system,
       "Print versions, the CPU, the back-end module and devices", nullptr},
      {"time-limit", 0, 0, G_OPTION_ARG_INT, &options.time_limit,
       "Give up after so long (60, with --profile 600)", "SECONDS"},
      {"memory-limit", 0, 0, G_OPTION_ARG_INT, &options.memory_limit,
       "Give up where more is needed (4096 and three times the file)", "MIB"},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", nullptr},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &texts.models, nullptr, "MODEL"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const std::unique_ptr<GOptionContext, FreeContext> context(g_option_context_new(nullptr));
  g_option_context_set_summary(context.get(), kSummary);
  g_option_context_set_description(context.get(), kDescription);
  g_option_context_add_main_entries(context.get(), entries, nullptr);
  GError* error = nullptr;
  if (!g_option_context_parse(context.get(), &argc, &argv, &error)) {
    problem = error->message;
    g_error_free(error);
    return Parsed::kWrong;
  }
  if (version != 0) {
    std::cout << "gst-torch-inspect " << VERSION << '\n';
    return Parsed::kDone;
  }
  const auto take = [](const char* text, std::string& field) {
    if (text != nullptr) field = text;
  };
  take(texts.module, options.module);
  take(texts.method, options.method);
  take(texts.frames, options.frames);
  take(texts.chart, options.chart);
  take(texts.model_info_file, options.model_info_file);
  take(texts.label_file, options.label_file);
  options.graph = graph != 0;
  options.inlined = inlined != 0;
  options.dot = dot != 0;
  options.code = code != 0 || (options.inlined && !options.graph && !options.dot);
  options.tree = tree != 0;
  options.probe = probe != 0;
  options.profile = profile != 0;
  options.json = json != 0;
  options.system = system != 0;
  std::size_t models = 0;
  for (char** model = texts.models; model != nullptr && *model != nullptr; ++model, ++models)
    options.model = *model;
  problem = check(options, models);
  if (problem.empty() && texts.method != nullptr && !options.graph && !options.code && !options.dot)
    problem = "--method goes with --graph, --code, --inline and --dot";
  if (problem.empty() && texts.chart != nullptr && options.chart.empty())
    problem = "--chart: the name of the file is empty";
  return problem.empty() ? Parsed::kRun : Parsed::kWrong;
}

}  // namespace torchinfer::inspect
