// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>
#include <gtest/gtest.h>

#include <string>

namespace torchinfer::test {

/// What a pipeline came to in a process of its own.
struct ChildOutcome {
  std::string printed;  ///< "end of stream", or an error; see fault_child.cpp
  int status = -1;      ///< as waitpid() gives it
};

/// Plays `launch` in fault_child, whose scenarios and library are described there, with the
/// back-end module in the folder `modules`, or where this process looks for it. A critical ends the
/// child.
inline ChildOutcome play_in_child(const char* scenario, const std::string& launch,
                                  const char* library = nullptr, const char* modules = nullptr) {
  const char* const command[] = {FAULT_CHILD, scenario, launch.c_str(), library, nullptr};
  gchar** environment = g_get_environ();
  if (modules != nullptr)
    environment = g_environ_setenv(environment, "GST_TORCH_MODULE_PATH", modules, TRUE);
  environment = g_environ_setenv(environment, "G_DEBUG", "fatal-criticals", TRUE);
  gchar* printed = nullptr;
  ChildOutcome outcome;
  GError* error = nullptr;
  EXPECT_TRUE(g_spawn_sync(nullptr, const_cast<gchar**>(command), environment, G_SPAWN_DEFAULT,
                           nullptr, nullptr, &printed, nullptr, &outcome.status, &error))
      << error->message;
  g_clear_error(&error);
  outcome.printed = printed != nullptr ? printed : "";
  g_free(printed);
  g_strfreev(environment);
  return outcome;
}

}  // namespace torchinfer::test
