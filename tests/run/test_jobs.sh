#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jobs/local.sh, and jobs/pbs.sh with stubs of PBS's commands: signals handed on, submitted again so often and no more, a killed mpirun.
# (The Slurm scripts run on a real Slurm: test_slurm.sh.)
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout
: >stderr
for script in "$SOURCE"/jobs/*; do bash -n "$script" || fail "$script does not parse"; done
export SULCUS=$TOY RANKS=2 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

# A quick step and one of some seconds on two ranks; `seconds` is no part of a key.
pipeline() { printf 'pipeline: toy\noutput: %s\nsteps:\n  quick: {stage: sum, units: 20}\n  slow: {stage: sum, from: quick, units: 200, seconds: %s}\n' "$1" "$2"; }
pipeline reference 0 >reference.yaml
"$TOY" run reference.yaml >stdout 2>stderr
begun() { # OUTPUT: waits until its slow step runs
  for _ in $(seq 100); do
    grep -q '"event":"start",[^}]*"task":"slow"' "$1/journal.jsonl" 2>/dev/null && return
    sleep 0.1
  done
  fail "$1 does not begin"
}
equal() { is "results of $1" "$(digests "$1")" "$(digests reference)"; }

# local.sh, interrupted as Ctrl-C does, goes on.
for signal in INT TERM; do
  rm -rf local
  pipeline local 0.1 >local.yaml
  # Background jobs ignore INT, unless they are in job control.
  (set -m; "$SOURCE/jobs/local.sh" local.yaml >stdout 2>stderr & echo $! >pid; code=0; wait $! || code=$?; echo $code >code) &
  begun local
  kill -$signal "$(cat pid)"
  wait
  is "exit code of local.sh after $signal" "$(cat code)" 75
  pipeline local 0 >local.yaml
  "$SOURCE/jobs/local.sh" local.yaml >stdout 2>stderr
  is "exit code of local.sh again" $? 0
  says "local.sh again" stdout "1 done, 1 skipped"
  equal local
done

# PBS: qsub -v NAMES SCRIPT notes what it is given and starts it, with the variables named and the next limit of `limits`; walltime is HH:MM:SS.
mkdir bin
cat >bin/qstat <<'STUB'
#!/bin/sh
[ "$1" = -f ] && printf 'Job Id: %s\n    Resource_List.ncpus = 2\n    Resource_List.walltime = %s\n' "$2" "$(cat "$STUB/limit")"
STUB
cat >bin/qsub <<'STUB'
#!/bin/sh
echo "$RESTARTS $PIPELINE $2" >>"$STUB/submitted"
[ "$1" = -v ] || exit 1
echo 01:00:00 >"$STUB/limit"
sed -i 's/seconds: 0.1/seconds: 0/' "$PIPELINE"
cp "$3" "$STUB/spooled"
PBS_JOBID=2.stub sh -c 'bash "$STUB/spooled"' >"$STUB/log.2" 2>&1
echo $? >"$STUB/code.2"
STUB
chmod +x bin/*
export STUB=$scratch PATH=$scratch/bin:$PATH PBS_O_WORKDIR=$scratch PBS_JOBID=1.stub PIPELINE=pbs.yaml
pbs() { # CODE: the script, in a fresh spool
  cp "$SOURCE/jobs/pbs.sh" spooled.1
  code=0
  bash spooled.1 >stdout 2>stderr || code=$?
  is "exit code of pbs.sh, $1" $code "$2"
}
fresh() {
  rm -rf pbs submitted code.2
  pipeline pbs 0.1 >pbs.yaml
  echo "$1" >limit
}
fresh 00:00:04
pbs "at its limit" 75
is "what was submitted again" "$(cat submitted)" "1 pbs.yaml RESTARTS,PIPELINE,SULCUS,MAX_RESTARTS,OVERRIDES"
is "exit code of the job submitted again" "$(cat code.2)" 0
equal pbs

fresh 00:00:04
MAX_RESTARTS=0 pbs "at its limit, without restarts" 75
[ ! -e submitted ] || fail "a job that may not restart was submitted again"

fresh 01:00:00
mpirun_of() { # COMMAND...: the process that started it
  local each
  for each in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$each/cmdline" 2>/dev/null) in "mpirun "*" $* ") echo "${each#/proc/}" ;; esac
  done
}
( begun pbs; kill -KILL "$(mpirun_of "$TOY" run pbs.yaml)" ) &
pbs "when mpirun is killed" 137
is "what was submitted after a kill" "$(cut -d' ' -f1 submitted 2>/dev/null)" 1
equal pbs

fresh 01:00:00
OVERRIDES="-s steps.slow.units=none" pbs "with a wrong pipeline" 2
[ ! -e submitted ] || fail "a job that cannot run was submitted again"
finish
