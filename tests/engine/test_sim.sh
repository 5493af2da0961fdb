#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The short form of tests/sim.sh: the scheduler on up to 8 ranks and nodes gives the same bits, and the table has its lines.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
: >"$scratch/stderr"
COST=0.0004 bash "$SOURCE/tests/sim.sh" 8 >"$scratch/stdout" 2>"$scratch/stderr" || fail "sim.sh: $?"
cat "$scratch/stdout"
is "waves" "$(grep -cE '^(foretold|unforeseen)  *[0-9]' "$scratch/stdout")" 20
is "exponents" "$(grep -c exponent "$scratch/stdout")" 4
finish
