#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Measures how many frames a second decoder and model do together, with nothing that waits for a clock.
#
#   tools/env pipelines/throughput.sh [VIDEO [MODEL [BATCH_SIZE [OUTPUT]]]]
#
# Needs: a video that GStreamer decodes; a model written by gst-torch-export. `make demo` leaves one at the default
# place, and its clip is the default video.
# Expected: frames a second, batches and latency on standard output. The latency is that of a full queue: how long a
# frame waits for its turn, since the decoder is faster than the model.
set -euo pipefail
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=pipelines/lib/checks.sh
. "$clone/pipelines/lib/checks.sh"
check_programs

video=${1:-$("$clone/tools/assets" clips/bigbuckbunny.mp4)}
model=${2:-$clone/out/efficientnet-lite0.pt}
batch=${3:-8}
output=${4:-$clone/out/throughput}
check_input VIDEO "$video"
check_input MODEL "$model"
claim_output "$output.jsonl" "$video" "$model"

gst-launch-1.0 filesrc location="$video" ! decodebin3 ! videoconvert ! \
  torchinference model-file="$model" batch-size="$batch" ! analyticsjson ! \
  filesink location="$output.jsonl" async=false
gst-torch-report "$output.jsonl"
