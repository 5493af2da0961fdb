#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A rank of 64 threads keeps them busy: units sleep here, so that two cores do for 64. The share of the threads' time without work in a
# wave (`waiting`) is under 5%, says the journal, `status` and the artefact alike; where there are fewer units than threads, they say that.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
oversubscribe: true
steps:
  many: {stage: sum, units: 2560, rounds: 1, seconds: 0.05, width: 10}
END
waiting() { sed -n 's/.*"event":"done".*"task":"many".*"waiting":\([0-9.e-]*\).*/\1/p' out/journal.jsonl; }
below() { awk -v a="$1" -v b="$2" 'BEGIN {exit !(a != "" && a < b)}'; }

ranks 1 "$TOY" run p.yaml --quiet -s threads=1 -s steps.many.seconds=0
digests out >reference.txt
for try in 1 2 3; do # the machine may be busy with something else
  rm -rf out
  ranks 1 "$TOY" run p.yaml --quiet -s threads=64
  is 'exit code' "$code" 0
  digests out | cmp -s - reference.txt || fail 'other bits on 64 threads'
  below "$(waiting)" 0.05 && break
  [ $try -lt 3 ] || fail "64 threads waited $(waiting) of a wave"
done
echo "64 threads waited $(waiting) of a wave of 2560 units"
"$TOY" status p.yaml --json | grep -q '"waiting"' || fail 'status does not say what threads waited'
ncdump -h out/many/*.nc | grep -q ':waiting = "0.0' || fail 'the artefact does not say what threads waited'

rm -rf out
ranks 1 "$TOY" run p.yaml --quiet -s threads=64 -s steps.many.units=16 -s steps.many.seconds=0.5
below "$(waiting)" 0.6 && fail 'the counter does not see 48 idle threads'
"$TOY" status p.yaml -s steps.many.units=16 -s steps.many.seconds=0.5 | grep -q 'threads waited [67]' || fail 'status does not see them'

# In a team of two each of eight threads runs a unit with its fellow: 160 units of 8 places of 10 ms are 0.8 s and one unit's way.
echo 1 >numbers
cat >team.yaml <<'END'
pipeline: team
output: team
oversubscribe: true
numbers:
  a: {path: numbers}
steps:
  chain: {stage: chain, numbers: a, units: 160, blocks: 1, places: 8}
END
ranks 1 "$TOY" run team.yaml --quiet -s threads=1
digests team >reference.txt
for try in 1 2 3; do
  rm -rf team
  ranks 2 env SULCUS_STATS=1 "$TOY" run team.yaml --quiet -s threads=8 -s layers_over=2 -s steps.chain.seconds=0.01
  is 'exit code of the team' "$code" 0
  digests team | cmp -s - reference.txt || fail 'other bits of the team'
  took=$(sed -n 's/.*"event":"wave".*"seconds":\([0-9.]*\).*/\1/p' team/journal.jsonl)
  below "$took" 1.2 && break
  [ $try -lt 3 ] || fail "a team of 2 ranks of 8 threads took $took s for 0.84 s of work"
done
echo "a team of 2 ranks of 8 threads took $took s for 0.84 s of work"

# A member that is four times as slow as the other lets that one wait three quarters of the time; its twin is not slow.
waits() { # SECONDS: what the threads of a team of 2 waited where the last place takes so much more
  rm -rf team
  ranks 2 "$TOY" run team.yaml --quiet -s threads=2 -s layers_over=2 -s steps.chain.seconds=0.005 -s steps.chain.slow="$1"
  is 'exit code of the team' "$code" 0
  digests team | cmp -s - reference.txt || fail 'other bits of the team'
  sed -n 's/.*"event":"done".*"waiting":\([0-9.e-]*\).*/\1/p' team/journal.jsonl
}
for try in 1 2 3; do
  twin=$(waits 0) slow=$(waits 0.06)
  below 0.3 "$slow" && below "$slow" 0.5 && below "$twin" 0.15 && break
  [ $try -lt 3 ] || fail "the threads of a team waited $slow with a slow member, $twin without"
done
echo "the threads of a team waited $slow with a slow member, $twin without"
"$TOY" status team.yaml | grep -q 'threads waited [34]' || fail 'status does not see that a team waited'
finish
