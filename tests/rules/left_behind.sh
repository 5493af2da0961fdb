#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Nothing is left behind: no note to oneself, no code switched off, no private header (a header beside its source is private).
. "$(dirname "$0")/rule.bash"

check() {
  say 'left behind:' "$(sources tests | xargs grep -nHE '\b(TODO|FIXME|XXX|HACK)\b|#if 0')"
  say 'private headers:' "$(sources tests | grep '_private\.h$')"
}

twin() {
  accepted
  echo '// TODO: more' >>pipeline/run/run.c
  refused 'pipeline/run/run.c:10:'
  touch pipeline/run/run_private.h
  refused '^  pipeline/run/run_private.h'
}

run_rule "$@"
