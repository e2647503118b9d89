// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <gtest/gtest.h>

#include <string>

#include "support/pads.h"

namespace torchinfer::test {

/// What an error or a warning on the bus says.
struct Told {
  GQuark domain = 0;
  gint code = 0;
  std::string text, debug, torch_code;
};

/// For tests of a torchinference that cannot start: how it says so, and that it can be set right.
class ErrorTelling {
 public:
  virtual ~ErrorTelling() = default;

  /// What an error or a warning says, which is freed.
  static Told read(GstMessage* message) {
    Told told;
    if (message == nullptr) {
      ADD_FAILURE() << "nothing on the bus";
      return told;
    }
    GError* error = nullptr;
    gchar* debug = nullptr;
    const GstStructure* details = nullptr;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message, &error, &debug);
      gst_message_parse_error_details(message, &details);
    } else {
      gst_message_parse_warning(message, &error, &debug);
      gst_message_parse_warning_details(message, &details);
    }
    told.domain = error->domain;
    told.code = error->code;
    told.text = error->message;
    told.debug = debug;
    const char* code =
        details != nullptr ? gst_structure_get_string(details, "torch-code") : nullptr;
    if (code != nullptr) told.torch_code = code;
    g_error_free(error);
    g_free(debug);
    gst_message_unref(message);
    return told;
  }

 protected:
  /// A model file that works.
  virtual std::string good_model() = 0;
  /// The element plays it: see that it does.
  virtual void expect_playing(Pads& pads) = 0;

  /// The way to PAUSED fails with one error. Then the model is set right and the same element
  /// plays.
  Told fail_and_recover(const std::string& launch) {
    Pads pads(launch, false);
    EXPECT_EQ(pads.set_state(GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    const auto told = read(pads.wait_for_message(GST_MESSAGE_ERROR, 0));
    EXPECT_EQ(pads.wait_for_message(GST_MESSAGE_ERROR, 0), nullptr) << "a second error";
    pads.set_state(GST_STATE_NULL);

    const auto good = good_model();
    g_object_set(pads.element(), "model-file", good.c_str(), "model-info-file", nullptr,
                 "label-file", nullptr, "model-sha256", nullptr, "device", nullptr, nullptr);
    EXPECT_EQ(pads.set_state(GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    expect_playing(pads);
    return told;
  }
};

}  // namespace torchinfer::test
