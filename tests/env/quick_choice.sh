# SPDX-License-Identifier: LGPL-2.1-or-later
# Which environment is chosen, and what is said when none can be.
# shellcheck shell=bash disable=SC2016,SC2153,SC2317

test_says_what_it_does_not_know() {
  has "$(SUITE=buzz ends 1 "$ENV" true 2>&1)" 'it can be trixie or forky'
  has "$(VARIANT=msan ends 1 "$ENV" true 2>&1)" 'it can be asan or tsan'
  has "$(GST_TORCH_ENV=moon ends 1 "$ENV" true 2>&1)" 'it can be native or root'
  has "$(ends 2 "$ENV" --moon 2>&1)" Usage
  has "$("$ENV" --help)" Usage
  has "$("$ENV")" Usage
}

test_status_tells_where_and_why() {
  local status
  status=$(SUITE=trixie "$ENV" --status)
  has "$status" 'environment: root'
  has "$status" 'build folder: build/trixie'
  has "$status" "stands: $(SUITE=trixie "$ENV" --id), made 20"
}

test_the_root_says_what_is_in_it() {
  has "$(SUITE=trixie "$ENV" cat /etc/gst-plugins-torch-root)" '  libtorch2.6 2.6'
}

# A folder that as $PATH has the programs named, and what the script itself needs, and no others.
path_with() {
  local program
  mkdir "$SCRATCH/path"
  for program in bash sh env dirname readlink sed awk sort uname cat sha256sum cut id flock mkdir touch find ls mktemp \
    realpath basename setpriv getent grep date tail rm head "$@"; do
    ln -s "$(command -v "$program")" "$SCRATCH/path/"
  done
  echo "$SCRATCH/path"
}

# As nobody, whose home is nowhere.
as_nobody() {
  [ "$(id -u)" = 0 ] || skip 'only root can try it as another user'
  setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

test_tells_an_ordinary_user_what_to_install() {
  local clone=$SCRATCH/clone output
  copy_clone "$clone"
  mkdir -m 777 "$SCRATCH/cache"
  output=$(XDG_CACHE_HOME=$SCRATCH/cache SUITE=trixie PATH=$(path_with apt-get) ends 1 as_nobody "$clone/tools/env" true 2>&1)
  has "$output" 'sudo apt-get install --no-install-recommends mmdebstrap bubblewrap uidmap'
}

test_tells_a_user_without_subordinate_ids_how_to_get_them() {
  local clone=$SCRATCH/clone output
  have_tools mmdebstrap bwrap newuidmap
  copy_clone "$clone"
  mkdir -m 777 "$SCRATCH/cache"
  output=$(XDG_CACHE_HOME=$SCRATCH/cache SUITE=trixie ends 1 as_nobody "$clone/tools/env" true 2>&1)
  has "$output" 'sudo usermod --add-subuids'
}

have_tools() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || skip "$program is not installed"
  done
}

test_tells_what_to_allow_where_nothing_can_be_entered() {
  local path output
  path=$(path_with)
  ln -s /bin/false "$path/bwrap"
  ln -s /bin/false "$path/chroot"
  output=$(SUITE=trixie PATH=$path ends 1 "$ENV" true 2>&1)
  has "$output" 'Allow user namespaces'
  has "$output" 'tools/packages.txt'
}

test_native_names_all_that_is_missing() {
  local output
  output=$(GST_TORCH_ENV=native PATH=$(path_with) ends 1 "$ENV" true 2>&1)
  has "$output" '  meson'
  has "$output" '  ninja'
}

test_needs_no_network_once_the_root_stands() {
  unshare -rn true 2>/dev/null || skip 'no network namespaces here'
  # No route to anywhere.
  ends 0 unshare -rn "$ENV" sh -c '[ "$(wc -l </proc/net/route)" -le 1 ]'
}

test_a_second_clone_uses_the_same_root() {
  local output
  copy_clone "$SCRATCH/clone"
  equal "$(SUITE=trixie "$ENV" --id)" "$(SUITE=trixie "$SCRATCH/clone/tools/env" --id)"
  output=$(SUITE=trixie "$SCRATCH/clone/tools/env" pwd 2>&1)
  equal "$CLONE" "$output"
}
