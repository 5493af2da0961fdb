// SPDX-License-Identifier: Apache-2.0
// How fast is one core at tokenising? bench_tokenizer TOKENIZER TEXT...: MB/s over the files'
// bytes, with an encoder that has seen nothing and with one that has.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/tokenizer/encoder.h"
#include "pipeline/base/file.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A pass over a text in documents of about 6 kB, as a corpus has them. Returns its seconds.
static double pass(encoder *e, const char *bytes, size_t n, size_t *tokens)
{
    token_list ids = {0};
    double begin = now();
    *tokens = 0;
    for (size_t at = 0, end; at < n; at = end) {
        end = at + 6000 < n ? at + 6000 : n;
        while (end < n && bytes[end - 1] != '\n')
            end++;
        ids.n = 0;
        if (encoder_encode(e, bytes + at, end - at, true, 0, &ids) != OK)
            return -1;
        *tokens += ids.n;
    }
    token_list_free(&ids);
    return now() - begin;
}

int main(int argc, char **argv)
{
    tokenizer *t = NULL;
    if (argc < 3 || tokenizer_open(argv[1], &t) != OK) {
        fprintf(stderr, "bench_tokenizer TOKENIZER TEXT...: %s\n", status_text());
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        char *bytes = NULL;
        size_t n = 0, tokens = 0;
        encoder *e = NULL;
        if (file_read(argv[i], (size_t)1 << 31, &bytes, &n) != OK || encoder_new(t, &e) != OK) {
            fprintf(stderr, "bench_tokenizer: %s\n", status_text());
            return 2;
        }
        double first = pass(e, bytes, n, &tokens), best = 1e9;
        for (int k = 0; k < 3; k++) {
            double s = pass(e, bytes, n, &tokens);
            best = s < best ? s : best;
        }
        printf("%s %s: %.1f MB, %zu tokens, first %.1f MB/s, best %.1f MB/s\n", argv[1], argv[i],
               (double)n / 1e6, tokens, (double)n / first / 1e6, (double)n / best / 1e6);
        encoder_free(e);
        free(bytes);
    }
    tokenizer_close(t);
    return 0;
}
