#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is asked of modules: overlap within layers and between two steps of scores, agreement and enrichment of clusters, as NumPy and SciPy
# have them (tests/reference/make_modularity.py), with the same bits on any number of ranks; communities; and what is refused.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # MPI's plugins are gone by the end, and their leaks have no names; unit tests look for ours
cd "$scratch" || exit 1
pipeline=$scratch/p.yaml
sed "s,\\.\\./examples,$SOURCE/examples,; s,reference/,$SOURCE/tests/reference/," "$SOURCE/tests/modularity.yaml" >"$pipeline"
fixture=$SOURCE/tests/reference/modularity.safetensors
echo '  ranked: {stage: correlate, from: ["scores[model=trained]", "scores[model=random]"], fractions: [0.1, 0.02]}' >>"$pipeline"
if "$SULCUS" --version | grep -q igraph; then
  echo '  groups: {stage: cluster, from: "activations[model=trained]", method: communities, nulls: 1}' >>"$pipeline"
  echo '  found: {stage: agreement, from: [groups, together], permutations: 20}' >>"$pipeline"
fi

for n in 1-1 "2-$(forking_threads)" 3-1; do
  ranks "${n%-*}" "$SULCUS" run "$pipeline" --quiet -s output="$scratch/$n" -s threads="${n#*-}"
  is "$n: exit" "$code" 0
  digests "$scratch/$n" >"$scratch/digests.$n"
  is "$n: digests" "$(diff "$scratch/digests.1-1" "$scratch/digests.$n")" ''
done

# same TENSOR ARTEFACT VARIABLE [TOLERANCE...]
same() { "$COMPARE" "$fixture" "$1" "$scratch/1-1/$2/all.nc" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr"; }
expect() { same "$@" || fail "$2: $3 is not as SciPy has it"; }
refuse() { same "$@" abs=1e-9 && fail "the twin: $2: $3 was taken for $1"; }
expect labels parts cluster
expect overlap_within known-layers overlap_within abs=1e-12
expect p_within known-layers p_within rel=1e-9
expect overlap_within_mean known-layers overlap_within_mean abs=1e-12
expect chance_within_std known-layers chance_within_std abs=1e-12
expect p_within_mean known-layers p_within_mean rel=0.15 abs=0.03 # both are drawn
expect overlap_between known-meeting overlap_between abs=1e-12
expect p_between known-meeting p_between rel=1e-9
expect overlap_between_same known-meeting overlap_between_same abs=1e-12
expect overlap_between_others known-meeting overlap_between_others abs=1e-12
expect hits known-homes hits abs=1e-12
expect enrichment known-homes enrichment abs=1e-12
expect enrichment_p known-homes p_value rel=1e-9
expect enriched known-homes enriched abs=1e-12
expect likeness known-likeness likeness abs=1e-9
expect likeness_p known-likeness likeness_p abs=0.03 # drawn, of all permutations there

# The report names what is found; its figures hold the artefacts' numbers.
"$SULCUS" report "$pipeline" -s output="$scratch/1-1" >stdout 2>stderr
is 'report: exit' $? 0
page=$scratch/1-1/report/index.html
says 'overlap by layer' "$page" 'known-layers: in <b>[0-9] of 6 layers</b> the top 10% of two classes overlap more than chance'
says 'sets that meet' "$page" 'known-meeting: <b>[0-9]* of 25</b> sets meet beyond chance'
says 'agreement' "$page" 'parts and others agree by an adjusted Rand index of'
says 'homes' "$page" 'homes: at the top 2% of a layer, <b>[0-9] of 4 classes</b> have clusters'
if "$SULCUS" --version | grep -q igraph; then
  says 'communities' "$page" 'communities of neurons that fire together have a modularity of'
fi
for figure in 11 12 13 15 16; do
  [ -s "$scratch/1-1/report/figure$figure.svg" ] || fail "no figure $figure"
done
ncdump -v overlap_within_mean "$scratch/1-1/layers/model=trained.nc" | sed -n '/^ overlap_within_mean =/,/;/p' | tr -d ' ;\n' | sed 's/.*=//' | tr , '\n' |
  awk '{printf "%.8g\n", 100 * $1}' >"$scratch/artefact"
awk -F, '$NF == "trained" {printf "%.8g\n", $4}' "$scratch/1-1/report/figure11.csv" >"$scratch/drawn"
is 'what figure 11 draws' "$(diff "$scratch/artefact" "$scratch/drawn")" ''

# Communities: each neuron for itself, in a graph that has edges; neurons that never fire, whose graph has none. What their graphs take.
if "$SULCUS" --version | grep -q igraph; then
  mkdir silent large ids
  llama='"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 59, "hidden_size": 24, "intermediate_size": 64, "num_hidden_layers": 1'
  echo "{$llama, \"num_attention_heads\": 4, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-05, \"initializer_range\": 1e-30}" >silent/config.json
  sed 's/: 64, "num_hidden/: 16384, "num_hidden/' silent/config.json >large/config.json
  printf '\1\0%.0s' {1..120} | tee ids/one.bin >ids/two.bin
  sed "s,^models:,&\n  silent: {path: $scratch/silent\, weights: random}," "$pipeline" |
    sed "s,^datasets:,&\n  ids: {format: tokens\, path: $scratch/ids\, context: 12\, collect: 0.5}," >found.yaml
  cat >>found.yaml <<END
  alone: {stage: cluster, from: "activations[model=trained]", method: communities, resolution: 1e6, nulls: 1}
  unheard: {stage: collect, model: silent, data: ids, firing: 20}
  nobody: {stage: cluster, from: unheard, method: communities, nulls: 2}
END
  ranks 1 "$SULCUS" run found.yaml --quiet -s output="$scratch/1-1" -s threads="$(forking_threads)"
  is 'found: exit' "$code" 0
  values() { ncdump -v "$2" "1-1/$1/all.nc" | sed -n "/^ $2 =/,/;/p" | tr -d ' ;}\n'; }
  is 'neurons apart' "$(values alone communities)" communities=512,512,512,512,512,512
  grep -q NaN <<<"$(values alone modularity)$(values alone modularity_p)" && fail "a graph with edges has no modularity: $(values alone modularity)"
  is 'silent neurons' "$(values nobody communities) $(values nobody modularity) $(values nobody modularity_p)" 'communities=64 modularity=NaN modularity_p=NaN'
  "$SULCUS" plan found.yaml -s models.silent.path="$scratch/large" -s output=planned -s threads=1 >stdout 2>stderr
  says 'counts, two graphs of 16384 neurons, what igraph has of one' stdout 'nobody .* 15\.[0-9]* GB'
fi

# The twins: sets of the whole model, p-values corrected over less, another order of the steps, labels that are others.
refuse overlap_within known-layers overlap_layer
refuse p_within_mean known-layers overlap_within_mean
refuse labels others cluster
refuse likeness known-likeness likeness_p
cat >"$scratch/faults" <<END
known-layers|fractions|[0.02, 0.1]|overlap_within p_within p_within_mean
known-meeting|from|[two, one]|overlap_between p_between
known-homes|from|[others, one]|hits
END
while IFS='|' read -r step key value tensors; do
  ranks 1 "$SULCUS" run "$pipeline" --quiet --only "$step" -s output="$scratch/1-1" -s "steps.$step.$key=$value"
  is "a fault in $step: exit" "$code" 0
  for tensor in $tensors; do
    refuse "$tensor" "$step" "$tensor"
  done
done <"$scratch/faults"

# What only the artefacts tell: shares that differ, sets of two steps, subsets of other names.
broken() { # MESSAGE SETTING
  ranks 1 "$SULCUS" run "$pipeline" --quiet -s output="$scratch/1-1" -s "$2"
  is "$2: exit" "$code" 3
  says "$2" stderr "$1"
}
broken 'has other shares than known-layers' 'steps.known-two.fractions=[0.1, 0.03]'
broken 'has sets of two steps of scores' 'steps.known-likeness.from=[known-layers, known-meeting]'
broken 'has 0 subsets in common with swept.*; 4 are the least' 'steps.known-likeness.from=["swept[model=trained]", known-two]'

# said WHAT MESSAGE SETTING...: `plan` refuses it.
said() {
  code=0
  "$SULCUS" plan "$pipeline" "${@:3}" >"$scratch/stdout" 2>"$scratch/stderr" || code=$?
  is "$1: exit" "$code" 2
  says "$1" stderr "$2"
}
said 'within of two steps' 'two steps of scores meet in the whole model' -s steps.known-meeting.within=layer
said 'three steps of scores' '3 scores and 0 clusters' -s 'steps.known-meeting.from=[one, two, scores]'
said 'two of scores and one of clusters' '2 scores and 1 clusters' -s 'steps.known-meeting.from=[one, two, parts]'
said 'one clustering' '1 clusterings; give 2 to 20' -s 'steps.agree.from=parts'
said 'one task of overlaps' '1 tasks of overlaps; give 2 to 20' -s steps.known-likeness.from=known-two
said 'enrichment of scores alone' 'one step of scores and one of clusters' -s 'steps.known-homes.from=[one, two]'
said 'more shares than sets are told apart by' 'steps.ranked.fractions=.*: 100000 shares; give at most 10000' -s 'steps.ranked.fractions=["0.00001:1:0.00001"]'
said 'a site that was not scored' 'scores.model=trained. has no scores of site attn' -s steps.ranked.site=attn
said 'a resolution of no use' 'method random has no use for it' -s steps.parts.resolution=2
if "$SULCUS" --version | grep -q igraph; then
  said 'communities that are counted' 'finds how many there are; leave it out' -s steps.groups.clusters=4
else
  said 'communities without igraph' 'needs igraph' -s steps.together.method=communities
fi
sed -i '/^  others:/s/, clusters: 5//' "$pipeline"
said 'no number of clusters' 'method random needs a number of clusters; add .clusters: 16.'
# The six questions of yaml/questions.yaml are answered in the key numbers of its report; here over few tokens, and two measures.
if "$SULCUS" --version | grep -q igraph; then
  questions=(-s output="$scratch/questions" -s datasets.domains.limit=1400 -s steps.activations.folds=2 -s steps.modules.nulls=2 -s 'steps.scores.measure=[abs, t]')
  [ "$(wc -l <"$SOURCE/yaml/questions.yaml")" -le 25 ] || fail 'the questions have more than 25 lines'
  ranks 2 "$SULCUS" run "$SOURCE/yaml/questions.yaml" --quiet "${questions[@]}"
  is 'questions: exit' "$code" 0
  "$SULCUS" report "$SOURCE/yaml/questions.yaml" "${questions[@]}" >stdout 2>stderr
  sed -n '/id="key-numbers"/,/<\/ul>/p' "$scratch/questions/report/index.html" >answers
  says 'later layers' answers 'german and spanish share more of their top 5% than chance in <b>[0-6] of 6 layers</b>.*in the earlier half of the layers, <b>[0-9.]*%</b> in the later (chance 4.9%)'
  says 'stability' answers 'stable</code>: the top 1%.*by leaving out folds, without which every set keeps [0-9]*% of its neurons or more'
  says 'the mean' answers 'MLP neurons set <b>to their mean</b> separate <b>.*</b> set to zero: .* points (mean ± standard error over the [2-4] that reach'
  says 'the site' answers 'MLP.* neurons.* separate .*: what the others keep more than the unlearned one is .*<code>zero\[site=mlp\]</code>, and .*<code>zero\[site=attn\]</code>'
  says 'the measure' answers 'harm\[measure=t\]</code>: to lose 50% of Top-1'
  # Which measure harms least, and by how much, by the ratios of both, over what was reached.
  for measure in abs t; do
    "$SULCUS" table "questions/harm/measure=$measure.nc" --variable ratio --csv 2>stderr | awk -F, -v measure=$measure '
      NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
      $at["reached"] != 0 && $at["forget"] != $at["subset"] {sum += 1 - $at["value"]; n++}
      END {printf "%.1f %s\n", n ? 100 * sum / n : 100, measure}'
  done | sort -g >harms
  read -r harm measure <harms
  says 'the least harm' answers "<b>$measure</b> harms the others least of 2 measures: they lose <b>$harm%</b> with [0-9.]*% of neurons pruned (means over the [2-4] of 4"
  says 'modules' answers '<b>trained is .* modular .*</b> random: Q lies'
  is 'sites are compared once' "$(grep -c 'what the others keep more than the unlearned one is' answers)" 1
fi
finish
