// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace torchinfer {

/// The sentence of a libtorch error text that says what went wrong: TorchScript's errors put it
/// last, after two tracebacks of the model's code; others put it first. Never empty.
std::string useful_line(std::string_view text);

/// The text up to where libtorch appends addresses of its own C++ stack.
std::string_view without_backtrace(std::string_view text);

/// The exception that is being handled, as a Status: "<doing>: <useful line>", the whole text
/// without the C++ backtrace as its detail. kOutOfMemory for every form in which libtorch reports
/// that, else `otherwise`. To be called in a catch block, and by nobody else.
Status status_of_exception(Code otherwise, std::string_view doing);

/// Runs `body` (returning Status or a Result) and turns what it throws into a Status, so that
/// nothing leaves the module.
template <class Body>
auto guarded(Code otherwise, std::string_view doing, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return status_of_exception(otherwise, doing);
  }
}

}  // namespace torchinfer
