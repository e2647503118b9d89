// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "core/export.h"

namespace torchinfer {

/// What went wrong, as far as a caller may have to act on it. The plugin has one table that turns
/// each code into an element error, so a new code needs a row there.
enum class Code : std::uint8_t {
  kOk,
  kInvalidArgument,    ///< a setting has an unusable value
  kNotFound,           ///< a file is not there
  kUnreadable,         ///< a file is there but cannot be opened or read
  kTooLarge,           ///< a file or what it unpacks to is over its cap
  kDigestMismatch,     ///< the model file is not the one that was pinned
  kCorruptModel,       ///< the file is not a TorchScript archive, or a damaged one
  kForbiddenOperator,  ///< the model's code names an operator that is refused
  kBadModelInfo,       ///< the model info cannot be parsed or contradicts the model
  kBadLabels,          ///< the labels cannot be read or do not fit the classes
  kUnsupported,        ///< well-formed, but not handled by this build
  kNoDevice,           ///< the device does not exist here or this build has no code for it
  kModuleMissing,      ///< the back-end module is not found, or is of another build
  kForeignLibtorch,    ///< the process already holds a libtorch that is not ours
  kOutOfMemory,        ///< host or device memory is exhausted
  kForwardFailed,      ///< the model threw
  kBadOutput,          ///< the model's output is not a tensor, has a wrong shape, or holds NaN
  kDeviceLost,         ///< the device answers no more
  kHung,               ///< a forward did not return
  kCancelled,          ///< the caller took the work back
  kInternal,           ///< a fault of this library
};

/// The code's name without the `k`, for logs.
TORCHINFER_API std::string_view to_string(Code code);

/// Success, or a code with a sentence a user can act on (what, where, what to do) and optional
/// detail for a log. A plain value: copyable, no thread affinity.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, std::string detail = {})
      : code_(code), message_(std::move(message)), detail_(std::move(detail)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& detail() const { return detail_; }

 private:
  Code code_ = Code::kOk;
  std::string message_;
  std::string detail_;
};

/// A value or the Status that says why there is none. Reading the absent side is a programming
/// error (std::bad_variant_access).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  // By value, so that `for (auto& item : *make())` reads no dead object.
  T value() && { return std::get<0>(std::move(state_)); }
  T operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Ok where there is a value.
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace torchinfer
