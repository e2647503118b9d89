# SPDX-License-Identifier: LGPL-2.1-or-later
# Where a root's packages come from.
# shellcheck shell=bash disable=SC2153,SC2317

test_uses_the_mirror_and_the_proxy_of_this_machines_apt() {
  local lines codename
  command -v apt-config >/dev/null || skip 'no apt here'
  cat >"$SCRATCH/apt.conf" <<EOF
Dir::Etc::sourcelist "$SCRATCH/sources.list";
Dir::Etc::sourceparts "$SCRATCH/parts";
Acquire::http::Proxy "http://proxy.example.org:3142";
EOF
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  grep -q '^ID=debian$' /etc/os-release || skip 'no Debian here'
  mkdir "$SCRATCH/parts"
  # Both ways to write it, beside an archive that is not Debian's and one that is turned off.
  cat >"$SCRATCH/sources.list" <<EOF
deb http://vendor.example.org/debian $codename main
#deb http://mirror.example.org/off $codename main
deb [arch=amd64 signed-by=/x] http://mirror.example.org/debian $codename main # ours
deb http://mirror.example.org/debian $codename-updates main
EOF
  cat >"$SCRATCH/parts/security.sources" <<EOF
Types: deb
URIs: http://off.example.org/security
Suites: $codename-security
Enabled: no

Types: deb deb-src
URIs: http://mirror.example.org/security
Suites: $codename-elsewhere
 $codename-security
Components: main
EOF
  export APT_CONFIG=$SCRATCH/apt.conf
  # shellcheck source=tools/lib/common.sh
  . tools/lib/common.sh
  # shellcheck source=tools/lib/root-build.sh
  . tools/lib/root-build.sh
  lines=$(root_sources trixie)
  has "$lines" ' http://mirror.example.org/debian trixie main'
  has "$lines" ' http://mirror.example.org/debian trixie-updates main'
  has "$lines" ' http://mirror.example.org/security trixie-security main'
  equal 3 "$(grep -c example.org <<<"$lines")"
  lines=$(root_apt_settings)
  has "$lines" 'Acquire::http::Proxy "http://proxy.example.org:3142";'
}
