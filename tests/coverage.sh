#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Which share of the product's lines ran in a build with -DSULCUS_COVERAGE=ON, since its counts were last reset.
#   tests/coverage.sh BUILD           a line for each source, the least first, and the sum; fails below the floor in tests/coverage.txt
#   tests/coverage.sh BUILD --reset   forgets what ran
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
if [ "${2-}" = --reset ]; then
  find "$build" -name '*.gcda' -delete
  exit
fi

# Each object's own source, and no headers. What needs a CPU with AVX-512 or AMX would make the figure depend on the machine.
find "$build"/CMakeFiles -name '*.c.gcno' | sort | xargs "${GCOV-gcov}" -n -s "$PWD" 2>/dev/null | awk -v floor="$(grep -v '^#' tests/coverage.txt)" '
  /^File / {source = substr($2, 2, length($2) - 2)}
  /^Lines executed:/ && source ~ /^(pipeline|data|model|stages)\/.*\.c$/ && source !~ /avx512/ {
    split($2, share, /[:%]/)
    lines = $NF
    printf "%5.1f%% of %3d lines  %s\n", share[2], lines, source | "sort -n"
    ran += share[2] * lines / 100
    all += lines
  }
  /^Lines executed:/ {source = ""}
  END {
    close("sort -n")
    if (all == 0) {
      print "no counts in this build: configure with -DSULCUS_COVERAGE=ON and run tests"
      exit 1
    }
    figure = 100 * ran / all
    printf "coverage: %.1f%% of %d lines (at least %s%%)\n", figure, all, floor
    exit figure < floor
  }'
