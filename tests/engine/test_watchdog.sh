#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rank that hangs is found, with a line of what each rank is doing, and again later; one that is merely slow is not; one that is stopped
# altogether is reported by the others.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
printf 'pipeline: t\noutput: out\nsteps:\n  one: {stage: sum, units: 12, seconds: 0.05}\n' >p.yaml
: >stdout
: >stderr

# start RANKS SETTINGS...: in the background, as its own mpirun in $launcher.
start() {
  local n=$1
  shift
  rm -rf out
  $mpirun_anyhow -n "$n" "$TOY" run p.yaml --quiet "$@" >stdout 2>stderr </dev/null &
  launcher=$!
}
alarms() { grep -c 'nothing moves: rank' stderr; }
wait_for_alarms() { # AT-LEAST
  for _ in $(seq 150); do
    [ "$(alarms)" -ge "$1" ] && return
    sleep 0.1
  done
  fail "$(alarms) lines of the watchdog, expected $1"
}

for nodes in 1 2; do
  export SULCUS_NODES=$nodes
  start 3 -s watchdog=0.5s -s steps.one.hang_unit=7
  wait_for_alarms 3
  says "the rank that hangs, $nodes nodes" stderr 'nothing moves: rank [0-2] on .* computes unit 7 of one, for [1-9]'
  is "ranks with a line, $nodes nodes" "$(grep -o 'moves: rank [0-9]' stderr | sort -u | wc -l)" 3
  is "ranks that wait, $nodes nodes" "$(grep 'waits for the other ranks' stderr | grep -o 'rank [0-9]' | sort -u | wc -l)" 2
  [ "$nodes" = 2 ] || wait_for_alarms 6 # twice as late
  kill -USR1 $launcher
  code=0
  wait $launcher || code=$?
  is "exit code of the hanging run, $nodes nodes" $code 75
done
unset SULCUS_NODES

# Slow units: each moves.
start 2 -s watchdog=0.5s -s steps.one.seconds=0.3
wait $launcher || fail "the slow run"
is "false alarms" "$(alarms)" 0

# Stopped altogether, the first rank of the node.
start 2 -s watchdog=0.5s -s steps.one.seconds=0.3
sleep 1
victim=$(ranks_of $launcher | head -1)
kill -STOP $victim
wait_for_alarms 2
says "the others" stderr 'waits for the other ranks'
kill -CONT $victim
wait $launcher || fail "the run that was stopped for a while"
is "artefacts" "$(find out -name '*.nc' | wc -l)" 1
finish
