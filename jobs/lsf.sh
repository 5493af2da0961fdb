#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One pipeline under LSF. LSF warns before the run limit, and requeues the job for its exit code 75, on which it goes on where it was. A job
# that is killed by bkill, or got no further since it was started, ends with another code, and stays ended.
#   PIPELINE=pipeline.yaml [OVERRIDES="-s key=value ..."] bsub [-n 8 -W 12:00] < jobs/lsf.sh
#   ARGUMENTS=FILE: more arguments for `sulcus run`, one a line of that file; SULCUS: the program, default `sulcus`
#   LAUNCH: the launcher with its options, default mpirun of Open MPI (`jsrun -n 4 -c 8` elsewhere); MAX_RESTARTS: default 20
# Ends as DONE with "N done, 0 failed ..." last in sulcus-JOBID.log; as EXIT with the program's exit code (1 for 75) and its line of error.
#BSUB -J sulcus
#BSUB -n 4
#BSUB -R "span[hosts=1] affinity[core(2)]"
#BSUB -W 4:00
#BSUB -wa USR1
#BSUB -wt 2
#BSUB -Q 75
#BSUB -r
#BSUB -o sulcus-%J.lsf
cd "${LS_SUBCWD:-.}" || exit 4
log=sulcus-$LSB_JOBID.log # LSF keeps no output of a start that it requeues
exec >>"$log" 2>&1
sulcus=${SULCUS:-sulcus} restarts=$(grep -c '^exit code [0-9]*: .*started again, restart' "$log")
more=()
read -ra overrides <<<"${OVERRIDES-}"
[ -z "${ARGUMENTS-}" ] || mapfile -t more <"$ARGUMENTS" || exit 2
arguments=("$PIPELINE" "${overrides[@]}" "${more[@]}")
read -ra launch <<<"${LAUNCH:-mpirun}"
hand_on() { kill -USR1 "$1"; }

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
! $again || $cancelled || exit 75
[ "$code" != 75 ] || code=1
exit "$code"
