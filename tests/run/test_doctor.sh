#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The doctor: a line a check; a signal that does not arrive and a folder that takes no files are found, each with what to do.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
ranks 2 "$SULCUS" doctor "$scratch/folder" # the machine may have one core, or many: that is its line `threads`
is "checks" "$(awk '{print $1}' stdout | paste -sd' ')" "launch signals threads shared folder libraries"
says "signals" stdout '^signals  *ok  *USR1 to mpirun reaches every rank'
says "folder" stdout '^folder  *ok '
says "libraries" stdout '^libraries  *ok .*GFLOP/s'
is "what is left in the folder" "$(ls -A folder)" ""

code=0
env --block-signal=USR1 "$SULCUS" doctor "$scratch/folder" >stdout 2>stderr || code=$?
is "exit code with a blocked signal" $code 2
says "a blocked signal" stdout '^signals  *WRONG USR1 does not reach rank 0'
says "what to do" stderr '^sulcus: error: USR1 does not reach rank 0, .*does not block it'

code=0
: >file
"$SULCUS" doctor "$scratch/file" >stdout 2>stderr || code=$?
[ $code != 0 ] || fail "a file for a folder passes"
says "a file for a folder" stdout '^folder  *WRONG '
finish
