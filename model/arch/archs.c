// SPDX-License-Identifier: Apache-2.0
// The only file that knows all architectures. It lies above them, since a descriptor needs blocks
// and configuration, and below model.c; archs.def is included twice, to declare and to list.
#include "model/arch/archs.h"

#include <string.h>
#include <strings.h>

#include "pipeline/base/text.h"

#define ARCH(name) extern const arch arch_##name;
#include "model/arch/archs.def"
#undef ARCH

static const arch *const archs[] = {
#define ARCH(name) &arch_##name,
#include "model/arch/archs.def"
#undef ARCH
};

enum { ARCHS = sizeof archs / sizeof *archs };

// The architecture of a model_type, or NULL.
static const arch *find_arch(const char *model_type)
{
    for (int i = 0; i < ARCHS; i++)
        for (const char *const *type = archs[i]->model_types; *type; type++)
            if (strcmp(*type, model_type) == 0)
                return archs[i];
    return NULL;
}

// Does a GGUF file hold what the architecture needs? Else its fields need not be understood.
static bool is_known(const char *model_type)
{
    const arch *a = find_arch(model_type);
    return a && a->tensors->global_forms;
}

// The model_type of a configuration from before there was one: by its class, or by fields that no
// other has; NULL where they do not tell.
static const char *old_type(const config_file *f)
{
    static const struct {
        const char *class, *keys[3], *type;
    } old[] = {
        {"GPT2LMHeadModel", {"n_embd", "n_head", "n_layer"}, "gpt2"},
        {"GPT2Model", {"n_embd", "n_head", "n_layer"}, "gpt2"},
        {"ViTForImageClassification", {"image_size", "patch_size", "hidden_size"}, "vit"},
        {"LlamaForCausalLM", {"rms_norm_eps", "num_attention_heads", "vocab_size"}, "llama"}};
    const char *class = config_class(f);
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        bool same = class && strcasecmp(class, old[i].class) == 0, has = !class && i != 3;
        for (int k = 0; k < 3; k++)
            has = has && config_has(f, old[i].keys[k]);
        if (same || has)
            return old[i].type;
    }
    return NULL;
}

// What is in the way of relatives that people try; NULL: nothing is known of them.
static const char *missing_part(const char *model_type)
{
    static const char *const shared =
        "experts that every token goes through beside those that are chosen";
    static const struct {
        const char *type, *part;
    } relatives[] = {
        {"gpt_oss", "attention sinks, biases of experts and clamped activations"},
        {"qwen2_moe", shared},
        {"qwen2moe", shared},
        {"deepseek_v2", shared},
        {"deepseek_v3", shared},
        {"deepseek2", shared},
        {"llama4", shared},
        {"glm4_moe", shared},
    };
    for (size_t i = 0; i < sizeof relatives / sizeof *relatives; i++)
        if (strcmp(model_type, relatives[i].type) == 0)
            return relatives[i].part;
    return NULL;
}

// The architecture that the configuration asks for.
static status choose_arch(const config_file *f, const arch **out)
{
    status st;
    const char *type, *part;
    text known = {0};
    TRY(config_text(f, "model_type", "", &type));
    if (!*type && json_is_string(config_file_get(f, "architecture")))
        type = "timm_wrapper"; // timm's own files name no type
    if (!*type) {
        if (!(type = old_type(f))) {
            st = status_fail(ERR_INPUT, config_file_path(f),
                             "\"model_type\" is missing; add it, for example \"model_type\": "
                             "\"llama\"");
            goto done;
        }
        config_file_note(f, "\"model_type\" is missing; by its other fields it is %s", type);
    }
    if ((*out = find_arch(type)))
        goto done;
    if ((part = missing_part(type))) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "model_type %s is not supported: it needs %s, which are not computed",
                         type, part);
        goto done;
    }
    const char *names[64];
    size_t n = 0;
    for (int i = 0; i < ARCHS; i++)
        for (const char *const *t = archs[i]->model_types; *t && n < 64; t++) {
            text_addf(&known, "%s%s", n ? ", " : "", *t);
            names[n++] = *t;
        }
    const char *nearest = text_nearest(type, names, n);
    st = status_fail(ERR_INPUT, config_file_path(f),
                     "model_type %.64s is not supported%s%s%s; known: %s", type,
                     nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
                     text_get(&known));
done:
    text_free(&known);
    return st;
}

status archs_open(const char *model_path, config_file **file, const arch **out)
{
    status st;
    config_file *f = NULL;
    TRY(config_file_open(model_path, is_known, &f));
    TRY(choose_arch(f, out));
    *file = f;
    f = NULL;
done:
    config_file_close(f);
    return st;
}
