# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests on a Slurm: tests/lib.sh; a Slurm (tests/slurm/start.sh) around the script, which runs as `nobody` where root starts
# it, since users are not root; and what such tests ask and wait for.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
if [ -z "${SLURM_AROUND-}" ]; then
  chmod 711 "$scratch"
  bash "$SOURCE/tests/slurm/start.sh" "$scratch/slurm" || { echo "Slurm does not start"; exit 1; }
  trap 'bash "$SOURCE/tests/slurm/stop.sh" "$scratch/slurm"; rm -rf "$scratch"' EXIT
  export SLURM_CONF=$scratch/slurm/slurm.conf SLURM_AROUND=$scratch/slurm
  user=()
  if [ "$(id -u)" = 0 ] && setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$SULCUS" -a -r "$SOURCE/tests/lib.sh"; then
    user=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  fi
  # The user may lose a node, which is root's: `touch "$SLURM_AROUND/lose/n3"` kills all that runs there.
  mkdir -m 1777 "$SLURM_AROUND/lose"
  lose_nodes() {
    local node daemon
    while sleep 0.3; do
      for node in $(ls "$SLURM_AROUND/lose"); do
        rm "$SLURM_AROUND/lose/$node"
        for daemon in $(find /proc/[0-9]*/fd -lname "$SLURM_AROUND/slurmd.$node.log" 2>/dev/null | cut -d/ -f3 | sort -u); do
          kill -KILL $(pgrep -P "$daemon") "$daemon"
        done
      done
    done
  }
  lose_nodes &
  loser=$!
  HOME=/ "${user[@]}" bash "$0"
  code=$?
  kill $loser
  exit $code
fi
cd "$scratch" || exit 1
program=$SULCUS
export OMPI_MCA_btl_vader_single_copy_mechanism=none # a user may not read other processes everywhere
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1 # Slurm's CPUs are not there
: >stdout
: >stderr

# within SECONDS COMMAND...: waits until it succeeds
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}
field() { scontrol -o show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -1; }
ended() { [ "$(field "$1" JobState)" = "$2" ]; }
runs() { [ "$(field "$1" JobState)" = RUNNING ]; }
requeued() { [ "$(field "$1" Restarts)" -ge 1 ]; }
submit() { sbatch --parsable --partition=wide --ntasks=2 --cpus-per-task=1 --mem=100 "$@"; }
# Two nodes of one machine: Open MPI's files in /dev/shm would have the same names.
wide() { OMPI_MCA_btl=self,tcp sbatch --parsable --partition=wide --nodes=2 --ntasks-per-node=2 --cpus-per-task=1 --mem=100 --oversubscribe "$@"; }
ends_as() { # WHAT JOB STATE RESTARTS LOG
  within 45 ended "$2" "$3"
  is "state of $1" "$(field "$2" JobState)" "$3"
  is "restarts of $1" "$(field "$2" Restarts)" "$4"
  [ "$(field "$2" JobState)" = "$3" ] || sed 's/^/  log: /' "$5" | tail -12
}
# now JOB: a requeued job would wait two minutes for its old credential to run out. Not before the first run's daemon has reported and
# left: the exit code it reports would be taken for the second run's. Nor within the second in which slurmd revoked the credential: it counts
# in seconds, and would refuse the new one too.
again() { requeued "$1" && ended "$1" PENDING && ! pgrep -f "slurmstepd: \[$1\." >/dev/null; }
now() {
  within 20 again "$1" || fail "job $1 is not requeued"
  sleep 2
  within 10 scontrol update "JobId=$1" StartTime=now
}
begun() { grep -q "\"event\":\"start\",[^}]*\"task\":\"$2\"" "$1/journal.jsonl"; }

# A chain of ten steps, of about four seconds each. NAME.yaml writes to NAME; `seconds` is no part of a key, so it can be changed while the
# job waits: what is long is then over in a moment.
chain() { # NAME
  {
    printf 'pipeline: toy\noutput: %s\nsteps:\n  step0: {stage: sum, units: 8, seconds: 0.01}\n' "$1"
    for i in 1 2 3 4 5 6 7 8 9; do
      printf '  step%d: {stage: sum, from: step%d, units: 80, seconds: 0.1}\n' $i $((i - 1))
    done
  } >"$1.yaml"
}
hurry() { sed -i 's/seconds: [0-9.]*/seconds: 0/' "$1.yaml"; }
chain reference
hurry reference
"$TOY" run reference.yaml >stdout 2>stderr || fail "the undisturbed run"
digests reference >reference.txt
is "tasks" "$(wc -l <reference.txt)" 10
equal() { digests "$1" | cmp -s - reference.txt || fail "$1: other bits than the undisturbed run"; }
