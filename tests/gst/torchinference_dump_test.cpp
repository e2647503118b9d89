// SPDX-License-Identifier: LGPL-2.1-or-later
// dump-inputs: what the model was given of a stream, in a file.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "engine/input_file.h"
#include "swap_fixture.h"

namespace torchinfer::test {
namespace {

using testing::HasSubstr;

constexpr auto kBytes = "input 3x4x4 uint8\n";

class Dump : public Swap {
 protected:
  std::string dump_launch(const std::string& lines = kBytes) {
    return launch(lines, "dump-inputs=" + path_);
  }

  /// The greys of the items in the file, each of one grey.
  std::vector<int> greys() const {
    const auto reader = InputFileReader::open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    std::vector<int> greys;
    if (!reader) return greys;
    EXPECT_TRUE((*reader)->fits({DType::kUint8, Layout::kNchw, 3, 4, 4}));
    std::vector<std::byte> item((*reader)->header().item_bytes());
    for (std::int64_t i = 0; i < (*reader)->header().items; i++) {
      EXPECT_TRUE((*reader)->read(i, item).ok());
      EXPECT_EQ(item, std::vector<std::byte>(item.size(), item[0]));
      greys.push_back(std::to_integer<int>(item[0]));
    }
    return greys;
  }

  /// The class that the model saw in each frame, which is the item's grey.
  static std::vector<int> seen(const Pads& pads) {
    std::vector<int> seen;
    for (const auto& name : classes(pads)) seen.push_back(std::stoi(name));
    return seen;
  }

  Told warning(Pads& pads) { return ReadTold::read(pads.wait_for_message(GST_MESSAGE_WARNING)); }

  const std::string path_ = folder.path("inputs.npy");
};

TEST_F(Dump, HoldsWhatTheModelSawInEachFrameInTheirOrder) {
  Pads pads(launch(kBytes, "batch-size=4 workers=2 dump-inputs=" + path_));
  pads.start();
  push_and_drain(pads, 0, 50);
  EXPECT_EQ(pads.arrived_buffers(), 50u);
  EXPECT_EQ(greys(), seen(pads));
}

TEST_F(Dump, LeavesOutFramesThatNoModelLooksAt) {
  Pads pads(launch(kBytes, "inference-interval=3 dump-inputs=" + path_));
  pads.start();
  push_and_drain(pads, 0, 9);
  EXPECT_THAT(greys(), testing::SizeIs(3));
}

TEST_F(Dump, IsMadeAnewOnEachWayToPaused) {
  Pads pads(dump_launch());
  pads.start();
  push_and_drain(pads, 0, 5);
  pads.set_state(GST_STATE_READY);
  EXPECT_THAT(greys(), testing::SizeIs(5));
  pads.set_state(GST_STATE_PLAYING);
  EXPECT_THAT(greys(), testing::IsEmpty());
  pads.forget();
  pads.start("again");
  push_and_drain(pads, 7, 9);
  EXPECT_EQ(greys(), seen(pads));
  pads.set_state(GST_STATE_READY);
  g_object_set(pads.element(), "dump-inputs", nullptr, nullptr);
  pads.set_state(GST_STATE_PLAYING);
  pads.start("third");
  push_and_drain(pads, 0, 1);
  EXPECT_THAT(greys(), testing::SizeIs(2));
}

TEST_F(Dump, ThatCannotBeMadeIsAWarningAndTheStreamGoesOn) {
  Pads pads(launch(kBytes, "dump-inputs=" + folder.path("none/inputs.npy")));
  const auto told = warning(pads);
  EXPECT_EQ(told.domain, GST_RESOURCE_ERROR);
  EXPECT_EQ(told.code, GST_RESOURCE_ERROR_OPEN_WRITE);
  EXPECT_THAT(told.text, HasSubstr("none/inputs.npy"));
  pads.start();
  push_and_drain(pads, 0, 3);
  EXPECT_EQ(stat(pads.element(), "inferred"), 3u);
}

TEST_F(Dump, NeverOverwritesTheModel) {
  const auto model = write_model(kBytes, "kept.pt");
  const auto size = std::filesystem::file_size(model);
  Pads pads("torchinference model-file=" + model + " dump-inputs=" + model);
  EXPECT_THAT(warning(pads).text, HasSubstr("would be lost"));
  pads.start();
  push_and_drain(pads, 0, 3);
  EXPECT_EQ(stat(pads.element(), "inferred"), 3u);
  EXPECT_EQ(std::filesystem::file_size(model), size);
}

TEST_F(Dump, OfASecondStreamToTheSameFileIsRefused) {
  Pads first(dump_launch());
  Pads second(dump_launch());
  EXPECT_THAT(warning(second).text, HasSubstr("being written already"));
  for (auto* pads : {&first, &second}) {
    pads->start();
    push_and_drain(*pads, 0, 4);
  }
  EXPECT_EQ(greys(), seen(first));
}

TEST_F(Dump, GoesOnWithAnotherModelThatTakesTheSame) {
  Pads pads(dump_launch());
  pads.start();
  push_and_drain(pads, 0, 2);
  EXPECT_EQ(answer(pads).type, GST_MESSAGE_ELEMENT);
  const auto next = write_model(std::string(kBytes) + "classes 255\n", "next.pt");
  set_model(pads, next);
  expect_swapped(pads, next);
  push_and_drain(pads, 2, 4);
  EXPECT_EQ(greys(), seen(pads));
}

TEST_F(Dump, EndsWithAWarningWhereTheNextModelTakesSomethingElse) {
  Pads pads(dump_launch());
  pads.start();
  push_and_drain(pads, 0, 2);
  EXPECT_EQ(answer(pads).type, GST_MESSAGE_ELEMENT);
  const auto next = write_model("input 3x4x4 uint8 nhwc\n", "next.pt");
  set_model(pads, next);
  expect_swapped(pads, next);
  const auto told = warning(pads);
  EXPECT_EQ(told.code, GST_RESOURCE_ERROR_WRITE);
  EXPECT_THAT(told.text, HasSubstr("model that has taken over"));
  push_and_drain(pads, 2, 4);
  EXPECT_EQ(pads.arrived_buffers(), 4u);
  EXPECT_THAT(greys(), testing::SizeIs(2));
}

TEST_F(Dump, EndsWithOneWarningWhereThereIsNoMoreRoomAndTheStreamGoesOn) {
  Pads pads(dump_launch());
  pads.start();
  push_and_drain(pads, 0, 2);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{std::filesystem::file_size(path_), before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  push_and_drain(pads, 2, 6);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const auto told = warning(pads);
  EXPECT_EQ(told.code, GST_RESOURCE_ERROR_WRITE);
  EXPECT_THAT(told.text, HasSubstr("inputs.npy\" cannot be written"));
  EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_WARNING, 0), nullptr);
  EXPECT_EQ(stat(pads.element(), "inferred"), 6u);
  EXPECT_THAT(greys(), testing::SizeIs(2));
}

}  // namespace
}  // namespace torchinfer::test
