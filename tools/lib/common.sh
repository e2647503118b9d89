# SPDX-License-Identifier: LGPL-2.1-or-later
# Shared by the scripts in tools/: messages, the clone's place, the cache folder.
# shellcheck shell=bash disable=SC2034

CLONE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/gst-plugins-torch
# The file whose presence says "this is the inside of a root"; it also records how the root was made.
ROOT_MARK=/etc/gst-plugins-torch-root

say() { printf 'env: %s\n' "$*" >&2; }

# die LINE...: the first line says what is wrong, the others what to do about it.
die() {
  printf 'env: %s\n' "$@" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

am_root() { [ "$(id -u)" = 0 ]; }
