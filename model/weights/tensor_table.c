// SPDX-License-Identifier: Apache-2.0
// The table is data, and these are its readers: what a configuration leaves out of it, which shape
// it makes, what a file calls a tensor. What a file holds beside the table's is refused, unless it
// is known to do no harm: it might change the result.
#include "model/weights/tensor_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config/gguf_config.h"
#include "model/kernels/packing.h"
#include "pipeline/base/checked.h"

// Rows that have positions; where those are resampled, as many as there are to do it from.
static int image_positions(const config *c)
{
    const int rows = c->info.rows_per_image - c->registers;
    return c->grid ? rows - config_patches(c) + c->grid * c->grid : rows;
}

static size_t dim_length(const config *c, dim d)
{
    const model_info *i = &c->info;
    const int length[] = {
        [DIM_END] = 0,
        [DIM_ONE] = 1,
        [DIM_HIDDEN] = i->hidden_size,
        [DIM_EMBEDDING] = c->embedding_width ? c->embedding_width : i->hidden_size,
        [DIM_ATTN] = i->heads * i->head_dim,
        [DIM_HEAD] = i->head_dim,
        [DIM_KV] = i->kv_heads * i->head_dim,
        [DIM_QKV] = (i->heads + 2 * i->kv_heads) * i->head_dim,
        [DIM_MLP] = i->d_mlp,
        [DIM_EXPERTS] = i->experts,
        [DIM_EXPERT] = i->d_expert,
        [DIM_OUTPUTS] = i->outputs,
        [DIM_POSITIONS] =
            i->modality == MODALITY_IMAGE ? image_positions(c) : i->context + c->first_position,
        [DIM_TOKEN_TYPES] = c->token_types,
        [DIM_REGISTERS] = c->registers,
        [DIM_CHANNELS] = i->channels,
        [DIM_PATCH_HEIGHT] = c->patch_height,
        [DIM_PATCH_WIDTH] = c->patch_width,
    };
    return (size_t)length[d];
}

static bool def_exists(const config *c, const tensor_def *def)
{
    return def->name && (c->features & def->needs) == def->needs && !(def->head && c->headless);
}

// The tensor's elements, or false when their number wraps.
static bool def_elements(const config *c, const tensor_def *def, size_t *elements)
{
    *elements = 1;
    for (const dim *d = def->shape; *d != DIM_END; d++)
        if (!checked_mul(*elements, dim_length(c, *d), elements))
            return false;
    return true;
}

// Rows of the parts of a tensor that holds several; 0 parts: it does not.
static int part_rows(const config *c, layout how, size_t rows[3])
{
    const bool qkv = how == LAYOUT_QKV || how == LAYOUT_HEADS;
    const dim inside = how == LAYOUT_EXPERTS_GATE_UP ? DIM_EXPERT : DIM_MLP;
    rows[0] = dim_length(c, qkv ? DIM_ATTN : inside);
    rows[1] = rows[2] = dim_length(c, qkv ? DIM_KV : inside);
    return qkv ? 3 : how == LAYOUT_GATE_UP || how == LAYOUT_EXPERTS_GATE_UP ? 2 : 0;
}

static bool holds_experts(layout how)
{
    return how == LAYOUT_EXPERTS || how == LAYOUT_EXPERTS_GATE_UP;
}

int tensor_table_copies(const config *c, const tensor_table *table, int layer, int entry)
{
    return layer >= 0 && entry >= table->n_layer - table->n_expert ? c->info.experts : 1;
}

// Is a tensor outside the layers wanted here?
static bool global_held(const config *c, const tensor_table *table, int i)
{
    bool tied = c->info.modality == MODALITY_TEXT && !(c->features & FEATURE_OWN_HEAD);
    return i < table->n_embedding ? c->holds_embedding || (tied && c->holds_head) : c->holds_head;
}

size_t tensor_def_outputs(const config *c, const tensor_def *def)
{
    return dim_length(c, def->shape[0]);
}

bool tensor_def_packs(const config *c, const tensor_def *def)
{
    const model_info *i = &c->info;
    bool whole = def->shape[0] != DIM_QKV || (i->heads * i->head_dim % PACK_OUTPUTS == 0 &&
                                              i->kv_heads * i->head_dim % PACK_OUTPUTS == 0);
    bool product = !def->rows || (def->tied && !(c->features & FEATURE_OWN_HEAD));
    return def->shape[1] != DIM_END && whole && product;
}

double tensor_def_deviation(const config *c, const tensor_def *def)
{
    const double range = c->initializer_range, width = c->info.hidden_size;
    const double factor = c->init_factor > 0 ? c->init_factor : 1;
    switch (def->init) {
    case INIT_RESIDUAL:
        return range / sqrt(2.0 * c->info.layers);
    case INIT_WIDTH:
        return factor / sqrt(width);
    case INIT_WIDTH_LAYERS:
        return factor / sqrt(2 * width * c->info.layers);
    case INIT_HALF_WIDTH:
        return factor / sqrt(2 * width);
    case INIT_LECUN: // made wider for a cut at two deviations, which are not what it is cut at
        return 1 / (0.87962566103423978 *
                    sqrt((double)c->info.channels * c->patch_height * c->patch_width));
    case INIT_TINY:
        return 1e-6;
    default:
        return range;
    }
}

void tensor_table_each(const config *c, const tensor_table *table,
                       void (*see)(void *context, const tensor_def *def, size_t elements,
                                   int64_t copies),
                       void *context)
{
    size_t n;
    for (int i = 0; i < table->n_globals; i++)
        if (global_held(c, table, i) && def_exists(c, &table->globals[i]) &&
            def_elements(c, &table->globals[i], &n))
            see(context, &table->globals[i], n, 1);
    for (int i = 0; i < table->n_layer; i++)
        if (def_exists(c, &table->layer[i]) && def_elements(c, &table->layer[i], &n))
            see(context, &table->layer[i], n,
                (int64_t)tensor_table_copies(c, table, 0, i) * (c->held.end - c->held.first));
}

static void add_elements(void *total, const tensor_def *def, size_t elements, int64_t copies)
{
    (void)def;
    *(double *)total += (double)elements * (double)copies;
}

int64_t tensor_table_parameters(const config *c, const tensor_table *table)
{
    double total = 0; // exact up to 2^53 parameters
    tensor_table_each(c, table, add_elements, &total);
    return (int64_t)total;
}

bool tensor_def_products(const tensor_def *def)
{
    return def->shape[1] != DIM_END && (!def->rows || def->tied);
}

bool tensor_def_rows(const tensor_def *def)
{
    return def->shape[1] == DIM_END || def->rows;
}

// "42, 36" of a shape.
static const char *shape_text(const size_t *shape, int dims, char text[128])
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < dims && at < 100; i++)
        at += (size_t)snprintf(text + at, 128 - at, "%s%zu", i ? ", " : "", shape[i]);
    return text;
}

static status check_tensor(const config *c, const tensor_def *def, layout how, const tensor *t)
{
    char want[128], have[128];
    size_t shape[TENSOR_DEF_DIMS + 1];
    const int first = holds_experts(how);
    int dims = first;
    shape[0] = dim_length(c, DIM_EXPERTS);
    for (; def->shape[dims - first] != DIM_END; dims++)
        shape[dims] = dim_length(c, def->shape[dims - first]);
    size_t part[3];
    const int parts = part_rows(c, how, part);
    if (parts > 0)
        shape[first] = part[0] + part[1] + (parts > 2 ? part[2] : 0);
    if (how == LAYOUT_TRANSPOSED && dims == 2) {
        size_t out = shape[0];
        shape[0] = shape[1];
        shape[1] = out;
    }
    if (dims != t->dims || memcmp(shape, t->shape, (size_t)dims * sizeof *shape) != 0)
        return status_fail(ERR_INPUT, t->file,
                           "tensor %s: shape [%s], but the configuration makes it [%s]", t->name,
                           shape_text(t->shape, t->dims, have), shape_text(shape, dims, want));
    if (!t->type->to_float || (how != LAYOUT_PLAIN && dims == 1 && t->type->block > 1))
        return status_fail(ERR_INPUT, t->file,
                           "tensor %s: %s is no type of such weights; save it as F32, F16 or BF16",
                           t->name, t->type->name);
    return OK;
}

static const tensor_def *table_entry(const tensor_table *table, tensor_place at)
{
    return at.layer < 0 ? &table->globals[at.entry] : &table->layer[at.entry];
}

static tensor_form entry_form(const tensor_table *table, tensor_place at)
{
    const tensor_form *forms = at.layer < 0 ? table->global_forms : table->layer_forms;
    return forms ? forms[at.entry] : (tensor_form){.safetensors = LAYOUT_PLAIN};
}

// Finds a name, or the same without the table's prefix.
static const tensor *find_name(const tensor_table *table, const weight_source *source,
                               const char *name)
{
    const size_t prefix = table->prefix ? strlen(table->prefix) : 0;
    const tensor *found = weight_source_find(source, name);
    if (!found && prefix > 0 && strncmp(name, table->prefix, prefix) == 0)
        found = weight_source_find(source, name + prefix);
    return found;
}

// The name with the first part of it that other_names lists replaced, each after the other.
static void rename_tensor(const char *const *parts, const char *name, char out[TENSOR_NAME_BYTES])
{
    char was[TENSOR_NAME_BYTES];
    snprintf(out, TENSOR_NAME_BYTES, "%s", name);
    for (; parts && parts[0]; parts += 2) {
        snprintf(was, sizeof was, "%s", out);
        const char *at = strstr(was, parts[0]);
        if (at)
            snprintf(out, TENSOR_NAME_BYTES, "%.*s%s%s", (int)(at - was), was, parts[1],
                     at + strlen(parts[0]));
    }
}

// The file's tensor for an entry, what the file calls it, and how it lies there; NULL where it has
// none.
static const tensor *find_tensor(const tensor_table *table, const weight_source *source,
                                 tensor_place at, char name[TENSOR_NAME_BYTES], layout *how)
{
    const tensor_form form = entry_form(table, at);
    const char *pattern = table_entry(table, at)->name;
    const bool is_gguf = weight_source_is_gguf(source);
    char other[TENSOR_NAME_BYTES];
    if (is_gguf)
        pattern = form.gguf ? form.gguf : "";
    snprintf(name, TENSOR_NAME_BYTES, pattern, at.layer, at.expert);
    *how = is_gguf ? form.in_gguf : form.safetensors;
    const tensor *found = find_name(table, source, name);
    if (!found && table->other_names) {
        rename_tensor(table->other_names, name, other);
        found = find_name(table, source, other);
    }
    if (!found && form.other && !is_gguf) {
        snprintf(other, sizeof other, form.other, at.layer);
        if ((found = find_name(table, source, other)))
            *how = form.in_other;
    }
    return found;
}

// Narrows a slot to its expert's part of the file's tensor.
static void narrow_to_expert(const config *c, layout how, int part, int expert, tensor_slot *s)
{
    size_t rows[3];
    const int parts = part_rows(c, how, rows);
    const size_t first =
        (size_t)expert * (size_t)(parts > 0 ? parts : 1) + (size_t)(parts > 0 ? part : 0);
    s->view = *s->from;
    s->view.n_bytes = s->elements / s->from->type->block * s->from->type->bytes;
    s->view.bytes += first * s->view.n_bytes;
    s->view.elements = s->elements;
    s->view.dims = 2;
    s->view.shape[0] = tensor_def_outputs(c, s->def);
    s->view.shape[1] = s->elements / s->view.shape[0];
    s->layout = LAYOUT_PLAIN;
    s->from = &s->view;
}

// Narrows a slot to its part of the file's tensor.
static void narrow_slot(const config *c, layout how, int part, int expert, tensor_slot *s)
{
    size_t rows[3], first = 0;
    if (holds_experts(how))
        narrow_to_expert(c, how, part, expert, s);
    if (holds_experts(how) || part_rows(c, how, rows) == 0)
        return;
    for (int i = 0; i < part; i++)
        first += rows[i];
    const size_t length = rows[part] > 0 ? s->elements / rows[part] : 0;
    s->before = first * length;
    if (!s->from)
        return;
    // Of heads, the first one's rows come first.
    const size_t skipped = (how == LAYOUT_HEADS ? (size_t)part * (size_t)c->info.head_dim : first) *
                           length / s->from->type->block * s->from->type->bytes;
    s->view = *s->from;
    s->view.bytes += skipped;
    s->view.n_bytes -= skipped;
    s->view.shape[0] = rows[part];
    s->view.elements = s->elements;
    if (how != LAYOUT_HEADS) {
        s->view.n_bytes = s->elements / s->from->type->block * s->from->type->bytes;
        s->layout = LAYOUT_PLAIN;
    }
    s->from = &s->view;
}

// What is wrong with a layer's tensor is that other layers have another shape of it, as pruning that
// takes neurons out of files leaves them: then that is said. Otherwise `st` stays.
static status explain_widths(const config *c, const tensor_table *table,
                             const weight_source *source, tensor_place at, const tensor *t,
                             status st)
{
    layout how;
    char name[TENSOR_NAME_BYTES], own[128], others[128];
    shape_text(t->shape, t->dims, own);
    for (int l = 0; l < c->info.layers; l++) {
        const tensor_place same = {l, at.entry, at.expert};
        const tensor *other = find_tensor(table, source, same, name, &how);
        if (other && strcmp(own, shape_text(other->shape, other->dims, others)) != 0)
            return status_fail(ERR_INPUT, t->file,
                               "tensor %s: shape [%s], but [%s] in layer %d: layers of different "
                               "width, as structural pruning leaves them, are not supported (save "
                               "the model with zeros in their place)",
                               t->name, own, others, l);
    }
    return st;
}

status tensor_slot_find(const config *c, const tensor_table *table, const weight_source *source,
                        tensor_place at, tensor_slot *out)
{
    status st;
    const tensor_form form = entry_form(table, at);
    char name[TENSOR_NAME_BYTES];
    *out = (tensor_slot){0};
    if (!def_exists(c, table_entry(table, at)) ||
        (at.layer < 0 && !global_held(c, table, at.entry)))
        return OK;
    out->def = table_entry(table, at);
    snprintf(out->name, sizeof out->name, out->def->name, at.layer, at.expert);
    if (!def_elements(c, out->def, &out->elements))
        return status_fail(ERR_INPUT, out->name, "the configuration makes it too large");
    if (!source) {
        narrow_slot(c, form.safetensors, form.part, at.expert, out);
        return OK;
    }
    if (weight_source_is_gguf(source) && !form.gguf)
        return status_fail(ERR_INPUT, weight_source_at(source, 0)->file,
                           "has no place for tensor %s; use safetensors", out->name);
    if (!(out->from = find_tensor(table, source, at, name, &out->layout)))
        return status_fail(
            ERR_INPUT, weight_source_count(source) ? weight_source_at(source, 0)->file : "weights",
            "tensor %s is missing; is this the model that the configuration describes?", name);
    if (!weight_source_agreed(source, out->from))
        return status_fail(ERR_INPUT, out->from->file,
                           "tensor %s: model.safetensors.index.json says that it is elsewhere; "
                           "download the model again",
                           name);
    if (out->layout == LAYOUT_PAIRS && !(c->features & FEATURE_GGUF_PAIRS))
        out->layout = LAYOUT_PLAIN;
    st = check_tensor(c, out->def, out->layout, out->from);
    if (st != OK && at.layer >= 0)
        st = explain_widths(c, table, source, at, out->from, st);
    if (st == OK)
        narrow_slot(c, out->layout, form.part, at.expert, out);
    return st;
}

// Is the name `end`, or does it end with it behind a dot?
static bool ends_with(const char *name, const char *end)
{
    const size_t length = strlen(name), own = strlen(end);
    return length >= own && strcmp(name + length - own, end) == 0 &&
           (length == own || name[length - own - 1] == '.');
}

// What files hold that no result depends on: masks and tables that the program makes itself, heads
// of other tasks, states of training.
static bool is_harmless(const config *c, const tensor *t)
{
    static const char *const masks[] = {"attn.bias", "attn.masked_bias", "attention.bias",
                                        "attention.masked_bias"};
    static const char *const ends[] = {"rotary_emb.inv_freq", "position_ids",
                                       "num_batches_tracked", "pooler.dense.weight",
                                       "pooler.dense.bias",   "embeddings.mask_token",
                                       "score.weight",        "score.bias"};
    static const char *const heads[] = {"classifier.weight",
                                        "classifier.bias",
                                        "lm_head.weight",
                                        "lm_head.bias",
                                        "decoder.0.weight",
                                        "decoder.0.bias",
                                        "cls_classifier.weight",
                                        "cls_classifier.bias",
                                        "distillation_classifier.weight",
                                        "distillation_classifier.bias",
                                        "qa_outputs.weight",
                                        "qa_outputs.bias"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        if (ends_with(t->name, masks[i]) && t->dims != 1) // a bias is a vector
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(t->name, ends[i]))
            return true;
    if (gguf_config_holds(t->name))
        return true;
    // A head beside a model that is read without one, or whose head is its embedding.
    const bool has_own =
        !c->headless && (c->info.modality == MODALITY_IMAGE || (c->features & FEATURE_OWN_HEAD));
    for (size_t i = 0; !has_own && i < sizeof heads / sizeof *heads; i++)
        if (strcmp(t->name, heads[i]) == 0)
            return true;
    return false;
}

bool tensor_table_lacks_head(const config *c, const tensor_table *table,
                             const weight_source *source)
{
    char name[TENSOR_NAME_BYTES];
    layout how;
    bool has = false, lacks = false;
    for (int i = 0; i < table->n_globals; i++)
        if (table->globals[i].head && def_exists(c, &table->globals[i])) {
            const bool there = find_tensor(table, source, (tensor_place){-1, i, 0}, name, &how);
            has = has || there;
            lacks = lacks || !there;
        }
    return lacks && !has;
}

// Is it a part of what the file holds beside this model?
static bool is_beside(const tensor_table *table, const tensor *t)
{
    for (const char *const *begin = table->beside; begin && *begin; begin++)
        if (strncmp(t->name, *begin, strlen(*begin)) == 0)
            return true;
    return false;
}

static int by_address(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return (*x > *y) - (*x < *y);
}

// Fails for a tensor whose name is not among the `n` that are used: the source's own strings.
static status check_unused(const config *c, const tensor_table *table, const weight_source *source,
                           const char **used, size_t n)
{
    qsort(used, n, sizeof *used, by_address);
    for (size_t i = 0; i < weight_source_count(source); i++) {
        const tensor *t = weight_source_at(source, i);
        if (!bsearch(&t->name, used, n, sizeof *used, by_address) && !is_harmless(c, t) &&
            !is_beside(table, t))
            return status_fail(
                ERR_INPUT, t->file,
                "tensor %s is read by nobody, and may change the result: is this the "
                "model that the configuration describes?",
                t->name);
    }
    return OK;
}

status tensor_table_check(const config *c, const tensor_table *table, const weight_source *source)
{
    status st = OK;
    config whole = *c; // of a team's member too
    size_t n = 0;
    const size_t of_experts = (size_t)table->n_expert * (size_t)c->info.experts;
    const size_t entries =
        (size_t)table->n_globals + ((size_t)table->n_layer + of_experts) * (size_t)c->info.layers;
    config_hold(&whole, 0, 1);
    const char **used = checked_calloc(entries, sizeof *used);
    if (!used)
        return status_no_memory("the table of tensors");
    for (int l = -1; l < c->info.layers; l++)
        for (int i = 0; i < (l < 0 ? table->n_globals : table->n_layer); i++)
            for (int e = 0; e < tensor_table_copies(c, table, l, i); e++) {
                tensor_slot slot;
                TRY(tensor_slot_find(&whole, table, source, (tensor_place){l, i, e}, &slot));
                if (slot.from)
                    used[n++] = slot.from->name;
            }
    TRY(check_unused(c, table, source, used, n));
done:
    free(used);
    return st;
}
