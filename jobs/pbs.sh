#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One pipeline under PBS (OpenPBS, PBS Professional, Torque). PBS gives no warning before the time limit, so the script watches it
# itself, and submits itself again until the pipeline is done. A job that is deleted, or got no further since it was started, is not.
#   qsub -v PIPELINE=pipeline.yaml[,SULCUS=/path/to/sulcus,MAX_RESTARTS=20,OVERRIDES="-s key=value ..."] jobs/pbs.sh
#   ARGUMENTS=FILE: more arguments for `sulcus run`, one a line of that file: qsub cuts the values of -v at commas
#   LAUNCH: the launcher with its options, default mpirun of Open MPI
# Ends with exit code 0 and "N done ..." last in sulcus.oJOBID; each restart is a job of its own with its own log, and asks for the nodes, time
# and queue of the first.
#PBS -N sulcus
#PBS -l select=1:ncpus=8:mpiprocs=4:ompthreads=2
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
cd "${PBS_O_WORKDIR:-.}" || exit 4
sulcus=${SULCUS:-sulcus} restarts=${RESTARTS:-0}
more=()
read -ra overrides <<<"${OVERRIDES-}"
[ -z "${ARGUMENTS-}" ] || mapfile -t more <"$ARGUMENTS" || exit 2
arguments=("$PIPELINE" "${overrides[@]}" "${more[@]}")
read -ra launch <<<"${LAUNCH:-mpirun --map-by slot:PE=${OMP_NUM_THREADS:-1}}"
hand_on() { kill -USR1 "$1"; }

# Seconds of the time limit: Torque tells, the others have it in the job's record as HH:MM:SS.
record=$(qstat -f "$PBS_JOBID" | sed -e ':a' -e 'N;$!ba' -e 's/\n\t//g') # long lines are folded
asked() { sed -n "s/^ *$1 = //p" <<<"$record"; }
limit=${PBS_WALLTIME:-$(asked Resource_List.walltime | awk -F: '{print $1 * 3600 + $2 * 60 + $3}')}
launch=(timeout --foreground --preserve-status --signal=USR1 $((limit > 240 ? limit - 120 : limit / 2)) "${launch[@]}")

# --- The same in all scripts that run a job (tests/run/test_jobs.sh compares them): `run_job ARGUMENTS` runs `sulcus run ARGUMENTS` under
# $launch, hands warnings on by `hand_on PROCESS`, and leaves $code, and in $again whether another start would get further; $why says why not.
run_job() {
  local waiting=1 job='' state before kills epoch
  local -r max=${MAX_RESTARTS:-20}
  again=false why='' cancelled=false
  ask() { state=$("$sulcus" status "$@" --json 2>/dev/null); }
  value() { sed -n "s/^ *\"$1\": \([0-9a-z]*\),*$/\1/p" <<<"$state" | head -n 1; }
  memory_kills() { # by the kernel, in this job's cgroup, where that can be seen
    local own
    own=$(sed -n 's/^[0-9]*:memory:/memory/p; s/^0:://p' /proc/self/cgroup | head -n 1)
    sed -n 's/^oom_kill //p' "/sys/fs/cgroup/$own/memory.oom_control" "/sys/fs/cgroup/${own%%/step_*}/memory.events" 2>/dev/null
  }
  ask "$@"
  before=$(value epoch) kills=$(memory_kills)
  # In the background, so that the shell takes a signal at once: ranks write what they have, and exit with 75. Whoever sends TERM wants the
  # end, and a scheduler that preempts a job requeues it itself.
  trap 'waiting=1; [ -z "$job" ] || hand_on "$job"' USR1 USR2
  trap 'waiting=1 cancelled=true; [ -z "$job" ] || hand_on "$job"' TERM INT HUP
  "${launch[@]}" "$sulcus" run "$@" &
  job=$!
  while [ $waiting = 1 ]; do
    waiting=0
    wait "$job"
    code=$?
  done
  job=''
  # The journal knows better than the launcher, whose code may be its own, or 0 for ranks that end with 75 (MPICH).
  ask "$@"
  epoch=$(value epoch)
  [ "$epoch" != "$before" ] || epoch='' # that run was not ours
  if [ "$code" = 0 ] && [ -n "$epoch" ]; then
    code=$(value exit_code)
    code=${code:-75}
  fi
  case $code in 0 | 2 | 3 | 5) return ;; esac
  if [ "$(memory_kills)" != "$kills" ]; then
    why="killed for memory; give it more, or fewer ranks (\`sulcus plan\` says what they take)"
  elif $cancelled; then
    why="told to end"
  elif [ -n "$epoch" ] && [ "$(value resumable)" != true ]; then
    return # an error, which has its own line
  elif [ -z "$epoch" ] || [ "$(value progress_since_start)" = 0 ]; then
    why="nothing was gained since this start, and so it is not started again"
  elif [ "$restarts" -ge "$max" ]; then
    why="started again $max times, and no more"
  else
    again=true why="started again, restart $((restarts + 1)) of $max"
  fi
  [ "$code" != 137 ] || why="killed, perhaps for memory; $why"
}
# ---

run_job "${arguments[@]}"
[ -z "$why" ] || echo "exit code $code: $why"
if $again && ! $cancelled; then
  same=()
  for resource in select nodes walltime; do
    [ -z "$(asked Resource_List.$resource)" ] || same+=(-l "$resource=$(asked Resource_List.$resource)")
  done
  [ -z "${PBS_QUEUE-}" ] || same+=(-q "$PBS_QUEUE")
  export RESTARTS=$((restarts + 1)) SULCUS=$sulcus
  qsub "${same[@]}" -v RESTARTS,PIPELINE,SULCUS,MAX_RESTARTS,OVERRIDES,ARGUMENTS,LAUNCH "$0"
fi
exit "$code"
