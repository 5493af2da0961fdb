// SPDX-License-Identifier: Apache-2.0
// BERT and RoBERTa, masked language models: a token is predicted where it is masked, by all tokens
// around it. Norms are behind sums, the embeddings' sum too, and the map to the vocabulary, which is
// the embedding with a bias, reads hidden states that a map of the head has changed. RoBERTa (and
// XLM-R and CamemBERT, which are it) has other names of tensors, positions that begin behind that of
// padding, and one activation of the head for all configurations.
#include <string.h>

#include "model/config/config_text.h"
#include "model/families/prenorm.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

enum {
    EMBEDDING,
    POSITIONS,
    TYPES,
    NORM_WEIGHT, // of the embeddings
    NORM_BIAS,
    EMBEDDINGS,
    DENSE_WEIGHT = EMBEDDINGS, // of the head
    DENSE_BIAS,
    HEAD_NORM_WEIGHT,
    HEAD_NORM_BIAS,
    BIAS, // of the map to the vocabulary
    HEAD, // that map, where it is not the embedding, and then its bias
    HEAD_BIAS,
    GLOBALS
};

enum {
    QUERY_WEIGHT = PRENORM_TENSORS,
    QUERY_BIAS,
    KEY_WEIGHT,
    KEY_BIAS,
    VALUE_WEIGHT,
    VALUE_BIAS,
    PER_LAYER
};

#define MATRIX(name, out, in)                                                                      \
    {                                                                                              \
        name ".weight", {out, in}, .init = INIT_NORMAL                                             \
    }
#define BIAS_OF(name, out)                                                                         \
    {                                                                                              \
        name ".bias", {out}, .init = INIT_ZEROS                                                    \
    }
#define LINEAR(place, name, out, in)                                                               \
    [place] = MATRIX(name, out, in), [(place) + 1] = BIAS_OF(name, out)
#define NORM(place, name)                                                                          \
    [place] = {name ".weight", {DIM_HIDDEN}, .init = INIT_ONES},                                   \
    [(place) + 1] = BIAS_OF(name, DIM_HIDDEN)

#define EMBEDDING_TENSORS(root, position_init)                                                     \
    [EMBEDDING] = {root "embeddings.word_embeddings.weight",                                       \
                   {DIM_OUTPUTS, DIM_HIDDEN},                                                      \
                   .init = INIT_EMBEDDING,                                                         \
                   .rows = true,                                                                   \
                   .tied = true},                                                                  \
    [POSITIONS] = {root "embeddings.position_embeddings.weight",                                   \
                   {DIM_POSITIONS, DIM_HIDDEN},                                                    \
                   .init = (position_init),                                                        \
                   .rows = true},                                                                  \
    [TYPES] = {root "embeddings.token_type_embeddings.weight",                                     \
               {DIM_TOKEN_TYPES, DIM_HIDDEN},                                                      \
               .init = INIT_NORMAL,                                                                \
               .rows = true},                                                                      \
    NORM(NORM_WEIGHT, root "embeddings.LayerNorm")

#define HEAD_TENSORS(dense, norm, map)                                                             \
    [DENSE_WEIGHT] = {dense ".weight",                                                             \
                      {DIM_HIDDEN, DIM_HIDDEN},                                                    \
                      .init = INIT_NORMAL,                                                         \
                      .head = true},                                                               \
    [DENSE_BIAS] = {dense ".bias", {DIM_HIDDEN}, .init = INIT_ZEROS, .head = true},                \
    [HEAD_NORM_WEIGHT] = {norm ".weight", {DIM_HIDDEN}, .init = INIT_ONES, .head = true},          \
    [HEAD_NORM_BIAS] = {norm ".bias", {DIM_HIDDEN}, .init = INIT_ZEROS, .head = true},             \
    [BIAS] = {map ".bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},                       \
    [HEAD] = {map ".decoder.weight",                                                               \
              {DIM_OUTPUTS, DIM_HIDDEN},                                                           \
              .init = INIT_NORMAL,                                                                 \
              .needs = FEATURE_OWN_HEAD,                                                           \
              .head = true},                                                                       \
    [HEAD_BIAS] = {map ".decoder.bias",                                                            \
                   {DIM_OUTPUTS},                                                                  \
                   .init = INIT_ZEROS,                                                             \
                   .needs = FEATURE_OWN_HEAD,                                                      \
                   .head = true}

#define LAYER_TENSORS(layer)                                                                       \
    LINEAR(QUERY_WEIGHT, layer "attention.self.query", DIM_ATTN, DIM_HIDDEN),                      \
        LINEAR(KEY_WEIGHT, layer "attention.self.key", DIM_KV, DIM_HIDDEN),                        \
        LINEAR(VALUE_WEIGHT, layer "attention.self.value", DIM_KV, DIM_HIDDEN),                    \
        LINEAR(OUT_WEIGHT, layer "attention.output.dense", DIM_HIDDEN, DIM_ATTN),                  \
        NORM(BEFORE_WEIGHT, layer "attention.output.LayerNorm"),                                   \
        LINEAR(UP_WEIGHT, layer "intermediate.dense", DIM_MLP, DIM_HIDDEN),                        \
        LINEAR(DOWN_WEIGHT, layer "output.dense", DIM_HIDDEN, DIM_MLP),                            \
        NORM(AFTER_WEIGHT, layer "output.LayerNorm")

static const tensor_def bert_globals[GLOBALS] = {EMBEDDING_TENSORS("bert.", INIT_NORMAL),
                                                 HEAD_TENSORS("cls.predictions.transform.dense",
                                                              "cls.predictions.transform.LayerNorm",
                                                              "cls.predictions")};
static const tensor_def bert_layer[PER_LAYER] = {LAYER_TENSORS("bert.encoder.layer.%d.")};
// Position `padding`, which only padding has, is drawn as zero like its embedding.
static const tensor_def roberta_globals[GLOBALS] = {
    EMBEDDING_TENSORS("roberta.", INIT_EMBEDDING),
    HEAD_TENSORS("lm_head.dense", "lm_head.layer_norm", "lm_head")};
static const tensor_def roberta_layer[PER_LAYER] = {LAYER_TENSORS("roberta.encoder.layer.%d.")};

// The oldest files have TensorFlow's words for norms. Of a tied map, copies may be there or not.
#define OLD_NORMS "LayerNorm.weight", "LayerNorm.gamma", "LayerNorm.bias", "LayerNorm.beta"

static const tensor_table bert_tensors = {
    .globals = bert_globals,
    .layer = bert_layer,
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = EMBEDDINGS,
    .prefix = "bert.",
    .other_names =
        (const char *const[]){OLD_NORMS, "predictions.bias", "predictions.decoder.bias", NULL},
    .beside = (const char *const[]){"cls.predictions.", "cls.seq_relationship.", NULL},
};

static const tensor_table roberta_tensors = {
    .globals = roberta_globals,
    .layer = roberta_layer,
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = EMBEDDINGS,
    .prefix = "roberta.",
    .other_names = (const char *const[]){OLD_NORMS, "lm_head.bias", "lm_head.decoder.bias", NULL},
    .beside = (const char *const[]){"lm_head.", "classifier.", NULL},
};

// What BERT's relatives have and these models do not.
static status refuse_relatives(const config_file *f)
{
    status st;
    static const char *const unsupported[] = {"is_decoder"};
    const char *positions;
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_text(f, "position_embedding_type", "absolute", &positions));
    if (strcmp(positions, "absolute") != 0)
        st =
            status_fail(ERR_INPUT, config_file_path(f),
                        "\"position_embedding_type\": %.64s is not supported, and would change the "
                        "result",
                        positions);
    else if (config_file_is_gguf(f))
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "GGUF files of BERT hold no map to the vocabulary; use the model's "
                         "safetensors");
done:
    return st;
}

// `padding`: the class's own token, where the file does not say.
static status configure(const config_file *f, const char *task, int padding, config *out)
{
    status st;
    const text_class class = {
        .task = task,
        .vocabulary = {NULL, 30522},
        .hidden = {NULL, 768},
        .layers = {NULL, 12},
        .heads = {NULL, 12},
        .mlp = {NULL, 3072},
        .context = {NULL, 512},
        .act = "gelu",
        .eps_key = "layer_norm_eps",
        .eps = 1e-12,
        .tied = true,
    };
    model_info *i = &out->info;
    TRY(refuse_relatives(f));
    TRY(config_text_model(f, &class, out));
    TRY(config_int(f, "type_vocab_size", 1, 1 << 16, 2, &out->token_types));
    if (!config_has(f, "pad_token_id") && padding < i->outputs)
        out->padding = padding;
    if (i->kv_heads != i->heads || i->heads * i->head_dim != i->hidden_size)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"num_key_value_heads\" and \"head_dim\" are no fields of this model");
    i->masked = true;
    out->norm_behind_sum = true;
done:
    return st;
}

static status bert_configure(const config_file *f, config *out)
{
    const char *class = config_class(f);
    // It has the same head, and another one beside it.
    const bool both = class && strcmp(class, "BertForPreTraining") == 0;
    return configure(f, both ? class : "BertForMaskedLM", 0, out);
}

static status roberta_configure(const config_file *f, config *out)
{
    status st;
    static const struct {
        const char *type, *task;
    } classes[] = {{"xlm-roberta", "XLMRobertaForMaskedLM"}, {"camembert", "CamembertForMaskedLM"}};
    const char *type, *task = "RobertaForMaskedLM";
    TRY(config_text(f, "model_type", "", &type));
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(type, classes[i].type) == 0)
            task = classes[i].task;
    TRY(configure(f, task, 1, out));
    out->first_position = out->padding + 1;
    out->info.context -= out->first_position;
    if (out->padding < 0 || out->info.context < 1)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"pad_token_id\" must be a token below \"max_position_embeddings\": "
                         "positions begin behind it");
done:
    return st;
}

static linear masked_output(const model *m)
{
    const bool own = m->config.features & FEATURE_OWN_HEAD;
    return weights_linear(m->weights, -1, own ? HEAD : EMBEDDING, own ? HEAD_BIAS : BIAS);
}

// The sum of a row's embeddings, normalised. All tokens are of the first type.
static status embed_rows(pass *p, const int64_t *position)
{
    status st;
    const weights *w = p->m->weights;
    TRY(block_embed_tokens(p, weights_global(w, EMBEDDING), 0));
    TRY(block_add_positions(p, weights_global(w, TYPES), NULL, 0));
    TRY(block_add_positions(p, weights_global(w, POSITIONS), position, 0));
    TRY(block_layer_norm_sum(p, weights_global(w, NORM_WEIGHT), weights_global(w, NORM_BIAS), -1,
                             SITE_MLP));
done:
    return st;
}

static status bert_embed(pass *p)
{
    return embed_rows(p, p->position);
}

// Tokens of padding, which a text may spell, all have one position and are not counted.
static status roberta_embed(pass *p)
{
    const int padding = p->m->config.padding;
    const tile *t = &p->tile;
    for (int64_t s = 0; s < t->samples; s++) {
        int64_t position = padding;
        for (int64_t r = t->first_row[s]; r < t->first_row[s + 1]; r++)
            p->place[r] = t->ids[r] == padding ? padding : ++position;
    }
    return embed_rows(p, p->place);
}

static status masked_layer(pass *p, int l)
{
    const weights *w = p->m->weights;
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = weights_linear(w, l, QUERY_WEIGHT, QUERY_BIAS),
                             .k = weights_linear(w, l, KEY_WEIGHT, KEY_BIAS),
                             .v = weights_linear(w, l, VALUE_WEIGHT, VALUE_BIAS),
                         });
}

// What the map to the vocabulary reads.
static status transform(pass *p, const activation *act)
{
    status st;
    const weights *w = p->m->weights;
    const int last = p->m->config.info.layers - 1;
    const linear dense = weights_linear(w, -1, DENSE_WEIGHT, DENSE_BIAS);
    TRY(block_pass_on(p, last, SITE_MLP));
    TRY(block_project(p, &dense, act));
    TRY(block_layer_norm(p, weights_global(w, HEAD_NORM_WEIGHT), weights_global(w, HEAD_NORM_BIAS),
                         last, SITE_MLP));
done:
    return st;
}

static status bert_finish(pass *p)
{
    return transform(p, p->m->config.act);
}

static status roberta_finish(pass *p)
{
    return transform(p, activation_find("gelu"));
}

#define MASKED_SLOTS                                                                               \
    .input_files = (const char *const[]){"tokenizer.json", "tokenizer_config.json", NULL},         \
    .mlp = prenorm_mlp, .output = masked_output, .layer = masked_layer

const arch arch_bert = {
    .name = "bert",
    .model_types = (const char *const[]){"bert", NULL},
    .configure = bert_configure,
    .tensors = &bert_tensors,
    .embed = bert_embed,
    .finish = bert_finish,
    MASKED_SLOTS,
};

const arch arch_roberta = {
    .name = "roberta",
    .model_types = (const char *const[]){"roberta", "xlm-roberta", "camembert", NULL},
    .configure = roberta_configure,
    .tensors = &roberta_tensors,
    .embed = roberta_embed,
    .finish = roberta_finish,
    MASKED_SLOTS,
};
