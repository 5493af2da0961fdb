// SPDX-License-Identifier: Apache-2.0
// Mistakes that can be told from models and datasets alone are told before hours of work, by `plan`.
#include "stages/common/foreseen.h"

#include <stdlib.h>
#include <string.h>

#include "data/dataset/dataset.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// What stands where a path leads to nothing, or to what is no model: a hub's name, a hub's cache.
status foreseen_path(const char *path)
{
    const char *name = strrchr(path, '/');
    char *above = file_folder(path), *beside = file_join(path, "snapshots");
    status st = above && beside ? OK : status_no_memory("a path");
    name = name ? name + 1 : path;
    if (st != OK)
        goto done;
    if (file_exists(path) && strncmp(name, "models--", 8) == 0 && file_is_folder(beside))
        st = status_fail(ERR_INPUT, path,
                         "is a folder of a hub's cache; the model is in one of its snapshots: name "
                         "%s/snapshots/ and the folder in it",
                         path);
    else if (!file_exists(path) && !file_exists(above))
        st = status_fail(ERR_INPUT, path,
                         "there is no such path, nor a folder to hold it; where %s/%s is a hub's "
                         "name, download it first and give the folder",
                         strrchr(above, '/') ? strrchr(above, '/') + 1 : above, name);
    else if (!file_exists(path))
        st = status_fail(ERR_INPUT, path, "there is no such file or folder; check `path`");
done:
    free(above);
    free(beside);
    return st;
}

status foreseen_subsets(const task *t, const char *param)
{
    const params *p = task_params(t);
    const dataset *d = task_resource(t, "data", 0);
    const size_t n = d ? (size_t)dataset_subsets(d) : 0;
    const char **names = checked_calloc(n, sizeof *names);
    status st = names ? OK : status_no_memory("a list of subsets");
    for (size_t i = 0; st == OK && i < n; i++)
        names[i] = dataset_subset(d, (int)i);
    for (size_t k = 0; d && st == OK && k < params_count(p, param); k++) {
        const char *name = params_text_at(p, param, k);
        size_t i = 0;
        while (i < n && strcmp(names[i], name) != 0)
            i++;
        if (i < n)
            continue;
        const char *nearest = text_nearest(name, names, n);
        st = params_fail(p, param, "unknown subset %s; %s%s%s", name,
                         nearest ? "did you mean " : "`sulcus inspect` lists a dataset's",
                         nearest ? nearest : "", nearest ? "?" : "");
    }
    free(names);
    return st;
}

int foreseen_subset_count(const task *t)
{
    const dataset *d = task_resource(t, "data", 0);
    return d ? dataset_subsets(d) : 0;
}
