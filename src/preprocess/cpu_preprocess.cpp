// SPDX-License-Identifier: LGPL-2.1-or-later
#include "preprocess/cpu_preprocess.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "preprocess/plan_data.h"
#include "preprocess/source_rows.h"

namespace torchinfer {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t whole_lines(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// One thread's memory between the passes. Grows to the largest plan the thread has met, and stays.
class Scratch {
 public:
  /// Null when memory is exhausted.
  std::uint8_t* get(std::size_t bytes) {
    if (bytes > size_) {
      void* memory = ::operator new(bytes, std::align_val_t{kAlignment}, std::nothrow);
      if (memory == nullptr) return nullptr;
      memory_.reset(static_cast<std::uint8_t*>(memory));
      size_ = bytes;
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(std::uint8_t* memory) const {
      ::operator delete(memory, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<std::uint8_t, Free> memory_;
  std::size_t size_ = 0;
};

/// Writes rows of resized samples into the model's input, and padding around them.
class InputWriter {
 public:
  InputWriter(const PreprocessPlan& plan, std::byte* out)
      : plan_(plan), input_(plan.params.input), content_(plan.geometry.content), out_(out) {}

  /// Row `row` of the content; `samples` holds its channels one after the other.
  void write(int row, const std::uint8_t* samples) const {
    const int target = content_.y + row;
    for (int c = 0; c < input_.channels; ++c) {
      const std::size_t from = static_cast<std::size_t>(plan_.order[static_cast<std::size_t>(c)]) *
                               static_cast<std::size_t>(content_.width);
      put(c, target, content_.x, content_.width, [in = samples + from](int i) { return in[i]; });
    }
    pad(target, 0, content_.x);
    pad(target, content_.x + content_.width, input_.width);
  }

  void pad_above_and_below() const {
    for (int row = 0; row < content_.y; ++row) pad(row, 0, input_.width);
    for (int row = content_.y + content_.height; row < input_.height; ++row) {
      pad(row, 0, input_.width);
    }
  }

 private:
  void pad(int row, int begin, int end) const {
    for (int c = 0; c < input_.channels; ++c) {
      put(c, row, begin, end - begin, [value = plan_.params.pad_value](int) { return value; });
    }
  }

  template <class Sample>
  void put(int c, int row, int column, int count, Sample sample) const {
    switch (size_of(input_.dtype)) {
      case 1: return put_codes<std::uint8_t>(c, row, column, count, sample);
      case 2: return put_codes<std::uint16_t>(c, row, column, count, sample);
      default: return put_codes<std::uint32_t>(c, row, column, count, sample);
    }
  }

  template <class Code, class Sample>
  void put_codes(int c, int row, int column, int count, Sample sample) const {
    const SampleCodes& codes = plan_.codes[static_cast<std::size_t>(c)];
    const std::ptrdiff_t width = input_.width;
    const std::ptrdiff_t pixel = row * width + column;
    const bool planar = input_.layout == Layout::kNchw;
    const std::ptrdiff_t step = planar ? 1 : input_.channels;
    Code* out = reinterpret_cast<Code*>(out_) +
                (planar ? c * width * input_.height + pixel : pixel * step + c);
    for (int i = 0; i < count; ++i, out += step) {
      *out = static_cast<Code>(codes[static_cast<std::size_t>(sample(i))]);
    }
  }

  const PreprocessPlan& plan_;
  const InputSpec& input_;
  const Region& content_;
  std::byte* const out_;
};

/// The rows that have been filtered across and not yet been passed by the filter down: a window
/// that slides over the frame, moved to the front of its memory when that is full.
class NarrowRows {
 public:
  static int capacity(const PreprocessPlan& plan) { return 2 * plan.y.taps + kLanes; }
  static std::size_t row_bytes(const PreprocessPlan& plan) {
    return static_cast<std::size_t>(plan.channels) *
           static_cast<std::size_t>(plan.geometry.content.width);
  }

  NarrowRows(const CpuKernels& kernels, const PreprocessPlan& plan, SourceRows& source,
             std::uint8_t* memory)
      : kernels_(kernels), plan_(plan), source_(source), memory_(memory) {}

  /// Rows `first` to `first` + taps, counted from plan.y.begin; `first` never falls.
  const std::uint8_t* get(int first) {
    while (end_ < first + plan_.y.taps) {
      if (end_ + kLanes - begin_ > capacity(plan_)) drop_before(first);
      kernels_.filter_across(source_.read(plan_.y.begin + end_), plan_.channels, plan_.x,
                             static_cast<std::ptrdiff_t>(row_bytes(plan_)), row(end_));
      end_ += kLanes;
    }
    return row(first);
  }

 private:
  std::uint8_t* row(int index) const {
    return memory_ + static_cast<std::size_t>(index - begin_) * row_bytes(plan_);
  }
  void drop_before(int first) {
    std::copy(row(first), row(end_), memory_);
    begin_ = first;
  }

  const CpuKernels& kernels_;
  const PreprocessPlan& plan_;
  SourceRows& source_;
  std::uint8_t* const memory_;
  int begin_ = 0;
  int end_ = 0;
};

Status run(const CpuKernels& kernels, const PreprocessPlan& plan, const ImageView& image,
           std::byte* out) {
  const std::size_t row_bytes = NarrowRows::row_bytes(plan);
  const std::size_t source_bytes = SourceRows::scratch_bytes(plan);
  const std::size_t narrow_bytes =
      whole_lines(row_bytes * static_cast<std::size_t>(NarrowRows::capacity(plan)));
  const std::size_t sum_bytes = whole_lines(row_bytes * sizeof(std::int32_t));
  thread_local Scratch scratch;
  std::uint8_t* const memory =
      scratch.get(source_bytes + narrow_bytes + sum_bytes + whole_lines(row_bytes));
  if (memory == nullptr) {
    return {Code::kOutOfMemory, "There is no memory left to preprocess a frame."};
  }
  std::uint8_t* const narrow_memory = memory + source_bytes;
  auto* const sums = reinterpret_cast<std::int32_t*>(narrow_memory + narrow_bytes);
  std::uint8_t* const samples = narrow_memory + narrow_bytes + sum_bytes;

  SourceRows source(kernels, plan, image, memory);
  NarrowRows narrow(kernels, plan, source, narrow_memory);
  const InputWriter writer(plan, out);
  writer.pad_above_and_below();
  const std::int32_t* weights = plan.y.weights.data();
  for (int row = 0; row < plan.geometry.content.height; ++row, weights += plan.y.taps) {
    kernels.filter_down(narrow.get(plan.y.first[static_cast<std::size_t>(row)]),
                        static_cast<std::ptrdiff_t>(row_bytes), weights, plan.y.taps,
                        static_cast<int>(row_bytes), sums, samples);
    writer.write(row, samples);
  }
  return {};
}

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
  return run(kernels, plan, image, out);
}

Status preprocess_on_cpu(const PreprocessPlan& plan, const ImageView& image, std::byte* out) {
  return preprocess_on_cpu_with(usable_cpu_kernels().back(), plan, image, out);
}

}  // namespace torchinfer
