// SPDX-License-Identifier: Apache-2.0
// Loaded before the program (LD_PRELOAD): an MPI that makes use of what the standard lets it. A
// broadcast writes into the root's buffer too, as MPICH's do where they scatter and gather.
//   MEETINGS=FILE  at the end, the first rank writes there how often ranks met: collective calls
//                  on more ranks than one, each at least a message's way over the network
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define HOOK __attribute__((visibility("default")))

static long meetings;

static void meet(MPI_Comm ranks)
{
    int n;
    MPI_Comm_size(ranks, &n);
    meetings += n > 1;
}

HOOK int MPI_Bcast(void *buffer, int n, MPI_Datatype type, int root, MPI_Comm ranks)
{
    int size;
    volatile char *bytes = buffer;
    MPI_Type_size(type, &size);
    for (long i = 0; i < (long)n * size; i++)
        bytes[i] = bytes[i];
    meet(ranks);
    return PMPI_Bcast(buffer, n, type, root, ranks);
}

HOOK int MPI_Allreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op,
                       MPI_Comm ranks)
{
    meet(ranks);
    return PMPI_Allreduce(from, to, n, type, op, ranks);
}

HOOK int MPI_Reduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, int root,
                    MPI_Comm ranks)
{
    meet(ranks);
    return PMPI_Reduce(from, to, n, type, op, root, ranks);
}

HOOK int MPI_Ibarrier(MPI_Comm ranks, MPI_Request *request)
{
    meet(ranks);
    return PMPI_Ibarrier(ranks, request);
}

HOOK int MPI_Finalize(void)
{
    const char *path = getenv("MEETINGS");
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *file = path && rank == 0 ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", meetings);
        fclose(file);
    }
    return PMPI_Finalize();
}
