#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Next-token statistics, scores, masks, accuracies after pruning and answers to questions on the example Mistral, against PyTorch's
# (tests/reference/make_lm_pipeline.py).
. "${SOURCE:?is set by ctest}/tests/lib.sh"

fixture=$SOURCE/tests/reference/lm_pipeline.safetensors
# check TENSOR ARTEFACT TOLERANCES...: the variable is named by the tensor's last part.
check() {
  "$COMPARE" "$fixture" "$1" "$scratch/run/$2.nc" "${1##*/}" "${@:3}" >>"$scratch/stdout" 2>>"$scratch/stderr" ||
    fail "$2: ${1##*/} is not PyTorch's"
}

ranks 2 "$SULCUS" run "$SOURCE/tests/text_reference.yaml" --quiet -s output="$scratch/run"
is exit "$code" 0
check activations/mlp_count activations/all abs=1e-9 rel=0
for site in mlp attn; do
  for statistic in mean_abs mean mean_square mean_sqrt_abs; do
    check "activations/${site}_$statistic" activations/all abs=1e-5 rel=1e-4
  done
  check "activations/${site}_positive" activations/all abs=1e-3 rel=1e-3 # an activation next to 0 may have either sign
  check "scores/${site}_score" scores/all abs=1e-5 rel=1e-4
done
for share in 0.05 0.2; do
  check "$share/pruned" "share/fraction=$share" abs=1e-9 rel=0
  check "$share/samples" "share/fraction=$share" abs=1e-9 rel=0
  check "$share/samples_skip" "share/fraction=$share" abs=1e-9 rel=0
  check "$share/mlp_mask" "share/fraction=$share" abs=1e-9 rel=0 differ=4 # neurons at the threshold
  for name in accuracy accuracy_top10 accuracy_skip accuracy_top10_skip; do # two answers of 635 may be nearly tied
    check "$share/${name}_base" "share/fraction=$share" abs=0.0033 rel=0
    check "$share/$name" "share/fraction=$share" abs=0.0033 rel=0
  done
  for name in loss perplexity perplexity_published; do
    check "$share/${name}_base" "share/fraction=$share" abs=1e-4 rel=1e-4
    check "$share/$name" "share/fraction=$share" abs=1e-4 rel=1e-3
  done
done
check drop/pruned drop/all abs=1e-9 rel=0
check drop/reached drop/all abs=1e-9 rel=0
check drop/trace_fraction drop/all abs=1e-9 rel=1e-6
check drop/trace_accuracy drop/all abs=0.0033 rel=0
for name in accuracy_base accuracy_top10_base loss_base; do
  check "shots/$name" shots/all abs=1e-4 rel=1e-4
done
says 'subsets of two datasets' <(ncdump -v subset "$scratch/run/share/fraction=0.2.nc") 'text/german.*quiz/chemistry'

# The twin: samples of one token less, and questions with another's shots, are told from PyTorch's.
ranks 2 "$SULCUS" run "$SOURCE/tests/text_reference.yaml" --quiet -s output="$scratch/run" -s datasets.text.context=127 -s datasets.shown.shots=1
is 'the twin: exit' "$code" 0
for at in activations/mlp_mean_abs:activations/all scores/mlp_score:scores/all 0.2/loss_base:share/fraction=0.2 0.2/accuracy:share/fraction=0.2 \
  shots/loss_base:shots/all; do
  "$COMPARE" "$fixture" "${at%:*}" "$scratch/run/${at#*:}.nc" "$(basename "${at%:*}")" >/dev/null 2>&1 && fail "the twin passed at $at"
done
finish
