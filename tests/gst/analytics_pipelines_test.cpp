// SPDX-License-Identifier: LGPL-2.1-or-later
// Both elements in real pipelines, with sinks that exist.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "analytics_fixture.h"
#include "json_schema.h"

namespace torchinfer {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

/// A folder that is gone after the test.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "/analyticsXXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

GstPadProbeReturn add_results(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  info->data = buffer;
  ResultWriter results(buffer);
  results.analysis("0123456789ab", {{"golden retriever", 0.9f}, {"black & gold", 0.05f}});
  results.track(results.object("dog", 20, 30, 50, 40), 1);
  return GST_PAD_PROBE_OK;
}

class Pipeline {
 public:
  /// An element named "results" passes frames on with results attached.
  explicit Pipeline(const std::string& line) {
    start_gstreamer();
    GError* error = nullptr;
    pipeline_ = gst_parse_launch(line.c_str(), &error);
    EXPECT_EQ(error, nullptr) << error->message;
    if (GstElement* element = get("results")) {
      GstPad* pad = gst_element_get_static_pad(element, "src");
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, add_results, nullptr, nullptr);
      gst_object_unref(pad);
      gst_object_unref(element);
    }
  }
  ~Pipeline() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* get(const char* name) { return gst_bin_get_by_name(GST_BIN(pipeline_), name); }
  GstElement* element() { return pipeline_; }

  /// Plays to the end. Fails the test on an error.
  void run() {
    gst_element_set_state(pipeline_, GST_STATE_PLAYING);
    GstBus* bus = gst_element_get_bus(pipeline_);
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    ASSERT_NE(message, nullptr) << "no end within a minute";
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error;
      gchar* debug;
      gst_message_parse_error(message, &error, &debug);
      ADD_FAILURE() << error->message << "\n" << debug;
      g_error_free(error);
      g_free(debug);
    }
    gst_message_unref(message);
    gst_object_unref(bus);
  }

 private:
  GstElement* pipeline_;
};

std::vector<Json> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(parse_line(line + "\n"));
  return lines;
}

constexpr auto kSource =
    "videotestsrc num-buffers=10 ! video/x-raw, width=320, height=240, framerate=25/1 ! ";

TEST(AnalyticsPipelines, WriteAFileOfLines) {
  Folder folder;
  Pipeline pipeline(std::string(kSource) +
                    "identity name=results ! analyticsjson stream-id=cam ! filesink location=" +
                    folder / "out.jsonl");
  pipeline.run();
  const auto lines = lines_of(folder / "out.jsonl");
  ASSERT_THAT(lines, SizeIs(10));
  for (int n = 0; n < 10; n++) {
    EXPECT_EQ(lines[n]["frame"], n);
    EXPECT_EQ(lines[n]["stream_id"], "cam");
    EXPECT_EQ(lines[n]["pts"], n * 40 * GST_MSECOND);
    EXPECT_EQ(lines[n]["analyses"][0]["classes"][1]["label"], "black & gold");
    EXPECT_EQ(lines[n]["objects"][0]["track"]["id"], 1);
  }
}

TEST(AnalyticsPipelines, WriteAFileForEachFrame) {
  Folder folder;
  Pipeline pipeline(std::string(kSource) +
                    "analyticsjson ! multifilesink location=" + folder / "%03d.json");
  pipeline.run();
  EXPECT_THAT(lines_of(folder / "000.json"), SizeIs(1));
  EXPECT_EQ(lines_of(folder / "009.json").front()["frame"], 9);
}

TEST(AnalyticsPipelines, WriteToAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    Pipeline pipeline(std::string(kSource) +
                      "analyticsjson ! fdsink fd=" + std::to_string(ends[1]));
    pipeline.run();
  }
  close(ends[1]);
  std::string text(1 << 16, '\0');
  text.resize(static_cast<std::size_t>(read(ends[0], text.data(), text.size())));
  close(ends[0]);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10);
  parse_line(text.substr(0, text.find('\n') + 1));
}

/// Who reads the lines of a udpsink.
class Receiver {
 public:
  Receiver() { listen(0); }
  ~Receiver() { leave(); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  int port() const { return port_; }
  void leave() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }
  void come_back() { listen(port_); }

  /// The numbers of the frames whose lines have come.
  std::vector<int> frames() {
    std::vector<int> frames;
    for (;;) {
      std::string text(1 << 16, '\0');
      const auto size = recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
      if (size <= 0) return frames;
      text.resize(static_cast<std::size_t>(size));
      frames.push_back(parse_line(text)["frame"]);
    }
  }

 private:
  void listen(int port) {
    socket_ = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<in_port_t>(port));
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t length = sizeof address;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
  }

  int socket_ = -1;
  int port_ = 0;
};

TEST(AnalyticsPipelines, SendALineInEachDatagram) {
  Receiver receiver;
  Pipeline pipeline(std::string(kSource) + "analyticsjson ! udpsink host=127.0.0.1 port=" +
                    std::to_string(receiver.port()));
  pipeline.run();
  EXPECT_THAT(receiver.frames(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(AnalyticsPipelines, GoOnWhileNobodyReadsTheLinesAndAreReadAgainLater) {
  struct Scene {
    Receiver receiver;
    int frame = 0;
    std::vector<int> before;
  } scene;
  Pipeline pipeline(std::string(kSource) +
                    "identity name=each ! tee name=t t. ! fakesink async=false t. ! "
                    "analyticsjson ! udpsink async=false host=127.0.0.1 port=" +
                    std::to_string(scene.receiver.port()));
  GstElement* each = pipeline.get("each");
  GstPad* pad = gst_element_get_static_pad(each, "src");
  // All in one thread: what a frame finds here was done behind the one before it.
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer data) {
        auto* const scene = static_cast<Scene*>(data);
        if (scene->frame == 3) {
          scene->before = scene->receiver.frames();
          scene->receiver.leave();
        }
        if (scene->frame == 7) scene->receiver.come_back();
        scene->frame++;
        return GST_PAD_PROBE_OK;
      },
      &scene, nullptr);
  pipeline.run();
  gst_object_unref(pad);
  gst_object_unref(each);
  EXPECT_THAT(scene.before, ElementsAre(0, 1, 2));
  EXPECT_THAT(scene.receiver.frames(), ElementsAre(7, 8, 9));
  EXPECT_EQ(scene.frame, 10);
}

TEST(AnalyticsPipelines, DrawAndWriteTheSameStream) {
  Folder folder;
  Pipeline pipeline(
      std::string(kSource) +
      "identity name=results ! tee name=t ! queue ! classificationoverlay ! videoconvert ! jpegenc "
      "! "
      "filesink async=false location=" +
      folder / "out.mjpeg" +
      " t. ! queue ! analyticsjson ! filesink async=false location=" + folder / "out.jsonl");
  pipeline.run();
  EXPECT_GT(std::filesystem::file_size(folder / "out.mjpeg"), 10000u);
  EXPECT_THAT(lines_of(folder / "out.jsonl"), SizeIs(10));
}

/// How many of the buffers that reach the pad of "sink" carry an overlay composition.
int count_compositions(const std::string& tail) {
  Pipeline pipeline(std::string(kSource) + "identity name=results ! classificationoverlay ! " +
                    tail);
  GstElement* sink = pipeline.get("sink");
  GstPad* pad = gst_element_get_static_pad(sink, "sink");
  int count = 0;
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer counter) {
        if (gst_buffer_get_video_overlay_composition_meta(GST_PAD_PROBE_INFO_BUFFER(info)) !=
            nullptr)
          ++*static_cast<int*>(counter);
        return GST_PAD_PROBE_OK;
      },
      &count, nullptr);
  pipeline.run();
  gst_object_unref(pad);
  gst_object_unref(sink);
  return count;
}

TEST(AnalyticsPipelines, AttachForASinkThatShowsCompositionsAndBlendForOthers) {
  EXPECT_EQ(count_compositions("fakevideosink name=sink"), 10);
  EXPECT_EQ(count_compositions("fakevideosink name=sink allocation-meta-flags=0"), 0);
  EXPECT_EQ(count_compositions("fakesink name=sink"), 0);
  EXPECT_EQ(count_compositions("videoconvert ! video/x-raw, format=RGB ! fakesink name=sink"), 0);
  EXPECT_EQ(count_compositions("queue ! fakevideosink name=sink"), 10);
}

TEST(AnalyticsPipelines, WorkBeforeAnotherOverlay) {
  EXPECT_EQ(count_compositions("classificationoverlay ! fakevideosink name=sink"), 10);
  EXPECT_EQ(count_compositions("classificationoverlay ! fakesink name=sink"), 0);
}

TEST(AnalyticsPipelines, ABranchWithoutOverlaySeesTheOriginalPixels) {
  Folder folder;
  const auto record = [&](const std::string& name, const std::string& middle) {
    return middle + "filesink async=false location=" + folder / name.c_str();
  };
  Pipeline pipeline(
      "videotestsrc num-buffers=3 pattern=ball ! video/x-raw, format=I420, width=320, height=240 ! "
      "tee "
      "name=a a. ! queue ! " +
      record("original", "") + " a. ! queue ! identity name=results ! tee name=t t. ! queue ! " +
      record("beside", "") + " t. ! queue ! " + record("drawn", "classificationoverlay ! "));
  pipeline.run();
  const auto read = [&](const char* name) {
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto original = read("original");
  ASSERT_EQ(original.size(), 3u * 320 * 240 * 3 / 2);
  EXPECT_EQ(read("beside"), original);
  EXPECT_EQ(read("drawn").size(), original.size());
  EXPECT_NE(read("drawn"), original);
}

// Pango and fontconfig share state in a process; each overlay draws in its own streaming thread.
TEST(AnalyticsPipelines, ManyStreamsDrawAtOnce) {
  std::string line = std::string(kSource) + "identity name=results ! tee name=t";
  for (int i = 0; i < 12; i++) line += " t. ! queue ! classificationoverlay ! fakesink";
  Pipeline pipeline(line);
  pipeline.run();
}

TEST(AnalyticsPipelines, GoUpAndDownThroughTheStatesAndStartAnew) {
  Folder folder;
  Pipeline pipeline(
      std::string(kSource) +
      "identity name=results ! classificationoverlay ! analyticsjson ! filesink location=" +
      folder / "out.jsonl");
  for (const auto state : {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL,
                           GST_STATE_PAUSED, GST_STATE_NULL}) {
    gst_element_set_state(pipeline.element(), state);
    ASSERT_EQ(gst_element_get_state(pipeline.element(), nullptr, nullptr, 60 * GST_SECOND),
              GST_STATE_CHANGE_SUCCESS);
  }
  for (int time = 0; time < 2; time++) {
    pipeline.run();
    gst_element_set_state(pipeline.element(), GST_STATE_NULL);
    const auto lines = lines_of(folder / "out.jsonl");
    ASSERT_THAT(lines, SizeIs(10));
    EXPECT_EQ(lines.front()["frame"], 0);
    EXPECT_EQ(lines.back()["frame"], 9);
  }
}

TEST(AnalyticsPipelines, SurviveSeeksWhilePlaying) {
  Folder folder;
  Pipeline pipeline(
      "videotestsrc num-buffers=250 ! video/x-raw, width=320, height=240, framerate=25/1 ! "
      "identity "
      "name=results ! classificationoverlay ! analyticsjson ! filesink location=" +
      folder / "out.jsonl");
  gst_element_set_state(pipeline.element(), GST_STATE_PAUSED);
  gst_element_get_state(pipeline.element(), nullptr, nullptr, 60 * GST_SECOND);
  for (int i = 0; i < 5; i++) {
    EXPECT_TRUE(gst_element_seek_simple(
        pipeline.element(), GST_FORMAT_TIME,
        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE), i * GST_SECOND));
  }
  pipeline.run();
}

TEST(AnalyticsPipelines, PropertiesMayChangeWhilePlaying) {
  Pipeline pipeline(
      "videotestsrc num-buffers=300 ! video/x-raw, width=320, height=240 ! identity name=results ! "
      "classificationoverlay name=overlay ! analyticsjson name=json ! fakesink");
  GstElement* overlay = pipeline.get("overlay");
  GstElement* json = pipeline.get("json");
  gst_element_set_state(pipeline.element(), GST_STATE_PLAYING);
  for (guint i = 0; i < 2000; i++) {
    g_object_set(overlay, "labels-color", 0xFF000000u | i, "max-labels", i % 4, "draw-labels",
                 i % 2, nullptr);
    g_object_set(json, "stream-id", i % 2 ? "one" : "another, longer than the small string", "emit",
                 i % 2, nullptr);
  }
  pipeline.run();
  gst_object_unref(overlay);
  gst_object_unref(json);
}

}  // namespace
}  // namespace torchinfer
