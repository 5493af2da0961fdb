#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# USR1, USR2 and XCPU to mpirun stop a run with exit 75 in seconds at any moment, and no finished unit is lost; TERM, INT and HUP keep
# what a second is enough for; near the end of the job's time a run stops by itself.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
patient='USR1 USR2 XCPU' urgent='TERM INT HUP'
[ "$mpi" = openmpi ] || patient=USR1 urgent='TERM INT' # the others end Hydra's mpiexec itself
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  quick: {stage: sum, units: 20}
  slow: {stage: sum, from: quick, units: 600, seconds: 0.1, trace: units}
END

begin() { # NODES ARGUMENTS...: three ranks in the background, of mpirun $started
  local nodes=$1
  shift
  rm -f stdout # the background's own truncation may come after the first look
  SULCUS_NODES=$nodes $mpirun_anyhow -n 3 "$TOY" run p.yaml "$@" >stdout 2>stderr &
  started=$!
}
until_begun() {
  for _ in $(seq 200); do
    grep -qs "slow started" stdout && return
    sleep 0.05
  done
  fail "the run did not begin"
}
stop() { # SIGNAL: to mpirun; its exit code in $code, milliseconds in $elapsed
  local begun
  begun=$(date +%s%N)
  kill -"$1" $started
  code=0
  wait $started 2>/dev/null || code=$?
  elapsed=$((($(date +%s%N) - begun) / 1000000))
}
# What the last checkpoint holds, and what was run by the toy's own count.
kept() { grep '"event":"saved"' out/journal.jsonl | tail -1 | sed -n 's/.*"done":\([0-9]*\).*/\1/p' | grep . || echo 0; }
ran() { cat units* 2>/dev/null | sort -u | wc -l; }

for signal in $patient; do
  for nodes in 1 3; do
    rm -rf out units*
    begin $nodes
    until_begun
    sleep 0.$((RANDOM % 10))
    stop $signal
    is "exit code after $signal, $nodes nodes" $code 75
    [ $elapsed -lt 10000 ] || fail "$signal took $elapsed ms"
    says "$signal" stderr "interrupted; run the same command again"
    is "finished tasks after $signal" "$(digests out | cut -d' ' -f1)" quick
    is "units kept after $signal, $nodes nodes" "$(kept)" "$(ran)"
  done
done

# At moments that may be anywhere from MPI's start to the last commit, one run that goes on and on: no unit is run twice.
rm -rf out units*
for _ in 1 2 3 4 5 6 7 8; do
  begin $((1 + RANDOM % 3)) -s steps.slow.seconds=0.01
  for _ in $(seq 200); do # before MPI has started, a signal ends mpirun itself
    [ -e out/lease ] && break
    sleep 0.01
  done
  sleep 0.0$((RANDOM % 10))
  sleep 0.$((RANDOM % 4))
  stop USR1
  case $code in
  75) [ $elapsed -lt 10000 ] || fail "USR1 took $elapsed ms" ;;
  0) ;;
  *) fail "exit code $code after USR1 at a random moment" ;;
  esac
done
ranks 2 "$TOY" run p.yaml -s steps.slow.seconds=0
is "exit code of the next run" $code 0
digests out >stopped.txt
is "units run twice" "$(cat units* | sort | uniq -d | wc -l)" 0
is "units run" "$(ran)" 600
rm -rf out units*
ranks 1 "$TOY" run p.yaml -s steps.slow.seconds=0
digests out | cmp -s - stopped.txt || fail "other bits after signals"

# mpirun hands TERM on, and kills a second later: enough for a small checkpoint. Its own exit code is 1 then.
for signal in $urgent; do
  rm -rf out units*
  begin 1
  until_begun
  sleep 0.3
  stop $signal
  is "units kept after $signal" "$(kept)" "$(ran)"
  grep -q '"event":"end".*"result":75' out/journal.jsonl || fail "no end in the journal after $signal"
done
# Without mpirun the code is the program's.
rm -rf out units* stdout
"$TOY" run p.yaml >stdout 2>stderr &
started=$!
until_begun
stop TERM
is "exit code after TERM without mpirun" $code 75
is "units kept after TERM without mpirun" "$(kept)" "$(ran)"

# `timeout` sends it to the program and to its group, so that it comes twice at once: once is meant.
rm -rf out units* stdout
"$TOY" run p.yaml >stdout 2>stderr &
started=$!
until_begun
sleep 0.3
kill -TERM $started
sleep 0.1
kill -TERM $started 2>/dev/null
code=0
wait $started || code=$?
is "exit code after TERM twice at once" $code 75
is "units kept after TERM twice at once" "$(kept)" "$(ran)"

# The job's end: eight seconds are kept in reserve, so that this one has two.
rm -rf out units*
begun=$(date +%s)
SLURM_JOB_END_TIME=$((begun + 11)) ranks 2 "$TOY" run p.yaml
is "exit code near the job's end" $code 75
[ $(($(date +%s) - begun)) -lt 9 ] || fail "stopped $(($(date +%s) - begun)) s after the start, too near the end"
is "units kept near the job's end" "$(kept)" "$(ran)"
[ "$(ran)" -gt 0 ] || fail "nothing was run before the job's end"

# Clocks: rank 0's alone counts, and where it says that the time was over before the run began, none does.
clocks() { # RANKS-AHEAD SECONDS-LEFT
  rm -rf out units*
  printf 'case $OMPI_COMM_WORLD_RANK in %s) export LD_PRELOAD=%s AHEAD=36000 ;; esac\nexec "$@"\n' "$1" "$BUILD/tests/libclock.so" >node.sh
  begun=$(date +%s)
  SLURM_JOB_END_TIME=$((begun + $2)) ranks 3 env SULCUS_NODES=3 bash node.sh "$TOY" run p.yaml -s steps.slow.seconds=0.01
}
clocks '[12]' 3600
is "exit code where other nodes' clocks are ahead" $code 0
clocks '[0]' 18000
is "exit code where the first node's clock is ahead" $code 0
says "a clock that is wrong" stdout "by this node's clock the job's time is over"
clocks '[12]' 10
is "exit code near the end by the first node's clock" $code 75

# A step has failed, the others go on: a signal, and the end of the job's time, still end the run at once.
cat >mixed.yaml <<'END'
pipeline: toy
output: mixed
steps:
  bad: {stage: sum, units: 4, fail_unit: 2}
  slow: {stage: sum, units: 600, seconds: 0.1}
END
ended_after_failure() { # WHAT
  is "exit code of $1 after a failure" $code 75
  says "$1 after a failure" stderr "interrupted; run the same command again to go on; before that: .*unit 2 was told to fail"
  [ $elapsed -lt 10000 ] || fail "$1 after a failure took $elapsed ms"
}
for signal in USR1 TERM; do
  rm -rf mixed
  SULCUS_NODES=2 $mpirun_anyhow -n 2 "$TOY" run mixed.yaml >stdout 2>stderr.all &
  started=$!
  for _ in $(seq 200); do grep -qs 'bad failed' stdout && break; sleep 0.05; done
  stop $signal
  grep -v '^$' stderr.all >stderr
  [ $signal = TERM ] || ended_after_failure $signal
  grep -q '"event":"end".*"result":75' mixed/journal.jsonl || fail "no end in the journal after a failure and $signal"
done
rm -rf mixed
begun=$(date +%s%N)
SLURM_JOB_END_TIME=$((begun / 1000000000 + 11)) ranks 2 "$TOY" run mixed.yaml
elapsed=$((($(date +%s%N) - begun) / 1000000))
ended_after_failure "the job's end"
finish
