#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ends the Slurm that tests/slurm/start.sh started in FOLDER, its jobs first, and waits for its processes.
#   tests/slurm/stop.sh FOLDER
folder=$1
export SLURM_CONF=$folder/slurm.conf
timeout 10 scancel --state=RUNNING --state=PENDING >/dev/null 2>&1 || true
for _ in $(seq 50); do
  [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
  sleep 0.1
done
for name in slurmd.n1.pid slurmd.n2.pid slurmd.n3.pid slurmctld.pid munge/pid; do
  pid=$(cat "$folder/$name" 2>/dev/null) || continue
  kill "$pid" 2>/dev/null || continue
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || continue 2
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null
done
find /sys/fs/cgroup -depth -type d -path '*/slurm_n[123]*' -exec rmdir {} + 2>/dev/null # of CONSTRAIN=memory; those in use stay
exit 0
