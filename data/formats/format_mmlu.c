// SPDX-License-Identifier: Apache-2.0
// MMLU's own archive (Hendrycks et al., 2021): a folder with test/SUBJECT_test.csv,
// dev/SUBJECT_dev.csv and val/SUBJECT_val.csv; a question, four choices and the answer's letter a
// row. Copies with a header, or with answers 0 to 3, are told by their first rows. A path is that
// folder, or one such file (then `shots` looks for dev/ beside the file's folder). Subsets are
// subjects, by sorted name. How a question is asked is said in data/dataset/samples.h.
#include "data/formats/format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/bytes/csv.h"
#include "data/bytes/file_tree.h"
#include "data/formats/question.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

enum { QUESTION, CHOICE, ANSWER = 5, FIELDS };

// A subject's files, and what is in them.
typedef struct subject_files {
    subject subject;
    char *path, *example; // owned: its questions; those to show, NULL without
    csv_table questions, examples;
} subject_files;

struct format_state {
    subject_files *at; // owned
    size_t n, capacity;
    size_t shots;
    const question_template *by;
    bool numbers, zero; // answers are numbers in some file; and 0 among them
};

static bool has_ending(const char *name, const void *context)
{
    const char *const list[] = {context, NULL};
    return !strchr(name, '/') && file_tree_ending(name, list);
}

// Fails where the path of a subject's file does not end in _SPLIT.csv.
static status add_subject(format_state *s, const char *path, const char *split)
{
    const char *name = basename(path);
    char *ending = text_format("_%s.csv", split);
    if (!ending || !checked_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at)) {
        free(ending);
        return status_no_memory("a list of subjects");
    }
    const char *end = strstr(name, ending);
    size_t n = end ? (size_t)(end - name) : strcspn(name, ".");
    free(ending);
    if (n == 0 || !name_list_is_text(name, n))
        return status_fail(ERR_INPUT, path, "names no subject; SUBJECT_%s.csv is expected", split);
    s->at[s->n] = (subject_files){.subject.name = strndup(name, n), .path = strdup(path)};
    subject_files *at = &s->at[s->n++];
    return at->subject.name && at->path ? OK : status_no_memory("a list of subjects");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const subject_files *)a)->subject.name,
                  ((const subject_files *)b)->subject.name);
}

// The file of examples of each subject, where it lies.
static status find_examples(const dataset_options *o, format_state *s)
{
    status st = OK;
    bool folder = file_is_folder(o->path);
    char *beside = folder ? NULL : file_folder(o->path);
    for (size_t i = 0; i < s->n && st == OK; i++) {
        static const char *const packed[] = {"", ".gz", ".zst"};
        for (int k = 0; k < 3 && !s->at[i].example && st == OK; k++) {
            char *path = text_format("%s%s/%s_dev.csv%s", folder ? o->path : beside,
                                     folder ? "/dev" : "/../dev", s->at[i].subject.name, packed[k]);
            if (!path)
                st = status_no_memory("a path");
            else if (file_exists(path))
                s->at[i].example = path;
            else
                free(path);
        }
        if (st == OK && !s->at[i].example)
            st = status_fail(ERR_INPUT, s->at[i].path,
                             "has no dev/%s_dev.csv to take shots from; put it there or set "
                             "shots: 0",
                             s->at[i].subject.name);
    }
    free(beside);
    return st;
}

static status find_subjects(const dataset_options *o, format_state *s)
{
    status st;
    name_list files = {0};
    char *folder = file_join(o->path, o->split), *ending = text_format("_%s.csv", o->split);
    s->shots = (size_t)o->shots;
    s->by = question_template_find(o->template);
    if (!folder || !ending) {
        st = status_no_memory("a path");
        goto done;
    }
    if (!file_is_folder(o->path))
        TRY(name_list_add(&files, o->path, strlen(o->path)));
    else if (file_is_folder(folder))
        TRY(file_tree(folder, has_ending, ending, &files, NULL));
    if (files.n == 0) {
        st = status_fail(ERR_INPUT, o->path, "holds no %s/SUBJECT_%s.csv, as MMLU's archive does",
                         o->split, o->split);
        goto done;
    }
    for (size_t i = 0; i < files.n; i++)
        TRY(add_subject(s, files.at[i], o->split));
    qsort(s->at, s->n, sizeof *s->at, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (strcmp(s->at[i].subject.name, s->at[i - 1].subject.name) == 0) {
            st = status_fail(ERR_INPUT, s->at[i].path, "is the second file of its subject");
            goto done;
        }
    if (s->shots > 0)
        TRY(find_examples(o, s));
done:
    name_list_free(&files);
    free(folder);
    free(ending);
    return st;
}

static question_text field_text(const csv_field *f)
{
    return (question_text){f->bytes, f->n};
}

// How a file spells its answers: as its first one is.
typedef enum spelling { LETTERS = 'A', NUMBERS = '0' } spelling;

// The answer of a field, or -1.
static int read_answer(const csv_field *f, spelling by)
{
    int answer = f->n == 1 ? f->bytes[0] - (int)by : -1;
    return answer < QUESTION_CHOICES ? answer : -1;
}

static spelling find_spelling(const csv_field *answer)
{
    return read_answer(answer, NUMBERS) >= 0 ? NUMBERS : LETTERS;
}

// Whether the first row names the columns.
static bool is_header(const csv_field *row)
{
    static const char *const names[] = {"answer", "target", "label"};
    const csv_field *f = &row[ANSWER];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (f->n == strlen(names[i]) && strncasecmp(f->bytes, names[i], f->n) == 0)
            return true;
    return false;
}

static status fail_answer(const question *q, const csv_field *answer, spelling by)
{
    char *where = text_format("%s:%lld", q->file, (long long)q->line);
    status st =
        where
            ? status_fail(ERR_INPUT, where, "the answer is %.*s; %s is expected in the sixth field",
                          (int)(answer->n < 40 ? answer->n : 40), answer->bytes,
                          by == LETTERS ? "A, B, C or D" : "0, 1, 2 or 3, as in its first row,")
            : status_no_memory("a message");
    free(where);
    return st;
}

static status add_row(const csv_table *t, size_t row, const char *path, spelling by,
                      question_list *to)
{
    const csv_field *f = &t->field[row * FIELDS];
    question q = {.text = field_text(&f[QUESTION]), .file = path, .line = t->line[row]};
    for (int i = 0; i < QUESTION_CHOICES; i++)
        q.choice[i] = field_text(&f[CHOICE + i]);
    q.answer = read_answer(&f[ANSWER], by);
    return q.answer < 0 ? fail_answer(&q, &f[ANSWER], by) : question_list_add(to, &q);
}

static status read_questions(catalogue *c, const char *path, csv_table *t, question_list *to)
{
    status st;
    format_state *s = c->state;
    TRY(csv_read(path, FIELDS, t));
    catalogue_note_padding(c, path, t->padded);
    const size_t first = t->rows > 0 && is_header(t->field);
    if (t->rows == first)
        return status_fail(ERR_INPUT, path, "holds no question");
    const spelling by = find_spelling(&t->field[first * FIELDS + ANSWER]);
    s->numbers |= by == NUMBERS;
    for (size_t i = first; i < t->rows; i++) {
        TRY(add_row(t, i, path, by, to));
        s->zero |= by == NUMBERS && to->at[to->n - 1].answer == 0;
    }
done:
    return st;
}

static status read_subject(catalogue *c, subject_files *at)
{
    const format_state *s = c->state;
    status st;
    TRY(read_questions(c, at->path, &at->questions, &at->subject.questions));
    if (s->shots == 0)
        goto done;
    TRY(read_questions(c, at->example, &at->examples, &at->subject.examples));
    if (at->subject.examples.n < s->shots)
        st = status_fail(ERR_INPUT, at->example, "holds %zu questions; shots: %zu asks for more",
                         at->subject.examples.n, s->shots);
done:
    return st;
}

static status mmlu_open(const dataset_options *o, catalogue *c)
{
    status st;
    format_state *s = c->state = checked_calloc(1, sizeof *c->state);
    if (!s)
        return status_no_memory("a dataset");
    TRY(find_subjects(o, s));
    if (!(c->count = checked_calloc(s->n, sizeof *c->count))) {
        st = status_no_memory("a dataset");
        goto done;
    }
    for (size_t i = 0; i < s->n; i++) {
        TRY(read_subject(c, &s->at[i]));
        const char *name = s->at[i].subject.name;
        TRY(name_list_add(&c->group_names, name, strlen(name)));
        c->count[i] = (int64_t)s->at[i].subject.questions.n;
        c->samples += c->count[i];
    }
    if (s->numbers && !s->zero) // or every answer would be taken for the one behind it
        st = status_fail(
            ERR_INPUT, o->path,
            "has answers 1 to 3 and never 0; number the choices from 0, or write A to D");
done:
    return st;
}

static void mmlu_close(format_state *s)
{
    for (size_t i = 0; i < s->n; i++) {
        subject_free(&s->at[i].subject);
        free(s->at[i].path);
        free(s->at[i].example);
        csv_free(&s->at[i].questions);
        csv_free(&s->at[i].examples);
    }
    free(s->at);
    free(s);
}

static status mmlu_text(const format_state *s, text_maker *m)
{
    status st = OK;
    for (size_t g = 0; g < s->n && st == OK; g++)
        if (text_maker_wants(m, g))
            st = subject_feed(&s->at[g].subject, s->by, g, s->shots, m);
    return st;
}

static status mmlu_prompt(const format_state *s, const char *template, text *out)
{
    return subject_prompt(&s->at[0].subject, question_template_find(template), s->shots, out);
}

static status mmlu_files(const dataset_options *o, name_list *out)
{
    status st;
    format_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    TRY(find_subjects(o, s));
    for (size_t i = 0; i < s->n; i++) {
        TRY(name_list_add(out, s->at[i].path, strlen(s->at[i].path)));
        if (s->at[i].example)
            TRY(name_list_add(out, s->at[i].example, strlen(s->at[i].example)));
    }
done:
    mmlu_close(s);
    return st;
}

static bool mmlu_recognise(const dataset_options *o)
{
    format_state *s = checked_calloc(1, sizeof *s);
    char *ending = text_format("_%s.csv", o->split);
    bool named = s && ending && (file_is_folder(o->path) || strstr(o->path, ending));
    bool found = named && find_subjects(o, s) == OK;
    free(ending);
    if (s)
        mmlu_close(s);
    return found;
}

const format format_mmlu = {
    .name = "mmlu",
    .splits = (const char *const[]){"test", "val", "dev", NULL},
    .default_split = "test",
    .subsets = (const char *const[]){"subject", NULL},
    .questions = true,
    .from_archive = true,
    .raw_samples = "questions",
    .open = mmlu_open,
    .close = mmlu_close,
    .text = mmlu_text,
    .prompt = mmlu_prompt,
    .files = mmlu_files,
    .recognise = mmlu_recognise,
};
