// SPDX-License-Identifier: Apache-2.0
// /proc is asked rather than getrusage, whose peak cannot be set back between two tasks.
#include "pipeline/machine/memory_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

// A line of /proc/self/status, which counts in kB.
static size_t read_field(const char *name)
{
    char line[256];
    size_t n = strlen(name), bytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && bytes == 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, n) == 0)
            bytes = (size_t)strtoull(line + n, NULL, 10) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

size_t memory_use_now(void)
{
    return read_field("VmRSS:");
}

size_t memory_use_peak(void)
{
    return read_field("VmHWM:");
}

void memory_use_forget(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return;
    fputs("5", file); // resets the peak, and nothing else
    fclose(file);
}

size_t memory_use_room(void)
{
    struct statvfs at;
    return statvfs("/dev/shm", &at) == 0 ? (size_t)at.f_bavail * at.f_frsize : 0;
}
