#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts a Slurm of three nodes in a folder of its own: munged, slurmctld and three slurmd with their own key, socket, ports and state, so
# that it meets no other. Needs neither systemd nor cgroups nor root, and no name service beyond localhost.
#   tests/slurm/start.sh FOLDER       then: export SLURM_CONF=FOLDER/slurm.conf; sbatch -p low ...; tests/slurm/stop.sh FOLDER
#   CONSTRAIN=memory: jobs are held to their --mem by a cgroup (as root, version 1); LINES: more lines of slurm.conf
# Partitions: jobs of `high` take node n1 from jobs of `low`, which are requeued; `wide` has n2 and n3. Each claims 8 CPUs, whatever the
# machine has: the tests sleep more than they compute. Ends with 0 when all are idle; otherwise says what is wrong, with the end of the logs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
chmod 755 "$1"
folder=$(cd "$1" && pwd)
host=$(uname -n | cut -d. -f1)
user=$(id -un)
for program in munged mungekey slurmctld slurmd; do
  command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin:/sbin
  command -v "$program" >/dev/null || { echo "tests/slurm/start.sh: $program is missing; jobs/setup.sh --tests" >&2; exit 1; }
done

free_port() { # the first from $1 on that nobody listens on
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}
constrained() { [ -n "${CONSTRAIN-}" ] && echo "$1" || echo "$2"; }
base=$((20000 + $$ % 10000 * 3))
controller=$(free_port $base)
ports=$(free_port $((controller + 1)))
for _ in 2 3; do ports="$ports $(free_port $((${ports##* } + 1)))"; done
read -r port1 port2 port3 <<<"$ports"

mkdir -p "$folder"/munge "$folder"/state "$folder"/spool/n{1,2,3} "$folder"/tmp/n{1,2,3}
chmod 1777 "$folder"/tmp/*
chmod 755 "$folder/munge"
cat >"$folder/slurm.conf" <<CONF
ClusterName=sulcus
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
TmpFS=$folder/tmp/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/$(constrained cgroup linuxproc)
TaskPlugin=task/$(constrained cgroup none)
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=pmix
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=2
MinJobAge=600
SchedulerParameters=sched_interval=2,sched_min_interval=0,batch_sched_delay=0,requeue_delay=1,bf_interval=2
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$port1 CPUs=8 RealMemory=8000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$port2 CPUs=8 RealMemory=8000 State=UNKNOWN
NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=$port3 CPUs=8 RealMemory=8000 State=UNKNOWN
PartitionName=low Nodes=n1 Default=YES MaxTime=INFINITE PriorityTier=1 State=UP
PartitionName=high Nodes=n1 MaxTime=INFINITE PriorityTier=10 State=UP
PartitionName=wide Nodes=n2,n3 MaxTime=INFINITE State=UP
${LINES-}
CONF
printf '%s\n' CgroupAutomount=no CgroupPlugin=cgroup/v1 ConstrainRAMSpace=yes >"$folder/cgroup.conf" # by default not looked for: a bare root has none
export SLURM_CONF=$folder/slurm.conf

failed() {
  echo "tests/slurm/start.sh: $1" >&2
  tail -n 15 "$folder"/*.log "$folder"/munge/*.log >&2 2>/dev/null || true
  bash "$here/stop.sh" "$folder"
  exit 1
}
# within SECONDS COMMAND...: until it succeeds
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

mungekey --create --force --keyfile "$folder/munge/key"
munged --force --key-file "$folder/munge/key" --socket "$folder/munge/socket" --pid-file "$folder/munge/pid" \
  --log-file "$folder/munge/munged.log" --seed-file "$folder/munge/seed" --num-threads 2
within 10 munge -n -S "$folder/munge/socket" || failed "munged does not answer"
slurmctld -c -f "$SLURM_CONF" || failed "slurmctld does not start"
for node in n1 n2 n3; do slurmd -f "$SLURM_CONF" -N $node || failed "slurmd of $node does not start"; done
all_are_idle() { [ "$(sinfo -h -o %T | sort -u)" = idle ]; }
within 30 all_are_idle || failed "the nodes do not become idle"
