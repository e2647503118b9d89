// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/cpu_preprocess.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "preprocess/plan_data.h"

namespace torchinfer {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr int kMaxPlanes = 3;

std::size_t round_up_to_line(std::size_t floats) {
  constexpr std::size_t kFloats = kAlignment / sizeof(float);
  return (floats + kFloats - 1) / kFloats * kFloats;
}

/// One thread's rows between the passes. Grows to the largest plan the thread has met, and stays.
class Scratch {
 public:
  /// `floats` floats, or null when memory is exhausted.
  float* get(std::size_t floats) {
    if (floats > size_) {
      void* memory =
          ::operator new(floats * sizeof(float), std::align_val_t{kAlignment}, std::nothrow);
      if (memory == nullptr) return nullptr;
      memory_.reset(static_cast<float*>(memory));
      size_ = floats;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(float* memory) const {
      ::operator delete(memory, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

/// What the CPU does for each plane of each output row.
struct PlanePass {
  const AxisFilter* down = nullptr;
  const AxisFilter* across = nullptr;
  const std::uint8_t* origin = nullptr;  ///< first byte of the first row and column that is read
  std::ptrdiff_t stride = 0;
  int pixel_bytes = 0;
  int row_bytes = 0;
  std::array<std::uint8_t, 3> offsets{};
  std::array<float*, 3> filtered{};  ///< where each sample's filtered row goes
};

class Run {
 public:
  Run(const CpuKernels& kernels, const PreprocessPlan& plan, std::byte* out)
      : kernels_(kernels),
        plan_(plan),
        input_(plan.params.input),
        content_(plan.geometry.content),
        row_floats_(round_up_to_line(static_cast<std::size_t>(content_.width))),
        out_(out) {}

  Status operator()(const ImageView& image) {
    thread_local Scratch scratch;
    float* const memory = scratch.get(blended_floats() + 6 * row_floats_);
    if (memory == nullptr) {
      return {Code::kOutOfMemory, "There is no memory left to preprocess a frame."};
    }
    set_up_rows(memory);
    set_up_planes(image);
    pad_rows(0, content_.y);
    for (int row = 0; row < content_.height; ++row) make_row(row);
    pad_rows(content_.y + content_.height, input_.height);
    return {};
  }

 private:
  std::size_t row_bytes(int plane) const {
    return static_cast<std::size_t>(plan_.across(plane).length) *
           plan_.layout().pixel_bytes[static_cast<std::size_t>(plane)];
  }

  std::size_t blended_floats() const {
    std::size_t most = 0;
    for (int plane = 0; plane < plan_.layout().planes; ++plane) {
      if (plan_.reads_plane(plane)) most = std::max(most, row_bytes(plane));
    }
    return round_up_to_line(most);
  }

  bool writes_rows_directly() const {
    return input_.dtype == DType::kFloat32 &&
           (input_.layout == Layout::kNchw || input_.channels == 1);
  }

  void set_up_rows(float* memory) {
    for (std::size_t i = 0; i < 3; ++i) {
      filtered_[i] = memory + i * row_floats_;
      mapped_[i] = memory + (3 + i) * row_floats_;
    }
    blended_ = memory + 6 * row_floats_;
  }

  void set_up_planes(const ImageView& image) {
    const FormatLayout& layout = plan_.layout();
    for (int plane = 0; plane < layout.planes; ++plane) {
      if (!plan_.reads_plane(plane)) continue;
      const AxisFilter& across = plan_.across(plane);
      const Plane& source = image.planes[static_cast<std::size_t>(plane)];
      PlanePass& pass = passes_[pass_count_++];
      pass.down = &plan_.down(plane);
      pass.across = &across;
      pass.pixel_bytes = layout.pixel_bytes[static_cast<std::size_t>(plane)];
      pass.stride = source.stride;
      pass.origin = reinterpret_cast<const std::uint8_t*>(source.data) +
                    pass.down->begin * source.stride +
                    static_cast<std::ptrdiff_t>(across.begin) * pass.pixel_bytes;
      pass.row_bytes = static_cast<int>(row_bytes(plane));
      std::size_t samples = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(plan_.color.inputs); ++i) {
        if (layout.samples[i].plane != plane) continue;
        pass.offsets[samples] = layout.samples[i].offset;
        pass.filtered[samples] = filtered_[i];
        ++samples;
      }
    }
  }

  void make_row(int row) {
    for (std::size_t i = 0; i < pass_count_; ++i) {
      const PlanePass& pass = passes_[i];
      const AxisFilter& down = *pass.down;
      kernels_.blend_rows(pass.origin + down.first[static_cast<std::size_t>(row)] * pass.stride,
                          pass.stride,
                          down.weights.data() + static_cast<std::ptrdiff_t>(row) * down.taps,
                          down.taps, pass.row_bytes, blended_);
      kernels_.filter_row(blended_, pass.pixel_bytes, pass.offsets.data(), *pass.across,
                          pass.filtered.data());
    }

    const int target_row = content_.y + row;
    std::array<float*, 3> mapped = mapped_;
    if (writes_rows_directly()) {
      for (int c = 0; c < input_.channels; ++c) {
        mapped[static_cast<std::size_t>(c)] =
            reinterpret_cast<float*>(target(c, target_row, content_.x));
      }
    }
    kernels_.map_colors(filtered_.data(), plan_.color, content_.width, mapped.data());
    if (!writes_rows_directly()) store(mapped, target_row, content_.x, content_.width);
    pad_columns(target_row, 0, content_.x);
    pad_columns(target_row, content_.x + content_.width, input_.width);
  }

  /// Where channel `c` of a pixel lies; for NHWC the channels of a pixel are neighbours.
  std::byte* target(int c, int row, int column) const {
    const std::size_t pixel =
        static_cast<std::size_t>(row) * static_cast<std::size_t>(input_.width) +
        static_cast<std::size_t>(column);
    const std::size_t plane =
        static_cast<std::size_t>(input_.width) * static_cast<std::size_t>(input_.height);
    const std::size_t channel = static_cast<std::size_t>(c);
    const std::size_t index = input_.layout == Layout::kNchw
                                  ? channel * plane + pixel
                                  : pixel * static_cast<std::size_t>(input_.channels) + channel;
    return out_ + index * size_of(input_.dtype);
  }

  void store(const std::array<float*, 3>& rows, int row, int column, int count) {
    if (input_.layout == Layout::kNhwc) {
      store_interleaved(rows.data(), input_.channels, count, target(0, row, column));
      return;
    }
    for (int c = 0; c < input_.channels; ++c) {
      store_interleaved(rows.data() + c, 1, count, target(c, row, column));
    }
  }

  void store_interleaved(const float* const* rows, int channels, int count, std::byte* to) {
    switch (input_.dtype) {
      case DType::kUint8: return kernels_.store_u8(rows, channels, count, to);
      case DType::kFloat16: return kernels_.store_f16(rows, channels, count, to);
      case DType::kBfloat16: return kernels_.store_bf16(rows, channels, count, to);
      default: return kernels_.store_f32(rows, channels, count, to);
    }
  }

  void pad_rows(int begin, int end) {
    for (int row = begin; row < end; ++row) pad_columns(row, 0, input_.width);
  }

  /// In pieces of content's width, since the scratch rows are no longer than that.
  void pad_columns(int row, int begin, int end) {
    if (begin >= end) return;
    const int piece = std::min(end - begin, content_.width);
    for (std::size_t c = 0; c < static_cast<std::size_t>(input_.channels); ++c) {
      std::fill_n(mapped_[c], piece, plan_.pad[c]);
    }
    for (int column = begin; column < end; column += piece) {
      store(mapped_, row, column, std::min(piece, end - column));
    }
  }

  const CpuKernels& kernels_;
  const PreprocessPlan& plan_;
  const InputSpec& input_;
  const Region& content_;
  const std::size_t row_floats_;
  std::byte* const out_;
  float* blended_ = nullptr;
  std::array<float*, 3> filtered_{};
  std::array<float*, 3> mapped_{};
  std::array<PlanePass, kMaxPlanes> passes_;
  std::size_t pass_count_ = 0;
};

}  // namespace

Status preprocess_on_cpu_with(const CpuKernels& kernels, const PreprocessPlan& plan,
                              const ImageView& image, std::byte* out) {
  if (image.format != plan.format) {
    return {Code::kInvalidArgument, "The frame's format is not the one its plan was made for."};
  }
  if (image.where.kind != DeviceId::Kind::kCpu) {
    return {Code::kUnsupported, "The frame lies in " + to_string(image.where) +
                                    " memory, which the CPU's kernels cannot read."};
  }
  for (int plane = 0; plane < plan.layout().planes; ++plane) {
    if (image.planes[static_cast<std::size_t>(plane)].data == nullptr && plan.reads_plane(plane)) {
      return {Code::kInvalidArgument,
              "Plane " + std::to_string(plane) + " of the frame is missing."};
    }
  }
  return Run(kernels, plan, out)(image);
}

Status preprocess_on_cpu(const PreprocessPlan& plan, const ImageView& image, std::byte* out) {
  return preprocess_on_cpu_with(usable_cpu_kernels().back(), plan, image, out);
}

}  // namespace torchinfer
