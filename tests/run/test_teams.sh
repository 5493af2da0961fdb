#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Layers over teams of ranks: the same artefacts, bit for bit, however many share a model's layers, also between "nodes"; a member that fails ends
# its task on all with one line; a number of ranks or of layers that does not do is refused.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
small=$SOURCE/tests/small.yaml

ranks 1 "$SULCUS" run "$small" --quiet -s output="$scratch/one"
is "one rank: exit" "$code" 0
digests "$scratch/one" >"$scratch/first"
is "tasks done" "$(wc -l <"$scratch/first")" 32

# compare RANKS LAYERS_OVER THREADS SETTINGS...: the artefacts are those of one rank.
compare() {
  local n=$1 over=$2 threads=$3
  shift 3
  rm -rf "$scratch/out"
  ranks "$n" env "$@" "$SULCUS" run "$small" -s output="$scratch/out" -s layers_over="$over" -s threads="$threads"
  is "teams of $over of $n ranks, $*: exit" "$code" 0
  is "teams of $over of $n ranks, $*: stderr" "$(cat "$scratch/stderr")" ""
  digests "$scratch/out" >"$scratch/digests"
  is "teams of $over of $n ranks, $*: digests" "$(diff "$scratch/first" "$scratch/digests")" ""
}
compare 2 2 2 SULCUS_NODES=1
compare 3 3 1 SULCUS_NODES=1
compare 4 2 1 SULCUS_NODES=2 OMPI_MCA_btl=tcp,self
compare 6 3 1 SULCUS_NODES=2
compare 6 6 2 SULCUS_NODES=3
says "who shares layers" "$scratch/stdout" "1 team of 6 ranks shares the layers of a model"

# A number of ranks that is no multiple, and more ranks than layers.
for wrong in '3 2 teams.of.2.do.not.go.into.3.ranks' '8 8 the.model.has.6.layers,.fewer.than.the.8.ranks'; do
  read -r n over pattern <<<"$wrong"
  rm -rf "$scratch/out"
  ranks "$n" "$SULCUS" run "$small" --only activations -s output="$scratch/out" -s layers_over="$over"
  is "teams of $over of $n ranks: exit" "$code" 2
  is "teams of $over of $n ranks: lines" "$(wc -l <"$scratch/stderr")" 1
  says "teams of $over of $n ranks" "$scratch/stderr" "$pattern"
done

# The plan knows what a member will hold.
"$SULCUS" plan "$small" -s layers_over=2 >"$scratch/stdout" 2>"$scratch/stderr"
says "the plan" "$scratch/stdout" "models, once a node: 9.84 MB; a member of a team of 2 holds at most 4.97 MB"

# auto: one rank a model where a node holds it; the less memory, the more nodes share its layers; refused where that does not do either.
auto() {
  rm -rf "$scratch/out"
  ranks 4 env SULCUS_NODES=4 "$SULCUS" run "$small" --only activations -s output="$scratch/out" -s layers_over=auto -s threads=1 -s memory="$1"
  team=$(sed -n 's/.* team.* of \([0-9]\) ranks share.*/\1/p' "$scratch/stdout")
}
auto 4GB
is "auto with much memory: exit" "$code" 0
is "auto with much memory" "$team" ""
seen=
for memory in 30MB 26MB 22MB 20MB 19MB 18MB 17MB 16MB 15MB 14MB 13MB 12MB 11MB 10MB; do
  auto $memory
  case " $seen " in *" $team "*) ;; *) seen="$seen $team" ;; esac
  [ "$code" = 0 ] || break
done
says "auto with less and less memory" <(echo "$seen") '2 4$'
auto 5MB
is "auto with too little memory: exit" "$code" 2
says "auto with too little memory" "$scratch/stderr" "layers_over=auto: the models need .* use more nodes"

# The last member's sums overflow: layer 5's norm and MLP have weights of 65504. Its task fails with the same words as on one rank.
cp -r "$SOURCE/examples/vit-glyph100" "$scratch/broken"
file=$scratch/broken/model.safetensors
header=$(od -An -t u8 -N8 "$file" | tr -d ' ')
spoil() { # TENSOR
  local from to
  IFS=, read -r from to <<<"$(head -c $((header + 8)) "$file" | grep -ao "\"$1\":{[^}]*}" | grep -o '[0-9]*,[0-9]*\]}$' | tr -d ']}')"
  LC_ALL=C yes $'\xff\x7b' | LC_ALL=C tr -d '\n' | head -c $((to - from)) |
    dd of="$file" conv=notrunc oflag=seek_bytes seek=$((8 + header + from)) status=none
}
spoil vit.encoder.layer.5.layernorm_after.bias
spoil vit.encoder.layer.5.intermediate.dense.weight
for n in 1 3; do
  rm -rf "$scratch/out"
  ranks "$n" env SULCUS_NODES="$n" "$SULCUS" run "$small" --only activations -s output="$scratch/out" -s layers_over="$n" -s models.trained.path="$scratch/broken"
  is "overflow on $n ranks: exit" "$code" 5
  is "overflow on $n ranks: lines" "$(wc -l <"$scratch/stderr")" 1
  says "overflow on $n ranks" "$scratch/stderr" "activations\[model=trained\]: .*layer 5 unit [0-9]*: sum of activations is"
  is "overflow on $n ranks: what is done" "$(digests "$scratch/out" | cut -d' ' -f1)" "activations[model=random]"
done
finish
