// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine/module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "build_id.h"
#include "engine/foreign_libtorch.h"
#include "engine/guard.h"
#include "engine/signal_handlers.h"

namespace torchinfer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "libtorchinfer-torch.so";
constexpr const char* kVariable = "GST_TORCH_MODULE_PATH";
constexpr const char* kSymbol = "torchinfer_module";

Result<fs::path> module_path() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this project sets variables
  const char* folder = std::getenv(kVariable);
  if (folder != nullptr && *folder != '\0') return fs::path(folder) / kFile;
  Dl_info self{};
  if (dladdr(reinterpret_cast<const void*>(&open_back_end), &self) == 0 ||
      self.dli_fname == nullptr)
    return Status(Code::kModuleMissing, std::string("libtorchinfer.so does not know where it lies; "
                                                    "set ") +
                                            kVariable + " to the folder of " + kFile);
  return fs::path(self.dli_fname).parent_path() / kFile;
}

Status missing(const fs::path& path, const std::string& problem) {
  return Status(Code::kModuleMissing, "The back-end module " + path.string() + " " + problem);
}

Result<BackEnd*> open_module(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error))
    return missing(path, std::string("is not there; install gst-plugins-torch with its libtorch "
                                     "module, or set ") +
                             kVariable + " to the folder of " + kFile);
  const std::string foreign = find_foreign_libtorch(path.string());
  if (!foreign.empty())
    return Status(Code::kForeignLibtorch,
                  "This process has a libtorch already, " + foreign +
                      ", which is not the one that " + path.string() +
                      " is made for. Two of them crash: use a build of the module for that "
                      "libtorch, or keep the two in processes of their own");

  const SignalHandlersKept handlers;
  // RTLD_NODELETE: libtorch cannot be unloaded. Nothing of it may resolve anybody else's symbols.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr)
    // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps an error for each thread
    return missing(path, std::string("cannot be opened (") + dlerror() +
                             "); is the libtorch installed that it was built with?");
  const auto* module = static_cast<const Module*>(dlsym(handle, kSymbol));
  if (module == nullptr) return missing(path, std::string("has no symbol ") + kSymbol);
  if (std::strcmp(module->build_id, TORCHINFER_BUILD_ID) != 0)
    return missing(path, std::string("is of another build (") + module->build_id +
                             "; this one is " + TORCHINFER_BUILD_ID +
                             "); install module and plugin from the same build");
  Status status;
  BackEnd* back_end = module->create(&status);
  if (back_end != nullptr) return back_end;
  if (status.ok()) return missing(path, "gave no back-end and no reason");
  return status;
}

}  // namespace

Result<BackEnd*> open_back_end() {
  static std::mutex mutex;  // one opener at a time, so that handlers are restored in order
  static BackEnd* opened = nullptr;
  return guarded(Code::kModuleMissing, "Opening the back-end module", []() -> Result<BackEnd*> {
    const std::lock_guard lock(mutex);
    if (opened != nullptr) return opened;
    const auto path = module_path();
    if (!path.ok()) return path.status();
    auto back_end = open_module(*path);
    if (back_end.ok()) opened = *back_end;
    return back_end;
  });
}

Result<std::string> back_end_path() {
  auto path = module_path();
  if (!path) return path.status();
  return path->string();
}

std::string core_build_id() { return TORCHINFER_BUILD_ID; }

}  // namespace torchinfer
