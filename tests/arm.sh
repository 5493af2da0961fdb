#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On Arm, without one: the whole tree is built for aarch64 by Debian's cross compiler, against Debian's arm64 packages in a folder of their
# own, and the unit tests that are short run under qemu-user. Nothing of this machine's packages changes but that those two are installed.
#   tests/arm.sh             all of it. CTEST-ARGUMENTS: other tests, tests/arm.sh -L unit
# The folder is kept in ROOTS/arm64-SUITE (/var/cache/sulcus-roots); MIRROR is the Debian mirror, else the one that this machine uses.
# Where that cannot be had (another system, no mirror, no compiler), one line says so and the exit code is 77.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() {
  echo "tests/arm.sh: SKIPPED, nothing was built for Arm: $*"
  exit 77
}
for tool in apt-get dpkg-deb cmake ninja; do command -v $tool >/dev/null || skip "$tool is not here"; done
suite=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
mirror=${MIRROR-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "Release: $suite" 2>/dev/null | head -1 || true)}
[ -n "$mirror" ] || skip "no Debian mirror in this machine's /etc/apt, nor in MIRROR"
wanted=()
command -v aarch64-linux-gnu-gcc >/dev/null || wanted+=(gcc-aarch64-linux-gnu)
command -v qemu-aarch64 >/dev/null || wanted+=(qemu-user)
[ ${#wanted[@]} = 0 ] || DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}" >/dev/null 2>&1 ||
  skip "${wanted[*]} cannot be installed"

roots=${ROOTS:-/var/cache/sulcus-roots}
export ARM_ROOT=$roots/arm64-$suite
mkdir -p "$roots" 2>/dev/null || skip "$roots cannot be made"

# The packages are found and fetched by an apt that knows of this folder alone, and unpacked: nothing of them is run.
make_root() {
  local new=$ARM_ROOT.new apt=$ARM_ROOT.apt library=usr/lib/aarch64-linux-gnu packages package link target file
  packages="$(jobs/setup.sh --libraries) libcmocka-dev"
  [ "$(cat "$ARM_ROOT/.made" 2>/dev/null)" != "$packages" ] || return 0
  rm -rf "$new" "$ARM_ROOT"
  mkdir -p "$new" "$apt/lists/partial" "$apt/archives/partial"
  : >"$apt/status"
  printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates" >"$apt/sources.list"
  local mine=(-o "Dir::State=$apt" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt" -o "Dir::Etc::SourceList=$apt/sources.list"
    -o Dir::Etc::SourceParts=/dev/null -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= -o Acquire::Retries=3)
  # shellcheck disable=SC2086
  { timeout 300 apt-get "${mine[@]}" -q update && timeout 900 apt-get "${mine[@]}" -q -y --no-install-recommends --download-only install \
    $packages; } >"$ARM_ROOT.log" 2>&1 || skip "arm64 packages from $mirror: $(tail -n 1 "$ARM_ROOT.log")"
  for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$new"; done
  # What is absolute in there begins there; and what Debian's alternatives would choose.
  find "$new" -type l -lname '/*' -printf '%p %l\n' | while read -r link target; do
    ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" "$new$target")" "$link"
  done
  for file in "$new/$library"/openblas-pthread/lib{openblas,blas,lapack}.so*; do
    ln -sf "openblas-pthread/${file##*/}" -t "$new/$library"
  done
  ln -sf ../openblas-pthread/pkgconfig/openblas.pc -t "$new/$library/pkgconfig"
  echo "$packages" >"$new/.made"
  mv "$new" "$ARM_ROOT"
  rm -rf "$apt"
}
make_root

quietly() { "$@" >build-arm.log 2>&1 || { tail -40 build-arm.log; exit 1; }; }
quietly cmake -S . -B build-arm -G Ninja -DSULCUS_WERROR=ON -DBUILD_TESTING=ON -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/arm.cmake"
quietly cmake --build build-arm
file=$(od -An -tx1 -j18 -N1 build-arm/sulcus)
[ "$file" = ' b7' ] || { echo "build-arm/sulcus is not for aarch64: ELF machine$file"; exit 1; }
qemu-aarch64 -L "$ARM_ROOT" build-arm/sulcus --version >build-arm.log || { cat build-arm.log; exit 1; }
grep -E '^ *(float32 products|other kernels)' build-arm.log

# The others take half a minute to two minutes under qemu each, and are of the same code at larger sizes; planning has a second's time.
long='unit_(pipeline_dag|data_hostile_tokenizer|model_(bad_models|cuda_models|device|mask|neuron_cache|teams|vit)|stages_(balanced_kmeans|cluster_auc|report))$'
[ $# -gt 0 ] || set -- -L unit -E "$long"
quietly ctest --test-dir build-arm -j"$(nproc)" --output-on-failure --no-tests=error "$@"
grep 'tests passed' build-arm.log
