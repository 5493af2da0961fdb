// SPDX-License-Identifier: Apache-2.0
// The head and the shots are the same for all questions of a subject: they are put together once,
// and each question is written behind them.
#include "data/formats/question.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

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

static void add_text(text *t, const question_text *from)
{
    text_add_bytes(t, from->bytes, from->n);
}

// Appends a question up to "Answer:".
static void add_question(text *t, const question *q)
{
    text_add(t, "\n\nQuestion: ");
    add_text(t, &q->text);
    for (int i = 0; i < QUESTION_CHOICES; i++) {
        text_addf(t, "\n%c. ", 'A' + i);
        add_text(t, &q->choice[i]);
    }
    text_add(t, "\nAnswer:");
}

// The head and the shots; shot[i] is where each begins, shot[shots] where the question will.
static void add_head(const subject *s, size_t shots, text *t, size_t *shot)
{
    text_add(t, "The following are multiple choice questions (with answers) about ");
    size_t name = t->length;
    text_addf(t, "%s.", s->name);
    for (size_t i = name; i < t->length; i++)
        if (t->at[i] == '_')
            t->at[i] = ' ';
    for (size_t i = 0; i < shots; i++) {
        const question *q = &s->examples.at[i];
        shot[i] = t->length;
        add_question(t, q);
        text_addf(t, " %c", 'A' + q->answer);
    }
    shot[shots] = t->length;
}

status subject_feed(const subject *s, size_t group, size_t shots, text_maker *m)
{
    status st = OK;
    text t = {0};
    int64_t limit = text_maker_limit(m);
    size_t n = limit > 0 && (size_t)limit < s->questions.n ? (size_t)limit : s->questions.n;
    size_t *shot = checked_calloc(shots + 1, sizeof *shot);
    if (!shot)
        return status_no_memory("a question");
    add_head(s, shots, &t, shot);
    for (size_t i = 0; i < n && st == OK; i++) {
        const question *q = &s->questions.at[i];
        t.length = shot[shots];
        add_question(&t, q);
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
