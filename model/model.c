// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/forward/pass.h"
#include "model/forward/state.h"
#include "model/kernels/blas_check.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

const char *const site_names[SITES] = {"mlp", "attn"};

// Reads the configuration; everything of an open model but its weights.
static status configure(model *m, const char *path)
{
    status st;
    config_file *f = NULL;
    TRY(config_file_open(path, &f));
    TRY(arch_of(f, &m->arch));
    TRY(m->arch->configure(f, &m->config));
    m->config.info.architecture = m->arch->name;
    parts_hold(&m->config, 0, 1);
    m->config.info.parameters = tensor_table_parameters(&m->config, m->arch->tensors);
done:
    config_file_close(f);
    return st;
}

// Narrows what is held to this member's part.
static status join_team(model *m, relay *team)
{
    const int layers = m->config.info.layers;
    if (!team)
        return OK;
    if (team->ranks > layers)
        return status_fail(ERR_USAGE, m->path,
                           "the model has %d layers, fewer than the %d ranks of `layers_over`; "
                           "lower it",
                           layers, team->ranks);
    parts_hold(&m->config, team->rank, team->ranks);
    m->team = team;
    return OK;
}

status model_open(const model_options *options, share *node, model **out)
{
    status st;
    weight_source *source = NULL;
    model *m = checked_calloc(1, sizeof *m);
    if (m)
        m->path = strdup(options->path);
    st = m && m->path ? configure(m, options->path) : status_no_memory("a model");
    if (st == OK) {
        m->packing = options->compute == COMPUTE_BF16 ? PACKING_BF16 : products_float32();
        m->engine = options->engine;
    }
    if (st == OK && !options->light)
        st = join_team(m, options->team);
    if (st == OK && !options->light)
        st = products_check(m->packing);
    if (st == OK && !options->light)
        st = blas_check();
    if (st == OK && !options->light && !options->random)
        st = weight_source_open(options->path, &source);
    if (st == OK && source)
        st = tensor_table_check_used(&m->config, m->arch->tensors, source);
    TRY(share_vote(node, st));
    m->random = options->random;
    m->seed = options->seed;
    if (!options->light) {
        int threads = options->threads > 0 ? options->threads : 1;
        weight_source *taken = source;
        source = NULL;
        TRY(weights_open(&m->config, m->arch->tensors, taken, options->seed, threads, m->packing,
                         node, &m->weights));
    }
    *out = m;
    m = NULL;
done:
    weight_source_close(source);
    model_close(m);
    return st;
}

void model_close(model *m)
{
    if (!m)
        return;
    weights_close(m->weights);
    for (int i = 0; i < m->n_products; i++)
        products_free(m->products[i]);
    free(m->products);
    for (int i = 0; i < m->n_rooms; i++)
        free(m->rooms[i].at);
    free(m->rooms);
    free(m->path);
    free(m);
}

const model_info *model_get_info(const model *m)
{
    return &m->config.info;
}

packing model_products(const model *m)
{
    return m->packing;
}

const char *model_products_name(const model *m, char room[64])
{
    const bool blas = m->packing == PACKING_NONE;
    snprintf(room, 64, "%s%s", blas ? "OpenBLAS " : "",
             blas ? blas_core() : products_name(m->packing));
    return room;
}

int model_site_width(const model_info *info, site s)
{
    return s == SITE_MLP ? info->d_mlp : info->heads * info->head_dim;
}

// Calls add for folder/name where it exists.
static status add_beside(const char *folder, const char *name,
                         status (*add)(void *context, const char *path), void *context)
{
    char *path = file_join(folder, name);
    status st = path ? OK : status_no_memory(name);
    if (path && file_exists(path))
        st = add(context, path);
    free(path);
    return st;
}

status model_files(const model_options *options, status (*add)(void *context, const char *path),
                   void *context)
{
    status st;
    config_file *f = NULL;
    const arch *a;
    char *folder = NULL;
    TRY(config_file_open(options->path, &f));
    TRY(arch_of(f, &a));
    TRY(add(context, config_file_path(f)));
    if (!(folder = file_folder(config_file_path(f)))) {
        st = status_no_memory(options->path);
        goto done;
    }
    if (weight_source_path_is_gguf(options->path))
        goto done; // it is all in one
    for (const char *const *name = a->input_files; *name; name++)
        TRY(add_beside(folder, *name, add, context));
    if (!options->random)
        TRY(weight_source_files(options->path, add, context));
done:
    free(folder);
    config_file_close(f);
    return st;
}

// Opens one layer of a model of which another part is held, without what is before and behind it,
// as float32.
static status open_layer(const model *m, int layer, model *out)
{
    status st = OK;
    weight_source *source = NULL;
    *out = *m;
    out->weights = NULL;
    out->packing = PACKING_NONE;
    out->config.held = (layer_range){layer, layer + 1};
    out->config.holds_embedding = out->config.holds_head = false;
    if (!m->random)
        TRY(weight_source_open(m->path, &source));
    TRY(weights_open(&out->config, m->arch->tensors, source, m->seed, 1, PACKING_NONE, NULL,
                     &out->weights));
done:
    return st;
}

status model_w_in(const model *m, int layer, float *out)
{
    const layer_range held = m->config.held;
    if (layer < held.first || layer >= held.end || m->packing != PACKING_NONE) {
        model other;
        status st = open_layer(m, layer, &other);
        if (st == OK)
            st = model_w_in(&other, layer, out);
        weights_close(other.weights);
        return st;
    }
    const mlp_weights w = m->arch->mlp(m, layer);
    const size_t width = (size_t)w.up.in;
    for (int i = 0; i < w.up.out; i++)
        memcpy(out + (size_t)i * width, w.up.w + i * w.up.stride, width * sizeof *out);
    return OK;
}

size_t model_unit_bytes(const model *m)
{
    if (!products_own(m->engine, m->packing))
        return 0;
    return m->packing == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float);
}

double model_operations(const model_info *info, int64_t samples, int64_t rows)
{
    const double h = info->hidden_size, attn = (double)info->heads * info->head_dim;
    const double kv = (double)info->kv_heads * info->head_dim, n = (double)rows;
    const double length = samples ? n / (double)samples : 0;
    const double scored = info->modality == MODALITY_IMAGE ? (double)samples : n;
    const double maps = arch_named(info->architecture)->gated ? 3 : 2; // of the MLP
    double layer = 2 * h * (2 * attn + 2 * kv) + 2 * h * info->d_mlp * maps + 4 * attn * length;
    return n * layer * info->layers + 2 * scored * h * info->outputs;
}

int64_t model_tile_rows(const model_info *info)
{
    (void)info;
    return 512;
}

size_t model_scratch_bytes(const model_info *info, int threads, int64_t samples, int64_t rows)
{
    config c = {.info = *info, .patch_width = 1};
    c.rotary.theta = info->modality == MODALITY_TEXT; // perhaps it has a table of them
    if (info->rows_per_image > 1)                     // a patch has at most this many pixels
        c.patch_height = info->image_height * info->image_width / (info->rows_per_image - 1);
    size_t most = 0;
    for (packing form = PACKING_NONE; form <= PACKING_BF16; form++) { // which one is not known here
        model m = {.arch = arch_named(info->architecture), .config = c, .packing = form};
        const size_t bytes = pass_bytes(&m, (pass_limits){samples, rows});
        most = bytes > most ? bytes : most;
    }
    return (size_t)threads * most;
}

size_t model_weight_bytes(const model_info *info, compute c)
{
    return (size_t)info->parameters * (c == COMPUTE_BF16 ? 2 : 4);
}
