// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "engine/back_end.h"

namespace torchinfer::test {

/// What a test can ask of the fake back-end module and tell it. Thread-safe. The module's "model
/// files" are described in fake_model_text.h.
class FakeControl {
 public:
  /// A gate is closed until it is opened; a test that uses one opens it before it ends.
  virtual void open_gate(const std::string& name) = 0;
  virtual void close_gate(const std::string& name) = 0;
  /// Waits until that many threads stand at the gate; false after a minute.
  virtual bool await_at_gate(const std::string& name, int threads) = 0;

  virtual std::uint64_t inspects() = 0;
  virtual std::uint64_t loads() = 0;
  virtual std::uint64_t forwards() = 0;       ///< calls of Lane::run()
  virtual std::uint64_t items() = 0;          ///< tasks in them
  virtual std::uint64_t largest_batch() = 0;  ///< of them
  virtual int models() = 0;                   ///< alive
  virtual int lanes() = 0;                    ///< alive
  virtual LoadOptions last_load() = 0;
  /// Calls that broke the interface's word: a lane used off its thread, a task that is not staged,
  /// more tasks than the batch size, a forward after the process's static destructors have begun.
  virtual std::uint64_t wrong_calls() = 0;
  /// Whether this thread has ever called into the back-end, stage() apart.
  virtual bool called_on_this_thread() = 0;
  /// Counts from 0 again and closes all gates.
  virtual void reset() = 0;

 protected:
  ~FakeControl() = default;
};

/// The fake module of this process, opened if it is not yet, in the folder that
/// GST_TORCH_MODULE_PATH names. Throws std::runtime_error where there is none.
inline FakeControl& fake_control() {
  const char* folder = std::getenv("GST_TORCH_MODULE_PATH");
  const std::string path =
      std::string(folder != nullptr ? folder : ".") + "/libtorchinfer-torch.so";
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module == nullptr) throw std::runtime_error(dlerror());
  void* control = dlsym(module, "fake_module_control");
  if (control == nullptr) throw std::runtime_error(path + " is not the fake module");
  return *reinterpret_cast<FakeControl* (*)()>(control)();
}

}  // namespace torchinfer::test
