// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Time and memory of a command: command_cost COMMAND... prints one line of JSON. It is a program of
// its own because a child's peak memory counts from the size of its parent, which must be small.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "command_cost: give a command\n");
    return 2;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1 /* O_WRONLY */, 0);
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  if (const int wrong = posix_spawnp(&child, argv[1], &actions, nullptr, argv + 1, environ);
      wrong != 0) {
    std::fprintf(stderr, "command_cost: %s: %s\n", argv[1], std::strerror(wrong));
    return 1;
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - begin;
  posix_spawn_file_actions_destroy(&actions);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::fprintf(stderr, "command_cost: %s failed\n", argv[1]);
    return 1;
  }
  const double cpu = (static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)) * 1e3 +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-3;
  std::printf("{\"wall_ms\": %.3f, \"cpu_ms\": %.3f, \"peak_mb\": %.3f}\n", wall.count(), cpu,
              static_cast<double>(usage.ru_maxrss) / 1024.0);
  return 0;
}
