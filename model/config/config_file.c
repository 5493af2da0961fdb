// SPDX-License-Identifier: Apache-2.0
// config.json and GGUF metadata become one JSON object, so that an architecture reads one thing and
// does not know which file it came from; only messages name a field as its file does.
#include "model/config/config_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/config/gguf_config.h"
#include "model/files/weight_source.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/text.h"

#define MAX_CONFIG 16000000 // ImageNet-22k's label names make half a megabyte

struct config_file {
    char *path;
    json_t *root;
    json_t *keys;  // what a GGUF file calls the fields; NULL: as they are
    json_t *asked; // an object: the fields that were looked for
    text *notes;
    bool is_part; // of another file, which owns the notes
};

// Is the folder one of what is taken for a model, and is none?
static status check_folder(const char *folder, const char *config)
{
    static const char *const adapters[] = {"adapter_config.json", "adapter_model.safetensors"};
    status st = OK;
    for (size_t i = 0; st == OK && i < sizeof adapters / sizeof *adapters; i++) {
        char *path = file_join(folder, adapters[i]);
        if (!path)
            st = status_no_memory(folder);
        else if (file_exists(path) && !file_exists(config))
            st = status_fail(ERR_INPUT, path,
                             "is an adapter (PEFT), not a model; merge it into its base model with "
                             "merge_and_unload() and save_pretrained()");
        free(path);
    }
    return st;
}

// Reads the config.json of a folder, or the one beside a file.
static status read_json(config_file *f, const char *model_path)
{
    status st;
    char *folder = file_is_folder(model_path) ? strdup(model_path) : file_folder(model_path);
    char *bytes = NULL;
    size_t size;
    json_error_t error;
    if (!folder || !(f->path = file_join(folder, "config.json"))) {
        st = status_no_memory(model_path);
        goto done;
    }
    TRY(check_folder(folder, f->path));
    TRY(file_read(f->path, MAX_CONFIG, &bytes, &size));
    const char *stands = file_stands_for(bytes, size);
    if (stands) {
        st = status_fail(ERR_INPUT, f->path, "%s", stands);
        goto done;
    }
    f->root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(f->root))
        st = status_fail(ERR_INPUT, f->path, "line %d: %s; write a JSON object",
                         f->root ? 1 : error.line, f->root ? "not an object" : error.text);
done:
    free(folder);
    free(bytes);
    return st;
}

status config_file_open(const char *model_path, bool (*known)(const char *model_type),
                        config_file **out)
{
    status st = OK;
    config_file *f = checked_calloc(1, sizeof *f);
    if (!f)
        return status_no_memory(model_path);
    if (!(f->asked = json_object()) || !(f->notes = checked_calloc(1, sizeof *f->notes)))
        TRY(status_no_memory(model_path));
    if (!weight_source_path_is_gguf(model_path))
        TRY(read_json(f, model_path));
    else if ((f->path = strdup(model_path)))
        TRY(gguf_config_read(model_path, known, &f->root, &f->keys));
    else
        TRY(status_no_memory(model_path));
    *out = f;
    f = NULL;
done:
    config_file_close(f);
    return st;
}

void config_file_close(config_file *f)
{
    if (!f)
        return;
    json_decref(f->root);
    json_decref(f->keys);
    json_decref(f->asked);
    if (f->notes && !f->is_part) {
        text_free(f->notes);
        free(f->notes);
    }
    free(f->path);
    free(f);
}

// A file of its own for an object, which is taken.
static status make_part(const config_file *f, json_t *part, config_file **out)
{
    status st = OK;
    config_file *own = NULL;
    if (!part || !(own = checked_calloc(1, sizeof *own)))
        TRY(status_no_memory(f->path));
    *own = (config_file){.root = json_incref(part), .notes = f->notes, .is_part = true};
    if (!(own->path = strdup(f->path)) || !(own->asked = json_object()))
        TRY(status_no_memory(f->path));
    *out = own;
    own = NULL;
done:
    config_file_close(own);
    json_decref(part);
    return st;
}

status config_file_part(const config_file *f, const char *key, config_file **out)
{
    json_t *part = json_object_get(f->root, key);
    *out = NULL;
    config_file_asked(f, key);
    return json_is_object(part) ? make_part(f, json_incref(part), out) : OK;
}

status config_file_beside(const config_file *f, const char *name, config_file **out)
{
    status st;
    char *folder = file_folder(f->path), *path = folder ? file_join(folder, name) : NULL;
    char *bytes = NULL;
    size_t size;
    *out = NULL;
    if (!path)
        TRY(status_no_memory(name));
    if (!file_exists(path))
        goto done;
    TRY(file_read(path, MAX_CONFIG, &bytes, &size));
    json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root); // whoever needs it says what is wrong
        goto done;
    }
    TRY(make_part(f, root, out));
    free((*out)->path);
    (*out)->path = path;
    path = NULL;
done:
    free(folder);
    free(path);
    free(bytes);
    return st;
}

status config_file_none(const config_file *f, config_file **out)
{
    return make_part(f, json_object(), out);
}

const char *config_file_path(const config_file *f)
{
    return f->path;
}

bool config_file_is_gguf(const config_file *f)
{
    return f->keys;
}

const json_t *config_file_root(const config_file *f)
{
    return f->root;
}

void config_file_asked(const config_file *f, const char *key)
{
    (void)json_object_set_new(f->asked, key, json_true()); // without memory, one note too many
}

const json_t *config_file_get(const config_file *f, const char *key)
{
    config_file_asked(f, key);
    const json_t *value = json_object_get(f->root, key);
    return json_is_null(value) ? NULL : value;
}

const char *config_file_shown(const config_file *f, const char *key)
{
    const char *own = json_string_value(json_object_get(f->keys, key));
    return own ? own : key;
}

void config_file_note(const config_file *f, const char *format, ...)
{
    va_list args;
    char line[512];
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (!strstr(text_get(f->notes), line))
        text_addf(f->notes, "config.json: %s\n", line);
}

const char *config_file_notes(const config_file *f)
{
    return text_get(f->notes);
}

// Fields of all kinds of models that say nothing about what a pass computes: what is trained with,
// how text is generated, heads of other tasks, provenance.
static bool is_harmless(const char *key)
{
    static const char *const known[] = {
#define KEY(name) #name,
#include "model/config/harmless_keys.def"
#undef KEY
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], key) == 0)
            return true;
    return false;
}

// Does the value switch something on?
static bool is_set(const json_t *value)
{
    return !json_is_null(value) && !json_is_false(value) &&
           !(json_is_string(value) && json_string_length(value) == 0) &&
           !(json_is_array(value) && json_array_size(value) == 0) &&
           !(json_is_object(value) && json_object_size(value) == 0);
}

void config_file_note_unread(const config_file *f)
{
    const char *key;
    json_t *value;
    if (config_file_is_gguf(f))
        return; // a GGUF file's are looked at one by one where it is read
    json_object_foreach(f->root, key, value)
    {
        if (key[0] != '_' && is_set(value) && !json_object_get(f->asked, key) && !is_harmless(key))
            config_file_note(f,
                             "\"%.64s\" is read by nobody: if it changes what the model "
                             "computes, results differ from the model's own",
                             key);
    }
}
