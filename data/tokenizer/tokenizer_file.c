// SPDX-License-Identifier: Apache-2.0
// People save many things as tokenizer.json; a message about a missing key would not tell them what
// they have. Keys are few kilobytes of the file but must be found by reading all of it: only a file
// that spells a U+0000 at all is read so.
#include "data/tokenizer/tokenizer_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

enum { FILE_LIMIT = 256 << 20 };

static status refuse(const char *path, const char *what)
{
    return status_fail(ERR_INPUT, path,
                       "is no tokenizer.json of Hugging Face's: it is %s; "
                       "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes one",
                       what);
}

// Lines of base 64 and a number.
static bool is_tiktoken(const char *bytes, size_t n)
{
    size_t at = 0;
    while (at < n && (isalnum((unsigned char)bytes[at]) || strchr("+/=", bytes[at])))
        at++;
    if (at == 0 || at + 1 >= n || bytes[at] != ' ' || !isdigit((unsigned char)bytes[++at]))
        return false;
    while (at < n && isdigit((unsigned char)bytes[at]))
        at++;
    return at == n || bytes[at] == '\n' || bytes[at] == '\r';
}

// What a file is that is no JSON, or NULL.
static const char *name_bytes(const char *bytes, size_t n)
{
    size_t at = 0;
    while (at < n && isspace((unsigned char)bytes[at]))
        at++;
    if (at == n)
        return "empty";
    if (bytes[0] == '\n' && memmem(bytes, n < 4096 ? n : 4096, "<unk>", 5))
        return "a model of SentencePiece's (tokenizer.model)";
    if (n > 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return "packed by gzip";
    return is_tiktoken(bytes, n) ? "a vocabulary of tiktoken's" : NULL;
}

static bool has(const json_t *root, const char *key)
{
    return json_object_get(root, key) != NULL;
}

// What a JSON is that is no tokenizer.json, or NULL.
static const char *name_json(json_t *root)
{
    const char *key;
    json_t *value;
    size_t numbers = 0;
    if (json_is_object(json_object_get(root, "model")))
        return NULL;
    if (json_is_array(root))
        return "a list";
    if (has(json_array_get(json_object_get(root, "vocab"), 0), "token_bytes"))
        return "Mistral's tekken.json";
    if (has(root, "class_name"))
        return "a tokenizer of Keras";
    if (has(root, "tokenizer_class") || has(root, "added_tokens_decoder"))
        return "a tokenizer_config.json";
    if (has(root, "architectures") || has(root, "model_type"))
        return "a model's config.json";
    json_object_foreach(root, key, value) numbers += json_is_integer(value);
    if (numbers > 0 && numbers == json_object_size(root))
        return "a vocabulary alone (vocab.json)";
    return has(root, "bos_token") || has(root, "unk_token") ? "a special_tokens_map.json"
                                                            : "JSON without a \"model\"";
}

// A string's end, from behind its first quote to behind its last; *nul: it spells a U+0000.
static size_t string_end(const char *bytes, size_t n, size_t at, bool *nul)
{
    for (*nul = false; at < n && bytes[at] != '"'; at++)
        if (bytes[at] == '\\') {
            *nul |= n - at > 6 && memcmp(bytes + at, "\\u0000", 6) == 0;
            at++;
        }
    return at < n ? at + 1 : n;
}

// The first of Unicode's characters for private purposes that the file has not, however spelled.
static bool find_stand_in(const char *bytes, size_t n, char stand_in[4], char escape[7])
{
    for (int code = 0xFDD0; code <= 0xFDEF; code++) {
        char other[7];
        snprintf(escape, 7, "\\ufd%02x", code & 255);
        snprintf(other, sizeof other, "\\uFD%02X", code & 255);
        snprintf(stand_in, 4, "\xEF\xB7%c", (char)(0x80 | (code & 0x3F)));
        if (!memmem(bytes, n, stand_in, 3) && !memmem(bytes, n, escape, 6) &&
            !memmem(bytes, n, other, 6))
            return true;
    }
    return false;
}

// Writes the stand-in over each U+0000 of a key; both are spelled in six bytes.
static void hide_nul_keys(char *bytes, size_t n, char stand_in[4])
{
    char escape[7];
    bool nul;
    stand_in[0] = 0;
    if (!memmem(bytes, n, "\\u0000", 6) || !find_stand_in(bytes, n, stand_in, escape))
        return;
    for (size_t at = 0; at < n; at++) {
        if (bytes[at] != '"')
            continue;
        const size_t begin = at + 1, end = string_end(bytes, n, begin, &nul);
        at = end;
        while (at < n && isspace((unsigned char)bytes[at]))
            at++;
        for (size_t i = begin; nul && at < n && bytes[at] == ':' && i + 6 < end; i++) {
            if (memcmp(bytes + i, "\\u0000", 6) == 0)
                memcpy(bytes + i, escape, 6);
            i += bytes[i] == '\\';
        }
        at -= at < n && bytes[at] == '"';
    }
}

status tokenizer_file_read(const char *path, tokenizer_file_json *out)
{
    status st;
    char *bytes = NULL;
    size_t n;
    const char *what;
    json_error_t error;
    *out = (tokenizer_file_json){0};
    TRY(file_read(path, FILE_LIMIT, &bytes, &n));
    if ((what = file_stands_for(bytes, n))) {
        st = status_fail(ERR_INPUT, path, "%s", what);
        goto done;
    }
    if ((what = name_bytes(bytes, n))) {
        st = refuse(path, what);
        goto done;
    }
    hide_nul_keys(bytes, n, out->nul);
    out->root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!out->root)
        st = status_fail(ERR_INPUT, path, "line %d, column %d: %s", error.line, error.column,
                         error.text);
    else if ((what = name_json(out->root)))
        st = refuse(path, what);
done:
    free(bytes);
    if (st != OK)
        tokenizer_file_free(out);
    return st;
}

void tokenizer_file_free(tokenizer_file_json *f)
{
    json_decref(f->root);
    *f = (tokenizer_file_json){0};
}

void tokenizer_file_key(const tokenizer_file_json *f, const char *key, text *out)
{
    out->length = 0;
    for (const char *nul; *f->nul && (nul = strstr(key, f->nul)); key = nul + strlen(f->nul)) {
        text_add_bytes(out, key, (size_t)(nul - key));
        text_add_bytes(out, "", 1);
    }
    text_add(out, key);
}
