// SPDX-License-Identifier: Apache-2.0
// A file is known by its name's ending and its first bytes. The lines of Python take the path as an
// argument, so that it is said once: a message has room for few long paths.
#include "data/bytes/foreign_files.h"

#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "data/bytes/tar_head.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { LOOKED_AT = 1000 };

// Of WebDataset a tar holds samples of several files, each with the sample's name and an ending.
static bool is_webdataset(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp",
                                          ".cls", ".json", ".txt"};
    char head[TAR_HEAD];
    if (!tar_head_is_tar(head, tar_head_read(path, true, head)))
        return false;
    head[TAR_NAME] = 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends_with(head, endings[i]))
            return true;
    return false;
}

static status refuse_arrow_file(const char *path)
{
    char head[TAR_HEAD];
    tar_head_read(path, true, head);
    return status_fail(ERR_INPUT, path,
                       "is an Arrow file, which is not read; turn it into Parquet: python3 -c "
                       "'import sys, pyarrow as a, pyarrow.parquet as q; f = sys.argv[1]; "
                       "q.write_table(a.ipc.open_%s(f).read_all(), f + \".parquet\")' %s",
                       memcmp(head, "ARROW1", 6) == 0 ? "file" : "stream", path);
}

static status refuse_arrow_folder(const char *path)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/dataset_dict.json", path);
    if (file_exists(name))
        return status_fail(ERR_INPUT, path,
                           "holds Arrow files, which are not read; turn them into Parquet: python3 "
                           "-c 'import sys, datasets as d; [s.to_parquet(f\"parquet/{k}.parquet\") "
                           "for k, s in d.load_from_disk(sys.argv[1]).items()]' %s",
                           path);
    return status_fail(ERR_INPUT, path,
                       "holds Arrow files, which are not read; turn them into Parquet: python3 -c "
                       "'import sys, datasets as d; "
                       "d.load_from_disk(sys.argv[1]).to_parquet(\"train.parquet\")' %s",
                       path);
}

static status refuse_webdataset(const char *path, const char *all)
{
    return status_fail(
        ERR_INPUT, path,
        "holds tars of WebDataset, which are not read; turn them into Parquet: python3 -c "
        "'import sys, datasets as d; d.load_dataset(\"webdataset\", data_files=sys.argv[1:], "
        "split=\"train\").to_parquet(\"train.parquet\")' %s%s",
        path, all);
}

static status refuse_entry(const char *path, const FTSENT *e)
{
    const bool itself = e->fts_level == 0;
    if (e->fts_info != FTS_F)
        return OK;
    if (text_ends_with(e->fts_name, ".arrow"))
        return itself ? refuse_arrow_file(path) : refuse_arrow_folder(path);
    if (text_ends_with(e->fts_name, ".tar") && is_webdataset(e->fts_accpath))
        return refuse_webdataset(path, itself ? "" : "/*.tar");
    return OK;
}

status foreign_files_refuse(const char *path)
{
    status st = OK;
    FTSENT *e;
    FTS *walk =
        fts_open((char *const[]){(char *)(size_t)path, NULL}, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    for (int i = 0; walk && st == OK && i < LOOKED_AT && (e = fts_read(walk)); i++)
        st = refuse_entry(path, e);
    if (walk)
        fts_close(walk);
    return st;
}
