// SPDX-License-Identifier: LGPL-2.1-or-later
#include "torch/errors.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <new>

#include "model/text.h"

namespace torchinfer {
namespace {

constexpr std::string_view kInterpreterPrefix = "The following operation failed in";
constexpr std::string_view kTraceback = "\nTraceback of TorchScript";
constexpr std::string_view kBacktraceStart = "Exception raised from ";
constexpr std::string_view kEnforcePrefix = "[enforce fail at ", kEnforceEnd = "] . ";
constexpr std::string_view kRequestToReport = "(Could this error message be improved?";
constexpr std::size_t kLongestLine = 500;

std::string_view without_space(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Whether a line reads "Some.Error: text", which is how the interpreter ends.
bool names_an_error(std::string_view line) {
  const auto colon = line.find(": ");
  if (colon == line.npos || colon == 0) return false;
  return std::ranges::all_of(line.substr(0, colon), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.';
  });
}

std::string_view first_line(std::string_view text) {
  text = without_space(text);
  return without_space(text.substr(0, text.find('\n')));
}

bool says_out_of_memory(std::string_view text) {
  // The interpreter rethrows everything as std::runtime_error, so the type is lost and the text is
  // all there is.
  return text.find("DefaultCPUAllocator: ") != text.npos ||
         text.find("std::bad_alloc") != text.npos || text.find("out of memory") != text.npos;
}

Status make_status(Code code, std::string_view doing, std::string_view text) {
  text = without_backtrace(text);
  if (says_out_of_memory(text)) code = Code::kOutOfMemory;
  return {code, std::string(doing) + ": " + useful_line(text), std::string(without_space(text))};
}

}  // namespace

std::string_view without_backtrace(std::string_view text) {
  return text.substr(0, text.find(kBacktraceStart));
}

std::string useful_line(std::string_view text) {
  text = without_space(without_backtrace(text));
  std::string_view found;
  if (text.starts_with(kInterpreterPrefix)) {
    for (auto rest = text.substr(text.rfind(kTraceback) + 1); !rest.empty() && found.empty();) {
      const auto line = rest.substr(0, rest.find('\n'));
      if (names_an_error(line)) found = line;
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    for (const std::string_view prefix : {"builtins.", "RuntimeError: "})
      if (found.starts_with(prefix)) found.remove_prefix(prefix.size());
  }
  if (without_space(found).empty()) found = first_line(text);
  if (found.starts_with(kEnforcePrefix) && found.find(kEnforceEnd) != found.npos)
    found.remove_prefix(found.find(kEnforceEnd) + kEnforceEnd.size());
  found = without_space(found.substr(0, found.find(kRequestToReport)));
  if (found.empty()) return "unknown error";
  // The text may hold whatever bytes the model holds; what is left is UTF-8 without control
  // characters.
  const auto clean = torchinfer::quoted(found, kLongestLine);
  return clean.substr(1, clean.size() - 2);
}

Status status_of_exception(Code otherwise, std::string_view doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, std::string(doing) + ": out of memory"};
  } catch (const c10::OutOfMemoryError& error) {
    return make_status(Code::kOutOfMemory, doing, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return make_status(otherwise, doing, error.what_without_backtrace());
  } catch (const std::exception& error) {
    return make_status(otherwise, doing, error.what());
  } catch (...) {
    return {otherwise, std::string(doing) + ": an exception of unknown type"};
  }
}

}  // namespace torchinfer
