#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Only the program knows the world's communicator and ends the process: everything else takes a communicator and returns a status.
# (machine/child.c ends the process that it started.)
. "$(dirname "$0")/rule.bash"

check() {
  say 'MPI_COMM_WORLD, exit or abort outside main.c:' \
    "$(sources | grep -vE '^pipeline/(main|machine/child)\.c$' | xargs grep -nE '\bMPI_COMM_WORLD\b|(^|[^_[:alnum:]])(exit|_exit|abort)\(')"
}

twin() {
  accepted
  echo 'void run_end(void) { exit(1); }' >>pipeline/run/run.c
  refused 'pipeline/run/run.c:10:'
  echo 'MPI_Comm all = MPI_COMM_WORLD;' >>pipeline/run/run.c
  refused 'pipeline/run/run.c:10:'
  echo 'void main_end(void) { exit(1); }' >>pipeline/main.c
  accepted
}

run_rule "$@"
