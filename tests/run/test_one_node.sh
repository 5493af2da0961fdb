#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A model or a dataset that is bad on one node only ends the job with that node's one line and code on all ranks; mended, the same command
# goes on. The two "nodes" see other files at the same path, which leads through each rank's own folder.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
for node in first second; do
  mkdir $node
  cp -r "$SOURCE/examples/vit-glyph100" $node/model
  cp -r "$SOURCE/examples/glyph100" $node/data
done
cat >p.yaml <<END
pipeline: nodes
output: $scratch/out
models: {vit: {path: /proc/self/cwd/model}}
datasets: {glyphs: {format: cifar100, path: /proc/self/cwd/data, split: test, subsets: coarse, keep: [latin, digits], limit: 40}}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
END
run() {
  code=0
  SULCUS_NODES=2 timeout 60 $mpirun_anyhow -n 2 -wdir "$scratch/first" "$SULCUS" run "$scratch/p.yaml" --quiet : \
    -n 2 -wdir "$scratch/second" "$SULCUS" run "$scratch/p.yaml" --quiet >stdout 2>stderr.all </dev/null || code=$?
  grep -v '^$' stderr.all >stderr
}
# bad NODE FILE PATTERN: with the file as it is now; then mended.
bad() {
  run
  is "exit code of $2 on the $1 node" "$code" 3
  is "lines of $2 on the $1 node" "$(wc -l <stderr)" 1
  says "$2 on the $1 node" stderr "^sulcus: error: .*$(basename "$2").*$3"
  cp "$SOURCE/examples/$4" "$1/$2"
}
for node in second first; do
  truncate -s 100000 $node/model/model.safetensors
  bad $node model/model.safetensors incomplete vit-glyph100/model.safetensors
  truncate -s 1000000 $node/data/test.bin.gz
  bad $node data/test.bin.gz 'cut short' glyph100/test.bin.gz
done
rm second/model/preprocessor_config.json
bad second model/preprocessor_config.json missing vit-glyph100/preprocessor_config.json
run
is "exit code once all is mended" "$code" 0
is "tasks done" "$(digests out | wc -l)" 1
finish
