#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The job scripts on a real Slurm of one node, started here: preempted, out of time, bounded, in an array, under srun and mpirun. All jobs
# run side by side: Slurm counts time limits in minutes. Never skips: jobs/setup.sh --tests installs Slurm, and a machine where it does not
# start fails here.
. "$SOURCE/tests/lib.sh"
cd "$scratch" || exit 1
program=$SULCUS
bash "$SOURCE/tests/slurm/start.sh" "$scratch/slurm" || { echo "Slurm does not start"; exit 1; }
trap 'bash "$SOURCE/tests/slurm/stop.sh" "$scratch/slurm"; rm -rf "$scratch"' EXIT
export SLURM_CONF=$scratch/slurm/slurm.conf
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_rmaps_base_oversubscribe=1 # Slurm's 8 CPUs are not there
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
submit() { sbatch --parsable --partition=high --ntasks=2 --cpus-per-task=1 "$@"; }
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
begun() { grep -q "\"event\":\"start\",[^}]*\"task\":\"$2\"" "$1/journal.jsonl"; }

# Preemption, of the real program: an urgent job that wants more than the four CPUs that are left takes them from a job of the partition
# `low`, as soon as that computes. The others are in `high`, where nobody takes anything.
cat >victim.yaml <<YAML
pipeline: victim
output: victim
threads: 1
models: {trained: {path: $SOURCE/examples/vit-glyph100}}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, limit: 30}}
steps:
  activations: {stage: collect, model: trained, data: glyphs, sites: [mlp]}
  scores: {stage: score, from: activations}
  unlearn: {stage: prune, from: scores, model: trained, data: glyphs, fraction: 0.1, seeds: 2}
YAML
export LAUNCH=srun
victim=$(SULCUS=$program submit --partition=low --cpus-per-task=2 --output=victim.log "$SOURCE/jobs/slurm.sbatch" victim.yaml)
export SULCUS=$TOY

# The time limit of a minute with a warning 60 s before it comes at Slurm's next look, within 30 s. One job may restart, the other may not.
for name in limit bounded; do chain $name; done
limit=$(LAUNCH=mpirun submit --time=1 --signal=B:USR1@60 --output=limit.log "$SOURCE/jobs/slurm.sbatch" limit.yaml)
bounded=$(MAX_RESTARTS=0 submit --time=1 --signal=B:USR1@60 --output=bounded.log "$SOURCE/jobs/slurm.sbatch" bounded.yaml)

within 30 begun victim unlearn || fail "the victim does not begin: $(cat victim.log)"
urgent=$(submit --cpus-per-task=2 --output=urgent.log --wrap 'sleep 1')
ends_as "the urgent job" "$urgent" COMPLETED 0 urgent.log

# Points of a sweep as an array; the job script of many nodes, here one.
printf 'pipeline: toy\noutput: none\nsteps:\n  one: {stage: sum, units: 20, scale: 1}\n' >array.yaml
array=$(submit --array=0-2 --output=array-%a.log "$SOURCE/jobs/slurm_array.sbatch" array.yaml points steps.one.scale 1 2 3)
sed 's/output: reference/output: nodes/' reference.yaml >nodes.yaml
nodes=$(sbatch --parsable --partition=high --nodes=1 --ntasks-per-node=3 --cpus-per-task=1 --oversubscribe --output=nodes.log "$SOURCE/jobs/slurm_nodes.sbatch" nodes.yaml)
ends_as "the array" "$array" COMPLETED 0 array-0.log
for value in 1 2 3; do
  "$TOY" run array.yaml -s output=direct -s "steps.one.scale=$value" >/dev/null
  is "point $value of the array" "$(digests "points/$value")" "$(digests direct)"
done
[ "$(digests points/1)" != "$(digests points/2)" ] || fail "points of the array do not differ: the comparison sees nothing"
ends_as "many nodes" "$nodes" COMPLETED 0 nodes.log
equal nodes

now "$victim" # only now: the array would take its CPUs again
ends_as "the preempted job" "$victim" COMPLETED 1 victim.log
"$program" run victim.yaml -s output=victim-direct >stdout 2>stderr || fail "the undisturbed victim"
is "results of the preempted job" "$(digests victim)" "$(digests victim-direct)"
is "tasks of the preempted job" "$(digests victim | wc -l)" 3
[ "$(grep -c '"event":"start",[^}]*"task":"unlearn"' victim/journal.jsonl)" = 2 ] || fail "the victim was not interrupted"

for job in limit bounded; do within 20 begun $job step1 || fail "$job does not begin"; done
# A folder whose lease names a job on a machine that cannot be looked into: Slurm knows whether that job still runs.
sed 's/output: reference/output: held/' reference.yaml >held.yaml
held_by() { # JOB CODE WHAT
  rm -rf held && mkdir held
  printf 'id far-1\nhost far\nboot other\nspace pid:[1]\npid 1\nstart 5\njob %s\nrestart \nsince 2026-01-01 00:00:00\nbeat %010d\n' "$1" 1 >held/lease
  code=0
  timeout 12 "$TOY" run held.yaml >stdout 2>stderr || code=$? # it waits longer where nobody knows
  is "exit code beside $3" "$code" "$2"
}
runs "$bounded" || fail "the job without restarts does not run"
SULCUS_LEASE_WAIT=2 held_by "$bounded" 75 "a job that runs"
says "a job that runs" stderr "is in use by process 1 on far (Slurm job $bounded)"
held_by "$urgent" 0 "a job that has ended"
held_by 999999 0 "a job that Slurm does not know"

within 45 grep -q 'requeued, restart 1 of 20' limit.log || fail "no signal before the time limit"
hurry limit
now "$limit"
ends_as "the job at its limit" "$limit" COMPLETED 1 limit.log
equal limit
says "log of the job at its limit" limit.log 'interrupted; run the same command again'
says "log of the job at its limit" limit.log ' skipped in ' # appended to, not written anew
ends_as "the job without restarts" "$bounded" FAILED 0 bounded.log
is "exit code of the job without restarts" "$(field "$bounded" ExitCode)" 75:0
finish
