// SPDX-License-Identifier: Apache-2.0
// A model opens in two steps: its configuration, which every command can afford (`light`), then its
// weights, which the ranks of a node read together. What one rank finds wrong alone comes before
// the vote between the two, so that no rank waits for weights that another will never read.
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/arch/archs.h"
#include "model/device/device_batch.h"
#include "model/device/device_blocks.h"
#include "model/device/device_model.h"
#include "model/forward/cpu_blocks.h"
#include "model/forward/state.h"
#include "model/kernels/blas_check.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

// Reads the configuration; everything of an open model but its weights.
static status open_light(const model_options *options, model **out)
{
    status st = OK;
    config_file *f = NULL;
    model *m = checked_calloc(1, sizeof *m);
    if (!m)
        TRY(status_no_memory("a model"));
    pthread_mutex_init(&m->growing, NULL);
    if (!(m->path = strdup(options->path)))
        TRY(status_no_memory("a model"));
    TRY(archs_open(options->path, &f, &m->arch));
    TRY(m->arch->configure(f, &m->config));
    if (m->config.info.modality == MODALITY_TEXT && !m->config.info.masked &&
        !(m->config.features & FEATURE_OWN_HEAD))
        m->config.headless = false; // it is the embedding
    config_file_note_unread(f);
    if (!(m->notes = strdup(config_file_notes(f))))
        TRY(status_no_memory("a model"));
    m->config.info.architecture = m->arch->name;
    config_hold(&m->config, 0, 1);
    m->config.info.parameters = tensor_table_parameters(&m->config, m->arch->tensors);
    if (options->device)
        m->packing = PACKING_NONE;
    else
        m->packing = options->compute == COMPUTE_BF16 ? PACKING_BF16 : products_float32();
    m->engine = options->engine ? options->engine : products_best(m->packing);
    m->blocks = &cpu_blocks;
    m->random = options->random;
    m->seed = options->seed;
    *out = m;
    m = NULL;
done:
    config_file_close(f);
    model_close(m);
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
    config_hold(&m->config, team->rank, team->ranks);
    m->team = team;
    return OK;
}

// Opens the weights' files and looks at their headers; *source is owned by the caller.
static status open_source(model *m, weight_source **source)
{
    status st;
    const tensor_table *table = m->arch->tensors;
    TRY(weight_source_open(m->path, source));
    m->config.headless = m->config.headless || tensor_table_lacks_head(&m->config, table, *source);
    m->config.info.parameters = tensor_table_parameters(&m->config, table);
    TRY(tensor_table_check(&m->config, table, *source));
done:
    return st;
}

// What a rank can find wrong by itself before all read or draw the weights: *source is where they
// come from, owned by the caller; NULL where they are drawn.
static status prepare_weights(model *m, const model_options *options, weight_source **source)
{
    status st;
    TRY(join_team(m, options->team));
    if (options->compute == COMPUTE_TF32 && !options->device)
        TRY(status_fail(ERR_USAGE, m->path, "compute: tf32 needs a device; use f32 or bf16"));
    TRY(products_check(m->packing));
    TRY(products_verify(m->packing));
    TRY(blas_check(options->threads > 0 ? options->threads : 1));
    if (!options->random)
        TRY(open_source(m, source));
done:
    return st;
}

// Each rank for itself, also where several share a device. Takes the source.
static status open_on_device(model *m, const model_options *options, weight_source *source,
                             const share *node)
{
    static const device_compute as[] = {[COMPUTE_F32] = DEVICE_COMPUTE_F32,
                                        [COMPUTE_BF16] = DEVICE_COMPUTE_BF16,
                                        [COMPUTE_TF32] = DEVICE_COMPUTE_TF32};
    status st;
    TRY(weights_open_shown(&m->config, m->arch->tensors, source, m->seed, &m->weights));
    TRY(device_model_open(m, options->device, options->device_index, options->device_sharers,
                          as[options->compute], &m->device));
    TRY(device_model_bring(m->device, m, options->threads > 0 ? options->threads : 1,
                           node ? node->stopping : NULL));
    m->blocks = &device_blocks;
done:
    return st;
}

// Opens the weights, as all ranks of the node do. Takes the source.
static status open_weights(model *m, const model_options *options, weight_source *source,
                           share *node)
{
    if (options->device)
        return share_vote(node, open_on_device(m, options, source, node));
    return weights_open(&m->config, m->arch->tensors, source, m->seed,
                        options->threads > 0 ? options->threads : 1, m->packing, node, &m->weights);
}

status model_open(const model_options *options, share *node, model **out)
{
    status st;
    weight_source *source = NULL;
    model *m = NULL;
    st = open_light(options, &m);
    if (st == OK && !options->light)
        st = prepare_weights(m, options, &source);
    TRY(share_vote(node, st));
    if (!options->light) {
        weight_source *taken = source;
        source = NULL;
        TRY(open_weights(m, options, taken, node));
    }
    *out = m;
    m = NULL;
done:
    weight_source_close(source);
    model_close(m);
    return st;
}

status model_check_files(model *m)
{
    status st = OK;
    weight_source *source = NULL;
    if (!m->random)
        st = open_source(m, &source);
    weight_source_close(source);
    return st;
}

status model_check_compute(const model *m)
{
    return products_check(m->packing);
}

const char *model_notes(const model *m)
{
    return m->notes;
}

bool model_has_head(const model *m)
{
    return !m->config.headless;
}

void model_close(model *m)
{
    if (!m)
        return;
    device_batches_free(m->device);
    device_model_close(m->device);
    weights_close(m->weights);
    for (int t = 0; t < m->threads; t++) {
        products_free(m->scratch[t].products);
        free(m->scratch[t].workspace.at);
    }
    free(m->scratch);
    pthread_mutex_destroy(&m->growing);
    free(m->notes);
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

const char *model_products_name(const model *m, char name[64])
{
    text said = {0};
    if (m->device)
        text_addf(&said, "%s, %s", m->device->info.name, m->device->info.driver);
    else if (m->packing == PACKING_NONE)
        blas_name(&said);
    else
        text_add(&said, products_name(m->packing));
    snprintf(name, 64, "%s", text_get(&said));
    text_free(&said);
    return name;
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
    TRY(archs_open(options->path, &f, &a));
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

// Opens one layer of a model of which another part is held, or what a device holds, without what is
// before and behind it, as float32.
static status open_layer(const model *m, int layer, model *out)
{
    status st = OK;
    weight_source *source = NULL;
    *out = *m;
    out->weights = NULL;
    out->device = NULL;
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
    if (layer < held.first || layer >= held.end || m->packing != PACKING_NONE || m->device) {
        model other;
        status st = open_layer(m, layer, &other);
        if (st == OK)
            st = model_w_in(&other, layer, out);
        weights_close(other.weights);
        return st;
    }
    const int experts = m->config.info.experts;
    for (int e = 0; e == 0 || e < experts; e++) {
        const linear up = m->arch->mlp(m, layer, e).up;
        const size_t width = (size_t)up.in;
        for (int i = 0; i < up.out; i++, out += width)
            memcpy(out, up.w + i * up.stride, width * sizeof *out);
    }
    return OK;
}

layer_range model_layers(const model *m)
{
    return m->config.held;
}
