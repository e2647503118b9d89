// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

namespace torchinfer::test {

/// Whether GStreamer's leaks tracer is at work (GST_TRACERS=leaks), as in all runs by meson.
bool leaks_are_traced();

/// From here on what the tracer says is written down. Call it behind gst_init().
void listen_to_leaks_tracer();

/// Ends GStreamer (gst_deinit()) and returns a line for each of its objects, buffers, events and
/// the like that are still there. Once a process.
std::vector<std::string> end_gstreamer();

}  // namespace torchinfer::test
