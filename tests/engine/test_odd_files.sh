#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An output folder with things in it that no run has put there, on file systems without links or locks, and of another user whose processes are
# hidden: refused with a line, worked around, or waited for; never hung on, and nothing taken from outside the folder.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
cat >p.yaml <<'END'
pipeline: toy
output: out
steps:
  sums: {stage: sum, units: 5}
END
export SULCUS_LEASE_WAIT=1
machine=$BUILD/tests/libmachine.so
run() { # SETTINGS... [-- ARGUMENTS]: on one rank, at most 20 s
  code=0
  timeout -s KILL 20 env "$@" "$TOY" run p.yaml --quiet >stdout 2>stderr || code=$?
}
refused() { # WHAT CODE PATTERN
  is "exit code of $1" "$code" "$2"
  is "lines of $1" "$(wc -l <stderr)" 1
  says "$1" stderr "^sulcus: error: .*$3"
}
run LANG=C
is "exit code" $code 0
digests out >reference.txt

for name in lease journal.jsonl; do
  for what in fifo link folder; do
    rm -rf out
    mkdir out
    case $what in
    fifo) mkfifo out/$name ;;
    link) ln -s "$scratch/elsewhere" out/$name ;;
    folder) mkdir out/$name ;;
    esac
    run LANG=C
    refused "a $what for $name" 4 "out/$name: is \(no regular file\|a link to nothing\); "
    is "what a $what for $name made elsewhere" "$(ls elsewhere 2>/dev/null)" ""
  done
done

# No link(2): by FAT's word, by FUSE's; and no flock, by each word for it.
for settings in NO_LINK=1 NO_LINK=95 NO_FLOCK=11 NO_FLOCK=37 NO_FLOCK=38 NO_FLOCK=524; do
  rm -rf out
  run LD_PRELOAD="$machine" $settings
  is "exit code with $settings" $code 0
  digests out | cmp -s - reference.txt || fail "other bits with $settings"
  is "left with $settings" "$(find out -name 'lease*')" ""
done
rm -rf out
for p in 1 2; do
  LD_PRELOAD=$machine NO_LINK=95 SULCUS_LEASE_WAIT=20 "$TOY" run p.yaml -s steps.sums.seconds=0.1 >$p.out 2>$p.err &
done
wait
is "how often two runs without links did the work" "$(grep -c '"event":"done"' out/journal.jsonl)" 1

# An epoch that no other can follow.
line='{"event":"run","time":1.0,"epoch":9223372036854775807,"ranks":1,"threads":1,"host":"h","version":"0","command":"c","pipeline":"p"'
rm -rf out
mkdir out
"$BUILD/tests/journal_sum" "$line" >out/journal.jsonl
run LANG=C
refused "the last of all epochs" 3 "out: journal.jsonl names a run of epoch 9223372036854775807"

# A run writes nothing through a link, and takes nothing away there.
for name in sums checkpoints; do
  rm -rf out elsewhere
  mkdir out elsewhere
  : >elsewhere/mine.nc.0-1.tmp
  ln -s "$scratch/elsewhere" out/$name
  run LANG=C
  refused "a link for $name" 4 "out/$name.*: is reached through a link, which a run does not follow"
  is "what is behind a link for $name" "$(ls elsewhere)" mine.nc.0-1.tmp
done
rm -rf out elsewhere
mkdir out elsewhere out/checkpoints
ln -s "$scratch/elsewhere" out/checkpoints/sums
run LANG=C
refused "a link for a step's checkpoints" 4 "out/checkpoints/sums: is reached through a link, which a run does not follow"

# fsck moves nothing from where a link leads, nor to there.
rm -rf out elsewhere
run LANG=C
mv out/sums elsewhere
ln -s "$scratch/elsewhere" out/sums
echo x >>elsewhere/all.nc
code=0
"$TOY" fsck out >stdout 2>stderr || code=$?
is "exit code of fsck behind a link" $code 3
says "fsck behind a link" stdout "left where it is: a link leads out of the folder"
[ -e elsewhere/all.nc ] || fail "fsck took a file from outside"
rm out/sums
mv elsewhere out/sums
mkdir elsewhere
ln -s "$scratch/elsewhere" out/quarantine
"$TOY" fsck out >stdout 2>stderr
is "what fsck put behind a link" "$(ls elsewhere)" ""

# Another user's live run, whose processes are hidden.
cat >hidden.sh <<'END'
mount -t proc -o hidepid=2 none /proc || exit 77
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
END
chmod 755 . && rm -rf out && mkdir -m 777 out
if [ "$(id -u)" = 0 ] && unshare -m --propagation private bash hidden.sh true 2>/dev/null; then
  cp "$TOY" toy
  ./toy run p.yaml -s steps.sums.seconds=1 >one.out 2>one.err &
  first=$!
  for _ in $(seq 200); do
    [ -s out/lease ] && break
    sleep 0.02
  done
  chmod 666 out/journal.jsonl
  kill -STOP $first # it does not even beat
  code=0
  timeout -s KILL 30 unshare -m --propagation private bash hidden.sh env SULCUS_LEASE_WAIT=3 ./toy run p.yaml --quiet >stdout 2>stderr || code=$?
  kill -CONT $first
  refused "a run that is hidden" 75 "out: is in use by process $first on "
  wait $first || fail "the hidden run"
else
  echo "notice: processes cannot be hidden here"
fi
finish
