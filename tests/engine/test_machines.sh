#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# More threads than cores are refused, unless the launcher was told to oversubscribe; nodes of different CPU types are named, and
# refused under `strict: true`.
. "${SOURCE:?is set by ctest}/tests/lib.sh"
cd "$scratch" || exit 1
: >stderr
cores=$(nproc)
printf 'pipeline: t\noutput: out\nsteps:\n  one: {stage: sum, units: 8}\n' >p.yaml

alone() { # SETTINGS...: one rank, which no launcher told anything
  code=0
  env -u OMPI_MCA_rmaps_base_oversubscribe "$TOY" run p.yaml --quiet "$@" >stdout 2>stderr || code=$?
}
alone -s threads=$((cores + 1))
is "exit code of too many threads" $code 2
says "too many threads" stderr "^sulcus: error: threads: $((cores + 1)) a rank are more than the $cores cores\? .*threads: $cores"
is "lines" "$(wc -l <stderr)" 1
alone -s threads="$cores"
is "exit code of as many threads as cores" $code 0
alone -s threads=$((cores + 1)) -s oversubscribe=true
is "exit code of too many threads with oversubscribe" $code 0
rm -rf out
for told in OMPI_MCA_rmaps_base_oversubscribe=yes PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe SLURM_OVERCOMMIT=1; do
  (export $told; "$TOY" run p.yaml --quiet -s threads=$((cores + 1)) >stdout 2>stderr) || fail "too many threads with $told"
  rm -rf out
done
PRTE_MCA_rmaps_default_mapping_policy=:nooversubscribe alone -s threads=$((cores + 1))
is "exit code of too many threads where that is forbidden" $code 2
rm -rf out
ranks $((cores + 1)) "$TOY" run p.yaml --quiet -s threads=2 # --oversubscribe
is "exit code of an oversubscribed launch" $code 0
rm -rf out
ranks $((cores + 1)) env -u OMPI_MCA_rmaps_base_oversubscribe "$TOY" run p.yaml --quiet
is "exit code of more ranks than cores" $code 2
says "more ranks than cores" stderr 'start fewer ranks, or let the launcher'
is "what an earlier refusal left" "$(find out -name '*.nc')" ""

# What a CPU is called: by /proc/cpuinfo's first lines, those of an Arm and those of any other.
called() { # WHAT EXPECTED, the lines on stdin
  mkdir -p root/proc
  { cat; printf '\n%s\n' 'model name : the second CPU'; } >root/proc/cpuinfo
  cp /proc/meminfo root/proc/
  rm -rf out
  ranks 1 env SULCUS_ROOT="$scratch/root" "$TOY" run p.yaml --quiet
  is "$1" "$(cpu)" "$2"
}
cpu() { ncdump -h out/one/all.nc | sed -n 's/.*:cpu = "\(.*\)" ;/\1/p'; }
called 'an x86' 'AMD EPYC (family 25, model 17)' <<'END'
processor	: 0
cpu family	: 25
model		: 17
model name	: AMD EPYC
END
called 'an Arm' 'Arm (implementer 0x41, part 0xd0c)' <<'END'
processor	: 0
BogoMIPS	: 243.75
Features	: fp asimd evtstrm aes
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd0c
CPU revision	: 1
END
called 'neither' unknown <<'END'
processor	: 0
END

# Three ranks on two nodes: ranks 0 and 1 on the first (SULCUS_NODES cuts 2 + 1).
mixed() { # SECOND-TYPE SETTINGS...
  local type=$1
  shift
  rm -rf out
  printf 'export SULCUS_CPU=%s\n[ "$OMPI_COMM_WORLD_RANK" -lt 2 ] || SULCUS_CPU=%s\nexec "$@"\n' A "$type" >node.sh
  ranks 3 env SULCUS_NODES=2 bash node.sh "$TOY" run p.yaml "$@"
}
mixed A -s strict=true
is "exit code of one type" $code 0
is "the type in the artefact" "$(cpu)" A
mixed B
is "exit code of two types" $code 0
says "two types" stdout 'the nodes have different CPUs: A on 1 node; B on 1 node'
is "the types in the artefact" "$(cpu)" 'A on 1 node; B on 1 node'
says "the journal" out/journal.jsonl '"cpus":"A on 1 node; B on 1 node"'
mixed B -s strict=true
is "exit code of two types under strict" $code 2
says "two types under strict" stderr 'strict=true: the nodes have different CPUs (A on 1 node; B on 1 node)'
is "lines" "$(wc -l <stderr)" 1
is "what ran under strict" "$(find out -name '*.nc')" ""
finish
