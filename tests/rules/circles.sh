#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No circles, neither of modules (x.c and x.h) nor of rooms: what lies below can be read and tested without what lies above.
. "$(dirname "$0")/rule.bash"

# circles OF: the loops among the edges "FROM TO FILE HOW" of stdin, each arrow with one reason.
circles() {
  sort -u -k1,2 >"$scratch/edges"
  cut -d' ' -f1,2 "$scratch/edges" | tsort 2>&1 >/dev/null | sed 's/^tsort: //' | awk '
    FNR == NR {why[$1, $2] = substr($0, length($1 $2) + 3); next}
    function closing() {
      for (i = 0; i < n; i++) {
        a = member[i]
        b = member[(i + 1) % n]
        if ((a, b) in why) print "  " a " -> " b ": " why[a, b]
        else print "  " b " -> " a ": " why[b, a]
      }
      n = 0
    }
    /input contains a loop/ {closing(); print "a circle:"; next}
    {member[n++] = $1}
    END {closing()}' "$scratch/edges" -
}

check() {
  local of
  graph >"$scratch/graph"
  for of in module room; do
    say "circles of ${of}s:" "$(awk -f "$rules/house.awk" -f <(echo '
      {
        a = '$of'_of($2)
        b = '$of'_of($3)
        if (a != b && $2 != "pipeline/main.c") print a, b, $2 ($1 == "call" ? " calls " $4 : " includes " $3)
      }') "$scratch/graph" | circles)"
  done
}

twin() {
  objects
  accepted
  sed -i '3i #include "pipeline/run/run.h"' pipeline/base/count.c
  objects
  refused 'circles of modules' 'pipeline/base/count -> pipeline/run/run: pipeline/base/count.c includes pipeline/run/run.h' \
    'pipeline/run/run -> pipeline/base/count: pipeline/run/run.c ' 'circles of rooms'
  echo 'int run_all(void); int count_twice(void) { return run_all(); }' >>pipeline/base/count.c
  objects
  refused 'circles of modules' 'pipeline/base/count -> pipeline/run/run: pipeline/base/count.c calls run_all'
  put pipeline/run/other.c <<<'#include "pipeline/run/other.h"'
  put pipeline/run/other.h <<<'#include "pipeline/base/other.h"'
  put pipeline/base/other.c <<<'int run_all(void); int other(void) { return run_all(); }'
  touch pipeline/base/other.h
  objects
  refused 'circles of rooms' 'pipeline/base -> pipeline/run: ' # and none of modules
  [[ $seen != *modules* ]] || { echo "a circle of rooms only is called one of modules: $seen"; bad=1; }
}

run_rule "$@"
