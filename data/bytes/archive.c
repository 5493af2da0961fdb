// SPDX-License-Identifier: Apache-2.0
// Data come as archives, and are read where they lie: at random, by many ranks. The name of the first
// entry tells the folder that will come out, and for CIFAR whether it is the version that is read.
#include "data/bytes/archive.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/foreign_files.h"
#include "data/bytes/tar_head.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { ZIP_NAME = 30 };

// The first folder of the first entry's name; *n bytes of it, 0 where it has none.
static const char *first_folder(const char *name, size_t most, size_t *n)
{
    name += strncmp(name, "./", 2) == 0 ? 2 : 0;
    const size_t length = strnlen(name, most > 2 ? most - 2 : 0);
    const char *slash = memchr(name, '/', length);
    *n = slash ? (size_t)(slash - name) : 0;
    for (size_t i = 0; i < *n; i++)
        if ((unsigned char)name[i] < ' ')
            *n = 0;
    return name;
}

// The archive's kind by its name, where its packing is none that is read here.
static bool is_named_tar(const char *path)
{
    static const char *const endings[] = {".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends_with(path, endings[i]))
            return true;
    return false;
}

static status refuse(const char *path, const char *command, const char *name, size_t most)
{
    size_t n;
    const char *folder = first_folder(name, most, &n);
    if (n > 8 && memmem(folder, n, "-python", 7) == folder + n - 7)
        return status_fail(ERR_INPUT, path,
                           "is the archive of the Python version (%.*s), which is not read; fetch "
                           "the binary version (%.*s-binary.tar.gz), and unpack that",
                           (int)n, folder, (int)n - 7, folder);
    if (n > 8 && strncmp(folder, "cifar-10-batches-py", n) == 0)
        return status_fail(ERR_INPUT, path,
                           "is the archive of the Python version (%.*s), which is not read; fetch "
                           "the binary version (cifar-10-binary.tar.gz), and unpack that",
                           (int)n, folder);
    char *beside = file_folder(path);
    status st = !beside ? status_no_memory("a path")
                : n > 0 ? status_fail(ERR_INPUT, path,
                                      "is an archive; unpack it (%s '%s'%s'%s') and give "
                                      "path: %s/%.*s",
                                      command, path, *command == 't' ? " -C " : " -d ", beside,
                                      beside, (int)n, folder)
                        : status_fail(ERR_INPUT, path,
                                      "is an archive; unpack it into a new folder (mkdir NEW; %s "
                                      "'%s'%sNEW) and give that as path",
                                      command, path, *command == 't' ? " -C " : " -d ");
    free(beside);
    return st;
}

status archive_refuse(const char *path)
{
    char head[TAR_HEAD];
    status st;
    if (file_is_folder(path) || !file_exists(path))
        return OK;
    TRY(foreign_files_refuse(path)); // of which there is more to say
    if (is_named_tar(path))
        return refuse(path, "tar xf", "", 0);
    if (tar_head_read(path, true, head) > ZIP_NAME && memcmp(head, "PK\3\4", 4) == 0) {
        const size_t n = (unsigned char)head[26] | (size_t)(unsigned char)head[27] << 8;
        return refuse(path, "unzip -q", head + ZIP_NAME,
                      n < TAR_HEAD - ZIP_NAME ? n : TAR_HEAD - ZIP_NAME);
    }
    if (tar_head_is_tar(head, tar_head_read(path, false, head)))
        return refuse(path, "tar xf", head, TAR_NAME);
done:
    return st;
}
