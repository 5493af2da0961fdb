#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No dead exports: a function or a variable that no other source of the program refers to is static, or gone.
. "$(dirname "$0")/rule.bash"

# What only tests refer to may be named in dead_exports.allow: NAME and the reason.
check() {
  local allow=${SULCUS_ALLOW-$rules/dead_exports.allow}
  find_objects >"$scratch/objects"
  [ -s "$scratch/objects" ] || { echo "no objects in $build: build first"; exit 1; }
  find "$build/tests" -name '*.o' 2>/dev/null | xargs -r nm -gu | awk '$1 == "U" {print "test", $2}' >"$scratch/tests"
  xargs nm -gA <"$scratch/objects" | sed -E 's,^.*\.dir/([^ ]*)\.o:,\1 ,' | awk '
    FILENAME == ARGV[1] {if (!/^#/ && NF) allowed[$1]; next}
    FILENAME == ARGV[2] {tested[$2]; next}
    $2 == "U" {wanted[$3]; next}
    $3 ~ /^[TDBRVWi]$/ && $4 !~ /\./ && $4 != "main" {defined[$4] = $1}
    END {
      for (name in defined) if (!(name in wanted) && !(name in allowed))
        print "dead", defined[name] ": " name (name in tested ? " (only tests refer to it)" : "")
      for (name in allowed) if (!(name in defined) || name in wanted) print "alive", name
    }' "$allow" "$scratch/tests" - | sort >"$scratch/seen"
  say 'exported, and no other source refers to it:' "$(sed -n 's/^dead //p' "$scratch/seen")"
  say "allowed in $(basename "$allow") without need:" "$(sed -n 's/^alive //p' "$scratch/seen")"
}

twin() {
  export SULCUS_ALLOW=$scratch/allow
  : >"$SULCUS_ALLOW"
  objects
  accepted
  echo 'int count_down(int n) { return n - 1; }' >>pipeline/base/count.c
  objects
  refused '^  pipeline/base/count.c: count_down'
  echo 'int count_limit = 3;' >>pipeline/base/count.c
  objects
  refused '^  pipeline/base/count.c: count_limit'
  echo 'count_down  tests count backwards' >"$SULCUS_ALLOW"
  echo 'int count_down(int n) { return n - 1; }' >>pipeline/base/count.c
  objects
  accepted
  objects
  refused 'without need' '^  count_down'
}

run_rule "$@"
