#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An image pipeline through every stage: the same artefacts, bit for bit, on 1, 2 and 3 ranks with 1 and 2 threads.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

pipeline=$SOURCE/tests/small.yaml
for n in 1 2 3; do
  for threads in 1 2; do
    out=$scratch/$n-$threads
    ranks "$n" "$SULCUS" run "$pipeline" --quiet -s output="$out" -s threads="$threads"
    is "$n ranks, $threads threads: exit" "$code" 0
    digests "$out" >"$scratch/digests"
    if [ "$n-$threads" = 1-1 ]; then
      mv "$scratch/digests" "$scratch/first"
      is 'tasks done' "$(wc -l <"$scratch/first")" 32
    else
      is "$n ranks, $threads threads: digests" "$(diff "$scratch/first" "$scratch/digests")" ""
    fi
  done
done

# The digests are those of the variables that a reader of the files sees.
for task in 'activations/model=trained' 'unlearn/drop=0.6' 'experts/model=random' 'overlap/model=trained,measure=abs'; do
  for out in 1-1 3-2; do
    ncdump -p 9,17 "$scratch/$out/$task.nc" | sed -n '/^data:/,$p' | sha256sum >"$scratch/dump.$out"
  done
  is "$task: variables" "$(cat "$scratch/dump.3-2")" "$(cat "$scratch/dump.1-1")"
done
"$SULCUS" fsck "$scratch/3-2" >"$scratch/stdout" 2>"$scratch/stderr"
is 'fsck' $? 0

# The twin: one image less in each subset is seen everywhere but where no image is looked at.
ranks 2 "$SULCUS" run "$pipeline" --quiet -s output="$scratch/twin" -s datasets.glyphs.limit=38
is 'the twin: exit' "$code" 0
digests "$scratch/twin" >"$scratch/digests"
is 'the same in the twin' "$(comm -12 "$scratch/first" "$scratch/digests" | sed 's/ .*//' | xargs)" \
  'chance experts[model=random] experts[model=trained] published published_overlap'
finish
