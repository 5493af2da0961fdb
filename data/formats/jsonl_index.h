// SPDX-License-Identifier: Apache-2.0
// Where the documents of JSON-lines files are, and of which subset each is.
#ifndef DATA_FORMATS_JSONL_INDEX_H
#define DATA_FORMATS_JSONL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "data/formats/catalogue.h"
#include "data/formats/dataset_options.h"
#include "pipeline/base/status.h"

typedef struct jsonl_document {
    uint64_t offset; // of the text's inside, in the unpacked file
    uint32_t length;
    uint16_t file, group;
} jsonl_document;

typedef struct jsonl_documents {
    jsonl_document *at; // owned by the caller
    size_t n, capacity;
} jsonl_documents;

// Reads and checks every line of the files, several files at a time on options->threads threads;
// what comes out does not depend on how many. Fills the catalogue's subsets (numbered by first
// appearance), counts and samples, and the index: 16 bytes a document, and of a subset no more than
// `limit` documents, since a sample has two tokens at least. ERR_INPUT names file, line and what is
// wrong; of several the first in file order.
status jsonl_index(const dataset_options *options, const name_list *files, catalogue *out,
                   jsonl_documents *index);

#endif
