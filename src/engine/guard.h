// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "core/status.h"

namespace torchinfer {

/// A copy for where nothing may be thrown: when memory is out, the code alone remains.
inline Status copy_of(const Status& status) noexcept {
  try {
    return status;
  } catch (...) {
    return Status(status.code(), "out of memory");  // short enough to need none
  }
}

/// What to say of an exception. Only the first line of `what` is for the user, since libtorch's
/// texts run to pages; all of it is the detail.
inline Status status_of_exception(Code code, const char* doing, const char* what) noexcept {
  try {
    const std::string text = what;
    return Status(code, std::string(doing) + " threw: " + text.substr(0, text.find('\n')), text);
  } catch (...) {
    return Status(code, "out of memory");
  }
}

/// Runs `action`, which returns a Status or a Result, and turns whatever it throws into a Status
/// with `code` (kOutOfMemory for std::bad_alloc): back-ends, libtorch below them and the standard
/// library throw, and no exception may end a worker or reach C code. `doing` begins the message,
/// e.g. "The forward".
template <class F>
std::invoke_result_t<F> guarded(Code code, const char* doing, F&& action) noexcept {
  try {
    return std::forward<F>(action)();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return status_of_exception(code, doing, error.what());
  } catch (...) {
    return status_of_exception(code, doing, "something that is no std::exception");
  }
}

}  // namespace torchinfer
