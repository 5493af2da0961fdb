#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What CI runs fails if tests or a bare root fail, and does not where no root can be made: then one line says so.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
mkdir -p "$scratch/.ci" "$scratch/tests"
cp "$SOURCE/.ci/run" "$scratch/.ci/"

stub() { # SCRIPT CODE: in its place, says that it was called
  printf '#!/bin/sh\necho %s >>%s/order; exit %d\n' "$1" "$scratch" "$2" >"$scratch/$1"
  chmod +x "$scratch/$1"
}
ci() { # WHAT CODE-OF-RUN CODE-OF-ROOTS CODE-OF-ARM EXPECTED ORDER
  stub tests/run.sh "$2"
  stub tests/roots.sh "$3"
  stub tests/arm.sh "$4"
  : >"$scratch/order"
  code=0
  "$scratch/.ci/run" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1" "$code $(tr '\n' ' ' <"$scratch/order")" "$5 $6 "
}
ci 'all is well' 0 0 0 0 'tests/run.sh tests/roots.sh tests/arm.sh'
ci 'a test fails' 1 0 0 1 'tests/run.sh'
ci 'a root fails' 0 1 0 1 'tests/run.sh tests/roots.sh'
ci 'Arm fails' 0 77 1 1 'tests/run.sh tests/roots.sh tests/arm.sh'
ci 'no root can be made' 0 77 77 0 'tests/run.sh tests/roots.sh tests/arm.sh'

# skips WHAT PATTERN COMMAND...
skips() {
  local what=$1 pattern=$2
  shift 2
  code=0
  ROOTS=$scratch/roots timeout 60 "$@" bash "$SOURCE/tests/roots.sh" mpich >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$what" "$code, $(cat "$scratch/stdout" "$scratch/stderr" | wc -l) line" '77, 1 line'
  says "$what" "$scratch/stdout" "SKIPPED.*: .*$pattern"
}
anyone='mounts\|root\|chroot' # what a user, or a container, is told before the rest is looked at
skips 'no mirror' "no Debian mirror\|$anyone" env MIRROR=
skips 'a mirror that does not answer' "debootstrap\|$anyone" env MIRROR=http://127.0.0.1:9/debian
without() { # PATTERN SETPRIV-ARGUMENTS...: skips for who has less rights than this process, if it may give them up
  setpriv "${@:2}" test -r "$SOURCE/tests/roots.sh" 2>/dev/null || return 0
  skips "$*" "$1" setpriv "${@:2}"
}
without 'need root' --reuid=nobody --regid=nogroup --clear-groups
[ "$(id -u)" != 0 ] || without 'mounts are forbidden' --bounding-set -sys_admin --inh-caps -sys_admin

# Arm's packages, from a mirror that does not answer; nothing is left that would be taken for them.
for mirror in '' http://127.0.0.1:9/debian; do
  code=0
  MIRROR=$mirror ROOTS=$scratch/roots timeout 60 bash "$SOURCE/tests/arm.sh" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "Arm, mirror '$mirror'" "$code, $(cat "$scratch/stdout" "$scratch/stderr" | wc -l) line" '77, 1 line'
  says "Arm, mirror '$mirror'" "$scratch/stdout" 'SKIPPED.*: '
done
[ ! -e "$scratch/roots/arm64-"*/.made ] || fail 'a root for Arm of nothing'
finish
