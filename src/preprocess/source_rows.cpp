// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/source_rows.h"

#include <algorithm>

#include "preprocess/chroma_place.h"

namespace torchinfer {
namespace {

/// The pairs of luma columns, each pair sharing a chroma sample, that the plan's columns touch.
Span column_pairs(const PreprocessPlan& plan) {
  const int first = plan.x.begin / 2;
  return {first, (plan.x.begin + plan.x.length + 1) / 2 - first};
}

/// Whether the channels of a row are still side by side when it is turned.
bool are_interleaved(PixelStep step) {
  return step == PixelStep::kNone || step == PixelStep::kExpand;
}

/// How scratch is divided; in bytes, each part on cache lines of its own.
struct Parts {
  std::size_t turned = 0;
  std::size_t stretched = 0;
  std::size_t blended = 0;
  std::size_t chroma = 0;
};

Parts parts_of(const PreprocessPlan& plan) {
  const auto lines = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
  const auto columns = static_cast<std::size_t>(plan.x.length);
  const std::size_t pixel = plan.layout().pixel_bytes[0];
  Parts parts;
  parts.turned = lines(columns * kLanes * std::max(pixel, static_cast<std::size_t>(plan.channels)));
  parts.stretched = lines(columns * pixel);
  if (plan.step == PixelStep::kYuvToRgb) {
    const auto pairs = static_cast<std::size_t>(column_pairs(plan).size);
    parts.blended = lines((pairs + 2) * plan.layout().pixel_bytes[1] * sizeof(std::uint16_t));
    parts.chroma = lines(pairs * 2 * sizeof(std::uint16_t));
  }
  return parts;
}

}  // namespace

std::size_t SourceRows::scratch_bytes(const PreprocessPlan& plan) {
  const Parts parts = parts_of(plan);
  return 2 * parts.turned + parts.stretched + parts.blended + 2 * parts.chroma;
}

SourceRows::SourceRows(const CpuKernels& kernels, const PreprocessPlan& plan,
                       const ImageView& image, std::uint8_t* scratch)
    : kernels_(kernels),
      plan_(plan),
      image_(image),
      layout_(plan.layout()),
      columns_(plan.x.length),
      pixel_bytes_(layout_.pixel_bytes[0]) {
  const Parts parts = parts_of(plan);
  const auto take = [&scratch](std::size_t bytes) {
    std::uint8_t* const part = scratch;
    scratch += bytes;
    return part;
  };
  turned_ = take(parts.turned);
  converted_ = take(parts.turned);
  stretched_ = take(parts.stretched);
  blended_ = reinterpret_cast<std::uint16_t*>(take(parts.blended));
  for (std::int16_t*& chroma : uv_) {
    chroma = reinterpret_cast<std::int16_t*>(take(parts.chroma));
  }

  const bool interleaved = are_interleaved(plan.step);
  rows_.step = interleaved ? pixel_bytes_ * kLanes : kLanes;
  for (std::size_t c = 0; c < static_cast<std::size_t>(plan.channels); ++c) {
    rows_.first[c] = turned_ + (interleaved ? layout_.samples[c].offset * std::size_t{kLanes}
                                            : c * static_cast<std::size_t>(columns_ * kLanes));
  }
}

const TurnedRows& SourceRows::read(int row) {
  const int last = plan_.y.begin + plan_.y.length - 1;
  const std::uint8_t* rows[3][kLanes];
  const bool interleaved = are_interleaved(plan_.step);
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{columns_} * (interleaved ? pixel_bytes_ : 1);
  const int turns = interleaved ? 1 : plan_.channels;
  for (int lane = 0; lane < kLanes; ++lane) {
    if (row + lane > last) {
      for (int c = 0; c < turns; ++c) rows[c][lane] = rows[c][lane - 1];
      continue;
    }
    std::uint8_t* to[3];
    for (int c = 0; c < turns; ++c) {
      rows[c][lane] = to[c] = converted_ + (c * kLanes + lane) * row_bytes;
    }
    switch (plan_.step) {
      case PixelStep::kNone:
      case PixelStep::kExpand: rows[0][lane] = convert_bytes(row + lane, to[0]); break;
      case PixelStep::kRgbToLuma: convert_luma(row + lane, to[0]); break;
      case PixelStep::kYuvToRgb: convert_yuv(row + lane, to); break;
    }
  }
  for (int c = 0; c < turns; ++c) {
    kernels_.turn_rows(rows[c], static_cast<int>(row_bytes), turned_ + c * row_bytes * kLanes);
  }
  return rows_;
}

const std::uint8_t* SourceRows::at(int plane, int row, int column) const {
  const Plane& source = image_.planes[static_cast<std::size_t>(plane)];
  return reinterpret_cast<const std::uint8_t*>(source.data) + row * source.stride +
         std::ptrdiff_t{column} * layout_.pixel_bytes[static_cast<std::size_t>(plane)];
}

/// Where the row's bytes are, which is in the frame itself if they are fine as they are.
const std::uint8_t* SourceRows::convert_bytes(int row, std::uint8_t* to) {
  const std::uint8_t* const from = at(0, row, plan_.x.begin);
  if (plan_.step == PixelStep::kNone) return from;
  kernels_.expand(from, plan_.expansion, columns_ * pixel_bytes_, to);
  return to;
}

void SourceRows::convert_luma(int row, std::uint8_t* to) {
  const std::uint8_t* from = at(0, row, plan_.x.begin);
  if (plan_.format.color.range == ColorRange::kLimited) {
    kernels_.expand(from, plan_.expansion, columns_ * pixel_bytes_, stretched_);
    from = stretched_;
  }
  const std::uint8_t offsets[] = {layout_.samples[0].offset, layout_.samples[1].offset,
                                  layout_.samples[2].offset};
  kernels_.rgb_to_luma(from, pixel_bytes_, offsets, columns_, to);
}

void SourceRows::convert_yuv(int row, std::uint8_t* const* rgb) {
  interpolate_chroma(row);
  const int odd = plan_.x.begin % 2;
  kernels_.yuv_to_rgb(at(0, row, plan_.x.begin), uv_[0] + odd, uv_[1] + odd, plan_.matrix, columns_,
                      rgb);
}

void SourceRows::interpolate_chroma(int row) {
  const Region& source = plan_.geometry.source;
  const ChromaSite& site = plan_.format.color.chroma;
  const Span pairs = column_pairs(plan_);
  const ChromaPlace place = chroma_place(row, {source.y, source.height}, site.vertically_cosited);
  // One sample more on either side, as far as the source reaches; beyond, the last is repeated.
  const int low = std::max(source.x / 2, pairs.begin - 1);
  const int high = std::min((source.x + source.width - 1) / 2, pairs.begin + pairs.size);

  for (int plane = 1; plane < layout_.planes; ++plane) {
    const int step = layout_.pixel_bytes[static_cast<std::size_t>(plane)];
    const auto sample = [&](int column) {
      return blended_ + std::ptrdiff_t{column - pairs.begin + 1} * step;
    };
    kernels_.blend_chroma(at(plane, place.before, low), at(plane, place.after, low), place.quarters,
                          (high - low + 1) * step, sample(low));
    if (low == pairs.begin) std::copy_n(sample(low), step, sample(low - 1));
    if (high < pairs.begin + pairs.size) std::copy_n(sample(high), step, sample(high + 1));
    for (std::size_t i = 0; i < 2; ++i) {
      const SamplePlace& chroma = layout_.samples[i + 1];
      if (chroma.plane != plane) continue;
      kernels_.spread_chroma(sample(pairs.begin) + chroma.offset, step, site.horizontally_cosited,
                             pairs.size, uv_[i]);
    }
  }
}

}  // namespace torchinfer
