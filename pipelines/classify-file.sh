#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classifies a video file: the five best labels drawn into a copy of it, and as JSON lines.
#
#   tools/env pipelines/classify-file.sh [VIDEO [MODEL [OUTPUT]]]
#
# Needs: a video that GStreamer decodes; a model written by gst-torch-export. `make demo` leaves one at the default
# place, and its clip is the default video.
# Expected: OUTPUT.mp4 and OUTPUT.jsonl, as many frames and lines as VIDEO has frames, at the speed of the machine.
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

video=${1:-$("$clone/tools/assets" clips/bikes.mp4)}
model=${2:-$clone/out/efficientnet-lite0.pt}
output=${3:-$clone/out/classify-file}

# async=false: x264enc holds many frames before its first, and preroll would wait for it for ever. decodebin3: beside
# sinks that are all async=false, decodebin makes gst-launch miss the end of the stream on a busy machine (two threads
# of GStreamer 1.26 race for the pipeline's state).
exec gst-launch-1.0 filesrc location="$video" ! decodebin3 ! videoconvert ! \
  torchinference model-file="$model" top-k=5 ! tee name=results \
  results. ! queue ! analyticsjson ! filesink location="$output.jsonl" async=false \
  results. ! queue ! classificationoverlay ! videoconvert ! x264enc speed-preset=veryfast ! mp4mux ! \
  filesink location="$output.mp4" async=false
