// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gmock/gmock.h>

#include <ostream>
#include <string>

#include "core/status.h"

namespace torchinfer {

// Found by gtest through the argument's namespace.
inline void PrintTo(const Status& status, std::ostream* out) {
  *out << to_string(status.code()) << " \"" << status.message() << '"';
}

namespace test {

MATCHER(IsOk, "is Ok") { return arg.ok(); }

/// A failure of this code whose message names all that matters: each of `parts` stands in it.
MATCHER_P(HasCode, code, "has the code " + std::string(to_string(code))) {
  return arg.code() == code;
}

MATCHER_P(Says, part, "says \"" + std::string(part) + "\"") {
  return arg.message().find(part) != std::string::npos;
}

template <class... Parts>
auto FailsWith(Code code, Parts... parts) {
  return testing::AllOf(HasCode(code), Says(std::string(parts))...);
}

}  // namespace test
}  // namespace torchinfer
