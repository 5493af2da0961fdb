// SPDX-License-Identifier: Apache-2.0
// A document of a text dataset, as its format hands it over to be tokenised.
#ifndef DATA_TOKENS_TEXT_DOCUMENT_H
#define DATA_TOKENS_TEXT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct text_document {
    size_t group;      // the subset, as the catalogue numbers it
    const char *bytes; // borrowed until text_maker_add returns
    size_t n;
    const char *file;   // where it is from; borrowed until all are tokenised
    int64_t line;       // where it begins there; 0: not known, but
    uint64_t offset;    // how many unpacked bytes come before it; 0: it is the file
    bool escaped;       // the inside of a JSON text
    bool joined;        // laid end to end with the group's others, whatever `pack` says
    bool inner, outer;  // parts of one document: something came before it; something will come
    const size_t *shot; // [shots + 1] a question: where each shot and, last, the question begin;
                        // borrowed as `bytes`. NULL: no question
    size_t shots;
    int answer; // a question's, 0 to 3
} text_document;

#endif
