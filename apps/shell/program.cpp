// SPDX-License-Identifier: LGPL-2.1-or-later
#include "shell/program.h"

#include <exception>
#include <iostream>
#include <memory>

namespace torchinfer::shell {

std::string read_arguments(int argc, char** argv, const Usage& usage) {
  const std::unique_ptr<GOptionContext, void (*)(GOptionContext*)> context(
      g_option_context_new(nullptr), g_option_context_free);
  g_option_context_set_summary(context.get(), usage.summary);
  g_option_context_set_description(context.get(), usage.description);
  g_option_context_add_main_entries(context.get(), usage.entries, nullptr);
  if (usage.group != nullptr) g_option_context_add_group(context.get(), usage.group);
  GError* error = nullptr;
  if (g_option_context_parse(context.get(), &argc, &argv, &error) != FALSE) return {};
  const std::unique_ptr<GError, void (*)(GError*)> owned(error, g_error_free);
  return error->message;
}

int run_program(const char* name, const std::function<std::string()>& read,
                const std::function<Status()>& run) {
  const auto fail = [name](const std::string& why, int exit_status) {
    std::cerr << name << ": " << why << '\n';
    return exit_status;
  };
  try {
    if (const auto wrong = read(); !wrong.empty()) return fail(wrong + " (--help explains)", 2);
    if (const auto status = run(); !status.ok()) return fail(status.message(), 1);
    if (!std::cout.flush()) return fail("standard output cannot be written", 1);
    return 0;
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace torchinfer::shell
