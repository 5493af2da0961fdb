#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A header lies in include/ exactly if another layer includes it, or a header there does: what a layer shows is what others use.
. "$(dirname "$0")/rule.bash"

check() {
  graph | awk -f "$rules/house.awk" -f <(cat <<'END'
    $1 == "include" {
      if (layer_of($2) != layer_of($3) || $2 ~ /^include\//) wanted[$3] = $2
    }
    END {for (header in wanted) print header, wanted[header]}
END
  ) | sort >"$scratch/wanted"
  say 'headers that belong into include/:' "$(awk '$1 !~ /^include\// {print $1 ": " $2 " includes it"}' "$scratch/wanted")"
  say 'headers in include/ that no other layer includes:' "$(sources | grep '^include/' | comm -23 - <(cut -d' ' -f1 "$scratch/wanted" | sort))"
}

twin() {
  objects
  accepted
  sed -i '3i #include "pipeline/run/run.h"' stages/count.c
  objects
  refused 'belong into' '^  pipeline/run/run.h: stages/count.c includes it'
  mkdir -p include/pipeline/run
  mv pipeline/run/run.h include/pipeline/run/
  objects
  refused 'no other layer' '^  include/pipeline/run/run.h'
}

run_rule "$@"
