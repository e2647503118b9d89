// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/fake/fake_state.h"

#include <algorithm>
#include <chrono>

namespace torchinfer::test {
namespace {

thread_local bool this_thread_called = false;

}  // namespace

FakeState& FakeState::get() {
  static auto* state = new FakeState;
  return *state;
}

void FakeState::open_gate(const std::string& name) {
  const std::lock_guard lock(mutex_);
  gates_[name].open = true;
  changed_.notify_all();
}

void FakeState::close_gate(const std::string& name) {
  const std::lock_guard lock(mutex_);
  gates_[name].open = false;
}

bool FakeState::await_at_gate(const std::string& name, int threads) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds{60},
                           [&] { return gates_[name].waiting >= threads; });
}

void FakeState::pass_gate(const std::string& name) {
  std::unique_lock lock(mutex_);
  Gate& gate = gates_[name];
  ++gate.waiting;
  changed_.notify_all();
  changed_.wait(lock, [&] { return gate.open; });
  --gate.waiting;
}

LoadOptions FakeState::last_load() {
  const std::lock_guard lock(mutex_);
  return last_load_;
}

void FakeState::loading(const LoadOptions& options) {
  ++loads_;
  const std::lock_guard lock(mutex_);
  last_load_ = options;
}

void FakeState::running(std::size_t items) {
  ++forwards_;
  items_ += items;
  std::uint64_t largest = largest_batch_;
  while (items > largest && !largest_batch_.compare_exchange_weak(largest, items)) {
  }
}

bool FakeState::called_on_this_thread() { return this_thread_called; }

void FakeState::called() { this_thread_called = true; }

void FakeState::reset() {
  for (auto* count : {&inspects_, &loads_, &forwards_, &items_, &largest_batch_, &wrong_calls_})
    *count = 0;
  const std::lock_guard lock(mutex_);
  for (auto& [name, gate] : gates_) gate.open = false;
}

}  // namespace torchinfer::test
