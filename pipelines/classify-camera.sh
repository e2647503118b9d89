#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classifies what a camera sees and shows it, labelled; JSON lines go to a file.
#
#   tools/env pipelines/classify-camera.sh [CAMERA [MODEL [OUTPUT [FRAMES]]]]
#
# CAMERA: a device such as /dev/video0; "libcamera" for libcamera's first camera; "test" for moving test bars. Without
# one the first of these that is there.
# Needs: a model written by gst-torch-export (`make demo` leaves one at the default place). To see the picture a display;
# without one the frames are thrown away and OUTPUT.jsonl is what remains.
# Expected: the camera's own frame rate whatever the model's speed is: frames that the model has no time for are shown
# and written with "analysed": false. Ctrl-C ends it, or FRAMES frames.
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=pipelines/lib/checks.sh
. "$clone/pipelines/lib/checks.sh"
check_programs

camera=${1:-}
model=${2:-$clone/out/efficientnet-lite0.pt}
output=${3:-$clone/out/classify-camera}
frames=${4:--1}
check_input MODEL "$model"
claim_output "$output.jsonl" "$model"

if [ -z "$camera" ]; then
  if [ -e /dev/video0 ]; then
    camera=/dev/video0
  elif gst-inspect-1.0 --exists libcamerasrc; then
    camera=libcamera
  else
    camera="test"
    echo "no camera found: showing test bars" >&2
  fi
fi
case $camera in
  test) source=(videotestsrc is-live=true pattern=smpte animation-mode=running-time num-buffers="$frames") ;;
  libcamera) source=(libcamerasrc ! identity eos-after="$frames") ;;
  *) source=(v4l2src device="$camera" num-buffers="$frames") ;;
esac
sink=fakesink
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  sink=autovideosink
fi

# -e: Ctrl-C becomes end of stream, so that the last lines are written. sync=false on the file: a line is written when
# its frame is ready, not when it is shown.
exec gst-launch-1.0 -e "${source[@]}" ! decodebin3 ! videoconvert ! \
  torchinference model-file="$model" top-k=3 ! tee name=results \
  results. ! queue ! analyticsjson stream-id=camera ! \
  filesink location="$output.jsonl" buffer-mode=unbuffered sync=false async=false \
  results. ! queue ! classificationoverlay ! videoconvert ! "$sink"
