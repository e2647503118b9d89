#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classifies a video file: the five best labels drawn into a copy of it, and as JSON lines.
#
#   tools/env pipelines/classify-file.sh [VIDEO [MODEL [OUTPUT]]]
#
# Needs: a video that GStreamer decodes; a model written by gst-torch-export. `make demo` leaves one at the default
# place, and its clip is the default video.
# Expected: OUTPUT.mp4 and OUTPUT.jsonl, as many frames and lines as VIDEO has frames, at the speed of the machine; after
# Ctrl-C those so far. A file with sound alone ends with an error that says "not-linked".
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=pipelines/lib/checks.sh
. "$clone/pipelines/lib/checks.sh"
check_programs

video=${1:-$("$clone/tools/assets" clips/bikes.mp4)}
model=${2:-$clone/out/efficientnet-lite0.pt}
output=${3:-$clone/out/classify-file}
check_input VIDEO "$video"
check_input MODEL "$model"
claim_output "$output.mp4" "$video" "$model"
claim_output "$output.jsonl" "$video" "$model"

# -e: Ctrl-C becomes end of stream, without which the MP4 could not be played. async=false: x264enc holds many frames
# before its first, and preroll would wait for it for ever. Beside sinks that are all async=false, gst-launch 1.26 can
# miss messages while the pipeline starts: decodebin3, since with decodebin the end of the stream is among them on a
# busy machine; with either the error about an empty file is, which is why that is checked above.
exec gst-launch-1.0 -e filesrc location="$video" ! decodebin3 ! videoconvert ! \
  torchinference model-file="$model" top-k=5 ! tee name=results \
  results. ! queue ! analyticsjson ! filesink location="$output.jsonl" buffer-mode=unbuffered async=false \
  results. ! queue ! classificationoverlay ! videoconvert ! x264enc speed-preset=veryfast ! mp4mux ! \
  filesink location="$output.mp4" async=false
