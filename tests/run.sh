#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test command: installs what is missing, builds, and runs every test through ctest.
#   tests/run.sh             all of it, as CI does: release build with gcc, sanitizers, clang
#   tests/run.sh -R PATTERN  only the release build's tests whose names match (any ctest arguments)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs/setup.sh --tests
. jobs/mpi_env.sh

configure() { # FOLDER CMAKE-ARGUMENTS...
  cmake -S . -B "$1" -G Ninja -DSULCUS_WERROR=ON "${@:2}" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
  cmake --build "$1" | grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Re-running)' || true
  cmake --build "$1" >/dev/null # the pipe hid the status
}
jobs=$(nproc)

configure build
if [ $# -gt 0 ]; then
  exec ctest --test-dir build --output-on-failure --no-tests=error "$@"
fi
configure build-sanitize -DCMAKE_BUILD_TYPE=Sanitize
configure build-clang -DCMAKE_C_COMPILER="$(command -v clang-14 || echo clang)"

# Unit tests and bad input under the sanitizers, side by side; the runs under MPI one after the other, since they time and count ranks.
export ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}
failed=0
ctest --test-dir build-sanitize -L 'unit|bad' -j "$jobs" --output-on-failure --no-tests=error || failed=1
ctest --test-dir build-clang -L unit -j "$jobs" --output-on-failure --no-tests=error || failed=1
ctest --test-dir build --output-on-failure --no-tests=error || failed=1
exit $failed
