// SPDX-License-Identifier: Apache-2.0
// What a program is made of, for `sulcus --version`: const descriptors, each in the file that wraps
// a library or chooses between kernels, so that nobody else needs the library's header.
#ifndef PIPELINE_BASE_VERSION_H
#define PIPELINE_BASE_VERSION_H

struct text;
typedef struct version_def {
    const char *name;                // "zlib"; "bf16 products"
    void (*add)(struct text *found); // adds the version in use at run time; or what this CPU runs
} version_def;

#endif
