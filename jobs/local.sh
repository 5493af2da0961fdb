#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One pipeline on this machine, one rank a core. Ctrl-C, or a TERM to this script, lets the ranks write what they have before they stop.
#   jobs/local.sh pipeline.yaml [-s key.path=value ...]
#   SULCUS: the program, default build/sulcus beside this folder; RANKS: default one a core
# Ends with "N done ..." and 0; with 75 when it was interrupted: the same command goes on. Otherwise the program's exit code and its line of error.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi_env.sh"
sulcus=${SULCUS:-$here/../build/sulcus}
[ -x "$sulcus" ] || sulcus=sulcus
waiting=1
trap 'waiting=1; [ -z "$job" ] || kill -USR1 "$job"' INT TERM USR1
# In a session of its own: Ctrl-C then reaches this script alone.
setsid mpirun -n "${RANKS:-$(nproc)}" "$sulcus" run "$@" </dev/null &
job=$!
while [ $waiting = 1 ]; do
  waiting=0
  wait "$job"
  code=$?
done
exit "$code"
