#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test command: installs what is missing, builds, and runs every test through ctest.
#   tests/run.sh             all of it: release build with gcc, sanitizers, coverage, thread sanitizer, clang, fuzzing, the rules (CI: then roots.sh, arm.sh)
#   tests/run.sh -R PATTERN  only the release build's tests whose names match (any ctest arguments)
set -euo pipefail
cd "$(dirname "$0")/.."
jobs/setup.sh --tests
. jobs/mpi_env.sh

configure() { # FOLDER TARGET CMAKE-ARGUMENTS...
  cmake -S . -B "$1" -G Ninja -DSULCUS_WERROR=ON "${@:3}" >"$1.log" 2>&1 || { cat "$1.log"; exit 1; }
  cmake --build "$1" --target "$2" | grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Re-running)' || true
  cmake --build "$1" --target "$2" >/dev/null # the pipe hid the status
}
places=$((2 * $(nproc))) # most tests take two (tests/CMakeLists.txt)

configure build all
if [ $# -gt 0 ]; then
  exec ctest --test-dir build --output-on-failure --no-tests=error "$@"
fi
configure build-sanitize all -DCMAKE_BUILD_TYPE=Sanitize -DSULCUS_COVERAGE=ON -DSULCUS_CUDA=OFF # the plug-in is of one compiler, and built once
configure build-thread threaded -DCMAKE_BUILD_TYPE=Thread -DSULCUS_CUDA=OFF
configure build-clang all -DCMAKE_C_COMPILER="$(command -v clang-14 || echo clang)" -DSULCUS_CUDA=OFF

# Unit tests, bad input and a short way through the program under the sanitizers; then everything. Side by side, but for what compares times.
export ASAN_OPTIONS=${ASAN_OPTIONS-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS-suppressions=$PWD/tests/lsan.supp:print_suppressions=0}
export TSAN_OPTIONS=${TSAN_OPTIONS-suppressions=$PWD/tests/tsan.supp:print_suppressions=0}
failed=0
tests/coverage.sh build-sanitize --reset
ctest --test-dir build-sanitize -L 'unit|sanitized' -j "$places" --output-on-failure --no-tests=error || failed=1
tests/coverage.sh build-sanitize >build-sanitize/coverage.txt || failed=1
tail -n 1 build-sanitize/coverage.txt
ctest --test-dir build-thread -L threads -j "$places" --output-on-failure --no-tests=error || failed=1
ctest --test-dir build-clang -L unit -j "$places" --output-on-failure --no-tests=error || failed=1
tests/fuzz.sh --twin || failed=1
SEED=1 tests/fuzz.sh 6s || failed=1 # a commit is not to fail for what chance finds in another
tests/check.sh --all || failed=1
ctest --test-dir build -LE rules -j "$places" --output-on-failure --no-tests=error || failed=1
exit $failed
