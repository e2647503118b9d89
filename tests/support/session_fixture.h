// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/session.h"
#include "support/fake/fake_module_control.h"
#include "support/status_matchers.h"
#include "support/temp_folder.h"

namespace torchinfer::test {

using namespace std::chrono_literals;

constexpr auto kSoon = 60s;  // real time, an upper bound for what happens at once

/// Counts wake-ups and lets a test wait for frames.
class TestWaker final : public Waker {
 public:
  void wake() noexcept override {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    changed_.notify_all();
  }
  int wakes() const {
    const std::lock_guard lock(mutex_);
    return wakes_;
  }
  /// Waits for the wake-up that says that the frame is complete; false after kSoon.
  bool await(const FrameResult& frame) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kSoon, [&] { return frame.complete(); });
  }
  bool await_wakes(int count, std::chrono::milliseconds patience = kSoon) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return wakes_ >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int wakes_ = 0;
};

/// A frame of one grey, 8x8 RGB. What the fake models make of it is the class `grey`.
inline ImageView grey_frame(int grey) {
  constexpr int kSide = 8;
  auto pixels = std::make_shared<std::vector<std::byte>>(kSide * kSide * 3, std::byte(grey));
  ImageView image;
  image.format = {PixelFormat::kRgb, kSide, kSide, {ColorMatrix::kRgb, ColorRange::kFull, {}}};
  image.planes[0] = {pixels->data(), kSide * 3};
  image.owner = std::move(pixels);
  return image;
}

/// Sessions on the fake back-end, which the build finds through GST_TORCH_MODULE_PATH.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() : control(fake_control()) { control.reset(); }

  /// A model file with these lines.
  std::string write_model(const std::string& lines, const std::string& name = "model.pt") {
    return folder.write(name, "fake-model 1\n" + lines);
  }

  SessionRequest request(const std::string& lines = "", int batch_size = 4, int workers = 1) {
    SessionRequest wanted;
    wanted.model_file = write_model(lines);
    wanted.batch_size = batch_size;
    wanted.workers = workers;
    wanted.threads = 1;
    return wanted;
  }

  static SessionSettings live() {
    SessionSettings settings;
    settings.live = true;
    return settings;
  }

  std::unique_ptr<Session> open(const SessionRequest& wanted,
                                const SessionSettings& settings = live()) {
    auto session = Session::open(wanted, settings);
    if (!session.ok()) throw std::runtime_error(session.status().message());
    return std::move(session).value();
  }

  std::shared_ptr<FrameResult> submit(Session& session, const ImageView& image) {
    auto frame = session.submit(image, {}, waker);
    if (!frame.ok()) throw std::runtime_error(frame.status().message());
    return *frame;
  }

  // What these three cannot do throws, and fails the test.

  /// Submits a grey frame and returns its item when it is done.
  ItemResult infer(Session& session, int grey) {
    const auto frame = submit(session, grey_frame(grey));
    if (!waker->await(*frame)) throw std::runtime_error("no result");
    return frame->items.at(0);
  }

  FakeControl& control;
  const TempFolder folder;
  const std::shared_ptr<TestWaker> waker = std::make_shared<TestWaker>();
};

/// A good item whose best class is `grey`.
MATCHER_P(ShowsGrey, grey, "shows grey " + std::to_string(grey)) {
  return arg.status.ok() && !arg.classes.empty() && arg.classes[0].index == grey &&
         arg.classes[0].score == 1.0F;
}

}  // namespace torchinfer::test
