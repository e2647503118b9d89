// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

#include "preprocess/filters.h"

namespace torchinfer {

/// Between which two chroma samples of half resolution, along one axis, a luma sample lies, and how
/// many quarters of the way from `before` to `after`.
struct ChromaPlace {
  int before = 0;
  int after = 0;
  int quarters = 0;
  bool operator==(const ChromaPlace&) const = default;
};

/// Chroma sample j sits on luma sample 2j when `cosited`, else half way between 2j and 2j + 1.
/// `luma` lies within `source`; of chroma samples that do not cover any of `source` the nearest one
/// that does is named instead.
inline ChromaPlace chroma_place(int luma, Span source, bool cosited) {
  // In quarters of the distance between chroma samples, counted from one sample before the first.
  const int position = 4 + 2 * luma - (cosited ? 0 : 1);
  const int before = position / 4 - 1;
  const int low = source.begin / 2;
  const int high = (source.begin + source.size - 1) / 2;
  return {std::clamp(before, low, high), std::clamp(before + 1, low, high), position % 4};
}

}  // namespace torchinfer
