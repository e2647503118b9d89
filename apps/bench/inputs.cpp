// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench/inputs.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "core/image_view.h"
#include "engine/input_file.h"
#include "engine/shapes.h"
#include "model/text.h"

namespace torchinfer::bench {
namespace {

/// More than caches hold of a large frame, less than memory.
constexpr int kFrames = 4;
constexpr int kLargestStep = 24;

class Frames final : public Inputs {
 public:
  Frames(int width, int height) : width_(width), height_(height) {
    std::minstd_rand random(1);  // NOLINT(cert-msc51-cpp): the same in each run on purpose
    for (int i = 0; i < kFrames; ++i) frames_.push_back(make(i, random));
  }

  std::size_t count() const override { return frames_.size(); }

  Result<std::shared_ptr<FrameResult>> submit(Session& session, std::size_t number) const override {
    return session.submit(frames_[number % frames_.size()], {}, nullptr);
  }

  Status check(const InputSpec&) const override { return {}; }

  std::string description() const override {
    return std::to_string(width_) + "x" + std::to_string(height_) + " I420 frames";
  }

 private:
  ImageView make(int number, std::minstd_rand& random) const {
    const auto half_width = (width_ + 1) / 2, half_height = (height_ + 1) / 2;
    const auto luma = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
    const auto chroma =
        static_cast<std::size_t>(half_width) * static_cast<std::size_t>(half_height);
    auto pixels = std::make_shared<std::vector<std::byte>>(luma + 2 * chroma);
    for (std::size_t i = 0; i < pixels->size(); ++i) {
      const auto gradient = i * 192 / pixels->size() + static_cast<std::size_t>(number) * 8;
      (*pixels)[i] = std::byte(16 + (gradient + random() % kLargestStep) % 220);
    }
    ImageView image;
    image.format.format = PixelFormat::kI420;
    image.format.width = width_;
    image.format.height = height_;
    image.planes[0] = {pixels->data(), width_};
    image.planes[1] = {pixels->data() + luma, half_width};
    image.planes[2] = {pixels->data() + luma + chroma, half_width};
    image.owner = std::move(pixels);
    return image;
  }

  const int width_, height_;
  std::vector<ImageView> frames_;
};

class Dump final : public Inputs {
 public:
  Dump(std::unique_ptr<InputFileReader> reader, std::string path)
      : reader_(std::move(reader)), path_(std::move(path)) {}

  std::size_t count() const override { return static_cast<std::size_t>(reader_->header().items); }

  Result<std::shared_ptr<FrameResult>> submit(Session& session, std::size_t number) const override {
    thread_local std::vector<std::byte> item;
    item.resize(reader_->header().item_bytes());
    const auto status = reader_->read(static_cast<std::int64_t>(number % count()), item);
    if (!status.ok()) return status;
    return session.submit(item, nullptr);
  }

  Status check(const InputSpec& input) const override {
    if (reader_->fits(input)) return {};
    const auto dims = input.layout == Layout::kNchw
                          ? std::vector<std::int64_t>{input.channels, input.height, input.width}
                          : std::vector<std::int64_t>{input.height, input.width, input.channels};
    return {Code::kInvalidArgument, "the inputs in " + quoted_path(path_) + " are " + shape() +
                                        ", and the model takes " + shape_text(input.dtype, dims) +
                                        ": they were dumped of another model"};
  }

  std::string description() const override {
    return std::to_string(count()) + " inputs of " + path_ + ", " + shape();
  }

 private:
  std::string shape() const {
    const auto& header = reader_->header();
    return shape_text(header.dtype, {header.dims.begin(), header.dims.end()});
  }

  const std::unique_ptr<InputFileReader> reader_;
  const std::string path_;
};

}  // namespace

std::unique_ptr<Inputs> make_frames(int width, int height) {
  return std::make_unique<Frames>(width, height);
}

Result<std::unique_ptr<Inputs>> open_dump(const std::string& path) {
  auto reader = InputFileReader::open(path);
  if (!reader) return reader.status();
  if ((*reader)->header().items == 0)
    return Status(Code::kInvalidArgument, quoted_path(path) + " holds no inputs");
  return std::unique_ptr<Inputs>(std::make_unique<Dump>(*std::move(reader), path));
}

}  // namespace torchinfer::bench
