# SPDX-License-Identifier: LGPL-2.1-or-later
# What is in a root. This file and tools/packages.txt, and nothing else, decide it: their hash is part of the root's
# name, so a change to either makes a new root.
# shellcheck shell=bash

# The packages of one suite ($1), one a line: tools/packages.txt less comments and other suites' lines.
recipe_packages() {
  sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$CLONE/tools/packages.txt" |
    awk -v tag="[$1]" '/^\[/ { if ($1 == tag) print $2; next } { print $1 }' | sort -u
}

# mmdebstrap's options, one a line. Recommended packages stay out (mmdebstrap's habit). Documentation and translations
# are a fifth of the files and nobody reads them in there; libtorch's own tests and the big static libraries that
# nobody links are 300 MB.
recipe_options() {
  cat <<'EOF'
--variant=apt
--dpkgopt=force-unsafe-io
--dpkgopt=path-exclude=/usr/share/man/*
--dpkgopt=path-exclude=/usr/share/doc/*
--dpkgopt=path-exclude=/usr/share/gtk-doc/*
--dpkgopt=path-exclude=/usr/share/info/*
--dpkgopt=path-exclude=/usr/share/locale/*
--dpkgopt=path-exclude=/usr/lib/libtorch-test/*
--dpkgopt=path-exclude=/usr/lib/*/libicu*.a
--dpkgopt=path-exclude=/usr/lib/*/libopencv_*.a
--dpkgopt=path-exclude=/usr/lib/*/libav*.a
--dpkgopt=path-exclude=/usr/lib/python3*/config-*/libpython3*.a
EOF
}

# Runs on the finished tree ($1), still writable: makes the places on which the host's files are mounted later, and
# takes out what only apt needed, the host's proxy and passwords among it.
recipe_finish() {
  local file
  for file in resolv.conf pip.conf hosts; do
    rm -f "$1/etc/$file"
    : >"$1/etc/$file"
  done
  rm -rf "$1/var/cache/apt" "$1/var/lib/apt/lists" "$1/var/log" "$1/etc/apt/auth.conf" "$1/etc/apt/auth.conf.d" \
    "$1/etc/apt/apt.conf.d/99mmdebstrap"
}
