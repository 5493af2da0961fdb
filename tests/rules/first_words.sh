#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source says in its first lines, right after the licence, what it is for and why it is as it is.
. "$(dirname "$0")/rule.bash"

check() {
  say 'sources that do not say on line 2 what they are for:' \
    "$(sources | grep '\.c$' | xargs awk 'FNR == 2 && !/^\/\/ [^ ]/ {print FILENAME}')"
}

twin() {
  accepted
  sed -i 2d pipeline/run/run.c
  refused '^  pipeline/run/run.c'
}

run_rule "$@"
