# SPDX-License-Identifier: LGPL-2.1-or-later
# The same for an ordinary user, and in containers that allow less.
# shellcheck shell=bash disable=SC2016,SC2153,SC2317

need_root() {
  [ "$(id -u)" = 0 ] || skip 'only root can set this up'
}

test_an_ordinary_user_makes_and_enters_a_root() {
  local user=gsttorch$RANDOM home
  need_root
  home=$SCRATCH/home
  # A home that others cannot enter, as distributions make them.
  useradd --create-home --home-dir "$home" --key HOME_MODE=0700 "$user"
  # shellcheck disable=SC2064  # its name of now
  trap "userdel $user" EXIT
  small_clone "$home/clone"
  chown -R "$user:" "$home/clone"
  as_user() {
    setpriv --reuid="$user" --regid="$user" --init-groups env -i HOME="$home" USER="$user" PATH="$PATH" SUITE=trixie \
      sh -c 'cd ~/clone && "$@"' sh "$@"
  }
  equal "$user $home/clone" "$(as_user tools/env sh -c 'echo made >made && echo "$(id -un) $(pwd)"')"
  equal "made $user" "$(cat "$home/clone/made") $(stat -c %U "$home/clone/made")"
  ends 7 as_user tools/env sh -c 'exit 7'
  ends 1 as_user tools/env touch /usr/nothing 2>/dev/null
  # All of it is the user's, so that an ordinary rm can remove it.
  equal '' "$(find "$home/.cache" ! -user "$user" | head -n 3)"
  as_user tools/env --remove
  equal '' "$(roots "$home/.cache")"
}


test_root_falls_back_to_chroot_where_namespaces_are_forbidden() {
  local clone=$SCRATCH/clone
  need_root
  command -v capsh >/dev/null || skip 'capsh is not installed'
  small_clone "$clone"
  export XDG_CACHE_HOME=$SCRATCH/cache SUITE=trixie
  in_container() { capsh --drop=cap_sys_admin -- -c '"$@"' sh env GST_TORCH_ENTER="$enter" "$@"; }
  # Without user namespaces bubblewrap fails by itself; where this machine allows them, chroot is asked for.
  enter=chroot
  cd "$clone" || return
  equal "$clone" "$(in_container tools/env pwd)"
  in_container tools/env sh -c 'echo made >made; mkdir -p out build/trixie; echo 1 >out/result; echo 2 >build/trixie/log'
  equal 'made 1 2' "$(cat made out/result build/trixie/log | paste -sd' ')"
  echo changed >made
  echo new >new
  rm Makefile
  equal 'changed new gone' "$(in_container tools/env sh -c 'echo $(cat made new) $([ -e Makefile ] || echo gone)')"
  ends 7 in_container tools/env sh -c 'exit 7'
  in_container tools/env sh -c 'echo x >/dev/null; head -c 4 /dev/urandom >/dev/null; test -s /etc/resolv.conf'
  rm -rf build out
  equal 'none' "$(in_container tools/env sh -c 'cat build/trixie/log out/result 2>/dev/null || echo none')"
}
