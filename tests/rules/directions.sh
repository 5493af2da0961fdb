#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Rooms use each other as cmake/rooms.cmake says: no include and no call in another direction, and no direction that nobody uses.
. "$(dirname "$0")/rule.bash"

# "FOLDER" and "FOLDER USED" for each room of the plan.
plan() {
  sed 's/#.*//' cmake/rooms.cmake | tr '\n' ' ' | grep -oE '\broom\([^)]*\)' | tr -d ')' | sed 's/^room(//' | awk '
    {
      print $1
      for (i = 2; i <= NF && $i != "LIBRARIES"; i++) if ($i != "USES") print $1, $i
    }'
}

check() {
  plan >"$scratch/plan"
  graph >"$scratch/graph"
  say 'rooms and cmake/rooms.cmake differ:' "$(
    comm -3 <(awk 'NF == 1' "$scratch/plan" | sort -u) \
      <(sources | grep -v '^pipeline/main\.c$' | sed 's,^include/,,; s,/[^/]*$,,' | sort -u) | awk -F'\t' '
        $1 {print $1 " is planned and holds nothing"}
        $2 {print $2 " is not planned"}'
  )"
  awk -f "$rules/house.awk" -f <(cat <<'END'
    FNR == NR {if (NF == 2) planned[$1, $2]; next}
    $2 == "pipeline/main.c" {next} # the program joins the layers
    {
      a = room_of($2)
      b = room_of($3)
      if (a == b) next
      far = layer_of(a) != layer_of(b)
      if ((a, b) in planned) used[a, b]
      else if (far && (a, layer_of(b)) in planned) used[a, layer_of(b)]
      else if (!((a, b, $1) in said)) {
        said[a, b, $1]
        print "unplanned", a " uses " b ": " $2 " " ($1 == "call" ? "calls " $4 " of " : "includes ") $3
      }
    }
    END {
      for (pair in planned) if (!(pair in used)) {
        split(pair, part, SUBSEP)
        print "unused", part[1] " does not use " part[2]
      }
    }
END
  ) "$scratch/plan" "$scratch/graph" | sort >"$scratch/seen"
  say 'directions that cmake/rooms.cmake does not give:' "$(sed -n 's/^unplanned //p' "$scratch/seen")"
  say 'directions of cmake/rooms.cmake that nobody goes:' "$(sed -n 's/^unused //p' "$scratch/seen")"
}

twin() {
  objects
  accepted
  sed -i '3i #include "pipeline/run/run.h"' pipeline/base/count.c
  objects
  refused 'does not give' 'pipeline/base uses pipeline/run: pipeline/base/count.c includes pipeline/run/run.h'
  echo 'int run_all(void); int count_twice(void) { return run_all(); }' >>pipeline/base/count.c # a call without the header
  objects
  refused 'does not give' 'pipeline/base uses pipeline/run: pipeline/base/count.c calls run_all of pipeline/run/run.c'
  echo 'room(data USES pipeline)' >>cmake/rooms.cmake
  objects
  refused 'differ' 'data is planned' 'nobody goes' 'data does not use pipeline'
  sed -i 's/USES pipeline)/USES pipeline data)/' cmake/rooms.cmake
  objects
  refused 'nobody goes' 'stages does not use data'
  sed -i '/room(stages/d' cmake/rooms.cmake
  objects
  refused 'stages is not planned' 'stages uses pipeline/base: '
}

run_rule "$@"
