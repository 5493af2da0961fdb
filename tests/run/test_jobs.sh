#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# jobs/local.sh, and the scripts of PBS, LSF and Flux with stubs of those systems' commands: signals handed on; started again so often and no
# more, not when cancelled, and not where nothing was gained. (The Slurm scripts run on a real Slurm: test_slurm.sh.)
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stdout
: >stderr
block() { sed -n '/^# --- The same/,/^# ---$/p' "$1"; }
for script in "$SOURCE"/jobs/*; do
  bash -n "$script" || fail "$script does not parse"
  ! grep -q '^run_job ' "$script" || is "the common lines of $script" "$(block "$script")" "$(block "$SOURCE/jobs/slurm.sbatch")"
done
is "lines in common" "$(($(block "$SOURCE/jobs/slurm.sbatch" | wc -l) > 20)) $(grep -l '^run_job "' "$SOURCE"/jobs/* | wc -l)" "1 7"
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

# PBS: qsub OPTIONS... SCRIPT notes what it is given and starts it, with the variables named and the next limit of `limits`; walltime is HH:MM:SS.
mkdir bin
cat >bin/qstat <<'STUB'
#!/bin/sh
[ "$1" = -f ] && printf 'Job Id: %s\n    Resource_List.ncpus = 2\n    Resource_List.select = 1:ncpus=2:\n\tmpiprocs=2\n    Resource_List.walltime = %s\n' "$2" "$(cat "$STUB/limit")"
STUB
cat >bin/qsub <<'STUB'
#!/bin/sh
for script; do :; done
echo "$RESTARTS $PIPELINE $*" | sed "s| $script\$||" >>"$STUB/submitted"
echo 01:00:00 >"$STUB/limit"
sed -i 's/seconds: [0-9.]*/seconds: 0/' "$PIPELINE"
cp "$script" "$STUB/spooled"
PBS_JOBID=2.stub sh -c 'bash "$STUB/spooled"' >"$STUB/log.2" 2>&1
echo $? >"$STUB/code.2"
STUB
# Launchers with codes of their own: as MPICH's, which ends with 0 where the ranks end with 75; as Open MPI's whose daemon was killed.
cat >bin/mpiexec.zero <<'STUB'
#!/bin/bash
trap 'kill -USR1 $job' USR1
mpirun "$@" &
job=$!
wait $job || wait $job
exit 0
STUB
cat >bin/mpirun.lost <<'STUB'
#!/bin/bash
mpirun "$@" &
job=$!
sleep 2
kill -KILL $job
exit 205
STUB
chmod +x bin/*
export STUB=$scratch PATH=$scratch/bin:$PATH PBS_O_WORKDIR=$scratch PBS_JOBID=1.stub PBS_QUEUE=long PIPELINE=pbs.yaml
pbs() { # WHAT CODE [RESTARTS]: the script, in a fresh spool; it ends with CODE and was submitted again, or not
  cp "$SOURCE/jobs/pbs.sh" spooled.1
  code=0
  bash spooled.1 >stdout 2>stderr || code=$?
  is "exit code of pbs.sh, $1" $code "$2"
  is "starts after the first, $1" "$(cut -d' ' -f1 submitted 2>/dev/null)" "${3-}"
}
fresh() { # LIMIT [SECONDS OF A UNIT]
  rm -rf pbs submitted code.2
  pipeline pbs "${2-0.1}" >pbs.yaml
  echo "$1" >limit
}
fresh 00:00:04
pbs "at its limit" 75 1
is "what was submitted again" "$(cat submitted)" "1 pbs.yaml -l select=1:ncpus=2:mpiprocs=2 -l walltime=00:00:04 -q long -v RESTARTS,PIPELINE,SULCUS,MAX_RESTARTS,OVERRIDES,ARGUMENTS,LAUNCH"
says "pbs.sh at its limit" stdout 'exit code 75: started again, restart 1 of 20'
is "exit code of the job submitted again" "$(cat code.2)" 0
equal pbs

fresh 00:00:04
MAX_RESTARTS=0 pbs "at its limit, without restarts" 75
says "pbs.sh without restarts" stdout 'exit code 75: started again 0 times, and no more'
LAUNCH="mpiexec.zero -n 2" pbs "with a launcher that ends with 0" 75 1
equal pbs

fresh 01:00:00
LAUNCH="mpirun.lost -n 2" pbs "with a launcher that lost a node" 205 1
equal pbs

# A file of arguments may hold commas, and options that `status` has no use for.
fresh 01:00:00 0
printf '%s\n' --quiet -s output=a,b >arguments
ARGUMENTS=arguments pbs "with arguments in a file" 0
equal a,b

processes_of() { # NAME COMMAND...: those whose command line begins and ends so
  local each
  for each in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$each/cmdline" 2>/dev/null) in "$1"*" ${*:2} ") echo "${each#/proc/}" ;; esac
  done
}
# Killed, perhaps for memory: another start would come to the same, though this one had finished a task.
fresh 01:00:00
(begun pbs; kill -KILL "$(processes_of "$TOY" run pbs.yaml | head -1)") &
pbs "when a rank is killed" 137
says "pbs.sh when a rank is killed" stdout 'exit code 137: killed, perhaps for memory'
pipeline pbs 0 >pbs.yaml
pbs "submitted again by hand" 0
equal pbs

# Lost before anything was gained: so it would be again.
fresh 01:00:00 30
"$TOY" run pbs.yaml --only quick >stdout 2>stderr
LAUNCH="mpirun.lost -n 2" pbs "with nothing gained" 205
says "pbs.sh with nothing gained" stdout 'exit code 205: nothing was gained since this start'
"$SULCUS" status pbs.yaml --json --quiet --from slow --only slow --force slow >stdout 2>stderr
says "status after a kill" stdout '"resumable": true'
says "status after a kill" stdout '"progress_since_start": 0'

# Cancelled: TERM.
fresh 01:00:00
(begun pbs; kill -TERM $(processes_of bash spooled.1)) &
pbs "when it is deleted" 75
says "pbs.sh when it is deleted" stdout 'exit code 75: told to end'

fresh 01:00:00
OVERRIDES="-s steps.slow.units=none" pbs "with a wrong pipeline" 2

# LSF: exit code 75 is all that it requeues; what it keeps of the output is in the script's own log.
export LSB_JOBID=7 LS_SUBCWD=$scratch LAUNCH="mpirun -n 2"
sed -n 's/^#BSUB //p' "$SOURCE/jobs/lsf.sh" >options
says "options of lsf.sh" options '^-Q 75$'
fresh none
(begun pbs; kill -USR1 $(processes_of bash lsf.sh)) &
code=0
(cp "$SOURCE/jobs/lsf.sh" . && exec bash lsf.sh) >stdout 2>stderr || code=$?
is "exit code of lsf.sh when warned" $code 75
says "log of lsf.sh" sulcus-7.log 'exit code 75: started again, restart 1 of 20'
(sleep 3; kill -INT $(processes_of bash lsf.sh)) &
code=0
bash lsf.sh >stdout 2>stderr || code=$?
is "exit code of lsf.sh when killed" $code 1
says "log of lsf.sh" sulcus-7.log 'exit code 75: told to end'
pipeline pbs 0 >pbs.yaml
bash lsf.sh >stdout 2>stderr
is "exit code of lsf.sh at the end" $? 0
says "log of lsf.sh" sulcus-7.log '1 done, 1 skipped'
equal pbs

# Flux: `flux run` starts the ranks and ends at USR1; `flux job killall` reaches them.
unset LAUNCH
cat >bin/flux <<'STUB'
#!/bin/bash
case "$*" in
"resource list "*) echo 4 ;;
"run -n 2 -c 2 "*) shift 5; mpirun -n 2 "$@" & echo $! >"$STUB/ranks"; wait $! ;;
"job killall --force --signal=USR1") kill -USR1 "$(cat "$STUB/ranks")"; ;;
"--parent batch "*) echo "$RESTARTS $*" >"$STUB/submitted" ;;
*) exit 9 ;;
esac
STUB
chmod +x bin/flux
cp "$SOURCE/jobs/flux.sh" .
fresh none
(begun pbs; kill -USR1 $(processes_of bash flux.sh pbs.yaml --quiet)) &
code=0
BATCH="-N 2" bash flux.sh pbs.yaml --quiet >stdout 2>stderr || code=$?
is "exit code of flux.sh when warned" $code 75
is "what was submitted to Flux" "$(cat submitted)" "1 --parent batch -N 2 flux.sh pbs.yaml --quiet"
rm submitted
(sleep 3; kill -HUP $(processes_of bash flux.sh pbs.yaml)) &
code=0
bash flux.sh pbs.yaml >stdout 2>stderr || code=$?
is "exit code of flux.sh when cancelled" $code 75
[ ! -e submitted ] || fail "a cancelled Flux job was submitted again"
pipeline pbs 0 >pbs.yaml
bash flux.sh pbs.yaml >stdout 2>stderr
is "exit code of flux.sh at the end" $? 0
equal pbs
finish
