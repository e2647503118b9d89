# SPDX-License-Identifier: LGPL-2.1-or-later
# On a system that has every dependency: a Debian with all packages installed by hand, which is the root less its mark.
# shellcheck shell=bash disable=SC2016,SC2153,SC2317

# Sets NATIVE to a clone; on_debian runs a command in it.
set_up() {
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/gst-plugins-torch
  command -v bwrap >/dev/null || skip 'bwrap is not installed'
  root=$cache/roots/$(SUITE=trixie "$ENV" --id)
  cp -r "$root/etc" "$SCRATCH/etc" 2>/dev/null || true
  rm "$SCRATCH/etc/gst-plugins-torch-root"
  NATIVE=$SCRATCH/clone
  copy_clone "$NATIVE"
  # The compiler's cache is the one that all clones share.
  mkdir -p "$cache/ccache" "$SCRATCH/cache/gst-plugins-torch"
  ln -s "$cache/ccache" "$SCRATCH/cache/gst-plugins-torch/ccache"
  on_debian() {
    env -i bwrap --unshare-pid --die-with-parent --proc /proc --dev /dev --ro-bind "$root/usr" /usr \
      --ro-bind "$SCRATCH/etc" /etc --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
      --tmpfs /tmp --tmpfs "$HOME" --bind "$SCRATCH" "$SCRATCH" --bind "$cache/ccache" "$cache/ccache" \
      --chdir "$NATIVE" --setenv PATH /usr/bin --setenv LANG C.UTF-8 --setenv LC_ALL C.UTF-8 --setenv HOME "$HOME" \
      --setenv XDG_CACHE_HOME "$SCRATCH/cache" "$@"
  }
}

test_works_natively_where_everything_is_installed() {
  set_up
  has "$(on_debian tools/env --status)" 'environment: native (this system has every dependency)'
  equal build/native "$(on_debian tools/env --build-dir)"
  equal native "$(on_debian tools/env --id)"
  equal "$NATIVE/build/native/gst-plugin" "$(on_debian tools/env sh -c 'echo "$GST_PLUGIN_PATH"')"
  ends 7 on_debian tools/env sh -c 'exit 7'
}

test_installs_what_is_built_natively() {
  local destdir=$SCRATCH/destdir plugins
  set_up
  on_debian tools/install /opt/torch "$destdir"
  plugins=$(dirname "$(find "$destdir/opt/torch" -name libgsttorch.so)")
  # Moved to where it was made for, it works.
  has "$(on_debian --bind "$destdir/opt/torch" /opt/torch --setenv GST_PLUGIN_PATH "${plugins#"$destdir"}" \
    gst-inspect-1.0 torchinference)" "Filename                 ${plugins#"$destdir"}/libgsttorch.so"
}

test_installs_nothing_where_a_root_had_to_build_it() {
  local output
  ! GST_TORCH_ENV=native "$ENV" --id >/dev/null 2>&1 || skip 'this system can build it'
  output=$(PATH=/usr/bin:/bin ends 2 make install "DESTDIR=$SCRATCH/destdir" 2>&1)
  has "$output" 'lacks what a native build takes'
  has "$output" 'nothing was'
  [ ! -e "$SCRATCH/destdir" ]
}
