// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/input_spec.h"
#include "core/status.h"
#include "engine/session.h"

namespace torchinfer::bench {

/// What streams are fed with, over and over. Thread-safe.
class Inputs {
 public:
  virtual ~Inputs() = default;
  virtual std::size_t count() const = 0;
  /// Gives input `number` modulo count() to a session, as Session::submit() does.
  virtual Result<std::shared_ptr<FrameResult>> submit(Session& session,
                                                      std::size_t number) const = 0;
  /// Whether a model that takes `input` can be fed with them; the failure says why not.
  virtual Status check(const InputSpec& input) const = 0;
  /// For people: "1920x1080 I420 frames".
  virtual std::string description() const = 0;
};

/// A few frames of noise over a gradient, in I420 as decoders give it; preprocessing is part of
/// what is measured. Sizes in pixels, >= 1.
std::unique_ptr<Inputs> make_frames(int width, int height);

/// What dump-inputs saved (engine/input_file.h): no preprocessing. Fails as the reader does, and
/// for a file without items.
Result<std::unique_ptr<Inputs>> open_dump(const std::string& path);

}  // namespace torchinfer::bench
