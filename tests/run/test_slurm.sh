#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The job scripts on a real Slurm of three emulated nodes, started here: preempted, out of time, bounded, cancelled, killed, in an array, on
# two nodes, under srun and mpirun, as a user that is not root. All jobs run side by side: Slurm counts time limits in minutes. Never skips:
# jobs/setup.sh --tests installs Slurm, and a machine where it does not start fails here. (tests/slurm.sh has what takes longer.)
. "$SOURCE/tests/slurm/lib.sh"

export LAUNCH=srun
export SULCUS=$TOY

# The time limit of a minute with a warning 60 s before it comes at Slurm's next look, within 30 s. One job may restart, the other may not.
for name in limit bounded; do chain $name; done
limit=$(LAUNCH=mpirun submit --time=1 --signal=B:USR1@60 --output=limit.log "$SOURCE/jobs/slurm.sbatch" limit.yaml)
bounded=$(MAX_RESTARTS=0 submit --time=1 --signal=B:USR1@60 --output=bounded.log "$SOURCE/jobs/slurm.sbatch" bounded.yaml --quiet)

# One that is cancelled, and one that loses a rank as if for memory.
for name in cancelled killed; do chain $name; done
cancelled=$(submit --output=cancelled.log "$SOURCE/jobs/slurm.sbatch" cancelled.yaml)
killed=$(LAUNCH=mpirun submit --output=killed.log "$SOURCE/jobs/slurm.sbatch" killed.yaml)

within 30 begun killed step1 || fail "the job to be killed does not begin: $(cat killed.log)"
kill -KILL "$(pgrep -u "$(id -u)" -f "^$TOY run killed.yaml" | head -1)"
within 30 begun cancelled step1 || fail "the job to be cancelled does not begin: $(cat cancelled.log)"
scancel "$cancelled"

# A folder whose lease names a job on a machine that cannot be looked into: Slurm knows whether that job still runs.
sed 's/output: reference/output: held/' reference.yaml >held.yaml
held_by() { # JOB CODE WHAT
  rm -rf held && mkdir held
  printf 'id far-1\nhost far\nboot other\nspace pid:[1]\npid 1\nstart 5\njob %s\nrestart \nsince 2026-01-01 00:00:00\nbeat %010d\n' "$1" 1 >held/lease
  code=0
  timeout 12 "$TOY" run held.yaml >stdout 2>stderr || code=$? # it waits longer where nobody knows
  is "exit code beside $3" "$code" "$2"
}
within 20 begun bounded step1 || fail "the job without restarts does not begin"
runs "$bounded" || fail "the job without restarts does not run"
SULCUS_LEASE_WAIT=2 held_by "$bounded" 75 "a job that runs"
says "a job that runs" stderr "is in use by process 1 on far (Slurm job $bounded)"
held_by 999999 0 "a job that Slurm does not know"

# Preemption, of the real program: an urgent job that wants more than the CPUs that are left takes them from a job of the partition `low`, as
# soon as that computes. The others are in `wide`, where nobody takes anything. The victim stands still until Slurm tells it to end: a fast
# machine would be done before Slurm has looked.
cat >victim.yaml <<YAML
pipeline: victim
output: victim
threads: 1
models: {trained: {path: $SOURCE/examples/vit-glyph100}}
datasets: {glyphs: {format: cifar100, path: $SOURCE/examples/glyph100, split: test, subsets: coarse, limit: 30}}
steps:
  activations: {stage: collect, model: trained, data: glyphs, sites: [mlp]}
  scores: {stage: score, from: activations}
  unlearn: {stage: prune, from: scores, model: trained, data: glyphs, fraction: 0.1, seeds: 4}
YAML
victim=$(SULCUS=$program submit --partition=low --cpus-per-task=3 --output=victim.log "$SOURCE/jobs/slurm.sbatch" victim.yaml)
within 30 begun victim unlearn || fail "the victim does not begin: $(cat victim.log)"
pkill -STOP -u "$(id -u)" -f "^$program run victim.yaml" || fail "no victim to stop"
urgent=$(submit --partition=high --cpus-per-task=2 --output=urgent.log --wrap 'sleep 1')
ends_as "the urgent job" "$urgent" COMPLETED 0 urgent.log

# Points of a sweep as an array; the job script of many nodes, here one.
printf 'pipeline: toy\noutput: none\nsteps:\n  one: {stage: sum, units: 20, scale: 1}\n' >array.yaml
array=$(submit --array=0-2 --output=array-%a.log "$SOURCE/jobs/slurm_array.sbatch" array.yaml points steps.one.scale 1 2 3)
sed 's/output: reference/output: nodes/' reference.yaml >nodes.yaml
nodes=$(SRUN_MPI=pmix_v4 wide --output=nodes.log "$SOURCE/jobs/slurm_nodes.sbatch" nodes.yaml)
sed 's/output: reference/output: launched/' reference.yaml >launched.yaml
launched=$(LAUNCH=mpiexec wide --output=launched.log "$SOURCE/jobs/slurm_nodes.sbatch" launched.yaml)
ends_as "the array" "$array" COMPLETED 0 array-0.log
for value in 1 2 3; do
  "$TOY" run array.yaml -s output=direct -s "steps.one.scale=$value" >/dev/null
  is "point $value of the array" "$(digests "points/$value")" "$(digests direct)"
done
[ "$(digests points/1)" != "$(digests points/2)" ] || fail "points of the array do not differ: the comparison sees nothing"
for job in nodes launched; do
  ends_as "$job" "${!job}" COMPLETED 0 $job.log
  equal $job
  is "ranks of $job" "$(sed -n 's/.*"event":"run".*"ranks":\([0-9]*\).*/\1/p' $job/journal.jsonl)" 4
done

# Cancelled, it stays so; submitted again by hand, it goes on. What was perhaps killed for memory is not started again.
ends_as "the cancelled job" "$cancelled" CANCELLED 0 cancelled.log
says "log of the cancelled job" cancelled.log 'told to end'
hurry cancelled
again=$(submit --output=again.log "$SOURCE/jobs/slurm.sbatch" cancelled.yaml)
ends_as "the killed job" "$killed" FAILED 0 killed.log
is "exit code of the killed job" "$(field "$killed" ExitCode)" 137:0
says "log of the killed job" killed.log 'exit code 137: killed, perhaps for memory'
ends_as "the cancelled job, submitted again" "$again" COMPLETED 0 again.log
says "log of the cancelled job, submitted again" again.log ' skipped in '
equal cancelled

held_by "$urgent" 0 "a job that has ended"
now "$victim" # only now: the array would take its CPUs again
ends_as "the preempted job" "$victim" COMPLETED 1 victim.log
"$program" run victim.yaml -s output=victim-direct >stdout 2>stderr || fail "the undisturbed victim"
is "results of the preempted job" "$(digests victim)" "$(digests victim-direct)"
is "tasks of the preempted job" "$(digests victim | wc -l)" 3
[ "$(grep -c '"event":"start",[^}]*"task":"unlearn"' victim/journal.jsonl)" = 2 ] || fail "the victim was not interrupted"

within 45 grep -q 'exit code 75: started again, restart 1 of 20' limit.log || fail "no signal before the time limit"
hurry limit
now "$limit"
ends_as "the job at its limit" "$limit" COMPLETED 1 limit.log
equal limit
says "log of the job at its limit" limit.log 'interrupted; run the same command again'
says "log of the job at its limit" limit.log ' skipped in ' # appended to, not written anew
ends_as "the job without restarts" "$bounded" FAILED 0 bounded.log
is "exit code of the job without restarts" "$(field "$bounded" ExitCode)" 75:0
says "log of the job without restarts" bounded.log 'exit code 75: started again 0 times, and no more'
finish
