// SPDX-License-Identifier: Apache-2.0
// The artefact of `prune` is read by the names of docs/artefacts.md, as any other program would.
#include "stages/export/cut_list.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/activation_means.h"

static const char *const mask_name[SITES] = {
    [SITE_MLP] = "mlp_mask", [SITE_ATTN] = "attn_mask", [SITE_EXPERT] = "expert_mask"};
static const char *const score_name[SITES] = {
    [SITE_MLP] = "mlp_score", [SITE_ATTN] = "attn_score", [SITE_EXPERT] = "expert_score"};

void cut_list_close(cut_list *l)
{
    for (int s = 0; s < SITES; s++) {
        free(l->mask[s]);
        free(l->score[s]);
        free(l->mean[s]);
    }
    free(l->subset);
    *l = (cut_list){0};
}

// The place of a name; -1: it is not there.
static int64_t find_text(char *const *texts, int64_t n, const char *name)
{
    for (int64_t i = 0; i < n; i++)
        if (strcmp(texts[i], name) == 0)
            return i;
    return -1;
}

static status find_forget(const export_input *in, cut_list *l)
{
    char **texts = NULL;
    int64_t n = 0;
    status st = artefact_read_texts(in->pruned, "forget", &n, &texts);
    if (st != OK)
        return st;
    l->forget = in->forget;
    l->at = find_text(texts, n, in->forget);
    if (l->at < 0) {
        const char *nearest = text_nearest(in->forget, (const char *const *)texts, (size_t)n);
        st = status_fail(ERR_USAGE, artefact_path(in->pruned),
                         "no neurons were pruned for %s; %s%s%s", in->forget,
                         nearest ? "did you mean " : "`sulcus table` lists the subsets",
                         nearest ? nearest : "", nearest ? "?" : "");
    }
    free(texts);
    return st;
}

// What pruned neurons were set to is a field of the key where the stage could do anything else.
static status find_value(const export_input *in, cut_list *l)
{
    status st = OK;
    char *value = artefact_get_field(in->pruned, "value");
    snprintf(l->value, sizeof l->value, "%s", value ? value : "");
    const bool retained = strcmp(l->value, "retain_mean") == 0;
    l->means = retained || strcmp(l->value, "mean") == 0;
    l->without = retained ? in->forget : NULL;
    if (value && !l->means && strcmp(l->value, "zero") != 0)
        st = status_fail(ERR_INPUT, artefact_path(in->pruned),
                         "neurons were set to %s, which no weights alone can say; prune with "
                         "`value: zero` to export",
                         l->value);
    else if (l->means && !in->means)
        st = status_fail(ERR_INPUT, artefact_path(in->pruned),
                         "the activations whose means its neurons became are no longer there; run "
                         "their step again");
    free(value);
    return st;
}

static status read_mask(const export_input *in, int s, cut_list *l)
{
    variable_type type;
    int dims;
    int64_t n[VARIABLE_MAX_DIMS];
    status st = artefact_shape(in->pruned, mask_name[s], &type, &dims, n);
    if (st != OK)
        return st;
    if (type != VARIABLE_I8 || dims != 3)
        return status_fail(ERR_INPUT, artefact_path(in->pruned), "%s is no mask", mask_name[s]);
    l->cut.layers = (int)n[1];
    l->cut.width[s] = (int)n[2];
    if (!(l->mask[s] = checked_calloc((size_t)n[1] * (size_t)n[2], 1)))
        return status_no_memory("a mask");
    l->cut.mask[s] = l->mask[s];
    return artefact_read_rows(in->pruned, mask_name[s], VARIABLE_I8, l->at * n[1], n[1],
                              l->mask[s]);
}

static status read_means(const export_input *in, int s, cut_list *l)
{
    status st;
    activation_means m = {0};
    TRY(activation_means_read(in->means, (site)s, l->cut.layers, l->cut.width[s],
                              activation_means_experts(in->means), &m));
    if (!(l->mean[s] = checked_calloc((size_t)m.neurons, sizeof(float))))
        TRY(status_no_memory("means of activations"));
    activation_means_pool(&m, l->without, l->mean[s]);
    l->cut.mean[s] = l->mean[s];
done:
    activation_means_free(&m);
    return st;
}

// Those of the masks' shape; of another model's there are none.
static status read_scores(const export_input *in, int s, cut_list *l)
{
    variable_type type;
    int dims;
    int64_t n[VARIABLE_MAX_DIMS];
    if (!in->scores || !l->cut.mask[s] || !artefact_has(in->scores, score_name[s]))
        return OK;
    status st = artefact_shape(in->scores, score_name[s], &type, &dims, n);
    if (st != OK || dims != 3 || n[0] != l->subsets || n[1] != l->cut.layers ||
        n[2] != l->cut.width[s])
        return st;
    if (!(l->score[s] = checked_calloc((size_t)(n[0] * n[1] * n[2]), sizeof(double))))
        return status_no_memory("scores");
    return artefact_read(in->scores, score_name[s], VARIABLE_F64, l->score[s]);
}

status cut_list_open(const export_input *in, cut_list *l)
{
    status st;
    *l = (cut_list){.scored = -1};
    TRY(find_forget(in, l));
    TRY(find_value(in, l));
    if (in->scores) {
        TRY(artefact_read_texts(in->scores, "subset", &l->subsets, &l->subset));
        l->scored = find_text(l->subset, l->subsets, in->forget);
    }
    for (int s = 0; s < SITES; s++) {
        if (artefact_has(in->pruned, mask_name[s]))
            TRY(read_mask(in, s, l));
        if (l->mask[s] && l->means)
            TRY(read_means(in, s, l));
        TRY(read_scores(in, s, l));
    }
    if (!l->mask[SITE_MLP] && !l->mask[SITE_ATTN] && !l->mask[SITE_EXPERT])
        st = status_fail(ERR_INPUT, artefact_path(in->pruned),
                         "holds no mask; name an artefact of the stage prune");
done:
    return st;
}

static void add_neurons(const cut_list *l, int s, json_t *list)
{
    const size_t width = (size_t)l->cut.width[s], n = (size_t)l->cut.layers * width;
    for (size_t i = 0; l->mask[s] && i < n; i++) {
        if (!l->mask[s][i])
            continue;
        json_t *neuron = json_pack("{s:s, s:I, s:I}", "site", site_names[s], "layer",
                                   (json_int_t)(i / width), "unit", (json_int_t)(i % width));
        const double score =
            l->score[s] && l->scored >= 0 ? l->score[s][(size_t)l->scored * n + i] : NAN;
        if (isfinite(score))
            json_object_set_new(neuron, "score", json_real(score));
        json_array_append_new(list, neuron);
    }
}

void cut_list_json(const cut_list *l, const artefact *pruned, text *out)
{
    char *task = artefact_get_attribute(pruned, "task"),
         *key = artefact_get_attribute(pruned, "task_key");
    json_t *list = json_array();
    for (int s = 0; s < SITES; s++)
        add_neurons(l, s, list);
    json_t *root = json_pack("{s:s, s:s, s:s, s:o}", "task", task ? task : "", "key",
                             key ? key : "", "forget", l->forget, "cut", list);
    char *dumped = root ? json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    text_add(out, dumped ? dumped : "");
    text_add(out, "\n");
    out->failed |= !dumped;
    json_decref(root);
    free(dumped);
    free(task);
    free(key);
}

static void add_counts(const cut_list *l, text *out)
{
    for (int s = 0; s < SITES; s++) {
        const size_t n = (size_t)l->cut.layers * (size_t)l->cut.width[s];
        size_t cut = 0;
        for (size_t i = 0; l->mask[s] && i < n; i++)
            cut += l->mask[s][i] != 0;
        if (l->mask[s])
            text_addf(out, "- site `%s`: %zu of %zu neurons, %.3g%%\n", site_names[s], cut, n,
                      100 * (double)cut / (double)n);
    }
}

static status add_accuracies(const cut_list *l, const export_input *in, text *out)
{
    status st;
    char **subset = NULL;
    double *base = NULL, *after = NULL;
    int64_t n = 0;
    TRY(artefact_read_texts(in->pruned, "subset", &n, &subset));
    base = checked_calloc((size_t)n, sizeof *base);
    after = checked_calloc((size_t)n, sizeof *after);
    if (!base || !after) {
        st = status_no_memory("accuracies");
        goto done;
    }
    TRY(artefact_read(in->pruned, "accuracy_base", VARIABLE_F64, base));
    TRY(artefact_read_rows(in->pruned, "accuracy", VARIABLE_F64, l->at, 1, after));
    text_add(out, "\n| subset | accuracy before | after |\n|---|---|---|\n");
    for (int64_t i = 0; i < n; i++)
        text_addf(out, "| %s | %.4f | %.4f |\n", subset[i], base[i], after[i]);
done:
    free(subset);
    free(base);
    free(after);
    return st;
}

// A line about a global attribute, where the artefact has it.
static void add_attribute(const artefact *a, const char *name, const char *format, text *out)
{
    char *value = artefact_get_attribute(a, name);
    text_addf(out, "- %s: `%s`\n", format, value ? value : "unknown");
    free(value);
}

status cut_list_readme(const cut_list *l, const export_input *in, const file_list *left_out,
                       text *out)
{
    status st = OK;
    const char *slash = strrchr(in->model, '/');
    text_addf(
        out,
        "# %s without its neurons of %s\n\nWritten by sulcus %s. The weights are the source's "
        "but for the cut neurons: where the output\nprojections read them there are zeros%s, so "
        "that every program that loads the folder runs the pruned model.\n\n",
        slash && slash[1] ? slash + 1 : in->model, l->forget, SULCUS_VERSION,
        l->means ? ", and the projections' biases have what the neurons' means give" : "");
    add_counts(l, out);
    add_attribute(in->pruned, "pipeline", "pipeline", out);
    add_attribute(in->pruned, "task", "task", out);
    add_attribute(in->pruned, "task_key", "key", out);
    add_attribute(in->pruned, "date_created", "pruned", out);
    text_addf(out, "- source: `%s`\n", in->model);
    TRY(add_accuracies(l, in, out));
    text_add(out, "\n`sulcus/` holds the mask and the scores as safetensors, a tensor [layers, "
                  "neurons] a subset, as the stage `import`\ntakes them, and `cut.json`: site, "
                  "layer, unit and score of every cut neuron.\n");
    for (size_t i = 0; i < left_out->n; i++)
        text_addf(out, "%s`%s`", i ? ", " : "\nNot copied, since they hold the uncut weights: ",
                  left_out->path[i]);
    if (left_out->n > 0)
        text_add(out, ".\n");
done:
    return st;
}
