#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A little BERT from collecting to the report: statistics over masked text, scores, and how many masked tokens are predicted after pruning, against
# PyTorch and a mask computed apart (tests/reference/make_masked_pipeline.py); the same bits on one rank, on two and in a team.
. "${SOURCE:?is set by ctest}/tests/lib.sh"

fixture=$SOURCE/tests/reference/masked_pipeline.safetensors
# check TENSOR ARTEFACT TOLERANCES...: the variable is named by the tensor's last part.
check() {
  "$COMPARE" "$fixture" "$1" "$scratch/run/$2.nc" "${1##*/}" "${@:3}" >>"$scratch/stdout" 2>>"$scratch/stderr" ||
    fail "$2: ${1##*/} is not PyTorch's"
}

ranks 2 "$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/run"
is exit "$code" 0
check activations/mlp_count activations/all abs=1e-9 rel=0
for site in mlp attn; do
  for statistic in mean_abs mean mean_square mean_sqrt_abs; do
    check "activations/${site}_$statistic" activations/all abs=1e-5 rel=1e-4
  done
  check "activations/${site}_positive" activations/all abs=1e-3 rel=1e-3 # an activation next to 0 may have either sign
done
check scores/mlp_score scores/all abs=1e-5 rel=1e-4
for mask in mixed:share/fraction=0.1 mask:mask/all seed:seed/all; do
  check "${mask%:*}/samples" "${mask#*:}" abs=1e-9 rel=0 # masked tokens, and no other
  for name in accuracy accuracy_top10; do
    check "${mask%:*}/${name}_base" "${mask#*:}" abs=1e-6 rel=0
  done
  check "${mask%:*}/loss_base" "${mask#*:}" abs=1e-4 rel=1e-4
done
for share in 0.1 0.3; do
  check "$share/mlp_mask" "share/fraction=$share" abs=1e-9 rel=0 differ=4 # neurons at the threshold
  for name in accuracy accuracy_top10; do
    check "$share/$name" "share/fraction=$share" abs=1e-6 rel=0
  done
  check "$share/loss" "share/fraction=$share" abs=1e-4 rel=1e-3
done
"$SULCUS" report "$SOURCE/tests/masked.yaml" -s output="$scratch/run" >>"$scratch/stdout" 2>>"$scratch/stderr" || fail 'no report'
[[ -s $scratch/run/report/index.html ]] || fail 'the report is empty'
# The artefacts and the key say what was masked.
says 'the mask of what was collected' <(ncdump -h "$scratch/run/activations/all.nc") ':mask = "0.15 of the tokens, seed 0, mixed"'
says 'the mask of what was evaluated' <(ncdump -h "$scratch/run/seed/all.nc") ':mask = "0.3 of the tokens, seed 7, mixed"'
says 'the form' <(ncdump -h "$scratch/run/mask/all.nc") ':mask = "0.15 of the tokens, seed 0, mask"'
says 'the key' <(ncdump -h "$scratch/run/seed/all.nc") 'mask_seed = 7'

"$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/one" >>"$scratch/stdout" 2>>"$scratch/stderr" || fail 'one rank'
ranks 2 "$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/team" -s layers_over=2
is 'a team: exit' "$code" 0
[[ $(digests "$scratch/run" | wc -l) == 6 ]] || fail "$(digests "$scratch/run" | wc -l) digests in the journal"
is 'one rank' "$(diff <(digests "$scratch/one") <(digests "$scratch/run"))" ''
is 'a team' "$(diff <(digests "$scratch/team") <(digests "$scratch/run"))" ''

# What is not masked is collected as it is written; nothing can be pruned by it.
ranks 2 "$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/plain" -s datasets.text.mask=0 --only activations
is 'mask 0: exit' "$code" 0
says 'the mask of none' <(ncdump -h "$scratch/plain/activations/all.nc") ':mask = "none"'
ranks 2 "$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/plain" -s datasets.text.mask=0
is 'mask 0, pruned: exit' "$code" 2
says 'what to do' "$scratch/stderr" 'has mask: 0, which leaves a masked language model nothing to predict'

# The twin: another seed, and text as it is, are told from PyTorch's.
ranks 2 "$SULCUS" run "$SOURCE/tests/masked.yaml" --quiet -s output="$scratch/run" -s datasets.text.mask_seed=1
is 'the twin: exit' "$code" 0
for at in activations/mlp_mean_abs:activations/all mixed/loss_base:share/fraction=0.1 0.3/accuracy:share/fraction=0.3; do
  "$COMPARE" "$fixture" "${at%:*}" "$scratch/run/${at#*:}.nc" "$(basename "${at%:*}")" >/dev/null 2>&1 && fail "the twin passed at $at"
done
finish
