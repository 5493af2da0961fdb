#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A small /dev/shm, as containers have: what the ranks of a node share then lies in TMPDIR, with the same bits; a line where that has no room
# either; nothing is left behind, by killed ranks neither. Needs the right to mount.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  large: {stage: sum, units: 3, width: 1500000}
END
ranks 3 "$TOY" run p.yaml --quiet
is "exit code with much room" $code 0
digests out >reference.txt

mkdir tmp
export TMPDIR=$scratch/tmp
rm -rf out
ranks 3 env LD_PRELOAD="$BUILD/tests/libmachine.so" SHM_MB=1 "$TOY" run p.yaml --quiet
is "exit code with 1 MB" $code 0
digests out | cmp -s - reference.txt || fail "other bits with 1 MB"
is "left in TMPDIR" "$(ls tmp | grep -c '^sulcus-')" 0

# What a killed rank shared goes with it, and what Open MPI left of ours goes when the next run starts; what is young or of another stays.
old=vader_segment.$(hostname).$(id -u).dead0001
for name in "$old.0" "$old.1" "osc_sm.$(hostname).dead0001.0.7" "young_segment.$(hostname).$(id -u).dead0001.0"; do
  : >"/dev/shm/$name"
  touch -d '2 minutes ago' "/dev/shm/$name"
done
: >"/dev/shm/$old.2"
exec 9<"/dev/shm/$old.1" # a process of ours has it open
rm -rf out
ranks 2 "$TOY" run p.yaml --quiet
is "exit code beside dead segments" $code 0
is "segments that are left" "$(cd /dev/shm && ls | grep dead0001 | tr '\n' ' ')" "$old.1 $old.2 young_segment.$(hostname).$(id -u).dead0001.0 "
exec 9<&-
rm -f /dev/shm/*dead0001*

rm -rf out
# shellcheck disable=SC2016
timeout 100 unshare -m --propagation private bash -c '
  mount -t tmpfs -o size=20m none /dev/shm && mount -t tmpfs -o size=99m none "$TMPDIR" || exit 77
  cd /
  "$@"; exit $?' - mpirun --oversubscribe --bind-to none -q -n 3 -x TMPDIR sh -c '[ -d /tmp ] && exec "$0" "$@"' "$TOY" run "$scratch/p.yaml" --quiet >stdout 2>stderr.all
code=$?
if [ $code = 77 ] || grep -q '^unshare: ' stderr.all; then # a chroot's root is no mount point
  echo "notice: no file system can be mounted here; only what statvfs says was changed"
else
  is "exit code in a small /dev/shm" $code 0
  digests out | cmp -s - reference.txt || fail "other bits in a small /dev/shm"
fi

# No room anywhere: a file of so many bytes may not be made.
rm -rf out
ranks 2 env LD_PRELOAD="$BUILD/tests/libmachine.so" SHM_MB=1 NO_FILES=20 "$TOY" run p.yaml --quiet
is "exit code without room" $code 1
is "lines without room" "$(wc -l <stderr)" 1
says "no room" stderr "cannot share .* 1000000 are free in /dev/shm, and TMPDIR has no room either; make room"
finish
