# SPDX-License-Identifier: LGPL-2.1-or-later
# What the inside looks like: what is the root's, what is the host's, what may be written.
# shellcheck shell=bash disable=SC2016,SC2153,SC2317

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/gst-plugins-torch

test_has_the_clone_writable_and_the_system_not() {
  "$ENV" sh -c 'echo inside >.written-inside'
  equal inside "$(cat .written-inside)"
  rm .written-inside
  ends 1 "$ENV" touch /usr/bin/nothing 2>/dev/null
  ends 1 "$ENV" touch /etc/nothing 2>/dev/null
  ends 1 "$ENV" sh -c 'touch "$1"/*/nothing' sh "$CACHE/roots" 2>/dev/null
}

test_has_an_empty_home_that_is_forgotten() {
  "$ENV" sh -c 'touch ~/a-file && ls ~/a-file' >/dev/null
  [ ! -e ~/a-file ]
  equal '' "$("$ENV" sh -c 'ls ~')"
}

test_has_the_caches_writable() {
  "$ENV" sh -c 'mkdir -p "$CCACHE_DIR" && touch "$CCACHE_DIR/x" && rm "$CCACHE_DIR/x"'
  equal "$CACHE/ccache" "$("$ENV" sh -c 'echo "$CCACHE_DIR"')"
}

test_has_a_name_for_the_caller() {
  equal "$(id -un)" "$("$ENV" id -un)"
  equal "$(id -u)" "$("$ENV" id -u)"
}

test_finds_this_clones_build_alone() {
  local build=$CLONE/build/trixie
  equal "$build/gst-plugin" "$(SUITE=trixie GST_PLUGIN_PATH=/elsewhere "$ENV" sh -c 'echo "$GST_PLUGIN_PATH"')"
  equal "$build/gst-registry.bin" "$(SUITE=trixie "$ENV" sh -c 'echo "$GST_REGISTRY"')"
  has "$(SUITE=trixie "$ENV" sh -c 'echo "$PATH"')" "$build/apps:$CLONE/apps:"
  equal build/trixie "$(SUITE=trixie "$ENV" --build-dir)"
  equal build/forky-tsan "$(SUITE=forky VARIANT=tsan "$ENV" --build-dir)"
}

test_keeps_the_hosts_libraries_out() {
  equal '||' "$(LD_LIBRARY_PATH=/x PYTHONPATH=/y LD_PRELOAD='' "$ENV" sh -c 'echo "$LD_LIBRARY_PATH|$PYTHONPATH|$LD_PRELOAD"')"
}

test_puts_the_sanitizers_runtime_before_gstreamers_programs() {
  equal "$CLONE/tools/sanitized/gst-launch-1.0" "$(VARIANT=asan "$ENV" sh -c 'command -v gst-launch-1.0')"
  has "$(VARIANT=asan GST_REGISTRY_UPDATE=no "$ENV" sh -c 'GST_DEBUG_FILE=/dev/null LD_DEBUG=libs gst-launch-1.0 --version' 2>&1)" \
    libasan.so
  has "$(VARIANT=asan "$ENV" sh -c 'echo "$LSAN_OPTIONS"')" "suppressions=$CLONE/tests/suppressions/lsan.txt"
  has "$(VARIANT=tsan "$ENV" sh -c 'echo "$TSAN_OPTIONS"')" "suppressions=$CLONE/tests/suppressions/tsan.txt"
}

test_has_the_hosts_network_names_and_certificates() {
  cmp /etc/resolv.conf <("$ENV" cat /etc/resolv.conf)
  "$ENV" sh -c 'test -s /etc/ssl/certs/ca-certificates.crt'
  "$ENV" python3 -c 'import ssl; assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 0'
}

# A variable that names a file must name one with the same content inside, wherever the file lies.
test_passes_files_that_variables_name() {
  local folder file
  folder=$(mktemp -d -p "$HOME")
  for file in "$folder/a.pem" "$SCRATCH/b.pem"; do
    echo "$file" >"$file"
    equal "$file" "$(PIP_CERT=$file "$ENV" sh -c 'cat "$PIP_CERT"')"
    equal "$file" "$(REQUESTS_CA_BUNDLE=$file "$ENV" sh -c 'cat "$REQUESTS_CA_BUNDLE"')"
  done
  rm -r "$folder"
  # Below /etc only what the root has can be mounted on: this comes elsewhere, and the variable follows.
  cmp /etc/os-release <(SSL_CERT_FILE=/etc/os-release "$ENV" sh -c 'cat "$SSL_CERT_FILE"')
  equal 7 "$(PIP_DEFAULT_TIMEOUT=7 "$ENV" sh -c 'echo "$PIP_DEFAULT_TIMEOUT"')"
}

test_git_works_in_there() {
  equal "$(git rev-parse HEAD)" "$("$ENV" git rev-parse HEAD)"
}

test_compiles_links_and_runs_against_the_stack() {
  cat >"$SCRATCH/all.cpp" <<'EOF'
#include <ATen/ATen.h>
#include <gst/analytics/analytics.h>
#include <iostream>
int main() {
  gst_init(nullptr, nullptr);
  std::cout << at::ones({2}).sum().item<float>() << '\n';
}
EOF
  equal 2 "$("$ENV" sh -c 'cd "$1" && g++ -std=c++20 all.cpp -o all $(pkg-config --cflags --libs gstreamer-analytics-1.0) \
    -ltorch_cpu -lc10 && ./all' sh "$SCRATCH")"
  "$ENV" python3 -c 'import torch, torchvision'
  "$ENV" sh -c 'for e in avdec_h264 x264enc mp4mux rtspsrc pngenc compositor; do gst-inspect-1.0 --exists $e || exit 1; done'
}

test_compiles_once_for_clones_at_different_paths() {
  local other=$SCRATCH/other source="// $RANDOM $RANDOM
#include \"header.h\"
int main() { return f(); }"
  copy_clone "$other"
  for clone in "$CLONE" "$other"; do
    mkdir -p "$clone/build/ccache-test"
    echo "$source" >"$clone/build/ccache-test/main.cpp"
    echo 'inline int f() { return 0; }' >"$clone/build/ccache-test/header.h"
    (cd "$clone/build/ccache-test" &&
      "$clone/tools/env" CCACHE_LOGFILE="$SCRATCH/log" ccache g++ -g -c "$clone/build/ccache-test/main.cpp" -o main.o)
    rm -r "$clone/build/ccache-test"
  done
  equal 1 "$(grep -c 'Result: direct_cache_hit' "$SCRATCH/log")"
}
