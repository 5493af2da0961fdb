#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One pipeline under PBS (OpenPBS, PBS Professional, Torque). PBS gives no warning before the time limit, so the script watches it
# itself, and submits itself again until the pipeline is done.
#   qsub -v PIPELINE=pipeline.yaml[,SULCUS=/path/to/sulcus,MAX_RESTARTS=20,OVERRIDES="-s key=value ..."] jobs/pbs.sh
# Ends with exit code 0 and "N done ..." last in sulcus.oJOBID; each restart is a job of its own with its own log.
#PBS -N sulcus
#PBS -l select=1:ncpus=8:mpiprocs=4:ompthreads=2
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
cd "${PBS_O_WORKDIR:-.}" || exit 4
sulcus=${SULCUS:-sulcus}
restarts=${RESTARTS:-0}
read -ra overrides <<<"${OVERRIDES-}"

# Seconds of the time limit: Torque tells, the others have it in the job's record as HH:MM:SS.
limit=${PBS_WALLTIME:-$(qstat -f "$PBS_JOBID" | awk '/Resource_List.walltime/ {split($3, t, ":"); print t[1] * 3600 + t[2] * 60 + t[3]}')}

# In the background, so that the shell takes signals at once and hands them on: ranks write what they have, and exit with 75.
waiting=1
trap 'waiting=1; [ -z "$job" ] || kill -USR1 "$job"' USR1 TERM
timeout --foreground --preserve-status --signal=USR1 $((limit > 240 ? limit - 120 : limit / 2)) \
  mpirun --map-by "slot:PE=${OMP_NUM_THREADS:-1}" "$sulcus" run "$PIPELINE" "${overrides[@]}" &
job=$!
while [ $waiting = 1 ]; do
  waiting=0
  wait "$job"
  code=$?
done

# 75 is resumable. So may be a launcher that was killed or lost a rank: then the journal knows.
resumable=false
case $code in
75) resumable=true ;;
1 | 1[2-9]?) "$sulcus" status "$PIPELINE" "${overrides[@]}" --json | grep -q '"resumable": true' && resumable=true ;;
esac
if $resumable && [ "$restarts" -lt "${MAX_RESTARTS:-20}" ]; then
  echo "exit code $code: submitted again, restart $((restarts + 1)) of ${MAX_RESTARTS:-20}"
  RESTARTS=$((restarts + 1)) SULCUS=$sulcus qsub -v RESTARTS,PIPELINE,SULCUS,MAX_RESTARTS,OVERRIDES "$0"
fi
exit "$code"
