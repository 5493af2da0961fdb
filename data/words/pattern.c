// SPDX-License-Identifier: Apache-2.0
// PCRE2 has limits of its own, but one is too low (ten million steps: Llama 3's pattern needs one a
// character of a run of spaces) and none is for a text: a pattern that looks at all that is left for
// each of its matches stays below any limit of a match. So steps may grow with the text, and the
// thread's time is looked at, where the clock on the wall says that it is worth asking for: between
// matches, and, as a step may look at all of the text (a lookahead, a group that is referred to),
// inside one that takes many. That needs a pattern compiled with callouts, which is slower.
#include "data/words/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

enum {
    PATTERN_BYTES = 1 << 16, // the longest in use has 400
    STEPS = 10000000,        // of a match, PCRE2's own limit; and for each byte of the text:
    STEPS_BYTE = 8,
    STEPS_BLIND = 10000, // without a look at the clock, in texts as long as that matters
    JIT_STACK = 8 << 20, // beyond it, matching is interpreted, within
    HEAP_KB = 1 << 20,
};
// Processor time for a text, and for each MB of it; all tokenizers in use take less than 0.1 s.
static const double SECONDS = 5, SECONDS_MB = 10;
// Bytes that a match may look at without a look at the clock.
static const double BYTES_BLIND = 1e10;

struct pattern {
    pcre2_code *code, *watched; // the same, without and with callouts
    const char *file;
};

struct pattern_matcher {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    pcre2_match_data *match;
    uint32_t steps, blind;     // that a match may take, and without a look at the clock
    double limit, wall, spent; // seconds a text may take; the clocks when it began
};

status pattern_new(const char *source, size_t n, bool literal, const char *file, pattern **out)
{
    int error;
    size_t offset;
    if (n > PATTERN_BYTES)
        return status_fail(ERR_INPUT, file, "a pattern of the tokenizer has %zu bytes", n);
    pattern *p = checked_calloc(1, sizeof *p);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!p || !context) {
        free(p);
        pcre2_compile_context_free(context);
        return status_no_memory("a pattern");
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    // \s, \d and letters' cases are Unicode's: hence UCP.
    uint32_t options = PCRE2_UTF | (literal ? PCRE2_LITERAL : PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C);
    p->file = file;
#if PCRE2_MAJOR > 10 || PCRE2_MINOR >= 43 // refused everywhere, as earlier versions do
    pcre2_set_max_varlookbehind(context, 0);
#endif
    p->code = pcre2_compile((PCRE2_SPTR)source, n, options, &error, &offset, context);
    if (p->code)
        p->watched = pcre2_compile((PCRE2_SPTR)source, n, options | PCRE2_AUTO_CALLOUT, &error,
                                   &offset, context);
    pcre2_compile_context_free(context);
    if (!p->watched) {
        char reason[120];
        pcre2_get_error_message(error, (PCRE2_UCHAR *)reason, sizeof reason);
        pattern_free(p);
        return status_fail(ERR_INPUT, file, "a pattern of the tokenizer cannot be used: %s",
                           reason);
    }
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); // where there is no JIT, it is interpreted
    pcre2_jit_compile(p->watched, PCRE2_JIT_COMPLETE);
    *out = p;
    return OK;
}

void pattern_free(pattern *p)
{
    if (p) {
        pcre2_code_free(p->code);
        pcre2_code_free(p->watched);
    }
    free(p);
}

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool is_late(const pattern_matcher *m)
{
    return read_clock(CLOCK_MONOTONIC_COARSE) - m->wall > m->limit &&
           read_clock(CLOCK_THREAD_CPUTIME_ID) - m->spent > m->limit;
}

static int look_at_clock(pcre2_callout_block *at, void *matcher)
{
    (void)at;
    return is_late(matcher) ? PCRE2_ERROR_CALLOUT : 0;
}

status pattern_matcher_new(pattern_matcher **out)
{
    pattern_matcher *m = checked_calloc(1, sizeof *m);
    if (!m)
        return status_no_memory("a pre-tokenizer");
    m->context = pcre2_match_context_create(NULL);
    m->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK, NULL);
    m->match = pcre2_match_data_create(1, NULL);
    if (!m->context || !m->stack || !m->match) {
        pattern_matcher_free(m);
        return status_no_memory("a pre-tokenizer");
    }
    pcre2_jit_stack_assign(m->context, NULL, m->stack);
    pcre2_set_heap_limit(m->context, HEAP_KB);
    pcre2_set_callout(m->context, look_at_clock, m);
    pattern_matcher_begin(m, 0);
    *out = m;
    return OK;
}

void pattern_matcher_free(pattern_matcher *m)
{
    if (!m)
        return;
    pcre2_match_data_free(m->match);
    pcre2_match_context_free(m->context);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

void pattern_matcher_begin(pattern_matcher *m, size_t n)
{
    const size_t most = (UINT32_MAX - STEPS) / STEPS_BYTE;
    m->steps = (uint32_t)(STEPS + STEPS_BYTE * (n < most ? n : most));
    m->blind = (uint32_t)fmin(STEPS, fmax(STEPS_BLIND, BYTES_BLIND / (double)(n + 1)));
    m->limit = SECONDS + SECONDS_MB * 1e-6 * (double)n;
    m->wall = read_clock(CLOCK_MONOTONIC_COARSE);
    m->spent = read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static status fail_late(const pattern *p, const pattern_matcher *m)
{
    return status_fail(ERR_INPUT, p->file, "the tokenizer has taken more than %.0f s on one text",
                       m->limit);
}

// Compiled, as far as its stack reaches.
static int match(const pcre2_code *code, pattern_matcher *m, const char *bytes, size_t n,
                 size_t from, uint32_t steps)
{
    int result = PCRE2_ERROR_JIT_STACKLIMIT;
    pcre2_set_match_limit(m->context, steps);
    for (uint32_t how = 0; how <= PCRE2_NO_JIT && result == PCRE2_ERROR_JIT_STACKLIMIT;
         how += PCRE2_NO_JIT)
        result = pcre2_match(code, (PCRE2_SPTR)bytes, n, from, PCRE2_NO_UTF_CHECK | how, m->match,
                             m->context);
    return result;
}

status pattern_next(const pattern *p, pattern_matcher *m, const char *bytes, size_t n, size_t from,
                    bool *found, size_t *begin, size_t *end)
{
    *found = false;
    if (is_late(m))
        return fail_late(p, m);
    int result = match(p->code, m, bytes, n, from, m->blind);
    if (result == PCRE2_ERROR_MATCHLIMIT)
        result = match(p->watched, m, bytes, n, from, m->steps);
    if (result == PCRE2_ERROR_CALLOUT)
        return fail_late(p, m);
    if (result == PCRE2_ERROR_NOMATCH)
        return OK;
    if (result < 0) {
        char reason[120];
        pcre2_get_error_message(result, (PCRE2_UCHAR *)reason, sizeof reason);
        return status_fail(ERR_INPUT, p->file,
                           "a pattern of the tokenizer cannot cut a text of %zu bytes (%s)", n,
                           reason);
    }
    const size_t *range = pcre2_get_ovector_pointer(m->match);
    if (range[0] < from || range[1] < range[0] || range[1] > n)
        return status_fail(ERR_INPUT, p->file,
                           "a pattern of the tokenizer matches what lies before it (\\K); "
                           "that is not supported");
    *found = true;
    *begin = range[0];
    *end = range[1];
    return OK;
}

static void add_pcre2_version(text *found)
{
    char version[64]; // "10.42 2022-12-11"
    pcre2_config(PCRE2_CONFIG_VERSION, version);
    text_add(found, version);
}

const version_def library_pcre2 = {"PCRE2", add_pcre2_version};
