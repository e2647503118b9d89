#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classifies four videos at once with one model in memory and shows them on one wall. The four elements load the model
# once, since they are set alike, and their frames ride in common batches.
#
#   tools/env pipelines/classify-many-streams.sh [MODEL [OUTPUT [VIDEO VIDEO VIDEO VIDEO]]]
#
# Needs: a model written by gst-torch-export. `make demo` leaves one at the default place, and its clips are the default
# videos.
# Expected: OUTPUT.mp4, a wall of two by two labelled pictures; OUTPUT-0.jsonl to OUTPUT-3.jsonl, one line a frame, with
# batches of up to batch-size frames of all four streams.
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=pipelines/lib/checks.sh
. "$clone/pipelines/lib/checks.sh"
check_programs

model=${1:-$clone/out/efficientnet-lite0.pt}
output=${2:-$clone/out/classify-many-streams}
videos=("${@:3:4}")
if [ "${#videos[@]}" = 0 ]; then
  for clip in bikes bigbuckbunny carphone bikes; do
    videos+=("$("$clone/tools/assets" "clips/$clip.mp4")")
  done
fi
[ "${#videos[@]}" = 4 ] || refuse "four videos are wanted, ${#videos[@]} given"
for video in "${videos[@]}"; do
  check_input VIDEO "$video"
done
check_input MODEL "$model"
for file in "$output.mp4" "$output"-{0..3}.jsonl; do
  claim_output "$file" "${videos[@]}" "$model"
done

branches=()
for i in 0 1 2 3; do
  # shellcheck disable=SC2054 # the commas stand in caps
  branches+=(filesrc location="${videos[i]}" ! decodebin3 ! videoconvert
    ! torchinference model-file="$model" batch-size=4 top-k=3 ! tee name="results$i"
    "results$i." ! queue ! analyticsjson stream-id="stream-$i"
    ! filesink location="$output-$i.jsonl" buffer-mode=unbuffered async=false
    "results$i." ! queue ! videoconvert ! videoscale add-borders=true
    ! video/x-raw,width=640,height=360,pixel-aspect-ratio=1/1 ! classificationoverlay ! "wall.sink_$i")
done

# -e: Ctrl-C becomes end of stream, without which the MP4 could not be played. The labels are drawn after scaling: drawn
# before, they would be scaled along.
exec gst-launch-1.0 -e compositor name=wall background=black \
  sink_0::xpos=0 sink_0::ypos=0 sink_1::xpos=640 sink_1::ypos=0 \
  sink_2::xpos=0 sink_2::ypos=360 sink_3::xpos=640 sink_3::ypos=360 ! \
  videoconvert ! x264enc speed-preset=veryfast ! mp4mux ! filesink location="$output.mp4" async=false \
  "${branches[@]}"
