// SPDX-License-Identifier: Apache-2.0
// Where a dataset lies in the folder that someone unpacked it into.
#ifndef DATA_DATASET_ARCHIVE_FOLDER_H
#define DATA_DATASET_ARCHIVE_FOLDER_H

#include "data/formats/format.h"

// Of a format that is laid out as an archive: *inner, owned by the caller, is the only folder in the
// path (two folders down at most) that is laid out so, where the path itself is not; NULL where it
// is, and where there is none. ERR_INPUT where there are several. Looks at few folders. Local.
status archive_folder_find(const format *f, const dataset_options *o, char **inner);

#endif
