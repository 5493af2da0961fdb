#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One run at a time in an output folder: the second waits and then names the first; a lease whose holder is gone is taken over by one of
# those that find it; a run that has lost its lease, or its folder, commits nothing more.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  slow: {stage: sum, units: 50, seconds: 0.02}
END
: >stdout
: >stderr
begin() { # NAME WAIT ARGUMENTS...: a run on one rank in the background, its id in $started
  local name=$1 wait=$2
  shift 2
  SULCUS_LEASE_WAIT=$wait "$TOY" run p.yaml "$@" >"$name.out" 2>"$name.err" &
  started=$!
}
ended() { # PID EXPECTED WHAT
  code=0
  wait "$1" 2>/dev/null || code=$?
  is "exit code of $3" "$code" "$2"
}
until_held() {
  for _ in $(seq 200); do
    grep -q '"event":"start"' out/journal.jsonl 2>/dev/null && [ -e out/lease ] && return
    sleep 0.02
  done
  fail "nobody holds the folder"
}

# Two at once: one runs, the other says who it is.
begin a 0.3
first=$!
begin b 0.3
second=$!
codes=
for p in $first $second; do
  code=0
  wait $p || code=$?
  codes="$codes$code "
done
case $codes in
'0 75 ') loser=b winner=$first ;;
*) loser=a winner=$second ;;
esac
is "exit codes of two at once" "$(echo "$codes" | tr ' ' '\n' | sort -n | tr '\n' ' ')" " 0 75 "
says "the second" $loser.err "^sulcus: error: .*out: is in use by process $winner on $(hostname), since .*; start again"
is "lines of the second" "$(wc -l <$loser.err)" 1
[ -e out/lease ] && fail "a lease is left"

# Patience: it waits, and finds all done.
rm -rf out
begin a 30
first=$started
until_held
begin b 30
ended $started 0 "the patient second"
ended $first 0 "the first"
says "the patient second" b.out "0 done, 1 skipped"

# A killed holder on this machine: eight find its lease; they run one after the other, and the work is done once.
rm -rf out
begin a 30
until_held
kill -KILL $started
wait $started 2>/dev/null
[ -e out/lease ] || fail "a killed run took its lease along"
pids=
for i in 1 2 3 4 5 6 7 8; do
  begin r$i 30
  pids="$pids $started"
done
for p in $pids; do ended "$p" 0 "one of eight"; done
is "how often the work was done" "$(grep -c '"event":"done"' out/journal.jsonl)" 1
is "runs that had something to do" "$(cat r?.out | grep -cE '(^| )1 done')" 1

# A holder on another machine: while it beats it lives, else it is dead. One of this Slurm job before it was requeued is dead at once.
far() { # BEAT JOB RESTART
  printf 'id far-1\nhost far\nboot other\nspace pid:[1]\npid 1\nstart 5\njob %s\nrestart %s\nsince 2026-01-01 00:00:00\nbeat %010d\n' "$2" "$3" "$1"
}
rm -rf out && mkdir out
(for i in $(seq 100); do
  far "$i" 77 "" >out/lease.x && mv out/lease.x out/lease
  sleep 0.05
done) &
beats=$!
sleep 0.2
begin a 1
ended $started 75 "a start beside a beating holder"
says "a beating holder" a.err "is in use by process 1 on far (Slurm job 77), since 2026-01-01"
kill $beats
wait $beats 2>/dev/null
begin a 1.5
ended $started 0 "a start beside a silent holder"
far 1 77 1 >out/lease
start=$(date +%s%N)
SLURM_JOB_ID=77 SLURM_RESTART_COUNT=2 begin a 30
ended $started 0 "a requeued job"
[ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ] || fail "a requeued job waited for itself"

# Another's name in the file: the old run commits nothing.
for what in commit checkpoint; do
  rm -rf out
  begin a 30 -s checkpoint=$([ $what = commit ] && echo 60s || echo 0.2s)
  until_held
  far 1 "" "" >out/lease.x && mv out/lease.x out/lease
  ended $started 75 "a run that lost its lease before a $what"
  says "a lost lease" a.err "a newer run holds it: process 1 on far"
  is "files after a lost lease" "$(find out -type f | sort | tr '\n' ' ')" "out/journal.jsonl out/lease "
done

# The folder vanishes: exit 4, it is not made again, and the next run is as if nothing had been.
rm -rf out
ranks_in_back() { $mpirun_anyhow -n 2 "$TOY" run p.yaml >stdout 2>stderr & started=$!; }
ranks_in_back
until_held
mv out gone
ended $started 4 "a run whose folder vanished"
says "a vanished folder" stderr "out: the folder has vanished, or is not to be seen from here"
[ -e out ] && fail "a vanished folder was made again"
mv gone out
ranks 1 "$TOY" run p.yaml
is "exit code when the folder is back" $code 0
says "the folder is back" stdout "1 done, 0 skipped"
finish
