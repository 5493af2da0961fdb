#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a clone to numbers on machines that have nothing: bare Debian roots (debootstrap), each with its own way to build and install.
#   tests/roots.sh             all; needs root. Those that are named: tests/roots.sh trixie mpich
#     trixie      Debian 13, Open MPI 5, gcc 14, oneDNN 3: unit tests, quickstart
#     package     README's "To build by hand", as it stands there; cpack's .deb of two folders, the same bytes; lintian; in a bare Debian 12:
#                 smoke, quickstart, report
#     mpich       Debian 12, MPICH, a serial NetCDF in a folder of its own: tests/small.yaml on 1 and 2 ranks, quickstart; and the refusal
#                 of a NetCDF that was built with Open MPI
#     definition  the %post and %test of packaging/sulcus.def in a bare root, and the syntax of the other recipes
# The quickstart must have the same bits everywhere as in this tree's build (REFERENCE=JOURNAL: as in that one).
# Roots and packages are kept in ROOTS (/var/cache/sulcus-roots); MIRROR is the Debian mirror, else the one that this machine uses.
# Where no root can be made (no root, mirror, debootstrap or mounts here), one line says so and the exit code is 77.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() {
  echo "tests/roots.sh: SKIPPED, no bare root was tried: $*"
  exit 77
}
[ "$(id -u)" = 0 ] || skip 'debootstrap and chroot need root'
if [ "${ROOTS_APART-}" != $$ ]; then # what is mounted here is seen by nobody else, and goes with this process
  unshare --mount true 2>/dev/null || skip 'mounts are forbidden here'
  ROOTS_APART=$$ exec unshare --mount --propagation private bash tests/roots.sh "$@"
fi
roots=${ROOTS:-/var/cache/sulcus-roots} tree=$PWD
mkdir -p "$roots"
work=$(mktemp -d "$roots/run.XXXXXX") journal=$(mktemp)
opened=()
close_roots() {
  local root
  for root in "${opened[@]}"; do umount -lR "$root" 2>/dev/null || true; done
  rm -rf --one-file-system "$work"
}
trap 'close_roots; rm -f "$journal"' EXIT

opened=("$work/try")
mkdir "$work/try"
{ mount -t tmpfs tmpfs "$work/try" && mkdir "$work/try/proc" && mount -t proc proc "$work/try/proc" && umount -R "$work/try" && chroot / true; } 2>/dev/null ||
  skip 'mounts or chroot are forbidden here'
command -v debootstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends debootstrap >/dev/null 2>&1 ||
  skip 'debootstrap cannot be installed'

# The mirror and proxies of this machine.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
mirror=${MIRROR-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "Release: $codename" 2>/dev/null | head -1 || true)}
[ -n "$mirror" ] || skip "no Debian mirror in this machine's /etc/apt, nor in MIRROR"
forward=$(env | grep -iE '^(https?_proxy|no_proxy|OPENBLAS_[A-Z0-9_]+)=' | tr '\n' ' ' || true)

base() { # SUITE: a bare root, made once
  local base=$roots/$1
  [ ! -e "$base/.done" ] || return 0
  rm -rf "$base"
  mkdir -p "$roots/debs-$1"
  timeout 600 debootstrap --variant=minbase --cache-dir="$roots/debs-$1" --include=ca-certificates "$1" "$base" "$mirror" >"$base.log" 2>&1 ||
    skip "debootstrap $1 from $mirror: $(tail -n 1 "$base.log")"
  printf 'deb %s %s main\n' "$mirror" "$1" "$mirror" "$1-updates" >"$base/etc/apt/sources.list"
  grep -lsiE 'proxy|Verify' /etc/apt/apt.conf.d/* 2>/dev/null | xargs -r cp -t "$base/etc/apt/apt.conf.d" || true
  cp -rL /etc/ssl/certs/. "$base/etc/ssl/certs/" 2>/dev/null || true
  touch "$base/.done"
}

# open_root NAME SUITE: a root to change, $root, with this tree's last commit in /root/project. Packages that any root of that suite has
# downloaded are not downloaded again; with KEPT=, it may not touch these.
open_root() {
  base "$2"
  root=$work/$1
  mkdir -p "$root" "$work/$1.upper" "$work/$1.work" "$roots/debs-$2/partial" "$roots/lists-$2"
  mount -t overlay overlay -o "lowerdir=$roots/$2,upperdir=$work/$1.upper,workdir=$work/$1.work" "$root" 2>/dev/null || {
    mount --bind "$root" "$root"
    cp -a "$roots/$2/." "$root/"
  }
  opened+=("$root")
  cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/roots" # no fsync a file
  echo 'Acquire::Retries "3";' >"$root/etc/apt/apt.conf.d/retries"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root/var/lib/apt/lists"
  if [ -z "${KEPT+x}" ]; then
    mount --bind "$roots/debs-$2" "$root/var/cache/apt/archives"
    mount --bind "$roots/lists-$2" "$root/var/lib/apt/lists"
  else
    cp "$roots/debs-$2"/*.deb "$root/var/cache/apt/archives/"
  fi
  git clone -q --no-hardlinks "$tree" "$root/root/project" 2>/dev/null || cp -r "$tree" "$root/root/project"
}

# inside SCRIPT: runs it in $root, where no variable of this machine is seen.
inside() {
  # shellcheck disable=SC2086
  env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $forward \
    chroot "$root" /bin/bash -c "cd /root/project; install() { apt-get install -q -y --no-install-recommends \"\$@\" >/tmp/apt.log 2>&1 || { tail /tmp/apt.log; exit 1; }; }
      quietly() { \"\$@\" >/tmp/quiet.log 2>&1 || { tail -40 /tmp/quiet.log; exit 1; }; }
      set -euo pipefail
      $1" </dev/null
}

digests() { # JOURNAL
  sed -n 's/.*"event":"done".*"task":"\([^"]*\)".*"digest":"\([0-9a-f]*\)".*"file_digest".*/\1 \2/p' "$1" |
    awk '{last[$1] = $2} END {for (label in last) print label, last[label]}' | sort
}

# The quickstart of this tree's build, once.
reference() {
  [ -z "${REFERENCE-}" ] || return 0
  (
    jobs/setup.sh
    . jobs/mpi_env.sh
    cmake -S . -B build -G Ninja >/dev/null
    cmake --build build >/dev/null
    $mpirun_anyhow -n 2 build/sulcus run yaml/quickstart.yaml --quiet -s output="$work/reference"
  ) >"$work/reference.log" 2>&1 || { tail "$work/reference.log"; return 1; }
  cp "$work/reference/journal.jsonl" "$journal"
  REFERENCE=$journal
}
same_bits() { # JOURNAL WHAT
  digests "$REFERENCE" >"$work/expected"
  digests "$1" >"$work/found"
  [ -s "$work/expected" ] && cmp -s "$work/expected" "$work/found" || { echo "$2: other bits than $REFERENCE"; diff "$work/expected" "$work/found" | head -5; return 1; }
  echo "$2: the same bits in $(wc -l <"$work/found") tasks"
}

trixie() {
  open_root trixie trixie
  inside '
    quietly jobs/setup.sh
    install libcmocka-dev
    . jobs/mpi_env.sh
    quietly cmake -S . -B build -G Ninja -DSULCUS_WERROR=ON
    quietly cmake --build build
    quietly ctest --test-dir build -L unit -j2 --output-on-failure --no-tests=error
    grep "tests passed" /tmp/quiet.log
    jobs/quickstart.sh >/tmp/run.log 2>&1 || { tail /tmp/run.log; exit 1; }
    test -s runs/quickstart/report/index.html'
  same_bits "$root/root/project/runs/quickstart/journal.jsonl" 'Debian 13'
}

# The commands of README.md under "To build by hand".
by_hand() { awk '/^To build by hand/ {on = 1} on && /^    / {print; some = 1} some && !/^    / {exit}' README.md; }

package() {
  open_root builder bookworm
  [ "$(by_hand | wc -l)" = 4 ]
  inside "
    cp -r . /srv/elsewhere
    export PATH=/root/.local/bin:\$PATH
    by_hand() { $(by_hand)
    }
    quietly by_hand
    tail -n 1 /tmp/quiet.log"
  inside '
    install lintian
    cd /srv/elsewhere
    quietly cmake -S . -B build -G Ninja
    quietly cmake --build build
    cmp /root/project/build/sulcus /srv/elsewhere/build/sulcus
    echo "two folders: the same bytes"
    cd /root/project/build
    quietly cpack -G DEB
    lintian --fail-on error --tag-display-limit 0 *.deb'
  local deb
  deb=$(echo "$root"/root/project/build/sulcus_*.deb)
  open_root installed bookworm
  rm -rf "$root/root/project"
  mkdir "$root/root/project"
  cp "$deb" "$root/root/project/"
  cp jobs/mpi_env.sh "$root/tmp/"
  inside '
    quietly apt-get update
    install ./*.deb openmpi-bin gnuplot-nox
    . /tmp/mpi_env.sh
    cd /root
    sulcus --smoke
    $mpirun_anyhow -n 2 sulcus --smoke
    sulcus quickstart >/dev/null
    $mpirun_anyhow -n 2 sulcus run yaml/quickstart.yaml --quiet
    sulcus report yaml/quickstart.yaml >/dev/null
    test -s runs/quickstart/report/figure1.svg
    quietly apt-get remove -y sulcus
    if ls -d /usr/share/sulcus /usr/bin/sulcus 2>/dev/null; then echo "left behind"; exit 1; fi'
  same_bits "$root/root/runs/quickstart/journal.jsonl" 'the installed package'
}

mpich() {
  open_root mpich bookworm
  inside '
    quietly jobs/setup.sh --mpich
    # NetCDF as a centre has it: in a folder of its own, found by CMAKE_PREFIX_PATH alone.
    library=/usr/lib/$(gcc -print-multiarch)
    mkdir -p /opt/netcdf/include /opt/netcdf/lib
    mv /usr/include/netcdf*.h /opt/netcdf/include
    mv $library/libnetcdf.so* /opt/netcdf/lib
    rm -rf $library/pkgconfig/netcdf.pc $library/cmake/netCDF /usr/bin/nc-config
    ldconfig
    . jobs/mpi_env.sh
    quietly cmake -S . -B build -G Ninja -DBUILD_TESTING=OFF -DCMAKE_PREFIX_PATH=/opt/netcdf
    quietly cmake --build build
    quietly cmake --install build --prefix /opt/sulcus
    export PATH=/opt/sulcus/bin:$PATH
    ldd /opt/sulcus/bin/sulcus | grep -q " /opt/netcdf/lib/libnetcdf.so" || { echo "RPATH was not kept"; exit 1; }
    if ldd /opt/sulcus/bin/sulcus | grep "libmpi\.so"; then echo "two MPIs"; exit 1; fi
    sulcus --smoke
    $mpirun_anyhow -n 1 sulcus run tests/small.yaml --quiet -s output=runs/one
    $mpirun_anyhow -n 2 sulcus run tests/small.yaml --quiet -s output=runs/two
    $mpirun_anyhow -n 2 sulcus run yaml/quickstart.yaml --quiet
    # Another MPI in NetCDF.
    install libnetcdf-mpi-dev
    if cmake -S . -B build-two -G Ninja -DBUILD_TESTING=OFF -DMPI_C_COMPILER=mpicc.mpich -DCMAKE_PREFIX_PATH=$library/netcdf/mpi >/tmp/two.log 2>&1; then
      echo "two MPIs were not refused"; exit 1
    fi
    grep -q "was built with" /tmp/two.log && grep -q "libmpich.so.* and" /tmp/two.log || { cat /tmp/two.log; exit 1; }'
  local project=$root/root/project
  digests "$project/runs/one/journal.jsonl" >"$work/one"
  digests "$project/runs/two/journal.jsonl" >"$work/two"
  [ -s "$work/one" ] && cmp "$work/one" "$work/two"
  same_bits "$project/runs/quickstart/journal.jsonl" 'MPICH'
}

section() { awk -v name="%$1" '/^%/ {on = $1 == name; next} on' packaging/sulcus.def; }
definition() {
  KEPT= open_root definition "$(sed -n 's/^From: debian:\([a-z]*\).*/\1/p' packaging/sulcus.def)"
  mkdir -p "$root/usr/local/src"
  mv "$root/root/project" "$root/usr/local/src/sulcus"
  mkdir "$root/root/project"
  inside "quietly apt-get update
    ($(section post)) >/tmp/post.log 2>&1 || { tail -40 /tmp/post.log; exit 1; }
    cd /
    $(section test)"
  python3 -c 'import ast, sys; [ast.parse(open(name).read(), name) for name in sys.argv[1:]]' packaging/spack/package.py packaging/easybuild/*.eb
}

[ $# -gt 0 ] || set -- package trixie mpich definition
failed=0
for suite in bookworm trixie; do base $suite; done
reference || { echo 'FAILED: the reference'; exit 1; }
for name in "$@"; do
  begin=$(date +%s)
  echo "== $name"
  # In a shell of its own, since `set -e` does not hold in a condition.
  set +e
  (set -e; opened=(); trap close_roots EXIT; "$name")
  [ $? = 0 ] && result=passed || result=FAILED failed=1
  set -e
  mkdir -p "$work"
  echo "== $name: $result, $(($(date +%s) - begin)) s"
done
exit $failed
