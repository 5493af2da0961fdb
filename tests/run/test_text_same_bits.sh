#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A text pipeline: the same artefacts, bit for bit, on 1, 2 and 3 ranks, with 1 and 2 threads.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

for run in 1-1 1-2 2-1 3-1; do
  out=$scratch/$run
  ranks "${run%-*}" "$SULCUS" run "$SOURCE/tests/small_text.yaml" --quiet -s output="$out" -s threads="${run#*-}"
  is "$run (ranks-threads): exit" "$code" 0
  digests "$out" >"$scratch/digests"
  if [ "$run" = 1-1 ]; then
    mv "$scratch/digests" "$scratch/first"
    is 'tasks done' "$(wc -l <"$scratch/first")" 12
  else
    is "$run (ranks-threads): digests" "$(diff "$scratch/first" "$scratch/digests")" ""
  fi
done

# The twin: one token less in a sample is seen wherever text is looked at; clusters of weights look at none.
ranks 2 "$SULCUS" run "$SOURCE/tests/small_text.yaml" --quiet -s output="$scratch/twin" -s datasets.text.context=95
is 'the twin: exit' "$code" 0
digests "$scratch/twin" >"$scratch/digests"
is 'the same in the twin' "$(comm -12 "$scratch/first" "$scratch/digests" | sed 's/ .*//' | xargs)" 'experts[model=random] experts[model=trained]'
finish
