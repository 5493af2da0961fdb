#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages of Debian 12 or 13 that sulcus is built with, and nothing else. Does nothing when all are there.
#   jobs/setup.sh            what the program and its report need
#   jobs/setup.sh --tests    and what its tests need
#   jobs/setup.sh --mpich    MPICH in the place of Open MPI; with any NetCDF, which is a serial one
#   jobs/setup.sh --libraries   installs nothing: prints which of them are the libraries that it is linked with
# Needs root or sudo only when something is missing.
set -euo pipefail

mpi=(openmpi-bin libopenmpi-dev)
if [ "${1-}" = --mpich ]; then
  mpi=(mpich libmpich-dev)
fi
libraries=(
  "${mpi[1]}" libnetcdf-dev
  libopenblas-pthread-dev libdnnl-dev
  libyaml-dev libjansson-dev libpcre2-dev libutf8proc-dev libxxhash-dev
  zlib1g-dev libzstd-dev libsnappy-dev liblz4-dev libjpeg62-turbo-dev libpng-dev libwebp-dev
  libmetis-dev libigraph-dev
)
if [ "${1-}" = --libraries ]; then
  echo "${libraries[@]}"
  exit 0
fi
packages=(build-essential cmake ninja-build pkg-config "${mpi[0]}" "${libraries[@]}" gnuplot-nox)
if [ "${1-}" = --tests ]; then
  clang=(clang libclang-rt-dev clang-format clang-tidy)
  if [ "$(. /etc/os-release && echo "${VERSION_CODENAME-}")" = bookworm ]; then
    clang=(clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14) # whose form the tree has
  fi
  packages+=("${clang[@]}" libcmocka-dev netcdf-bin cppcheck debootstrap git librsvg2-bin libxml2-utils groff-base chromium
    python3 python3-pip iproute2 openssh-server openssh-client slurmctld slurmd slurm-client munge)
fi

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || {
    echo "jobs/setup.sh: these packages are missing; ask an administrator for: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
