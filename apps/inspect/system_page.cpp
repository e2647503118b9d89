// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inspect/system_page.h"

#include <gst/gst.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <memory>
#include <sstream>

#include "engine/module.h"
#include "inspect/words.h"

namespace torchinfer::inspect {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

/// The value of the first "key<separator> value" line of a file.
std::string value_in(const char* path, const std::string& key, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto at = line.find(separator);
    if (at == line.npos) continue;
    auto value = line.substr(at + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    while (!value.empty() && (value.back() == '"' || value.back() == ' ')) value.pop_back();
    return value;
  }
  return {};
}

/// Those of a CPU's flags that matter to models.
std::string vector_flags() {
  std::istringstream flags(value_in("/proc/cpuinfo", "flags", ':'));
  std::string text;
  for (std::string flag; flags >> flag;) {
    const bool matters = flag == "avx" || flag == "fma" || flag.starts_with("avx2") ||
                         flag.starts_with("avx512") || flag.starts_with("avx_vnni") ||
                         flag.starts_with("amx");
    if (matters) text += (text.empty() ? "" : " ") + flag;
  }
  return text;
}

std::string usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  auto count = sysconf(_SC_NPROCESSORS_ONLN);
  const auto all = count;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  std::string text = std::to_string(count) + " of " + std::to_string(all) + " CPUs may be used";
  std::ifstream quota("/sys/fs/cgroup/cpu.max");
  std::string limit;
  double period = 0.0;
  if (quota >> limit >> period && limit != "max" && period > 0.0)
    text += ", for " + std::to_string(std::atof(limit.c_str()) / period).substr(0, 4) +
            " CPUs' time (cgroup)";
  return text;
}

std::string memory_text() {
  struct sysinfo info{};
  if (sysinfo(&info) != 0) return {};
  const auto unit = static_cast<std::uint64_t>(info.mem_unit);
  return size_text(info.totalram * unit) + ", " + size_text(info.freeram * unit) + " free";
}

struct Unref {
  void operator()(GstObject* object) const { gst_object_unref(object); }
};

void add_plugin(Facts& facts) {
  const std::unique_ptr<GstObject, Unref> plugin(
      reinterpret_cast<GstObject*>(gst_registry_find_plugin(gst_registry_get(), "torch")));
  if (!plugin) {
    facts.emplace_back("plugin", "GStreamer finds none; GST_PLUGIN_PATH names its folder");
    return;
  }
  auto* found = reinterpret_cast<GstPlugin*>(plugin.get());
  const char* file = gst_plugin_get_filename(found);
  facts.emplace_back("plugin", std::string(gst_plugin_get_version(found)) + ", " +
                                   (file == nullptr ? "of no file" : file));
}

void add_variables(Facts& facts) {
  for (const char* name :
       {"GST_TORCH_MODULE_PATH", "GST_PLUGIN_PATH", "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY",
        "DNNL_MAX_CPU_ISA", "LD_PRELOAD", "LD_LIBRARY_PATH"}) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here sets variables
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') facts.emplace_back(name, value);
  }
}

}  // namespace

SystemPage describe_system() {
  SystemPage page;
  auto& facts = page.facts;
  facts.emplace_back("gst-plugins-torch", VERSION);
  GError* error = nullptr;
  if (gst_init_check(nullptr, nullptr, &error)) {
    const std::unique_ptr<char, void (*)(void*)> version(gst_version_string(), g_free);
    facts.emplace_back("GStreamer", version.get());
    add_plugin(facts);
  } else {
    facts.emplace_back("GStreamer",
                       std::string("does not start: ") + (error ? error->message : "no reason"));
    g_clear_error(&error);
  }
  facts.emplace_back("GLib", std::to_string(glib_major_version) + "." +
                                 std::to_string(glib_minor_version) + "." +
                                 std::to_string(glib_micro_version));
  utsname system{};
  if (uname(&system) == 0)
    facts.emplace_back("system", value_in("/etc/os-release", "PRETTY_NAME", '=') + ", " +
                                     system.sysname + " " + system.release + ", " + system.machine);
  facts.emplace_back("CPU", value_in("/proc/cpuinfo", "model name", ':'));
  facts.emplace_back("vector units", vector_flags());
  facts.emplace_back("CPUs", usable_cpus());
  facts.emplace_back("memory", memory_text());
  add_variables(facts);
  const auto path = back_end_path();
  facts.emplace_back("module", path ? *path : path.status().message());
  facts.emplace_back("build id", core_build_id());
  const auto back_end = open_back_end();
  if (!back_end) {
    page.usable = false;
    facts.emplace_back("problem", back_end.status().message());
    page.devices.push_back({"cpu", "the back-end module cannot be opened"});
    return page;
  }
  if (auto* inspector = (*back_end)->inspector(); inspector != nullptr) {
    auto runtime = inspector->runtime();
    facts.insert(facts.end(), runtime.facts.begin(), runtime.facts.end());
    page.devices = std::move(runtime.devices);
  } else {
    facts.emplace_back("back-end", (*back_end)->description());
  }
  return page;
}

void print_system(std::ostream& out, const SystemPage& page) {
  constexpr int width = 28;
  for (const auto& [name, value] : page.facts)
    if (!value.empty()) out << std::left << std::setw(width) << name << value << '\n';
  for (const auto& device : page.devices)
    out << std::left << std::setw(width) << "device " + device.name
        << (device.problem.empty() ? "can be used" : "no: " + device.problem) << '\n';
}

}  // namespace torchinfer::inspect
