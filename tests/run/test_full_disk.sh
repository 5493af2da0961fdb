#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An output folder on a file system in memory that is full at twenty places, from the lease to the last artefact: exit 4, one line, no
# signal, whatever HDF5 then has in its caches; and with room, the rest of it with the right bits.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir disk
mount -t tmpfs -o size=64m none disk 2>/dev/null || { echo "cannot mount a file system here"; exit 77; }
trap 'umount -l "$scratch/disk" 2>/dev/null; rm -rf "$scratch" "$scratch.mpi"' EXIT
cat >p.yaml <<END
pipeline: small
output: disk/out
models: {vit: {path: $SOURCE/examples/vit-glyph100}}
datasets:
  glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, subsets: coarse, keep: [latin, greek], collect: 0.5, limit: 20}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
  scores: {stage: score, from: activations, measure: [abs, freq]}
  unlearn: {stage: prune, from: scores, model: vit, data: glyphs, fraction: 0.2, seeds: 1}
  overlap: {stage: intersect, from: scores, fractions: [0.01, 0.1]}
END
"$SULCUS" run p.yaml --quiet >stdout 2>stderr
is 'exit code with room' $? 0
digests disk/out >reference.txt
used=$(du -sk disk/out | cut -f1)
refused=0
for i in $(seq 20); do
  umount disk
  mount -t tmpfs -o size=$((used * i / 20))k none disk
  code=0
  "$SULCUS" run p.yaml --quiet >stdout 2>stderr || code=$?
  [ $code = 0 ] && continue
  refused=$((refused + 1))
  is "exit code at $i of 20" "$code" 4
  is "lines at $i of 20" "$(grep -c . stderr)" 1
  says "$i of 20" stderr '^sulcus: error: .*disk/out'
done
[ $refused -ge 15 ] || fail "only $refused disks were full"
umount disk
mount -t tmpfs -o size=$((used * 3 / 4))k none disk
"$SULCUS" run p.yaml --quiet >stdout 2>stderr && fail 'a disk that is full, is not'
mount -o remount,size=64m disk
"$SULCUS" run p.yaml --quiet >stdout 2>stderr
is 'exit code with room again' $? 0
digests disk/out | cmp -s - reference.txt || fail 'other bits with room again'
finish
