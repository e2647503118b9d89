// SPDX-License-Identifier: LGPL-2.1-or-later
#include "support/leaks.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cstdlib>

// What each test program of the elements does at its end (support/gst_environment.cpp), and that
// it can fail.

namespace torchinfer::test {
namespace {

GstBuffer* held = nullptr;

TEST(LeaksDeathTest, AreFoundAtTheEnd) {
  ASSERT_TRUE(leaks_are_traced()) << "set GST_TRACERS=leaks, as meson does";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        held = gst_buffer_new();
        const auto leaks = end_gstreamer();
        std::exit(leaks.size() == 1 && leaks[0].find("GstBuffer") != std::string::npos ? 7 : 0);
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace torchinfer::test
