// SPDX-License-Identifier: Apache-2.0
// The head and the shots are the same for all questions of a subject: they are put together once,
// and each question is written behind them.
#include "data/formats/question.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"

status question_list_add(question_list *l, const question *q)
{
    if (!checked_grow(&l->at, &l->capacity, l->n + 1, sizeof *l->at))
        return status_no_memory("a list of questions");
    l->at[l->n++] = *q;
    return OK;
}

void subject_free(subject *s)
{
    free(s->name);
    free(s->questions.at);
    free(s->examples.at);
    *s = (subject){0};
}

// --- Templates

struct question_template {
    const char *name;
    const char *about; // between "about" and the subject
    const char *lead;  // before a question
    bool strips;       // white space around a question is left out
};

// hendrycks/test puts a space before each word of the subject, the first too. Harness:
// lm-evaluation-harness, its task `mmlu`.
static const question_template templates[] = {
    {"ours", " ", "Question: ", false},
    {"original", "  ", "", false},
    {"harness", " ", "", true},
};

enum { TEMPLATES = sizeof templates / sizeof *templates };

const char *const question_template_names[] = {"ours", "original", "harness", NULL};

const question_template *question_template_find(const char *name)
{
    for (size_t i = 0; name && i < TEMPLATES; i++)
        if (strcmp(templates[i].name, name) == 0)
            return &templates[i];
    return name ? NULL : &templates[0];
}

// What Python's strip() takes away.
static bool is_space(int32_t code)
{
    return (code >= 0x1c && code <= 0x1f) || utf8_is_space(code);
}

static question_text strip(question_text t)
{
    size_t length;
    while (t.n > 0 && is_space(utf8_decode(t.bytes, &length))) {
        t.bytes += length;
        t.n -= length;
    }
    while (t.n > 0) {
        size_t last = t.n - 1;
        while (last > 0 && ((unsigned char)t.bytes[last] & 0xC0) == 0x80)
            last--;
        if (!is_space(utf8_decode(t.bytes + last, &length)))
            break;
        t.n = last;
    }
    return t;
}

// --- Prompts

static void add_text(text *t, question_text from)
{
    text_add_bytes(t, from.bytes, from.n);
}

// Appends a question up to "Answer:".
static void add_question(text *t, const question_template *by, const question *q)
{
    text_addf(t, "\n\n%s", by->lead);
    add_text(t, by->strips ? strip(q->text) : q->text);
    for (int i = 0; i < QUESTION_CHOICES; i++) {
        text_addf(t, "\n%c. ", 'A' + i);
        add_text(t, q->choice[i]);
    }
    text_add(t, "\nAnswer:");
}

// The head and the shots; shot[i] is where each begins, shot[shots] where the question will.
static void add_head(const subject *s, const question_template *by, size_t shots, text *t,
                     size_t *shot)
{
    text_addf(t, "The following are multiple choice questions (with answers) about%s", by->about);
    size_t name = t->length;
    text_addf(t, "%s.", s->name);
    for (size_t i = name; i < t->length; i++)
        if (t->at[i] == '_')
            t->at[i] = ' ';
    for (size_t i = 0; i < shots; i++) {
        const question *q = &s->examples.at[i];
        shot[i] = t->length;
        add_question(t, by, q);
        text_addf(t, " %c", 'A' + q->answer);
    }
    shot[shots] = t->length;
}

status subject_feed(const subject *s, const question_template *by, size_t group, size_t shots,
                    text_maker *m)
{
    status st = OK;
    text t = {0};
    int64_t limit = text_maker_limit(m);
    size_t n = limit > 0 && (size_t)limit < s->questions.n ? (size_t)limit : s->questions.n;
    size_t *shot = checked_calloc(shots + 1, sizeof *shot);
    if (!shot)
        return status_no_memory("a question");
    add_head(s, by, shots, &t, shot);
    for (size_t i = 0; i < n && st == OK; i++) {
        const question *q = &s->questions.at[i];
        t.length = shot[shots];
        add_question(&t, by, q);
        text_document d = {.group = group,
                           .bytes = t.at,
                           .n = t.length,
                           .file = q->file,
                           .line = q->line,
                           .shot = shot,
                           .shots = shots,
                           .answer = q->answer};
        st = t.failed ? status_no_memory("a question") : text_maker_add(m, &d);
    }
    text_free(&t);
    free(shot);
    return st;
}

status subject_prompt(const subject *s, const question_template *by, size_t shots, text *out)
{
    size_t *shot = checked_calloc(shots + 1, sizeof *shot);
    if (!shot)
        return status_no_memory("a question");
    add_head(s, by, shots, out, shot);
    if (s->questions.n > 0)
        add_question(out, by, &s->questions.at[0]);
    free(shot);
    return out->failed ? status_no_memory("a question") : OK;
}
