#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The doctor: a line a check; a signal that does not arrive and a folder that takes no files are found, each with what to do; and with a
# pipeline, on each of three "hosts", what only that one lacks.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
ranks 2 "$SULCUS" doctor "$scratch/folder" # the machine may have one core, or many: that is its line `threads`
is "checks" "$(awk '{print $1}' stdout | paste -sd' ')" "launch signals threads shared /dev/shm single clock folder libraries"
says "signals" stdout '^signals  *ok  *USR1 to the launcher reaches every rank'
says "single copy" stdout '^single copy  *ok  *\(off: OMPI_MCA.*=none\|the ranks of a node read each other.s memory\)'
says "folder" stdout '^folder  *ok .* takes files: write, fsync, rename; links and locks$'
says "clock" stdout '^clock  *ok '
says "libraries" stdout '^libraries  *ok .*GFLOP/s'
is "what is left in the folder" "$(ls -A folder)" ""

code=0
env --block-signal=USR1 "$SULCUS" doctor "$scratch/folder" >stdout 2>stderr || code=$?
is "exit code with a blocked signal" $code 2
says "a blocked signal" stdout '^signals  *WRONG USR1 does not reach rank 0'
says "what to do" stderr '^sulcus: error: USR1 does not reach rank 0, .*does not block it'

# A container's 64 MB of /dev/shm, and one in which a process may not read another's memory.
badly() { ranks 2 env -u OMPI_MCA_btl_vader_single_copy_mechanism LD_PRELOAD="$BUILD/tests/libmachine.so" "$@" "$SULCUS" doctor "$scratch/folder"; }
badly SHM_MB=64
[ $code != 0 ] || fail "little room passes"
says "a block without room, which is in TMPDIR" stdout '^shared memory  *ok '
says "little room" stdout '^/dev/shm  *WRONG 64 MB free in /dev/shm'
says "what to do" stdout '^/dev/shm .*remount,size=50%'
badly NO_COPIES=1
is "exit code without copies" $code 2
says "room enough" stdout '^/dev/shm  *ok  *100000 MB free'
says "no copies" stdout '^single copy  *WRONG a rank may not read another.s memory.*export OMPI_MCA_btl_vader_single_copy_mechanism=none'
badly OMPI_MCA_btl_vader_single_copy_mechanism=none
says "copies turned off" stdout '^single copy  *ok  *off'

badly NO_LINK=1 NO_FLOCK=38
says "a folder without links and locks" stdout '^folder  *ok .*; no links (not needed) and no locks (not needed)$'

code=0
: >file
"$SULCUS" doctor "$scratch/file" >stdout 2>stderr || code=$?
[ $code != 0 ] || fail "a file for a folder passes"
says "a file for a folder" stdout '^folder  *WRONG '

# Three hosts, each with files of its own below the folder it starts in.
for host in n0 n1 n2; do
  mkdir $host
  cp -r "$SOURCE/examples/vit-glyph100" $host/model
  cp -r "$SOURCE/examples/glyph100" $host/data
done
cat >p.yaml <<END
pipeline: hosts
output: $scratch/out
models: {vit: {path: /proc/self/cwd/model}}
datasets: {glyphs: {format: cifar100, path: /proc/self/cwd/data, split: test, subsets: coarse}}
steps:
  activations: {stage: collect, model: vit, data: glyphs}
END
cat >host.sh <<'END'
export SULCUS_HOST=n$OMPI_COMM_WORLD_RANK
cd "$SULCUS_HOST" && [ ! -e set ] || . ./set
exec "$@"
END
hosts() { # ARGUMENTS...
  ranks 3 env SULCUS_NODES=3 bash host.sh "$SULCUS" doctor ../p.yaml "$@"
  grep WRONG stdout >wrong
}
hosts --quiet
is "exit code of three hosts" $code 0
is "three hosts" "$(cat wrong)" ""
says "models and data" stdout '^inputs  *ok  *2 models and datasets, [0-9]* files'
is "what is left in the pipeline's folder" "$(ls -A out)" ""
rm n2/model/model.safetensors
truncate -s 1000 n1/data/test.bin.gz
echo "export LD_PRELOAD=$BUILD/tests/libclock.so AHEAD=3600" >n2/set
echo "export LD_PRELOAD=$BUILD/tests/libmachine.so NO_LINK=1" >n1/set
hosts
is "exit code of bad hosts" $code 2
is "hosts that lack something" "$(awk '{print $1, $4}' wrong | paste -sd' ')" "clock n2: inputs n1: inputs n2:"
says "a clock" wrong "on n2: the clock is 3600 s ahead of rank 0's; set it"
says "a copy cut short" wrong '^inputs  *WRONG on n1: glyphs: [0-9]* files of [0-9]* bytes, and [0-9]* of [0-9]* where rank 0 is'
says "a missing model" wrong '^inputs  *WRONG on n2: .*model.safetensors'
says "the first of them" stderr '^sulcus: error: on n2: the clock'
says "a host without links" stdout '^folder  *ok .*; no links (not needed) and locks$'
rm n?/set
hosts -s output=/proc/self/cwd/own
says "a folder that each host has for itself" wrong '^folder  *WRONG on n1: .*not to be seen from here'
code=0
"$SULCUS" doctor none.yaml >stdout 2>stderr || code=$?
is "exit code of a pipeline that is not there" $code 2
[ ! -e none.yaml ] || fail "a folder is made of it"
finish
