#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What tests/run/test_slurm.sh leaves out of the job scripts on a Slurm, since it takes minutes or what CI has not: a node that is lost, with
# its daemon or with mpirun's; a job over its memory, under a cgroup; units that are longer than a job; a folder that is in use.
#   tests/slurm.sh [BUILD]      default build
set -u
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1-$SOURCE/build}" && pwd)
export SOURCE SULCUS=$build/sulcus TOY=$build/tests/toy
[ -w /sys/fs/cgroup/memory ] && [ "$(id -u)" = 0 ] && export CONSTRAIN=${CONSTRAIN-memory}
export LINES='SlurmdTimeout=10
PartitionName=all Nodes=n1,n2,n3 MaxTime=INFINITE State=UP'
. "$SOURCE/tests/slurm/lib.sh"
export SULCUS=$TOY LAUNCH=srun OMPI_MCA_btl=self,tcp
many() { sbatch --parsable --partition=all --nodes=2 --ntasks-per-node=1 --cpus-per-task=1 --mem=1000 --oversubscribe "$@"; }
over() { ended "$1" OUT_OF_MEMORY || ended "$1" FAILED; } # the kernel may choose the process before Slurm hears of it
nodes_of() { scontrol show hostnames "$(field "$1" NodeList)"; }

for name in lost orted long used; do chain $name; done

# Units that are longer than the job's time: warned, it ends with 75, and another start would do the same.
sed -i 's/^  step0.*/  step0: {stage: sum, units: 8, seconds: 60}/' long.yaml
long=$(submit --output=long.log "$SOURCE/jobs/slurm.sbatch" long.yaml)
within 30 begun long step0 || fail "the job with long units does not begin"
scancel --batch --signal=USR1 "$long"

# A job over its memory, late, under each launcher: another start would come to the same though this one finished tasks.
printf '%s\n' '#!/bin/bash' "[ \$1 = run ] || exec $TOY \"\$@\"" "(sleep 6; exec tail /dev/zero) & $TOY \"\$@\" & wait -n; kill -KILL \$\$" >hungry
chmod +x hungry
constrained=${CONSTRAIN:+mpirun srun}
[ -n "$constrained" ] || echo "no memory cgroup here: no job goes over its memory"
for launch in $constrained; do
  chain greedy_$launch
  declare greedy_$launch="$(SULCUS=$PWD/hungry LAUNCH=$launch submit --output=greedy_$launch.log "$SOURCE/jobs/slurm.sbatch" greedy_$launch.yaml)"
done

# A folder in use: the second job ends, and does not wait in the queue for it over and over.
used=$(submit --output=used.log "$SOURCE/jobs/slurm.sbatch" used.yaml)
within 30 begun used step1 || fail "the job whose folder is used does not begin"
second=$(SULCUS_LEASE_WAIT=4 submit --output=second.log "$SOURCE/jobs/slurm.sbatch" used.yaml)
ends_as "a second job in a folder" "$second" FAILED 0 second.log
says "log of the second job" second.log 'is in use by'
says "log of the second job" second.log 'exit code 75: nothing was gained'
ends_as "the first job in a folder" "$used" COMPLETED 0 used.log
equal used
ends_as "the job with long units" "$long" FAILED 0 long.log
says "log of the job with long units" long.log 'exit code 75: nothing was gained'
for launch in $constrained; do
  job=greedy_$launch
  within 30 over "${!job}" || fail "state of $job: $(field "${!job}" JobState)"
  says "log of $job" $job.log "^exit code .*: killed, perhaps for memory"
  is "restarts of $job" "$(field "${!job}" Restarts)" 0
  grep -q '"event":"done"' $job/journal.jsonl || fail "$job finished nothing"
  grep -h '^exit code' $job.log
done

# mpirun's daemon on the second node is killed: mpirun ends with a code of its own.
orted=$(LAUNCH=mpirun many --output=orted.log "$SOURCE/jobs/slurm_nodes.sbatch" orted.yaml)
within 30 begun orted step1 || fail "the job that loses mpirun's daemon does not begin"
kill -KILL $(pgrep -u "$(id -u)" -x orted | tail -1)
within 60 grep -q 'started again, restart 1 of 20' orted.log || fail "no start after mpirun's daemon was lost"
grep -h '^exit code' orted.log
hurry orted
now "$orted"
ends_as "the job that lost mpirun's daemon" "$orted" COMPLETED 1 orted.log
equal orted

# A node is lost with all its processes: Slurm requeues the job, which goes on elsewhere.
lost=$(many --output=lost.log "$SOURCE/jobs/slurm_nodes.sbatch" lost.yaml)
within 30 begun lost step1 || fail "the job that loses a node does not begin"
node=$(nodes_of "$lost" | tail -1)
touch "$SLURM_AROUND/lose/$node"
hurry lost
within 90 requeued "$lost" || fail "Slurm does not requeue the job that lost node $node: $(scontrol -o show job "$lost")"
now "$lost"
ends_as "the job that lost a node" "$lost" COMPLETED 1 lost.log
equal lost
[ "$(grep -c '"event":"run"' lost/journal.jsonl)" = 2 ] || fail "the job that lost a node was not interrupted"
finish
