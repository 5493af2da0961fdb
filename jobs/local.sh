#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One pipeline on this machine, one rank a core. Ctrl-C, or a TERM to this script, lets the ranks write what they have before they stop.
#   jobs/local.sh pipeline.yaml [-s key.path=value ...]
#   SULCUS: the program, default build/sulcus beside this folder; RANKS: default one a core
# Ends with "N done ..." and 0; with 75 when it was interrupted: the same command goes on. Otherwise the program's exit code and its line of error.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi_env.sh"
sulcus=${SULCUS:-$here/../build/sulcus}
[ -x "$sulcus" ] || sulcus=sulcus
restarts=0
# In a session of its own: Ctrl-C then reaches this script alone.
launch=(setsid mpirun -n "${RANKS:-$(nproc)}")
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

run_job "$@" </dev/null
[ "$code" != 137 ] || echo "exit code $code: killed, perhaps for memory; the same command goes on" >&2
exit "$code"
