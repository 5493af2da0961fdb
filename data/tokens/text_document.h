// SPDX-License-Identifier: Apache-2.0
// A document of a text dataset, as its format hands it over to be tokenised.
#ifndef DATA_TOKENS_TEXT_DOCUMENT_H
#define DATA_TOKENS_TEXT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct text_document {
    size_t group;
    const char *bytes; // borrowed until text_maker_add returns
    size_t n;
    bool escaped;       // the inside of a JSON text
    bool joined;        // laid end to end with the group's others, whatever `pack` says
    bool inner, outer;  // parts of one document: something came before it; something will come
    const size_t *shot; // a question: where each shot and, last, the question itself begin
    size_t shots;       // one less than there are of `shot`
    int answer;         // a question's, 0 to 3
} text_document;

#endif
