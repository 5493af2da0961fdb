// SPDX-License-Identifier: Apache-2.0
// The vocabulary of a tokenizer whose tokens can be counted by hand: a byte is its own id. In it, a
// whole tokenizer.json, with <s> (256) in front. For unit tests and harnesses alike.
#ifndef TESTS_BYTE_TOKENIZER_H
#define TESTS_BYTE_TOKENIZER_H

#include <stdbool.h>

#include "pipeline/base/text.h"

// Adds the members of "vocab", in GPT-2's alphabet.
static inline void byte_vocabulary(text *t)
{
    int stand_in = 256;
    for (int byte = 0; byte < 256; byte++) {
        bool printable =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        text_addf(t, "%s\"\\u%04x\":%d", byte ? "," : "", printable ? byte : stand_in, byte);
        stand_in += !printable;
    }
}

static inline void byte_tokenizer(text *t)
{
    text_add(t, "{\"added_tokens\":[{\"id\":256,\"content\":\"<s>\",\"special\":true}],"
                "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\","
                "\"add_prefix_space\":false,\"use_regex\":false},\"post_processor\":{\"type\":"
                "\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},"
                "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"id\":\"<s>\","
                "\"ids\":[256]}}},\"decoder\":null,\"model\":{\"type\":\"BPE\",\"merges\":[],"
                "\"vocab\":{");
    byte_vocabulary(t);
    text_add(t, "}}}");
}

#endif
