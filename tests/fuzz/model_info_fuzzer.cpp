// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever a model info holds, it is refused with a text or keeps the promises that the
// preprocessing relies on.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/model_info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace torchinfer;
  const auto info = parse_model_info({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (!info) {
    if (info.status().message().empty()) std::abort();
    return 0;
  }
  const PreprocessParams& params = info->preprocess;
  const InputSpec& input = params.input;
  const auto side = [](int pixels) { return pixels >= 1 && pixels <= 16384; };
  bool good = (input.channels == 1 || input.channels == 3) && side(input.height) &&
              side(input.width) && params.pad_value >= 0 && params.pad_value <= 255 &&
              (params.color == ColorOrder::kGray) == (input.channels == 1);
  if (params.resize == ResizePolicy::kShortSide) {
    good = good && side(params.resize_size) &&
           params.resize_size >= std::max(input.height, input.width);
  }
  for (const auto& range : params.ranges) {
    good = good && std::isfinite(range.min) && std::isfinite(range.max) && range.min != range.max;
  }
  if (!good) std::abort();
  return 0;
}
