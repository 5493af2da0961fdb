// SPDX-License-Identifier: Apache-2.0
// Nobody can make a node of 512 CPUs or a foreign cgroup for a test, but anybody a folder.
#include "pipeline/machine/system_file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

FILE *system_file_open(const char *path)
{
    char below[PATH_MAX];
    const char *root = getenv("SULCUS_ROOT");
    if (!root)
        return fopen(path, "re");
    int n = snprintf(below, sizeof below, "%s%s", root, path);
    return n < (int)sizeof below ? fopen(below, "re") : NULL;
}

bool system_file_line(const char *path, char *line, size_t n)
{
    FILE *file = system_file_open(path);
    bool read = file && fgets(line, (int)n, file);
    if (file)
        fclose(file);
    if (read)
        line[strcspn(line, "\n")] = 0;
    return read;
}
