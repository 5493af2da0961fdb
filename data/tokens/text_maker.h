// SPDX-License-Identifier: Apache-2.0
// Turns the documents of a text format into samples: tokenises batches of them on all threads and
// adds what comes out in the order they were handed over, until each group has its limit. What a
// sample is, is said in data/dataset/samples.h.
#ifndef DATA_TOKENS_TEXT_MAKER_H
#define DATA_TOKENS_TEXT_MAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/tokens/text_document.h"
#include "data/tokens/token_set.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/status.h"

typedef struct text_maker text_maker;

// What is asked for.
typedef struct text_order {
    const char *tokenizer; // path; NULL: the format has ids already
    const char *path;      // of the dataset, for messages
    int64_t context, vocabulary;
    int64_t limit; // tokens of a group (questions: samples); 0: all
    bool pack, questions;
    bool first_records; // until TEXT_MAKER_FIRST bytes or ids have been handed over
    bool framed;        // each sample stands between the special tokens, whatever is cut
    size_t groups;
    const bool *wanted;          // [groups]; the others are passed over
    pool *pool;                  // NULL: the caller's thread alone
    const atomic_bool *stopping; // ends it with ERR_INTERRUPTED once it is true; NULL: never
} text_order;

enum { TEXT_MAKER_FIRST = 1 << 18 };

// A format's own; only `feed` looks inside.
typedef struct format_state format_state;

// Lets `feed` hand over documents and makes the set of them. *out is owned by the caller. Fails as
// tokenizer_open, as feed, and with ERR_INPUT when an id is beyond the vocabulary. Local.
status text_maker_run(const text_order *order,
                      status (*feed)(const format_state *state, text_maker *m),
                      const format_state *state, token_set **out);

// For `feed`, on the thread that called it. Whether a group is wanted and not yet full; whether any
// is; and what was ordered.
bool text_maker_wants(const text_maker *m, size_t group);
bool text_maker_wants_more(const text_maker *m);
bool text_maker_packs(const text_maker *m);
// How much of a file is to be read at once, where it is read in blocks of `most`.
size_t text_maker_block(const text_maker *m, size_t most);
const atomic_bool *text_maker_stopping(const text_maker *m); // borrowed, or NULL
int64_t text_maker_limit(const text_maker *m);
int64_t text_maker_vocabulary(const text_maker *m);

// Notes that zeros behind a file's gzip were passed over.
void text_maker_note_padding(text_maker *m, const char *path);
// Adds a document; it is tokenised with the batch it falls into, so what is wrong with one may be
// said when a later one is added. ERR_INPUT as text_maker_run.
status text_maker_add(text_maker *m, const text_document *d);
// Adds ids as they are: a sample (its first `context`), or, joined, a stretch of the group's.
status text_maker_add_ids(text_maker *m, size_t group, const int32_t *id, size_t n, bool joined);

#endif
