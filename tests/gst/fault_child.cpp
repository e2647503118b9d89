// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be seen in a process of its own only, see child_fixture.h:
// "fault_child SCENARIO LAUNCH [LIBRARY]" plays a pipeline to its end or its first error, and
// prints the error as "domain number torch-code text". The back-end module is looked for where
// GST_TORCH_MODULE_PATH says.
#include <dlfcn.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "error_fixture.h"
#include "support/pipeline.h"

namespace torchinfer::test {
namespace {

void play(const std::string& launch) {
  const Pipeline pipeline(launch);
  gst_element_set_state(pipeline.element(), GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline.element());
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  gst_object_unref(bus);
  if (message == nullptr) {
    std::cout << "nothing\n";
  } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    std::cout << "end of stream\n";
    gst_message_unref(message);
  } else {
    const auto told = ErrorTelling::read(message);
    std::cout << g_quark_to_string(told.domain) << ' ' << told.code << ' ' << told.torch_code << ' '
              << told.text << '\n';
  }
}

std::string& launch_at_exit() {
  static auto* const launch = new std::string;
  return *launch;
}

int run(const std::string& scenario, const std::string& launch, const char* library) {
  if (scenario == "after" && dlopen(library, RTLD_NOW | RTLD_LOCAL) == nullptr) {
    std::cout << dlerror() << '\n';
    return 1;
  }
  if (scenario == "one-cpu") {
    // The first that this process may use. Threads that are begun from here on inherit it.
    cpu_set_t allowed, one;
    sched_getaffinity(0, sizeof allowed, &allowed);
    int cpu = 0;
    while (CPU_ISSET(cpu, &allowed) == 0) ++cpu;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) return 1;
  }
  if (scenario == "ending") {
    // Registered before any engine's handler, so it runs after them.
    launch_at_exit() = launch;
    std::atexit([] {
      play(launch_at_exit());
      std::cout.flush();
    });
  }
  play(launch);
  return 0;
}

}  // namespace
}  // namespace torchinfer::test

#ifdef __SANITIZE_ADDRESS__
// GStreamer is not taken down here.
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int count, char** arguments) {
  gst_init(nullptr, nullptr);
  return count < 3 ? 2
                   : torchinfer::test::run(arguments[1], arguments[2],
                                           count > 3 ? arguments[3] : nullptr);
}
