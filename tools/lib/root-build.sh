# SPDX-License-Identifier: LGPL-2.1-or-later
# Fills a folder with a Debian, by mmdebstrap, from the mirror and through the proxy that this machine's apt uses.
# shellcheck shell=bash

# shellcheck source=tools/lib/root-recipe.sh
. "$CLONE/tools/lib/root-recipe.sh"

# The programs that make and enter a root. Only root may install them; anybody else is told how.
root_tools() {
  local missing=() program
  for program in "$@"; do
    case $program in
      mmdebstrap) have mmdebstrap || missing+=(mmdebstrap) ;;
      bwrap) have bwrap || missing+=(bubblewrap) ;;
      newuidmap) am_root || have newuidmap || missing+=(uidmap) ;;
    esac
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  have apt-get || die "no way to work here: the dependencies are not installed, and a Debian root takes mmdebstrap and" \
    "bubblewrap, which this system's packages may have under these names: ${missing[*]}"
  am_root || die "programs are missing that make and enter the environment. Run this once, then try again:" \
    "  sudo apt-get install --no-install-recommends ${missing[*]} debian-archive-keyring"
  say "installing on this machine what makes and enters the environment: ${missing[*]}"
  mkdir -p "$LOGS"
  {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" debian-archive-keyring
  } >"$LOGS/apt-get.log" 2>&1 </dev/null || die "apt-get could not install them; its log: $LOGS/apt-get.log"
}

# An ordinary user needs subordinate ids as well, for the files of a Debian's other users.
root_subids() {
  am_root && return
  grep -q "^$(id -un):" /etc/subuid 2>/dev/null && grep -q "^$(id -un):" /etc/subgid 2>/dev/null ||
    die "the user $(id -un) has no subordinate ids (/etc/subuid, /etc/subgid). Run this once, then try again:" \
      "  sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
}

# The suites and archives that this machine's apt knows, one pair a line. apt-get indextargets would tell only of those
# whose lists have been fetched, which a new container has not done.
root_host_sources() {
  local list='' parts='' file
  eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
  for file in "$list" "$parts"/*.list; do
    [ ! -r "$file" ] || sed -n -e 's/#.*//' -e 's/\[[^]]*\]//' -e 's/^[[:space:]]*deb[[:space:]]//p' "$file" |
      awk 'NF >= 2 { print $2, $1 }'
  done
  for file in "$parts"/*.sources; do
    [ ! -r "$file" ] || awk '
      function put(  i, j, n, m, suites, uris) {
        n = split(field["suites"], suites)
        m = split(field["uris"], uris)
        for (i = 1; i <= n; i++)
          for (j = 1; j <= m; j++)
            if (field["types"] ~ /(^| )deb( |$)/ && field["enabled"] !~ /no/) print suites[i], uris[j]
        delete field
      }
      /^#/ { next }
      /^[[:space:]]*$/ { put(); next }
      /^[[:space:]]/ { field[name] = field[name] " " $0; next }
      { name = tolower(substr($0, 1, index($0, ":") - 1)); field[name] = substr($0, index($0, ":") + 1) }
      END { put() }' "$file"
  done
}

# root_sources SUITE: apt sources on the mirror that this machine's apt takes Debian from; nothing where it is no
# Debian, or names none: then mmdebstrap knows one. A Debian archive is told from a third party's by its -updates.
root_sources() {
  local suite=$1 codename known main security keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release 2>/dev/null)
  [ -n "$codename" ] && grep -q '^ID=debian$' /etc/os-release && have apt-config && [ -r "$keyring" ] || return 0
  known=$(root_host_sources)
  main=$(awk -v c="$codename" '$1 == c { seen[$2] = 1 } $1 == c "-updates" && seen[$2] { print $2; exit }' <<<"$known")
  security=$(awk -v c="$codename-security" '$1 == c { print $2; exit }' <<<"$known")
  # A mirror list is a file of this machine; its first line will do.
  case $main in
    mirror+file:*) main=$(sed -n '/^http/{s/[[:space:]].*//;p;q}' "${main#mirror+file:}") security= ;;
  esac
  [ -n "$main" ] || return 0
  echo "deb [signed-by=$keyring] $main $suite main"
  [ "$suite" = trixie ] || return 0
  echo "deb [signed-by=$keyring] $main $suite-updates main"
  [ -z "$security" ] || echo "deb [signed-by=$keyring] $security $suite-security main"
}

# This machine's apt settings that decide how the archive is reached: proxy, certificates, patience.
root_apt_settings() {
  ! have apt-config || apt-config dump --no-empty --format '%F "%v";%n' Acquire::http Acquire::https \
    Acquire::Retries Acquire::Check-Valid-Until Acquire::Check-Date 2>/dev/null
}

# Shows what mmdebstrap is at, with the time since the start; the log ($1) gets every line. Ends when the process $2
# has gone: the pipe then breaks, and a killed run's mmdebstrap does not live on.
root_progress() {
  local log=$1 owner=$2 line start=$SECONDS shown=$SECONDS status total=0 got=0 unpacked=0 set_up=0
  while [ -e "/proc/$owner" ]; do
    if IFS= read -r -t 5 line; then
      printf '%s\n' "$line" >>"$log"
    else
      status=$?
      [ "$status" -gt 128 ] || break
      continue
    fi
    case $line in
      'I: '*) say "$(printf '[%3d s] %s' $((SECONDS - start)) "${line#I: }")" ;;
      *' newly installed, '*)
        line=${line#*upgraded, }
        total=${line%% *} got=0 unpacked=0 set_up=0
        ;;
      Get:*) got=$((got + 1)) ;;
      'Unpacking '*) unpacked=$((unpacked + 1)) ;;
      'Setting up '*) set_up=$((set_up + 1)) ;;
    esac
    if [ $((SECONDS - shown)) -ge 10 ]; then
      shown=$SECONDS
      say "$(printf '[%3d s]   %d packages: %d fetched, %d unpacked, %d set up' \
        $((SECONDS - start)) "$total" "$got" "$unpacked" "$set_up")"
    fi
  done
}

# root_build SUITE DIR LOG: fills DIR. Its exit status says whether it did.
root_build() (
  local suite=$1 dir=$2 log=$3 options sources settings setting status=0
  mapfile -t options < <(recipe_options)
  mapfile -t sources < <(root_sources "$suite")
  mapfile -t settings < <(root_apt_settings)
  # The index of a suite that is not released, on a mirror that is behind, is past its date.
  [ "$suite" = trixie ] || settings+=('Acquire::Check-Valid-Until "false";')
  for setting in "${settings[@]}"; do
    options+=("--aptopt=$setting")
  done
  options+=(--verbose "--include=$(recipe_packages "$suite" | paste -sd,)")
  local passwords
  for passwords in /etc/apt/auth.conf /etc/apt/auth.conf.d; do
    [ ! -r "$passwords" ] || [ -z "$(ls -A "$passwords")" ] ||
      options+=("--setup-hook=copy-in $passwords /etc/apt/")
  done
  cd / # where the subordinate ids may be
  if am_root; then
    # In mode unshare, root's own mounts vanish with the process, however it ends; it takes namespaces, though.
    local mode=root
    ! unshare --mount --pid --fork true 2>/dev/null || mode=unshare
    mmdebstrap "--mode=$mode" --format=directory "${options[@]}" "$suite" "$dir" "${sources[@]}" 2>&1 </dev/null |
      root_progress "$log" $$ || status=1
  else
    # As a tar, so that every file is the user's own and an ordinary rm removes it. TMPDIR: the half-made tree must
    # be reachable by the subordinate ids, which a home folder is not, and /tmp may be a small memory disk.
    # shellcheck disable=SC2094  # both only append
    TMPDIR=/var/tmp mmdebstrap --mode=unshare --format=tar --skip=output/dev "${options[@]}" "$suite" - "${sources[@]}" \
      2> >(root_progress "$log" $$) </dev/null | tar -C "$dir" --extract --no-same-owner 2>>"$log" || status=1
  fi
  [ "$status" = 0 ] && [ -s "$dir/var/lib/dpkg/status" ] && recipe_finish "$dir"
)
