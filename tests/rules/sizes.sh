#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nothing grows out of sight: lines of 120 columns, functions of 80 lines, files of 500, folders of 17 sources.
. "$(dirname "$0")/rule.bash"

check() {
  say 'lines over 120 columns:' "$(sources tests | xargs awk 'length > 120 {print FILENAME ":" FNR}')"
  say 'functions over 80 lines:' "$(sources | xargs awk '
    /^{$/ {first = FNR}
    /^}$/ && first {if (FNR - first + 2 > 80) print FILENAME ":" first - 1 ": " FNR - first + 2; first = 0}')"
  say 'files over 500 lines:' "$(sources | xargs wc -l | awk '$2 != "total" && $1 > 500 {print $2 ": " $1}')"
  say 'folders of more than 17 sources:' "$(sources | sed -nE 's,/[^/]*\.c$,,p' | sort | uniq -c | awk '$1 > 17 {print $2 ": " $1}')"
}

lines() { # N: that many comments
  seq "$1" | sed 's,^,// ,'
}

twin() {
  lines 491 >>pipeline/run/run.c
  accepted
  lines 492 >>pipeline/run/run.c
  refused 'files over' '^  pipeline/run/run.c: 501'
  printf 'void run_long(void)\n{\n%s\n}\n' "$(lines 77)" >>pipeline/run/run.c
  accepted
  printf 'void run_long(void)\n{\n%s\n}\n' "$(lines 78)" >>pipeline/run/run.c
  refused 'functions over' '^  pipeline/run/run.c:10: 81'
  printf '// %0118d\n' 0 >>tests/long.c
  refused 'lines over' '^  tests/long.c:1'
  for i in {1..17}; do echo >"pipeline/run/$i.c"; done
  refused 'folders of' '^  pipeline/run: 18'
}

run_rule "$@"
