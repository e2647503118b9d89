// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "core/status.h"

namespace torchinfer {

/// Runs `action`, which returns a Status or a Result, and turns whatever it throws into a Status
/// with `code` (kOutOfMemory for std::bad_alloc): back-ends, libtorch below them and the standard
/// library throw, and no exception may end a worker or reach C code. `doing` begins the message,
/// e.g. "The forward"; only the first line of what() follows, since libtorch's texts run to pages.
template <class F>
std::invoke_result_t<F> guarded(Code code, const char* doing, F&& action) {
  try {
    return std::forward<F>(action)();
  } catch (const std::bad_alloc&) {
    return Status(Code::kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return Status(code, std::string(doing) + " threw: " + what.substr(0, what.find('\n')), what);
  } catch (...) {
    return Status(code, std::string(doing) + " threw something that is no std::exception");
  }
}

}  // namespace torchinfer
