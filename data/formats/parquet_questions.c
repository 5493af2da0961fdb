// SPDX-License-Identifier: Apache-2.0
// Questions in Parquet files, as hubs have MMLU: columns question, choices (a list of four), answer
// (0 to 3, or a letter) and subject. Subsets are subjects, by sorted name; `shots` come from the
// files of the split dev. Questions are few, so all are read into memory when the dataset is opened.
#include <stdlib.h>
#include <string.h>

#include "data/formats/parquet_table.h"
#include "data/formats/question.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/names.h"
#include "pipeline/base/stopping.h"
#include "pipeline/base/text.h"

enum { BYTES_MAX = 1 << 28 };

struct format_state {
    name_list files, examples; // examples: of the split dev, where shots are wanted
    subject *at;               // owned
    size_t n, capacity, shots;
    const question_template *by;
    names numbers; // of the subjects' names
    char **block;  // owned, and each: the text of a question
    size_t blocks, block_capacity, bytes;
    bool by_number, zero; // of answers; zero: there are some that are 0
};

// A file's columns, side by side.
typedef struct columns {
    parquet_file *file;
    parquet_reader *question, *choices, *answer, *subject;
} columns;

static void close_columns(columns *c)
{
    parquet_reader_close(c->question);
    parquet_reader_close(c->choices);
    parquet_reader_close(c->answer);
    parquet_reader_close(c->subject);
    parquet_file_close(c->file);
}

static status open_columns(const char *path, const dataset_options *o, columns *c)
{
    status st;
    TRY(parquet_file_open(path, &c->file));
    TRY(parquet_table_read(c->file, "question", false, o->stopping, &c->question));
    TRY(parquet_table_read(c->file, "choices", true, o->stopping, &c->choices));
    TRY(parquet_table_read(c->file, "answer", false, o->stopping, &c->answer));
    TRY(parquet_table_read(c->file, "subject", false, o->stopping, &c->subject));
done:
    return st;
}

// --- Rows

// A row, its text borrowed.
typedef struct row {
    parquet_value question, answer, subject;
    parquet_list choices;
} row;

static status check_row(const columns *c, int64_t i, const row *r, int *answer)
{
    status st;
    TRY(parquet_table_check_text(c->file, i, "question", &r->question));
    TRY(parquet_table_check_text(c->file, i, "subject", &r->subject));
    if (r->subject.n == 0 || !name_list_is_text(r->subject.bytes, r->subject.n))
        return parquet_table_fail(c->file, i, "subject", "is no name of a subset");
    if (r->choices.n != QUESTION_CHOICES)
        return parquet_table_fail(c->file, i, "choices", "has not four choices");
    for (size_t k = 0; k < QUESTION_CHOICES; k++)
        TRY(parquet_table_check_text(c->file, i, "choices", &r->choices.at[k]));
    *answer = -1;
    if (r->answer.kind == PARQUET_INTEGER && r->answer.integer < QUESTION_CHOICES)
        *answer = (int)r->answer.integer;
    else if (r->answer.kind == PARQUET_BYTES && r->answer.n == 1)
        *answer = r->answer.bytes[0] - 'A';
    if (*answer < 0 || *answer >= QUESTION_CHOICES)
        return parquet_table_fail(c->file, i, "answer", "is none of 0 to 3, nor of A to D");
done:
    return st;
}

static question_text copy_text(char **to, const parquet_value *v)
{
    question_text t = {*to, v->n};
    if (v->n > 0)
        memcpy(*to, v->bytes, v->n);
    *to += v->n;
    return t;
}

static status add_question(format_state *s, const char *path, int64_t i, const row *r, int answer,
                           question_list *to)
{
    size_t n = r->question.n;
    for (int k = 0; k < QUESTION_CHOICES; k++)
        n += r->choices.at[k].n;
    s->bytes += n;
    if (s->bytes > BYTES_MAX)
        return status_fail(ERR_INPUT, path, "holds more than %d MiB of questions; name a split",
                           BYTES_MAX >> 20);
    if (!checked_grow(&s->block, &s->block_capacity, s->blocks + 1, sizeof *s->block))
        return status_no_memory("a list of questions");
    char *at = checked_calloc(n, 1);
    if (!at)
        return status_no_memory("a list of questions");
    s->block[s->blocks++] = at;
    question q = {.answer = answer, .file = path, .line = i + 1};
    q.text = copy_text(&at, &r->question);
    for (int k = 0; k < QUESTION_CHOICES; k++)
        q.choice[k] = copy_text(&at, &r->choices.at[k]);
    return question_list_add(to, &q);
}

// The subject of a row; NULL where it is new and `known` are wanted, or when out of memory.
static subject *find_subject(format_state *s, const parquet_value *name, bool known)
{
    size_t number;
    char *word = strndup(name->bytes, name->n);
    if (!word)
        return NULL;
    if (names_get(&s->numbers, word, &number)) {
        free(word);
        return &s->at[number];
    }
    if (known || !checked_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at) ||
        !names_put(&s->numbers, word, s->n)) {
        free(word);
        return NULL;
    }
    s->at[s->n] = (subject){.name = word};
    return &s->at[s->n++];
}

static status read_row(format_state *s, const columns *c, const char *path, int64_t i,
                       bool examples)
{
    status st;
    row r;
    int answer = 0;
    TRY(parquet_reader_next(c->question, &r.question));
    TRY(parquet_reader_next_list(c->choices, &r.choices));
    TRY(parquet_reader_next(c->answer, &r.answer));
    TRY(parquet_reader_next(c->subject, &r.subject));
    TRY(check_row(c, i, &r, &answer));
    s->by_number |= r.answer.kind == PARQUET_INTEGER;
    s->zero |= answer == 0;
    subject *to = find_subject(s, &r.subject, examples);
    if (!to && !examples)
        return status_no_memory("a list of subjects");
    if (to && (!examples || to->examples.n < s->shots))
        TRY(add_question(s, path, i, &r, answer, examples ? &to->examples : &to->questions));
done:
    return st;
}

static status read_files(format_state *s, const dataset_options *o, const name_list *files,
                         bool examples)
{
    status st = OK;
    columns c = {0};
    for (size_t i = 0; i < files->n; i++) {
        TRY(open_columns(files->at[i], o, &c));
        for (int64_t k = 0; k < parquet_file_rows(c.file); k++)
            TRY(read_row(s, &c, files->at[i], k, examples));
        close_columns(&c);
        c = (columns){0};
    }
done:
    close_columns(&c);
    return st;
}

// --- Opening

// MMLU's repository has every question twice: under its subject, and under all/.
static status check_folders(const dataset_options *o, const name_list *files)
{
    size_t in_all = 0;
    for (size_t i = 0; i < files->n && file_is_folder(o->path); i++)
        in_all += strstr(files->at[i] + strlen(o->path) - 1, "/all/") != NULL;
    if (in_all == 0 || in_all == files->n)
        return OK;
    return status_fail(ERR_INPUT, o->path,
                       "holds the questions of all/ once more in other folders; name one of them "
                       "as path");
}

static status find_files(format_state *s, const dataset_options *o)
{
    status st;
    dataset_options beside = *o;
    char *folder = file_is_folder(o->path) ? NULL : file_folder(o->path);
    s->shots = (size_t)o->shots;
    s->by = question_template_find(o->template);
    TRY(parquet_table_files(o, o->split ? o->split : "test", &s->files, NULL));
    TRY(check_folders(o, &s->files));
    if (folder)
        beside.path = folder;
    if (s->shots > 0)
        TRY(parquet_table_files(&beside, "dev", &s->examples, NULL));
done:
    free(folder);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const subject *)a)->name, ((const subject *)b)->name);
}

static status parquet_questions_open(const dataset_options *o, catalogue *c)
{
    status st;
    format_state *s = c->state = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    TRY(find_files(s, o));
    TRY(read_files(s, o, &s->files, false));
    TRY(read_files(s, o, &s->examples, true));
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, by_name);
    if (!(c->count = checked_calloc(s->n, sizeof *c->count)))
        return status_no_memory("a dataset");
    for (size_t i = 0; i < s->n; i++) {
        const subject *at = &s->at[i];
        if (at->examples.n < s->shots)
            return status_fail(ERR_INPUT, s->examples.at[0],
                               "holds %zu questions of %s; shots: %zu asks for more",
                               at->examples.n, at->name, s->shots);
        TRY(name_list_add(&c->group_names, at->name, strlen(at->name)));
        c->count[i] = (int64_t)at->questions.n;
        c->samples += c->count[i];
    }
    if (s->by_number && !s->zero) // or every answer would be taken for the one behind it
        st = status_fail(
            ERR_INPUT, o->path,
            "has answers 1 to 3 and never 0; number the choices from 0, or write A to D");
done:
    return st;
}

static void parquet_questions_close(format_state *s)
{
    for (size_t i = 0; i < s->n; i++)
        subject_free(&s->at[i]);
    for (size_t i = 0; i < s->blocks; i++)
        free(s->block[i]);
    name_list_free(&s->files);
    name_list_free(&s->examples);
    names_free(&s->numbers);
    free(s->at);
    free(s->block);
    free(s);
}

static status parquet_questions_feed(const format_state *s, text_maker *m)
{
    status st = OK;
    for (size_t g = 0; g < s->n && st == OK; g++)
        if (text_maker_wants(m, g))
            st = subject_feed(&s->at[g], s->by, g, s->shots, m);
    return st;
}

static status parquet_questions_prompt(const format_state *s, const char *template, text *out)
{
    return subject_prompt(&s->at[0], question_template_find(template), s->shots, out);
}

static status parquet_questions_files(const dataset_options *o, name_list *out)
{
    status st;
    format_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("a dataset");
    TRY(find_files(s, o));
    for (size_t i = 0; i < s->files.n; i++)
        TRY(name_list_add(out, s->files.at[i], strlen(s->files.at[i])));
    for (size_t i = 0; i < s->examples.n; i++)
        TRY(name_list_add(out, s->examples.at[i], strlen(s->examples.at[i])));
done:
    parquet_questions_close(s);
    return st;
}

const format format_parquet_questions = {
    .name = "parquet",
    .splits = parquet_table_splits,
    .default_split = "test",
    .subsets = (const char *const[]){"subject", NULL},
    .questions = true,
    .raw_samples = "questions",
    .open = parquet_questions_open,
    .close = parquet_questions_close,
    .text = parquet_questions_feed,
    .prompt = parquet_questions_prompt,
    .files = parquet_questions_files,
};
