#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A disk that is full, has no room for names, is read-only or goes away: exit 4 and its line, nothing marked done, and a next run that
# finishes with the same bits. On small file systems in memory; without the right to mount them it is skipped.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
mkdir disk
mount -t tmpfs -o size=1m none disk 2>/dev/null || { echo "cannot mount a file system here"; exit 77; }
trap 'umount -l "$scratch/disk" 2>/dev/null; rm -rf "$scratch" "$scratch.mpi"' EXIT
cat >p.yaml <<'END'
pipeline: toy
output: disk/out
steps:
  small: {stage: sum, units: 20}
  large: {stage: sum, from: small, units: 40, width: 60000, seconds: 0.02}
END
ranks 2 "$TOY" run p.yaml --quiet -s output="$scratch/reference" -s steps.large.seconds=0
digests reference >reference.txt

fresh() { # OPTIONS: a new disk of this kind
  umount disk 2>/dev/null
  mount -t tmpfs -o "$1" none disk
}
refused() { # WHAT PATTERN: the last run
  is "exit code with $1" "$code" 4
  is "lines on stderr with $1" "$(wc -l <stderr)" 1
  says "$1" stderr "^sulcus: error: .*$2"
}
mended() { # WHAT: after more room, the same command
  is "large done in spite of $1" "$(digests disk/out | grep -c '^large ')" 0
  mount -o remount,size=64m,nr_inodes=10k disk
  ranks 3 "$TOY" run p.yaml -s steps.large.seconds=0
  is "exit code when $1 is mended" $code 0
  digests disk/out | cmp -s - reference.txt || fail "other bits when $1 is mended"
  is "left behind by $1" "$(find disk/out -name '*.tmp' -o -name 'lease*' -o -name '*.checkpoint')" ""
  "$TOY" fsck disk/out >stdout 2>stderr || fail "fsck when $1 is mended"
}

for n in 1 2; do
  # The artefact (about 0.6 MB beside the small one's 60 kB) does not fit.
  fresh size=400k
  ranks $n "$TOY" run p.yaml -s steps.large.seconds=0
  refused "a full disk" "large/all.nc.*"
  mended "a full disk"

  # Nor does the checkpoint (1.4 MB), though the run is far from its end.
  fresh size=400k
  ranks $n "$TOY" run p.yaml -s checkpoint=0.1s
  refused "no room for a checkpoint" "checkpoints/large/all.checkpoint.*No space left"
  mended "no room for a checkpoint"
done

# No room for another name, which is how a quota of files looks.
fresh size=64m,nr_inodes=7
ranks 2 "$TOY" run p.yaml -s steps.large.seconds=0
refused "no inodes" "disk/out"
mended "no inodes"

# Read-only from the start.
mount -o remount,ro disk
ranks 2 "$TOY" run p.yaml --force large
refused "a read-only disk" "disk/out/lease.*Read-only"
mount -o remount,rw disk

# It goes away while the run is on.
for what in commit checkpoint; do
  fresh size=64m
  $mpirun_anyhow -n 2 "$TOY" run p.yaml -s checkpoint=$([ $what = commit ] && echo 60s || echo 0.4s) >stdout 2>stderr.all &
  started=$!
  for _ in $(seq 100); do
    grep -qs '"event":"start".*large' disk/out/journal.jsonl && break
    sleep 0.02
  done
  umount -l disk
  code=0
  wait $started || code=$?
  grep -v '^$' stderr.all >stderr
  refused "a disk that went away before a $what" "out: the folder has vanished, or is not to be seen"
  is "what was made where the disk was, before a $what" "$(ls -A disk)" ""
done
finish
