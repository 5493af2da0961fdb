// SPDX-License-Identifier: Apache-2.0
// HDF5 says in its superblock how long its file is. A file that was cut, or is none, is found by
// that, without a library that would take it for its own and read on.
#include "pipeline/store/artefact_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t little_endian(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

// The superblock of an HDF5 file (HDF5 File Format Specification, II.A): signature, version, sizes
// of offsets and lengths, base address 0 and the end of the file's data.
static bool is_whole_hdf5(const unsigned char *head, size_t n, uint64_t size)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    if (n < 64 || memcmp(head, signature, sizeof signature) != 0)
        return false;
    bool old = head[8] < 2; // versions 0 and 1 keep three more version numbers before the sizes
    const unsigned char *sizes = head + (old ? 13 : 9);
    size_t base = head[8] == 0 ? 24 : head[8] == 1 ? 28 : 12;
    return head[8] <= 3 && sizes[0] == 8 && sizes[1] == 8 && little_endian(head + base) == 0 &&
           little_endian(head + base + 16) == size;
}

status artefact_check_header(const char *path)
{
    unsigned char head[64];
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return status_fail_errno(ERR_INPUT, path, "cannot open");
    ssize_t n = -1;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode))
        n = read(file, head, sizeof head);
    close(file);
    if (n < 0)
        return status_fail(ERR_INPUT, path, "is not a regular file that can be read");
    if (!is_whole_hdf5(head, (size_t)n, (uint64_t)info.st_size))
        return status_fail(ERR_INPUT, path,
                           "is not a whole NetCDF-4 file; make it again, or give a file of `run`");
    return OK;
}
