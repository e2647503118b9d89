// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst_error.h"

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace torchinfer::test {
namespace {

TEST(ErrorTable, HasARowForEveryCode) {
  for (int code = 1;; code++) {
    const auto value = static_cast<Code>(code);
    if (to_string(value) == "Unknown") break;
    const auto [domain, number] = gst_torch_error_from_code(value);
    EXPECT_NE(domain, 0u) << to_string(value);
    EXPECT_GT(number, 0) << to_string(value);
    // GStreamer has a text for every code of its domains, so an unknown one shows.
    gchar* text = gst_error_get_message(domain, number);
    ASSERT_NE(text, nullptr);
    EXPECT_EQ(std::string(text).find("No standard error message"), std::string::npos)
        << to_string(value);
    g_free(text);
  }
}

TEST(ErrorTable, AMessageCarriesTextDetailAndTheLibrarysOwnCode) {
  GstElement* element = GST_ELEMENT(gst_object_ref_sink(gst_bin_new(nullptr)));
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(element, bus);
  GST_TORCH_POST_ERROR(element, Status(Code::kDigestMismatch, "Not the one.", "a != b"));
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  ASSERT_NE(message, nullptr);
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  EXPECT_STREQ(error->message, "Not the one.");
  EXPECT_TRUE(g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED));
  EXPECT_NE(std::string(debug).find("DigestMismatch: a != b"), std::string::npos);
  const GstStructure* details = nullptr;
  gst_message_parse_error_details(message, &details);
  EXPECT_STREQ(gst_structure_get_string(details, "torch-code"), "DigestMismatch");
  g_error_free(error);
  g_free(debug);
  gst_message_unref(message);
  gst_element_set_bus(element, nullptr);
  gst_object_unref(bus);
  gst_object_unref(element);
}

}  // namespace
}  // namespace torchinfer::test
