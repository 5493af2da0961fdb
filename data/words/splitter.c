// SPDX-License-Identifier: Apache-2.0
// The rules are a chain, each cutting the pieces of the one before it. A piece goes down the whole
// chain before the next one does: words come in order, and the memory is one list a rule, however
// long the text. Patterns are compiled once and shared; what matching writes to is each thread's.
#include "data/words/splitter.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/words/oniguruma.h"
#include "data/words/pattern.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

enum { MOST_RULES = 64 }; // those in use have four at most

// The words GPT-2 cuts a text into (ByteLevel with use_regex).
#define GPT2_WORDS                                                                                 \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

typedef enum behaviour {
    ISOLATED,
    REMOVED,
    MERGED_WITH_PREVIOUS,
    MERGED_WITH_NEXT,
    CONTIGUOUS
} behaviour;

typedef enum rule_kind { PATTERN, DIGITS, PREFIX_SPACE, METASPACE } rule_kind;

typedef struct split_rule {
    rule_kind kind;
    pattern *pattern; // PATTERN: owned
    behaviour behaviour;
    bool invert;
    bool single;         // DIGITS: each alone
    bool first_only;     // METASPACE: prepended only where the whole input begins
    bool prepend, split; // METASPACE
    char *replacement;   // METASPACE: owned
} split_rule;

struct splitter {
    split_rule *rules;
    size_t n, capacity;
    bool byte_level;
};

// A word in the making: a range of one level's buffer.
typedef struct piece {
    size_t begin, end;
} piece;

// One rule's working memory: what it cut, and the rewritten text where it rewrites.
typedef struct level {
    piece *pieces;
    size_t n, capacity;
    text rewritten;
} level;

struct splitter_workspace {
    const splitter *s;
    level *levels; // one for each rule
    pattern_matcher *matcher;
};

typedef struct word_sink {
    status (*word)(void *context, const char *bytes, size_t n);
    void *context;
} word_sink;

static status add_rule(splitter *s, split_rule r)
{
    if (!checked_grow(&s->rules, &s->capacity, s->n + 1, sizeof *s->rules))
        return status_no_memory("a pre-tokenizer");
    s->rules[s->n++] = r;
    return OK;
}

// A literal text, or a regular expression of Oniguruma's.
static status add_pattern(splitter *s, const char *source, size_t n, bool literal, behaviour b,
                          bool invert, const char *file)
{
    status st = OK;
    text translated = {0};
    pattern *made = NULL;
    if (!literal) {
        TRY(oniguruma_translate(source, n, file, &translated));
        source = text_get(&translated);
        n = translated.length;
    }
    TRY(pattern_new(source, n, literal, file, &made));
    TRY(add_rule(s,
                 (split_rule){.kind = PATTERN, .pattern = made, .behaviour = b, .invert = invert}));
    made = NULL;
done:
    pattern_free(made);
    text_free(&translated);
    return st;
}

static status read_split(splitter *s, const json_t *json, const char *file)
{
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const json_t *given = json_object_get(json, "pattern");
    const json_t *regex = json_object_get(given, "Regex");
    const json_t *source = regex ? regex : json_object_get(given, "String");
    const char *name = json_string_value(json_object_get(json, "behavior"));
    const size_t n = json_string_length(source);
    int b = 0;
    while (b < 5 && !(name && strcmp(names[b], name) == 0))
        b++;
    if (b == 5 || !json_is_string(source) || (!regex && n == 0))
        return status_fail(ERR_INPUT, file, "pre_tokenizer Split lacks a pattern or a behavior");
    return add_pattern(s, json_string_value(source), n, !regex, (behaviour)b,
                       json_is_true(json_object_get(json, "invert")), file);
}

static status read_byte_level(splitter *s, const json_t *json, const char *file)
{
    status st = OK;
    const json_t *prefix = json_object_get(json, "add_prefix_space");
    const json_t *regex = json_object_get(json, "use_regex");
    s->byte_level = true;
    if (!prefix || json_is_true(prefix))
        TRY(add_rule(s, (split_rule){.kind = PREFIX_SPACE}));
    if (!regex || json_is_true(regex))
        TRY(add_pattern(s, GPT2_WORDS, strlen(GPT2_WORDS), false, ISOLATED, false, file));
done:
    return st;
}

static status read_digits(splitter *s, const json_t *json, const char *file)
{
    (void)file;
    bool single = json_is_true(json_object_get(json, "individual_digits"));
    return add_rule(s, (split_rule){.kind = DIGITS, .single = single});
}

static status read_metaspace(splitter *s, const json_t *json, const char *file)
{
    const char *mark = json_string_value(json_object_get(json, "replacement"));
    const char *scheme = json_string_value(json_object_get(json, "prepend_scheme"));
    const json_t *old = json_object_get(json, "add_prefix_space"),
                 *split = json_object_get(json, "split");
    if (!mark || !*mark)
        return status_fail(ERR_INPUT, file, "pre_tokenizer Metaspace lacks its replacement");
    split_rule r = {.kind = METASPACE, .replacement = strdup(mark)};
    if (!r.replacement)
        return status_no_memory("a pre-tokenizer");
    r.prepend = scheme ? strcmp(scheme, "never") != 0 : !old || json_is_true(old);
    r.first_only = scheme && strcmp(scheme, "first") == 0;
    r.split = !split || json_is_true(split);
    status st = add_rule(s, r);
    if (st != OK)
        free(r.replacement);
    return st;
}

static const struct {
    const char *type;
    status (*read)(splitter *s, const json_t *json, const char *file);
} kinds[] = {
    {"Split", read_split},
    {"ByteLevel", read_byte_level},
    {"Digits", read_digits},
    {"Metaspace", read_metaspace},
};

static status read_rules(splitter *s, const json_t *json, const char *file, int depth)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type && strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(json, "pretokenizers");
        status st =
            depth > 8 ? status_fail(ERR_INPUT, file, "pre_tokenizers are nested too deeply") : OK;
        for (size_t i = 0; i < json_array_size(list) && st == OK; i++)
            st = read_rules(s, json_array_get(list, i), file, depth + 1);
        return st;
    }
    if (s->n > MOST_RULES)
        return status_fail(ERR_INPUT, file, "the pre-tokenizer has more than %d rules", MOST_RULES);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (type && strcmp(kinds[i].type, type) == 0)
            return s->byte_level
                       ? status_fail(ERR_INPUT, file,
                                     "pre_tokenizer %s behind ByteLevel is not supported", type)
                       : kinds[i].read(s, json, file);
    return status_fail(ERR_INPUT, file, "pre_tokenizer %s is not supported",
                       type ? type : "without a type");
}

status splitter_new(const json_t *rules, const char *file, splitter **out)
{
    splitter *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a pre-tokenizer");
    status st = !rules || json_is_null(rules) ? OK : read_rules(s, rules, file, 0);
    if (st != OK) {
        splitter_free(s);
        return st;
    }
    *out = s;
    return OK;
}

status splitter_from_patterns(const char *const *patterns, const char *file, splitter **out)
{
    status st = OK;
    splitter *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a pre-tokenizer");
    s->byte_level = true;
    for (size_t i = 0; patterns[i] && st == OK; i++)
        st = add_pattern(s, patterns[i], strlen(patterns[i]), false, ISOLATED, false, file);
    if (st != OK) {
        splitter_free(s);
        return st;
    }
    *out = s;
    return OK;
}

void splitter_free(splitter *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++) {
        pattern_free(s->rules[i].pattern);
        free(s->rules[i].replacement);
    }
    free(s->rules);
    free(s);
}

bool splitter_is_byte_level(const splitter *s)
{
    return s->byte_level;
}

status splitter_workspace_new(const splitter *s, splitter_workspace **out)
{
    splitter_workspace *w = checked_calloc(1, sizeof *w);
    if (!w)
        return status_no_memory("a pre-tokenizer");
    w->s = s;
    w->levels = checked_calloc(s->n, sizeof *w->levels);
    if (!w->levels || pattern_matcher_new(&w->matcher) != OK) {
        splitter_workspace_free(w);
        return status_no_memory("a pre-tokenizer");
    }
    *out = w;
    return OK;
}

void splitter_workspace_free(splitter_workspace *w)
{
    if (!w)
        return;
    for (size_t i = 0; w->levels && i < w->s->n; i++) {
        free(w->levels[i].pieces);
        text_free(&w->levels[i].rewritten);
    }
    free(w->levels);
    pattern_matcher_free(w->matcher);
    free(w);
}

static status add_piece(level *l, size_t begin, size_t end)
{
    if (begin == end)
        return OK;
    if (!checked_grow(&l->pieces, &l->capacity, l->n + 1, sizeof *l->pieces))
        return status_no_memory("a text's words");
    l->pieces[l->n++] = (piece){begin, end};
    return OK;
}

// Adds a part (a match or a gap) as the behaviour says. `last` is whether the part before it was a
// match.
static status add_part(level *l, const split_rule *r, size_t begin, size_t end, bool match,
                       bool *last)
{
    bool previous = *last, joined = false;
    if (begin == end)
        return OK;
    *last = match;
    if (l->n > 0 && l->pieces[l->n - 1].end == begin)
        joined = (r->behaviour == MERGED_WITH_PREVIOUS && match && !previous) ||
                 (r->behaviour == MERGED_WITH_NEXT && previous && !match) ||
                 (r->behaviour == CONTIGUOUS && match == previous);
    if (joined) {
        l->pieces[l->n - 1].end = end;
        return OK;
    }
    return r->behaviour == REMOVED && match ? OK : add_piece(l, begin, end);
}

static status cut_by_pattern(splitter_workspace *w, size_t rule_index, const char *bytes, size_t n)
{
    const split_rule *r = &w->s->rules[rule_index];
    level *l = &w->levels[rule_index];
    status st = OK;
    size_t at = 0, from = 0, begin, end;
    bool last = false, found = true;
    while (at < n && st == OK) {
        TRY(pattern_next(r->pattern, w->matcher, bytes, n, at, &found, &begin, &end));
        if (!found)
            break;
        if (begin == end) { // an empty match cuts nothing
            size_t length = 0;
            if (end == at)
                utf8_decode(bytes + at, &length);
            at = end + length;
            continue;
        }
        st = add_part(l, r, from, begin, r->invert, &last);
        if (st == OK)
            st = add_part(l, r, begin, end, !r->invert, &last);
        at = from = end;
    }
    if (st == OK)
        st = add_part(l, r, from, n, r->invert, &last);
done:
    return st;
}

static status cut_digits(level *l, const split_rule *r, const char *bytes, size_t n)
{
    status st = OK;
    size_t from = 0;
    bool digits = false;
    for (size_t at = 0, length; at < n && st == OK; at += length) {
        bool digit = utf8_is_number(utf8_decode(bytes + at, &length));
        if (at > from && (digit != digits || (digit && r->single))) {
            st = add_piece(l, from, at);
            from = at;
        }
        digits = digit;
    }
    return st == OK ? add_piece(l, from, n) : st;
}

// Rewrites spaces to the mark, prepends one where asked, and cuts before each mark.
static status cut_metaspace(level *l, const split_rule *r, const char *bytes, size_t n, bool first)
{
    size_t mark = strlen(r->replacement), from = 0;
    status st = OK;
    text *t = &l->rewritten;
    t->length = 0;
    bool marked =
        (n >= mark && memcmp(bytes, r->replacement, mark) == 0) || (n > 0 && bytes[0] == ' ');
    if (n > 0 && r->prepend && !marked && (!r->first_only || first))
        text_add(t, r->replacement);
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == ' ')
            text_add(t, r->replacement);
        else
            text_add_bytes(t, bytes + i, 1);
    if (t->failed)
        return status_no_memory("a text's words");
    for (size_t at = 1; r->split && at + mark <= t->length && st == OK; at++)
        if (memcmp(t->at + at, r->replacement, mark) == 0 && at > from) {
            st = add_piece(l, from, at);
            from = at;
        }
    return st == OK ? add_piece(l, from, t->length) : st;
}

// Runs rules from `index` on over one piece; behind the last, it is a word.
static status run_rules(splitter_workspace *w, size_t index, const char *bytes, size_t n,
                        bool first, const word_sink *sink)
{
    status st = OK;
    if (index == w->s->n)
        return n ? sink->word(sink->context, bytes, n) : OK;
    const split_rule *r = &w->s->rules[index];
    level *l = &w->levels[index];
    l->n = 0;
    const char *source = bytes;
    if (r->kind == PATTERN) {
        TRY(cut_by_pattern(w, index, bytes, n));
    } else if (r->kind == DIGITS) {
        TRY(cut_digits(l, r, bytes, n));
    } else if (r->kind == METASPACE) {
        TRY(cut_metaspace(l, r, bytes, n, first));
        source = text_get(&l->rewritten);
    } else {
        l->rewritten.length = 0;
        if (n > 0 && bytes[0] != ' ')
            text_add(&l->rewritten, " ");
        text_add_bytes(&l->rewritten, bytes, n);
        source = text_get(&l->rewritten);
        TRY(l->rewritten.failed ? status_no_memory("a text's words")
                                : add_piece(l, 0, l->rewritten.length));
    }
    for (size_t i = 0; i < l->n; i++)
        TRY(run_rules(w, index + 1, source + l->pieces[i].begin,
                      l->pieces[i].end - l->pieces[i].begin, first && i == 0, sink));
done:
    return st;
}

status splitter_cut(splitter_workspace *w, const char *bytes, size_t n, bool first,
                    status (*word)(void *context, const char *bytes, size_t n), void *context)
{
    word_sink sink = {word, context};
    pattern_matcher_begin(w->matcher, n);
    return run_rules(w, 0, bytes, n, first, &sink);
}
