#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The paper's own ViT scores, imported and intersected: the overlaps that NumPy gives for the trained model's 18 classes, and those
# published for the random one (docs/published.md). The files are not ours to distribute: skipped where they are not beside the repository.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

paper=$SOURCE/../shared/paper
[ -e "$paper/vit_trained.safetensors" ] && [ -e "$paper/vit_random.safetensors" ] || {
  echo "skipped: the published scores are not in $paper"
  exit 77
}
cat >"$scratch/p.yaml" <<END
pipeline: published
output: $scratch/out
steps:
  trained: {stage: import, path: $paper/vit_trained.safetensors}
  random: {stage: import, path: $paper/vit_random.safetensors}
  twin: {stage: import, path: $scratch/twin.safetensors}
  trained_overlap: {stage: intersect, from: trained, fractions: [0.01, 0.05, 0.1, 0.2, 0.5, 0.8]}
  random_overlap: {stage: intersect, from: random, fractions: [0.01, 0.05, 0.1, 0.2, 0.5, 0.8]}
  twin_overlap: {stage: intersect, from: twin, fractions: [0.01, 0.05, 0.1, 0.2, 0.5, 0.8]}
END
# The twin: the scores of one of the 18 classes (73,728 float16 each) are all the same.
cp "$paper/vit_trained.safetensors" "$scratch/twin.safetensors"
dd if=/dev/zero of="$scratch/twin.safetensors" bs=73728 seek=10 count=2 conv=notrunc 2>/dev/null

ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit' "$code" 0

# strays FILE VARIABLE TOLERANCE NUMBERS...: prints what is further away than the tolerance.
strays() {
  local file=$1 name=$2 tolerance=$3
  shift 3
  ncdump -p 9,17 -v "$name" "$file" | sed -n "/^ $name =/,/;/p" | tr -d ';,' | sed "s/^ $name =//" | tr -s ' \n' '\n\n' | grep . |
    awk -v expected="$*" -v tolerance="$tolerance" '
      BEGIN {n = split(expected, want, " ")}
      {d = $1 - want[NR]; if (!(d <= tolerance && -d <= tolerance)) print NR ": " $1 " is not " want[NR]}
      END {if (NR != n) print NR " numbers, not " n}'
}
trained_means='.0572 .1492 .1932 .2789 .5966 .9051'
of() { echo "$scratch/out/$1_overlap/all.nc"; }
is 'trained, mean' "$(strays "$(of trained)" overlap_mean 0.001 $trained_means)" ''
is 'random, mean' "$(strays "$(of random)" overlap_mean 0.001 .0969 .1543 .2014 .2795 .5317 .8203)" ''
is 'random, standard deviation' "$(strays "$(of random)" overlap_std 0.001 .1377 .1775 .1988 .2071 .1410 .0448)" ''
[ -n "$(strays "$(of twin)" overlap_mean 0.001 $trained_means)" ] || fail 'one class with other scores was not noticed'

# Where the top 1% lie: the mean share of each layer's neurons (published for 19 classes, 18 of them here).
shares() {
  ncdump -p 9,17 -v share_layer "$1" | sed -n '/^ share_layer =/,/;/p' | tr -d ';' | sed 's/^ share_layer =//' | tr -s ', \n' '\n\n\n' | grep . |
    head -n $((18 * 12)) | awk '{sum[NR % 12] += $1 / 18} END {for (l = 1; l <= 12; l++) printf "%.4f ", sum[l % 12]}'
}
shares "$(of trained)" >"$scratch/stdout"
awk '
  BEGIN {split(".0029 .0222 .0445 .0490", want, " ")}
  {for (l = 1; l <= 8; l++) if ($l > 0.0008) exit 1
   for (l = 9; l <= 12; l++) if ($l < want[l - 8] - 0.0002 || $l > want[l - 8] + 0.0002) exit 1}' "$scratch/stdout" ||
  fail 'the top 1% lie in other layers than published'
finish
