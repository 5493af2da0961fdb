#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A finished pipeline run again does nothing, in under a second; a changed parameter runs what it concerns and what is below it.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

pipeline=$SOURCE/tests/small.yaml
out=$scratch/out
run() { ranks 2 "$SULCUS" run "$pipeline" -s output="$out" "$@"; }
# ran WHAT LABELS...: the tasks that the last run reported as done, their steps counted.
ran() {
  is "$1: exit" "$code" 0
  is "$1" "$(sed -n 's/^[0-9:]* \([a-z_]*\)[^ ]* done in .*/\1/p' "$scratch/stdout" | sort | uniq -c | awk '{print $2 "*" $1}' | xargs)" "$2"
}

run
ran 'the first run' 'activations*2 agreement*1 chance*1 experts*2 folders*2 histograms*1 modularity*2 newer*3 others*2 overlap*4 published*1 published_overlap*1 scores*4 share*1 stepwise*1 together*2 unlearn*2'
digests "$out" >"$scratch/first"

best=99999
for try in 1 2 3 4 5; do
  before=$(date +%s%N)
  run
  took=$((($(date +%s%N) - before) / 1000000))
  [ "$took" -lt "$best" ] && best=$took
  ran 'the same again' ''
  says 'the same again' "$scratch/stdout" '0 done, 32 skipped'
done
[ "$best" -lt 1000 ] || fail "the same again took $best ms"

# What does not change results does not run anything.
run -s threads=1 -s checkpoint=5s -s on_error=stop -s memory=1GB
ran 'threads, checkpoint, on_error and memory' ''

run -s steps.unlearn.seeds=2
ran 'the baseline of one step' 'folders*2 unlearn*2'
run -s steps.scores.eps=1e-5
ran 'eps of scores' 'folders*2 modularity*2 others*2 overlap*4 scores*4 share*1 stepwise*1 unlearn*2'
run -s steps.overlap.fractions=[0.2]
ran 'back to the first eps, other fractions' 'overlap*4'
run -s models.random.seed=2
ran 'the random model' 'activations*1 experts*1 modularity*1 overlap*2 scores*2'
run
ran 'back to the file' '' # all of it is there, under the names it had
digests "$out" >"$scratch/digests"
is 'the same bits as the first time' "$(diff "$scratch/first" "$scratch/digests")" ''

# Selections.
run --only share
ran '--only a finished step' ''
run --force share
ran '--force' 'share*1'
run --force together
ran '--force with tasks below it that stay as they are, since the bits do' 'together*2'
run -s steps.scores.eps=1e-4 --only scores
ran '--only' 'scores*4'
run -s steps.scores.eps=1e-4 --from overlap
ran '--from' 'overlap*4'
run -s steps.scores.eps=1e-4 --from scores
ran '--from an upper step, whose work is done' 'folders*2 modularity*2 others*2 share*1 stepwise*1 unlearn*2'
run -s models.random.seed=3 --from scores
is '--from a step whose input has changed: exit' "$code" 2
says '--from a step whose input has changed' "$scratch/stderr" 'scores\[model=random,measure=abs\]: needs a task that is not finished'
finish
