// SPDX-License-Identifier: Apache-2.0
// The parts of a tokenizer, filled by tokenizer_json.c or tokenizer_gguf.c and run by tokenizer.c.
#ifndef DATA_TOKENIZER_TOKENIZER_RULES_H
#define DATA_TOKENIZER_TOKENIZER_RULES_H

#include "data/tokenizer/added_tokens.h"
#include "data/tokenizer/bpe.h"
#include "data/tokenizer/text_rules.h"
#include "data/tokenizer/tokenizer.h"

struct tokenizer {
    char *path;
    normalizer *normalizer;
    splitter *splitter;
    bpe *bpe;
    added_tokens *added;
    token_list prefix, suffix;
    bool byte_level;  // pieces are bytes; otherwise "▁" is a space and <0xNN> a byte
    bool strip_space; // decoding drops the space that encoding put in front
    bool cut_marks; // a text without words of its own may be cut before each "▁" (bpe_cuts_before)
};

status tokenizer_read_json(tokenizer *t, const char *path);
status tokenizer_read_gguf(tokenizer *t, const char *path);

// "▁" of SentencePiece
#define SPACE_MARK "\xE2\x96\x81"

// The bytes that a piece of a byte-level vocabulary spells in GPT-2's alphabet, where every byte is
// a printable character. Writes at most n bytes; returns how many, or -1 when a character is not of
// that alphabet.
int64_t byte_alphabet_decode(const char *piece, size_t n, char *out);

#endif
