#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The doctor: a line a check; a signal that does not arrive and a folder that takes no files are found, each with what to do.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
ranks 2 "$SULCUS" doctor "$scratch/folder" # the machine may have one core, or many: that is its line `threads`
is "checks" "$(awk '{print $1}' stdout | paste -sd' ')" "launch signals threads shared /dev/shm single folder libraries"
says "signals" stdout '^signals  *ok  *USR1 to the launcher reaches every rank'
says "single copy" stdout '^single copy  *ok  *\(off: OMPI_MCA.*=none\|the ranks of a node read each other.s memory\)'
says "folder" stdout '^folder  *ok '
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

code=0
: >file
"$SULCUS" doctor "$scratch/file" >stdout 2>stderr || code=$?
[ $code != 0 ] || fail "a file for a folder passes"
says "a file for a folder" stdout '^folder  *WRONG '
finish
