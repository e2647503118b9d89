// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "support/fake/fake_module_control.h"

namespace torchinfer::test {

/// The fake module's one state, never destroyed.
class FakeState final : public FakeControl {
 public:
  static FakeState& get();

  void open_gate(const std::string& name) override;
  void close_gate(const std::string& name) override;
  bool await_at_gate(const std::string& name, int threads) override;
  std::uint64_t inspects() override { return inspects_; }
  std::uint64_t loads() override { return loads_; }
  std::uint64_t forwards() override { return forwards_; }
  std::uint64_t items() override { return items_; }
  std::uint64_t largest_batch() override { return largest_batch_; }
  int models() override { return models_; }
  int lanes() override { return lanes_; }
  LoadOptions last_load() override;
  std::uint64_t wrong_calls() override { return wrong_calls_; }
  bool called_on_this_thread() override;
  void reset() override;

  // For the back-end.
  void pass_gate(const std::string& name);
  void inspected() { ++inspects_; }
  void loading(const LoadOptions& options);
  void running(std::size_t items);
  void wrong_call() { ++wrong_calls_; }
  void model_made(int change) { models_ += change; }
  void lane_made(int change) { lanes_ += change; }
  /// Every call but stage() says this.
  void called();

 private:
  struct Gate {
    bool open = false;
    int waiting = 0;
  };

  std::atomic<std::uint64_t> inspects_{0}, loads_{0}, forwards_{0}, items_{0}, largest_batch_{0},
      wrong_calls_{0};
  std::atomic<int> models_{0}, lanes_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, Gate> gates_;
  LoadOptions last_load_;
};

}  // namespace torchinfer::test
