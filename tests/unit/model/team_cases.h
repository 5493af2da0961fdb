// SPDX-License-Identifier: Apache-2.0
// Models of every architecture, small enough to run on many teams.
#ifndef TESTS_MODEL_TEAM_CASES_H
#define TESTS_MODEL_TEAM_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/model.h"
#include "thread_team.h"

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        if ((call) != OK)                                                                          \
            fail_msg("%s: %s", #call, status_text());                                              \
    } while (0)

#define PLAIN_SHAPE                                                                                \
    "\"hidden_size\": 32, \"num_hidden_layers\": 5, \"num_attention_heads\": 4, "                  \
    "\"intermediate_size\": 80, \"vocab_size\": 300, \"max_position_embeddings\": 64, "

#define TEXT_SHAPE                                                                                 \
    "\"hidden_size\": 32, \"num_hidden_layers\": 5, \"num_attention_heads\": 4, "                  \
    "\"num_key_value_heads\": 2, \"intermediate_size\": 80, \"vocab_size\": 300, "                 \
    "\"max_position_embeddings\": 64, "

static const struct model_case {
    const char *name, *config; // config NULL: `name` is a folder; else written, weights random
} cases[] = {
    {"examples/vit-glyph100", NULL},
    {"examples/mistral-debtext", NULL},
    {"vit", "{\"model_type\": \"vit\", \"hidden_size\": 32, \"num_hidden_layers\": 5, "
            "\"num_attention_heads\": 4, \"intermediate_size\": 80, \"image_size\": 20, "
            "\"patch_size\": 5, \"num_labels\": 10}"},
    {"deit", "{\"model_type\": \"deit\", \"hidden_size\": 32, \"num_hidden_layers\": 5, "
             "\"num_attention_heads\": 4, \"intermediate_size\": 80, \"image_size\": 20, "
             "\"patch_size\": 5, \"num_labels\": 10}"},
    {"llama", "{\"model_type\": \"llama\", " TEXT_SHAPE "\"tie_word_embeddings\": false}"},
    {"llama-tied", "{\"model_type\": \"llama\", " TEXT_SHAPE "\"tie_word_embeddings\": true}"},
    {"gpt2", "{\"model_type\": \"gpt2\", \"n_embd\": 32, \"n_layer\": 5, \"n_head\": 4, "
             "\"n_inner\": 80, \"vocab_size\": 300, \"n_positions\": 64}"},
    {"qwen2", "{\"model_type\": \"qwen2\", " TEXT_SHAPE "\"tie_word_embeddings\": true}"},
    {"olmo3", "{\"model_type\": \"olmo3\", " TEXT_SHAPE
              "\"sliding_window\": 7, \"rope_scaling\": {\"type\": \"longrope\", "
              "\"original_max_position_embeddings\": 16, \"short_factor\": [1, 1.1, 1.2, 1.3], "
              "\"long_factor\": [1, 1.5, 2, 3]}}"},
    {"gemma2",
     "{\"model_type\": \"gemma2\", " TEXT_SHAPE "\"sliding_window\": 9, \"head_dim\": 8}"},
    {"gemma3", "{\"model_type\": \"gemma3_text\", " TEXT_SHAPE "\"sliding_window\": 9, "
               "\"sliding_window_pattern\": 2, \"head_dim\": 8}"},
    {"phi", "{\"model_type\": \"phi\", " TEXT_SHAPE "\"partial_rotary_factor\": 0.5}"},
    {"phi3", "{\"model_type\": \"phi3\", " TEXT_SHAPE "\"sliding_window\": 20}"},
    {"bert", "{\"model_type\": \"bert\", " PLAIN_SHAPE "\"type_vocab_size\": 2}"},
    {"roberta", "{\"model_type\": \"roberta\", " PLAIN_SHAPE
                "\"type_vocab_size\": 1, \"tie_word_embeddings\": false}"},
    {"opt", "{\"model_type\": \"opt\", " PLAIN_SHAPE "\"ffn_dim\": 80}"},
    {"opt-350m", "{\"model_type\": \"opt\", " PLAIN_SHAPE "\"ffn_dim\": 80, "
                 "\"do_layer_norm_before\": false, \"word_embed_proj_dim\": 16}"},
    {"gptneox", "{\"model_type\": \"gpt_neox\", " PLAIN_SHAPE "\"rotary_pct\": 0.5}"},
    {"qwen3", "{\"model_type\": \"qwen3\", " TEXT_SHAPE "\"head_dim\": 8}"},
    {"mixtral", "{\"model_type\": \"mixtral\", " TEXT_SHAPE "\"num_local_experts\": 4}"},
    {"qwen3_moe", "{\"model_type\": \"qwen3_moe\", " TEXT_SHAPE "\"head_dim\": 8, "
                  "\"moe_intermediate_size\": 60, \"num_experts\": 12, \"num_experts_per_tok\": 3, "
                  "\"norm_topk_prob\": true}"},
    {"olmoe",
     "{\"model_type\": \"olmoe\", " TEXT_SHAPE "\"num_experts\": 7, \"num_experts_per_tok\": 2}"},
};
enum { CASES = sizeof cases / sizeof *cases };

// A model of the table, and its options.
typedef struct opened {
    char folder[64], config[80];
    model_options options;
    model *light;
    const model_info *info;
} opened;

static inline void open_case(const struct model_case *c, opened *x)
{
    snprintf(x->folder, sizeof x->folder, "/tmp/test_teams.XXXXXX");
    x->config[0] = 0;
    x->options = (model_options){.path = c->name};
    if (c->config) {
        assert_non_null(mkdtemp(x->folder));
        snprintf(x->config, sizeof x->config, "%s/config.json", x->folder);
        FILE *f = fopen(x->config, "w");
        fputs(c->config, f);
        fclose(f);
        x->options = (model_options){.path = x->folder, .random = true, .seed = 3};
    }
    model_options light = x->options;
    light.light = true;
    assert_ok(model_open(&light, NULL, &x->light));
    x->info = model_get_info(x->light);
}

static inline void close_case(opened *x)
{
    model_close(x->light);
    if (x->config[0]) {
        unlink(x->config);
        rmdir(x->folder);
    }
}

#endif
