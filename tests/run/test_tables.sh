#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a stage's source says that its artefact holds, one variable a line in its first comment, is what `ncdump -h` shows: type, name,
# dimensions and unit. A small pipeline has every stage, and every variable that only some parameters bring.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 # MPI's plugins are gone by the end, and their leaks have no names; unit tests look for ours

cat >"$scratch/p.yaml" <<END
pipeline: tables
output: $scratch/out
models:
  vit: {path: $SOURCE/examples/vit-glyph100}
  mistral: {path: $SOURCE/examples/mistral-debtext}
  mixtral: {path: $SOURCE/tests/reference/models/lm-mixtral}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits], limit: 80}
  six: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, keep: [latin, digits, greek, hebrew], limit: 4}
  text: {format: jsonl, path: $SOURCE/examples/debtext/test.jsonl, subsets: meta.pile_set_name, keep: [bible, german], context: 64, limit: 500}
  ids: {format: tokens, path: $scratch/ids, context: 16, collect: 0.5}
steps:
  seen: {stage: collect, model: vit, data: glyphs, sites: [mlp, attn], firing: 20, histogram: true, folds: 2}
  seen-scores: {stage: score, from: seen}
  seen-auc: {stage: score, from: seen, measure: auc}
  ranked: {stage: correlate, from: [seen-scores, seen-auc]}
  six: {stage: collect, model: vit, data: six, sites: [mlp, attn]}
  six-scores: {stage: score, from: six}
  seen-means: {stage: score, from: seen, measure: rms}
  forgotten: {stage: prune, from: [seen-scores, seen-means], model: vit, data: glyphs, drop: 0.5, site: both, seeds: 1, random: [uniform, layer_matched, lowest, resplit]}
  folders: {stage: export, from: forgotten, forget: [latin]}
  read: {stage: collect, model: mistral, data: text}
  read-scores: {stage: score, from: read}
  unlearned: {stage: prune, from: read-scores, model: mistral, data: text, fraction: 0.1, skip: 5, seeds: 1}
  experts: {stage: cluster, model: vit, clusters: 4, starts: 2}
  chance: {stage: cluster, model: vit, method: random, clusters: 4}
  modularity: {stage: intersect, from: [seen-scores, experts], fractions: [0.1], draws: 5}
  published: {stage: import, path: $SOURCE/tests/reference/scores.safetensors, site: [mlp, attn, expert]}
  sparse: {stage: collect, model: mixtral, data: ids, sites: [mlp, expert], histogram: true, folds: 2}
  sparse-scores: {stage: score, from: sparse}
  without: {stage: prune, from: sparse-scores, model: mixtral, data: ids, fraction: 0.2, site: expert, seeds: 1}
  elsewhere: {stage: import, path: $SOURCE/tests/reference/scores.safetensors, experts: 1}
  layers: {stage: intersect, from: seen-scores, fractions: [0.1], within: layer, draws: 5}
  meeting: {stage: intersect, from: [seen-scores, seen-means], fractions: [0.1]}
  agree: {stage: agreement, from: [experts, chance], permutations: 5}
  pairs: {stage: intersect, from: six-scores, fractions: [0.1], site: [mlp, attn]}
  alike: {stage: likeness, from: ["pairs[site=mlp]", "pairs[site=attn]"], permutations: 5}
  homes: {stage: enrichment, from: [seen-scores, experts], fractions: [0.1]}
END
communities=yes
if "$SULCUS" --version | grep -q igraph; then
  echo '  groups: {stage: cluster, from: seen, method: communities, nulls: 2}' >>"$scratch/p.yaml"
else
  communities=no
fi
mkdir "$scratch/ids"
for domain in 5 7; do
  for ((i = 0; i < 64; i++)); do printf '%b' "\\0$(printf %o $((i * domain % 57)))\\0000"; done >"$scratch/some"
  for _ in {1..20}; do cat "$scratch/some"; done >"$scratch/ids/$domain.bin"
done
ranks 2 "$SULCUS" run "$scratch/p.yaml" --quiet
is 'exit' "$code" 0
cd "$SOURCE" || exit 1
stages=$(sed -n 's/^STAGE(\(.*\))$/\1/p' stages/stages.def)

# STAGE TYPE NAME(DIMENSIONS) UNIT of every variable in the artefacts
find "$scratch/out" -name '*.nc' -exec ncdump -h {} \; | tr -d ';"' | awk '
  /^netcdf / {n = 0; delete beside}
  /^\t[a-z0-9]+ [^ ]+\(.*\) $/ {sub(/^\t/, ""); sub(/ $/, ""); declared[++n] = $0}
  /^\t\t[^ :]+:units = / {unit[n] = $3}
  /^\t\t[^ :]+:in_digest = no/ {split($1, of, ":"); if (index(declared[n], " " of[1] "(")) beside[n] = 1} # a coordinate, of any stage
  /^\t\t:stage = / {for (i = 1; i <= n; i++) if (!(i in beside)) print $3, declared[i], unit[i]}' | sort -u >"$scratch/written"

# The same of the tables in the sources below a folder.
told() {
  for stage in $stages; do
    awk -v stage="$stage" '
      !/^\/\// {exit}
      /^\/\/   (double|int64|int|ubyte|byte|string) [^ ]+\(/ {
        end = index($0, ")")
        split(substr($0, end + 1), rest, " ")
        print stage, substr($0, 6, end - 5), rest[1]
      }' "$(find "$1" -name "$stage.c")"
  done | { [ $communities = yes ] && cat || grep -vE ' int communities| modularity(_null|_p)?[(]'; } | sort -u
}
# < is told and not written, > is written and not told
compare() {
  diff <(told "$1") "$scratch/written" | grep '^[<>]'
}

is 'tables that are not as the artefacts' "$(compare stages)" ''
for stage in $stages; do
  grep -q "^$stage " "$scratch/written" || fail "no artefact of $stage"
done

# The twins: a table with one fault.
twin() { # STAGE SCRIPT EXPECTED
  rm -rf "$scratch/stages"
  cp -r stages "$scratch/stages"
  sed -i "$2" "$(find "$scratch/stages" -name "$1.c")"
  is "a fault in the table of $1" "$(compare "$scratch/stages")" "$3"
}
twin collect '/^.. .* mlp_count/d' '> collect int64 mlp_count(subset) 1'
twin cluster 's/ size(layer, cluster)/ size(cluster, layer)/' '< cluster int size(cluster, layer) 1
> cluster int size(layer, cluster) 1'
twin prune 's/\(loss_base(subset) *\)nat/\11  /' '< prune double loss_base(subset) 1
> prune double loss_base(subset) nat'
twin score 's/double mlp_score(/float mlp_score(/' '> score double mlp_score(subset, layer, unit) 1'
twin import '/ subset(subset)/p; s/ subset(subset)/ other(subset)/' '< import string other(subset) 1'
finish
