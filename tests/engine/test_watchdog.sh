#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rank that hangs is found, with a line of what each rank is doing, and again later; one that is merely slow is not; one that is stopped
# altogether is reported by the others, and so is a host: by the first one, or by all others if it is that one.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
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

# Until ranks compute, however slow their start is here, and a moment more.
wait_for_work() {
  for _ in $(seq 300); do
    grep -qs '"event":"run"' out/journal.jsonl && break
    sleep 0.1
  done
  sleep 0.5
}

for nodes in 1 2; do
  export SULCUS_NODES=$nodes
  start 3 -s watchdog=0.5s -s steps.one.hang_unit=7
  wait_for_alarms 3
  is "hosts that do not answer, $nodes nodes" "$(grep -c 'does not answer' stderr)" 0
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
wait_for_work
victim=$(ranks_of $launcher | head -1)
kill -STOP $victim
wait_for_alarms 2
says "the others" stderr 'waits for the other ranks'
is "ranks that do not answer" "$(grep -o 'moves: rank [0-9].*; it does not answer' stderr | sed 's/ on .*;/;/' | sort -u)" \
  'moves: rank 0; it does not answer'
kill -CONT $victim
wait $launcher || fail "the run that was stopped for a while"
is "artefacts" "$(find out -name '*.nc' | wc -l)" 1

# A host of three, with two ranks; and the first.
printf 'export SULCUS_HOST=n$((OMPI_COMM_WORLD_RANK / 2))\nexec "$@"\n' >host.sh
export SULCUS_NODES=3
stop_host() { # HOST ITS-RANKS NODES-THAT-SAY-SO
  rm -rf out
  $mpirun_anyhow -n 6 bash host.sh "$TOY" run p.yaml --quiet -s watchdog=1s -s steps.one.seconds=0.1 -s steps.one.units=120 -s threads=1 >stdout 2>stderr </dev/null &
  launcher=$!
  wait_for_work
  victims=$(for p in $(ps -o pid= --ppid $launcher); do tr '\0' '\n' <"/proc/$p/environ" | grep -q "^SULCUS_HOST=$1$" && echo "$p"; done)
  kill -STOP $victims
  for _ in $(seq 150); do [ "$(grep -c "$1 does not answer" stderr)" -ge $((2 * $3)) ] && break; sleep 0.1; done
  kill -CONT $victims
  wait $launcher || fail "the run of which $1 was stopped for a while"
  is "hosts that do not answer, $1 stopped" "$(grep 'does not answer (' stderr | sed 's/, for .*//' | sort -u)" \
    "sulcus: nothing moves: $1 does not answer (ranks $2)"
  is "who says that $1 is stopped" "$(($(grep -c 'does not answer (' stderr) / 2))" "$3" # twice, as there were two alarms
  says "how long, $1 stopped" stderr "$1 does not answer .*, for [1-9][0-9]* s$"
}
stop_host n1 '2 to 3' 1
stop_host n0 '0 to 1' 2
finish
