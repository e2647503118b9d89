// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/device_id.h"

#include <gtest/gtest.h>

namespace torchinfer {
namespace {

TEST(DeviceId, ReadsBackWhatItPrints) {
  for (const char* text : {"auto", "cpu", "cuda:0", "cuda:7"}) {
    const auto device = parse_device_id(text);
    ASSERT_TRUE(device.ok()) << text;
    EXPECT_EQ(to_string(*device), text);
  }
}

TEST(DeviceId, TakesCudaForItsFirstDevice) {
  const auto device = parse_device_id("cuda");
  ASSERT_TRUE(device.ok());
  EXPECT_EQ(*device, (DeviceId{DeviceId::Kind::kCuda, 0}));
}

TEST(DeviceId, RefusesOtherTextsAndSaysWhatItTakes) {
  for (const char* text : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999"}) {
    const auto device = parse_device_id(text);
    ASSERT_FALSE(device.ok()) << text;
    EXPECT_EQ(device.status().code(), Code::kInvalidArgument);
    EXPECT_NE(device.status().message().find("cuda:N"), std::string::npos);
  }
}

}  // namespace
}  // namespace torchinfer
