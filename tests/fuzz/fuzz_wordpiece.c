// SPDX-License-Identifier: Apache-2.0
// WordPiece beside the plain way: cut off the longest piece by trying all lengths. The first piece is
// the unknown one, and the second, where it is short, is what stands before pieces that go on.
#include "fuzz.h"

#include "data/tokenizer/wordpiece.h"
#include "pieces.h"

enum { MOST = 60 };

static status encode_plainly(const pieces *p, const char *prefix, token_list *out)
{
    status st = OK;
    const char *word = text_get(&p->word);
    size_t n = p->word.length, characters = 0;
    for (size_t i = 0; i < n; i++)
        characters += (word[i] & 0xC0) != 0x80;
    for (size_t at = 0; at < n && characters <= MOST;) {
        int32_t id = -1;
        size_t end = n;
        for (; end > at && id < 0; end--) {
            text spelled = {0};
            text_add(&spelled, at ? prefix : "");
            text_add_bytes(&spelled, word + at, end - at);
            id = end == n || (word[end] & 0xC0) != 0x80
                     ? pieces_find(p, text_get(&spelled), spelled.length)
                     : -1;
            text_free(&spelled);
            if (id >= 0)
                break;
        }
        if (id < 0) {
            characters = MOST + 1;
            break;
        }
        TRY(token_list_add(out, id));
        at = end;
    }
    if (characters > MOST) {
        out->n = 0;
        TRY(token_list_add(out, 0));
    }
done:
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    status st;
    pieces p;
    wordpiece *w = NULL;
    token_list got = {0}, expected = {0};
    TRY(pieces_read(bytes, n, &p));
    const bool short_one =
        p.n > 1 && p.piece[1].length < 4 && !memchr(p.piece[1].at, 0, p.piece[1].length);
    const char *prefix = short_one ? text_get(&p.piece[1]) : "##";
    TRY(wordpiece_new(p.v, &(wordpiece_options){.prefix = prefix, .most = MOST}, &w));
    TRY(wordpiece_encode(w, text_get(&p.word), p.word.length, &got));
    TRY(encode_plainly(&p, prefix, &expected));
    pieces_compare(&got, &expected);
done:
    token_list_free(&got);
    token_list_free(&expected);
    wordpiece_free(w);
    pieces_free(&p);
    fuzz_end(st);
    return 0;
}
