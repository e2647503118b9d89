// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "error_fixture.h"
#include "inference_fixture.h"

namespace torchinfer::test {

struct ReadTold : ErrorTelling {
  using ErrorTelling::read;
};

/// What the bus says of a model that was set: a torchinference-loaded message, a warning or an
/// error.
struct Answer {
  GstMessageType type = GST_MESSAGE_UNKNOWN;  ///< unknown: nothing came
  std::string file;                           ///< that was loaded
  bool unchanged = false;
  guint64 engine = 0;
  Told told;  ///< warning or error
};

class Swap : public InferenceTest {
 protected:
  void TearDown() override {
    for (const auto gate : {"l", "s"}) control.open_gate(gate);
    InferenceTest::TearDown();
  }

  /// The lines of a model of 16 classes named `letter`0 to `letter`15.
  static std::string named(const std::string& letter, const std::string& more = "") {
    std::string labels;
    for (int i = 0; i < 16; i++) labels += (i == 0 ? "" : ",") + letter + std::to_string(i);
    return "classes 16\nlabels " + labels + "\n" + more;
  }

  /// Another model: it also takes an input of another size.
  std::string other(const std::string& letter, const std::string& more = "") {
    return write_model(named(letter, "input 3x6x5\n" + more), letter + ".pt");
  }

  /// A stream of the model "a" that plays, and whose first messages have been read.
  Pads& playing(const std::string& more = "", const std::string& properties = "") {
    Pads& pads = play(launch(named("a", more), properties));
    pads.start();
    pads.wait_for(3);
    EXPECT_EQ(answer(pads).type, GST_MESSAGE_ELEMENT);
    return pads;
  }

  static void set_model(Pads& pads, const std::string& path) {
    g_object_set(pads.element(), "model-file", path.c_str(), nullptr);
  }

  static Answer answer(Pads& pads, GstClockTime timeout = 60 * GST_SECOND) {
    Answer answer;
    for (;;) {
      GstMessage* message =
          pads.wait_for_message(static_cast<GstMessageType>(
                                    GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING | GST_MESSAGE_ERROR),
                                timeout);
      if (message == nullptr) return answer;
      answer.type = GST_MESSAGE_TYPE(message);
      if (answer.type != GST_MESSAGE_ELEMENT) {
        answer.told = ReadTold::read(message);
        return answer;
      }
      const GstStructure* loaded = gst_message_get_structure(message);
      const bool found = gst_structure_has_name(loaded, "torchinference-loaded");
      if (found) {
        gboolean unchanged = FALSE;
        EXPECT_TRUE(gst_structure_get_boolean(loaded, "unchanged", &unchanged));
        answer.unchanged = unchanged != FALSE;
        answer.file = gst_structure_get_string(loaded, "model-file");
        gst_structure_get_uint64(loaded, "engine-id", &answer.engine);
      }
      gst_message_unref(message);
      if (found) return answer;
    }
  }

  void expect_swapped(Pads& pads, const std::string& path) {
    const auto got = answer(pads);
    EXPECT_EQ(got.type, GST_MESSAGE_ELEMENT) << got.told.text;
    EXPECT_EQ(got.file, path);
    EXPECT_FALSE(got.unchanged);
  }

  /// The model that runs, by the statistics.
  static std::string running(Pads& pads) {
    const std::unique_ptr<GstStructure, void (*)(GstStructure*)> stats(
        get<GstStructure*>(pads.element(), "stats"), gst_structure_free);
    const char* file = gst_structure_get_string(stats.get(), "model-file");
    return file != nullptr ? file : "none";
  }

  /// Of the engine that this stream has now.
  static int users(Pads& pads) {
    const std::unique_ptr<GstStructure, void (*)(GstStructure*)> stats(
        get<GstStructure*>(pads.element(), "stats"), gst_structure_free);
    int count = -1;
    EXPECT_TRUE(gst_structure_get_int(stats.get(), "engine-users", &count));
    return count;
  }

  static void push_and_drain(Pads& pads, guint64 first, guint64 end) {
    for (guint64 number = first; number < end; number++)
      ASSERT_EQ(pads.push(Pads::buffer(number)), GST_FLOW_OK);
    pads.query(gst_query_new_drain());
  }

  static std::vector<std::string> classes(const Pads& pads) {
    std::vector<std::string> classes;
    for (std::size_t i = 0; i < pads.arrived_buffers(); i++)
      classes.push_back(best_class(pads.arrived_buffer(i)));
    return classes;
  }

  bool models_become(int count) {
    return eventually([&] { return control.models() == count; });
  }
};

}  // namespace torchinfer::test
