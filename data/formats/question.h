// SPDX-License-Identifier: Apache-2.0
// Questions with four choices, by subject, and how they are asked: for every format that has some.
// The prompts are said in data/dataset/samples.h.
#ifndef DATA_FORMATS_QUESTION_H
#define DATA_FORMATS_QUESTION_H

#include <stddef.h>
#include <stdint.h>

#include "data/tokens/text_maker.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

enum { QUESTION_CHOICES = 4 };

// Bytes that a format keeps while the questions are used.
typedef struct question_text {
    const char *bytes; // borrowed; not terminated
    size_t n;
} question_text;

typedef struct question {
    question_text text, choice[QUESTION_CHOICES];
    int answer;       // 0 to 3
    const char *file; // borrowed: where it is from,
    int64_t line;     // and on which line
} question;

typedef struct question_list {
    question *at; // owned
    size_t n, capacity;
} question_list;

// A subject: what is asked, and questions to show before.
typedef struct subject {
    char *name; // owned: "high_school_physics"
    question_list questions, examples;
} subject;

// A template: what `template` of a dataset names.
typedef struct question_template question_template;

extern const char *const question_template_names[]; // ended by NULL; the first is the default
// The template of a name (NULL: the default), or NULL.
const question_template *question_template_find(const char *name);

status question_list_add(question_list *l, const question *q);
void subject_free(subject *s); // frees and empties; safe on {0}

// Hands the questions of a subject over as `group`, each behind the first `shots` examples, of which
// there are as many.
status subject_feed(const subject *s, const question_template *by, size_t group, size_t shots,
                    text_maker *m);
// Appends the prompt of its first question, up to "Answer:".
status subject_prompt(const subject *s, const question_template *by, size_t shots, text *out);

#endif
