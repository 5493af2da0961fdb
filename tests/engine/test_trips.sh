#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How often ranks of two nodes meet (faults/mpi.c counts): over a network that takes long, it is what small tasks take. A step of several
# tasks is one meeting, so that only their sums cost more where there are more; and nobody meets for what has not changed.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
steps() { printf 'pipeline: t\noutput: out\nsteps:\n  root: {stage: sum, units: 4}\n'; } # and those that follow
meetings() { # MEETINGS: how often ranks met over the pipeline p.yaml
  rm -f met
  ranks 2 env LD_PRELOAD="$BUILD/tests/libstrict_mpi.so" MEETINGS=met SULCUS_NODES=2 "$TOY" run p.yaml --quiet "$@"
  is "exit code" $code 0
  cat met
}
# at_most WHAT ACTUAL BOUND
at_most() {
  echo "$1: $2 meetings"
  [ "$2" -le "$3" ] || fail "$1: $2 meetings, at most $3 expected"
}

steps >p.yaml
alone=$(meetings)
at_most "a pipeline of one task" "$alone" 58
at_most "nothing to do" "$(meetings)" 29 # one of them for the line in the journal
rm -rf out
sed -i 's/units: 4/units: 4, rounds: 11/' p.yaml
at_most "ten rounds more" $(($(meetings) - alone)) 90
rm -rf out
sed -i 's/, rounds: 11/, scale: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]/' p.yaml
at_most "nine tasks beside it" $(($(meetings) - alone)) 18 # of two fields each
rm -rf out
{
  steps
  for i in {1..10}; do echo "  t$i: {stage: total, from: root}"; done
} >p.yaml
at_most "ten tasks without rounds below it" $(($(meetings) - alone)) 10
rm -rf out
{
  steps
  from=root
  for i in {1..10}; do echo "  t$i: {stage: total, from: $from}" && from=t$i; done
} >p.yaml
at_most "ten, one below the other" $(($(meetings) - alone)) 100
finish
