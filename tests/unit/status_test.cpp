// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "support/status_matchers.h"

namespace torchinfer {
namespace {

TEST(Status, IsOkUntilToldOtherwise) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), Code::kOk);
  const Status bad(Code::kNotFound, "no such file", "errno 2");
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.code(), Code::kNotFound);
  EXPECT_EQ(bad.message(), "no such file");
  EXPECT_EQ(bad.detail(), "errno 2");
}

TEST(Status, NamesEachCodeOnce) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    const auto name = to_string(static_cast<Code>(code));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Result, IsAValueOrAReason) {
  const Result<int> value(7);
  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 7);
  EXPECT_THAT(value.status(), test::IsOk());
  const Result<int> error(Status(Code::kTooLarge, "8 is more than 7"));
  EXPECT_FALSE(error);
  EXPECT_THAT(error.status(), test::FailsWith(Code::kTooLarge, "8 is more"));
  EXPECT_THROW(static_cast<void>(error.value()), std::bad_variant_access);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, OutlivesItsExpressionInALoop) {
  const auto make = [] { return Result<std::vector<int>>(std::vector<int>{1, 2, 3}); };
  int sum = 0;
  for (const int item : *make()) sum += item;
  EXPECT_EQ(sum, 6);
}

}  // namespace
}  // namespace torchinfer
