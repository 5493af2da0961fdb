// SPDX-License-Identifier: Apache-2.0
// How much of a node's memory a job may use before it is killed.
#ifndef PIPELINE_MACHINE_MEMORY_LIMIT_H
#define PIPELINE_MACHINE_MEMORY_LIMIT_H

typedef struct memory_limit {
    double bytes;
    char source[200]; // who says so: "physical memory", "cgroup /slurm/job_7", "SLURM_MEM_PER_NODE"
} memory_limit;

// The least of physical memory; of the limits of this process's memory cgroups, version 1 and 2,
// and of all above them; and of what Slurm (SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU times the CPUs of
// this node) and PBS (PBS_RESC_MEM) say in the environment. Local.
memory_limit memory_limit_find(void);

#endif
