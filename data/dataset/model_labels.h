// SPDX-License-Identifier: Apache-2.0
// The names a model gives its classes.
#ifndef DATA_DATASET_MODEL_LABELS_H
#define DATA_DATASET_MODEL_LABELS_H

#include <stdint.h>

#include "data/dataset/dataset.h"
#include "pipeline/base/status.h"

// Matches a dataset whose labels are names (folders) with id2label (or timm's label_names) in
// FOLDER/config.json: where every name is one of the model's, class[l] becomes the model's
// number of label l. Where the model's names are none that someone gave (LABEL_0, or none),
// class is left as it is: labels are then numbered in sorted order, which is how a model trained
// on these folders numbers them. ERR_INPUT where none or only some are (numbers of WordNet are
// looked up in lists beside model and data: data/bytes/synsets.h), or a name is that of two
// classes. Local.
status model_labels_match(const char *folder, const dataset *d, int32_t *class);

#endif
