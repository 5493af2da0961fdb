#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sources look as clang-format 14, Debian 12's, writes them; another version would write them otherwise.
. "$(dirname "$0")/rule.bash"
grep -q bookworm /etc/os-release || { echo 'no clang-format-14 in this distribution'; exit 77; }

check() {
  clang-format-14 --version >"$scratch/version" 2>&1 || { say 'clang-format-14 is missing:' 'jobs/setup.sh --tests'; return; }
  grep -q 'version 14\.' "$scratch/version" || say 'clang-format-14 is not version 14:' "$(cat "$scratch/version")"
  say 'not as clang-format 14 writes it:' \
    "$(sources tests | xargs -P "$(nproc)" -n 50 clang-format-14 --dry-run 2>&1 | grep -oE '^[^:]+:[0-9]+' | sort -u -t: -k1,1)"
}

twin() {
  accepted
  echo 'int run_twice (void) { return 2 ; }' >>pipeline/run/run.c
  refused '^  pipeline/run/run.c:10'
  mkdir "$scratch/empty"
  (
    bash=$(command -v bash)
    for tool in find sort xargs grep sed cat mktemp dirname basename nproc rm; do ln -s "$(command -v $tool)" "$scratch/empty/"; done
    PATH=$scratch/empty "$bash" "$rules/format.sh" "$PWD" >"$scratch/seen" 2>&1
  )
  [ $? = 1 ] && grep -q 'is missing' "$scratch/seen" || { echo "without clang-format it passes"; cat "$scratch/seen"; bad=1; }
}

run_rule "$@"
