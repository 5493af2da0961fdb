// SPDX-License-Identifier: Apache-2.0
// An opened config.json, or the metadata of a GGUF file as one (model/config/gguf_config.h), whose
// messages then name the file's own keys.
#ifndef MODEL_CONFIG_CONFIG_FILE_H
#define MODEL_CONFIG_CONFIG_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include "pipeline/base/status.h"

typedef struct config_file config_file;

// Opens the config.json of a model folder, or the one beside a .safetensors file, or a .gguf file's
// metadata. `known`: is a model_type known? Of one that is not, only that is read of a GGUF file.
// Local. ERR_INPUT.
status config_file_open(const char *model_path, bool (*known)(const char *model_type),
                        config_file **out);
void config_file_close(config_file *f);
const char *config_file_path(const config_file *f); // borrowed
bool config_file_is_gguf(const config_file *f);

// *out: an object in it, as a file of its own whose notes go into this one's, owned by the caller,
// which closes it before this one; NULL where there is none.
status config_file_part(const config_file *f, const char *key, config_file **out);

// *out: the same of a file beside this one; NULL where there is none, or it holds no object.
status config_file_beside(const config_file *f, const char *name, config_file **out);
// *out: the same for one without fields.
status config_file_none(const config_file *f, config_file **out);

// The whole object; a field's value, NULL where it is absent or null. Borrowed.
const json_t *config_file_root(const config_file *f);
const json_t *config_file_get(const config_file *f, const char *key);
// Says that a field is read otherwise than by config_file_get.
void config_file_asked(const config_file *f, const char *key);

// Adds a line to what the user should know of the file, and all lines, ended by line feeds. One is
// said once. Borrowed.
void config_file_note(const config_file *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *config_file_notes(const config_file *f);
// Notes the fields of a config.json that nobody has asked for and that are not known to leave
// results alone: once all is read.
void config_file_note_unread(const config_file *f);

// What the file itself calls a field, for messages. Borrowed.
const char *config_file_shown(const config_file *f, const char *key);

#endif
