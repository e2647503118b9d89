// SPDX-License-Identifier: LGPL-2.1-or-later
// A network camera for tests: serves an H.264 MP4 file over RTSP on the loopback interface, on a
// free port, at each PATH. Prints its URL without a path and runs until standard input closes, so
// that it cannot outlive the test that started it. Takes any user and password.

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <unistd.h>

#include <cstdio>

namespace {

gboolean stop_at_end_of_input(GIOChannel* channel, GIOCondition, gpointer loop) {
  char byte = 0;
  if (read(g_io_channel_unix_get_fd(channel), &byte, 1) > 0) return G_SOURCE_CONTINUE;
  g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_REMOVE;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3) {
    std::fprintf(stderr, "usage: rtsp_clip_server FILE.mp4 PATH...\n");
    return 2;
  }
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  char* launch = g_strdup_printf(
      "( filesrc location=\"%s\" ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=-1 )",
      argv[1]);
  gst_rtsp_media_factory_set_launch(factory, launch);
  g_free(launch);

  GstRTSPServer* server = gst_rtsp_server_new();
  gst_rtsp_server_set_address(server, "127.0.0.1");
  gst_rtsp_server_set_service(server, "0");
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(server);
  for (int i = 2; i < argc; ++i) {
    gst_rtsp_mount_points_add_factory(mounts, argv[i],
                                      GST_RTSP_MEDIA_FACTORY(g_object_ref(factory)));
  }
  g_object_unref(factory);
  g_object_unref(mounts);
  if (gst_rtsp_server_attach(server, nullptr) == 0) {
    std::fprintf(stderr, "rtsp_clip_server: no port to be had on 127.0.0.1\n");
    g_object_unref(server);
    return 1;
  }
  std::printf("rtsp://127.0.0.1:%d\n", gst_rtsp_server_get_bound_port(server));
  std::fflush(stdout);

  GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
  GIOChannel* input = g_io_channel_unix_new(STDIN_FILENO);
  g_io_add_watch(input, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP), stop_at_end_of_input, loop);
  g_main_loop_run(loop);
  g_io_channel_unref(input);
  g_main_loop_unref(loop);
  g_object_unref(server);
  return 0;
}
