# SPDX-License-Identifier: LGPL-2.1-or-later
# Can this system build and run the project as it is?
# shellcheck shell=bash

# Prints what is missing, one a line; nothing where all is there. With "first" stops at the first.
native_missing() {
  local program module modules
  for program in pkg-config g++ meson ninja python3 gst-launch-1.0; do
    have "$program" || { echo "$program" && [ "${1-}" != first ] || return 0; }
  done
  have pkg-config && have g++ || return 0
  [ "$(g++ -dumpversion | cut -d. -f1)" -ge 12 ] || { echo 'g++ >= 12' && [ "${1-}" != first ] || return 0; }
  mapfile -t modules < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$CLONE/tools/modules.txt")
  if ! pkg-config --exists "${modules[@]}" 2>/dev/null; then
    for module in "${modules[@]}"; do
      pkg-config --exists "$module" 2>/dev/null || { echo "$module" && [ "${1-}" != first ] || return 0; }
    done
  fi
  if ! g++ -x c++ -E - >/dev/null 2>&1 <<<$'#if !__has_include(<torch/script.h>)\n#error\n#endif' ||
    [ ! -e "$(g++ -print-file-name=libtorch_cpu.so)" ]; then
    echo libtorch && [ "${1-}" != first ] || return 0
  fi
  python3 -c 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ["torch", "torchvision"])))' \
    2>/dev/null || echo "python3's torch and torchvision"
}
