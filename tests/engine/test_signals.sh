#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# USR1, USR2 and XCPU to mpirun stop a run with exit 75; finished tasks are kept, and the same command goes on.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  quick: {stage: sum, units: 20}
  slow: {stage: sum, from: quick, units: 600, seconds: 0.1}
END
for signal in USR1 USR2 XCPU; do
  for nodes in 1 3; do
    rm -rf out
    SULCUS_NODES=$nodes mpirun --oversubscribe --bind-to none -q -n 3 "$TOY" run p.yaml >stdout 2>stderr &
    started=$!
    for _ in $(seq 100); do
      grep -q "slow started" stdout && break
      sleep 0.1
    done
    kill -$signal $started
    begin=$(date +%s%N)
    code=0
    wait $started || code=$?
    elapsed=$((($(date +%s%N) - begin) / 1000000))
    is "exit code after $signal, $nodes nodes" $code 75
    [ $elapsed -lt 10000 ] || fail "$signal took $elapsed ms"
    says "$signal" stderr "interrupted; run the same command again"
    is "finished tasks after $signal" "$(digests out | cut -d' ' -f1)" quick
  done
done
ranks 2 "$TOY" run p.yaml -s steps.slow.seconds=0
is "exit code of the next run" $code 0
says "the next run" stdout "1 done, 1 skipped"
finish
