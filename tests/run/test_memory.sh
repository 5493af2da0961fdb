#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A model that does not fit into what the job may use of its node is refused before it is opened, in one line that says what would do; models
# that fit one at a time take turns. The limit is Slurm's word, or a real cgroup where one can be made.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir model
cp "$SOURCE"/examples/vit-glyph100/preprocessor_config.json model
# 3.2 GB of weights, drawn when they are opened.
sed 's/"hidden_size": [0-9]*/"hidden_size": 2048/; s/"intermediate_size": [0-9]*/"intermediate_size": 8192/; s/"num_attention_heads": [0-9]*/"num_attention_heads": 16/;
  s/"num_hidden_layers": [0-9]*/"num_hidden_layers": 16/' "$SOURCE/examples/vit-glyph100/config.json" >model/config.json
cat >p.yaml <<YAML
pipeline: memory
output: out
threads: 1
models:
  large: {path: model, weights: random, seed: 1}
  small: {path: $SOURCE/examples/vit-glyph100}
  other: {path: $SOURCE/examples/vit-glyph100, weights: random, seed: 1}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, limit: 10, keep: [latin, greek]}}
steps:
  all: {stage: collect, model: large, data: glyphs}
  some: {stage: collect, model: [small, other], data: glyphs}
YAML
refused() { # WHAT: the last run
  is "exit code with $1" "$code" 2
  is "lines with $1" "$(wc -l <stderr)" 1
  says "$1" stderr "^sulcus: error: all: large needs 3\.[0-9]* GB of a node, and 1\.[67][0-9]* may be used (.*2\.15 GB of $2); give layers_over: 2, with one rank on each node"
}

# Without a model's bytes: the plan, and a run that ends at once.
export SLURM_MEM_PER_NODE=2048
"$SULCUS" plan p.yaml >stdout 2>stderr || fail "plan"
says "the plan" stdout "^memory of this node: 2.15 GB (SLURM_MEM_PER_NODE), of which 1.72 GB may be used; TOO LITTLE for all, which needs 3\.[0-9]* GB on one rank"
for n in 1 2; do
  ranks $n "$SULCUS" run p.yaml --only all
  refused "Slurm's limit on $n ranks" SLURM_MEM_PER_NODE
done
SLURM_MEM_PER_NODE=0 "$SULCUS" plan p.yaml -s memory=3GB >stdout 2>stderr
says "the plan with a limit of its own" stdout "of which 3 GB may be used; TOO LITTLE for all"
ranks 1 "$SULCUS" run p.yaml --only some
is "exit code of what fits" $code 0
digests out >reference.txt

# 9.84 MB a model: one after the other where there is no room for both, and fewer ranks where each rank's own memory is too much.
rm -rf out
ranks 1 "$SULCUS" run p.yaml --only some -s memory=17MB
is "exit code of two models that take turns" $code 0
digests out | cmp -s - reference.txt || fail "other bits where models take turns"
is "tasks in turn" "$(sed -n 's/.*"event":"\(start\|done\)".*/\1/p' out/journal.jsonl | paste -sd' ')" "start done start done"
ranks 6 "$SULCUS" run p.yaml --only some --force some -s memory=21MB
is "exit code of too many ranks" $code 2
says "too many ranks" stderr "small needs .* GB of a node, and 0.021 may be used .*; start at most [1-5] ranks* on a node"

# Addresses are limited, and OpenBLAS would ask for its buffers for ever. What the libraries take differs from machine to machine.
seen=0
for kilobytes in 200000 250000 300000 350000 400000; do
  code=0
  rm -rf out
  (ulimit -v $kilobytes && exec timeout -s KILL 60 "$SULCUS" run p.yaml --only some --quiet) >stdout 2>stderr || code=$?
  grep -q "^sulcus: error: out of memory for OpenBLAS's buffers, 128 MB of addresses a thread (threads: 1); raise" stderr && seen=1
  [ $code -le 2 ] || fail "exit code $code with ulimit -v $kilobytes"
done
is "limits of addresses with the right line" $seen 1

# The kernel's own word. A limit of the cgroup above counts too.
unset SLURM_MEM_PER_NODE
group=
for at in /sys/fs/cgroup /sys/fs/cgroup/memory; do
  [ -e $at/memory.stat ] || [ -e $at/cgroup.subtree_control ] || continue
  if mkdir -p $at/sulcus-test-$$/inner 2>/dev/null; then
    group=$at/sulcus-test-$$
    [ ! -e $at/cgroup.subtree_control ] || echo +memory >$at/cgroup.subtree_control 2>/dev/null
    if (echo 2147483648 >$group/memory.max || echo 2147483648 >$group/memory.limit_in_bytes) 2>/dev/null; then
      break
    fi
    rmdir $group/inner $group
    group=
  fi
done
if [ -n "$group" ]; then
  trap 'rmdir "$group/inner" "$group" 2>/dev/null; rm -rf "$scratch" "$scratch.mpi"' EXIT
  within() (
    echo $BASHPID >"$group/inner/cgroup.procs"
    exec "$@"
  )
  code=0
  within "$SULCUS" run p.yaml --only all >stdout 2>stderr || code=$?
  refused "a cgroup's limit" "cgroup /.*sulcus-test-$$"
else
  echo "notice: no memory cgroup can be made here; only Slurm's limit was tried"
fi
finish
