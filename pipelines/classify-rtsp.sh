#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Classifies a network camera and writes JSON lines, each with the camera's own time of the frame.
#
#   tools/env pipelines/classify-rtsp.sh URL [MODEL [OUTPUT [LATENCY_MS [STREAM_ID]]]]
#
# URL: rtsp://USER:PASSWORD@CAMERA/PATH, or rtspt:// for RTSP and media over one TCP connection.
# STREAM_ID: the stream's name in each line; without one the last part of PATH, or CAMERA where that part has settings
# in it (some cameras take a password so) or there is none. USER, PASSWORD and a query never get into the lines.
# Needs: a model written by gst-torch-export (`make demo` leaves one at the default place).
# Expected: OUTPUT.jsonl grows by one line a frame until Ctrl-C or the camera's end. A camera that goes away looks like
# its end over TCP (a warning of rtspsrc, status 0), and is an error over UDP: what starts this again shall do so always.
# OUTPUT.jsonl is begun anew then: give each run a name of its own to keep the lines.
# A camera that sends RTCP sender reports gives its own clock: "wall_clock": {"source": "ntp"}; frames before its first
# report have this machine's.
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=pipelines/lib/checks.sh
. "$clone/pipelines/lib/checks.sh"
[ -n "${1-}" ] || refuse "usage: classify-rtsp.sh URL [MODEL [OUTPUT [LATENCY_MS [STREAM_ID]]]]"
check_programs

url=$1
model=${2:-$clone/out/efficientnet-lite0.pt}
output=${3:-$clone/out/classify-rtsp}
latency=${4:-200}
check_input MODEL "$model"
claim_output "$output.jsonl" "$model"
address=${url%%\?*}
address=${address##*@}
address=${address#*://}
name=${address##*/}
case $name in
  '' | *[=\&\;]*) name=${address%%/*} ;;
esac
stream=${5:-$name}

exec gst-launch-1.0 -e rtspsrc location="$url" latency="$latency" add-reference-timestamp-meta=true ! \
  decodebin3 ! videoconvert ! torchinference model-file="$model" top-k=3 ! \
  analyticsjson stream-id="$stream" ! filesink location="$output.jsonl" buffer-mode=unbuffered sync=false async=false
