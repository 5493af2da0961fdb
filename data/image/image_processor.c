// SPDX-License-Identifier: Apache-2.0
// A pixel has 256 values, so rescaling and normalising are a table made once, in NumPy's order of
// operations and its types. A key that is not understood is refused rather than passed over:
// preprocessing that is nearly right gives wrong activations and no error.
#include "data/image/image_processor.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/image/resize.h"
#include "data/image/timm_words.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

#define CONFIG_MAX ((size_t)1 << 20)
#define EDGE_MAX   16384 // of a resized image

struct image_processor {
    const resize_filter *filter; // NULL: no resize
    int height, width;           // of the resized image; width 0: `height` is the shorter edge
    int crop_height, crop_width; // 0: no crop
    bool crop_is_rounded;        // the crop begins at the nearest pixel, not at the one before
    int channels;
    float value[3][256]; // what a pixel of each channel becomes
};

// A class of transformers: the names it has in files, and what it takes for what they leave out.
typedef struct processor_class {
    const char *names[5];
    int edge, resample;
    bool square; // a size that is one number is that of both edges, not of the shorter one
    int crop;    // 0: none
    double mean[3], deviation[3];
} processor_class;

#define NAMES(family)                                                                              \
    {                                                                                              \
        family "ImageProcessor", family "ImageProcessorFast", family "ImageProcessorPil",          \
            family "FeatureExtractor"                                                              \
    }
#define HALVES                                                                                     \
    {0.5, 0.5, 0.5},                                                                               \
    {                                                                                              \
        0.5, 0.5, 0.5                                                                              \
    }
// OpenAI's, of CLIP.
#define OF_CLIP                                                                                    \
    {0.48145466, 0.4578275, 0.40821073},                                                           \
    {                                                                                              \
        0.26862954, 0.26130258, 0.27577711                                                         \
    }

static const processor_class classes[] = {
    {NAMES("ViT"), 224, 2, true, 0, HALVES},     {NAMES("DeiT"), 256, 3, true, 224, HALVES},
    {NAMES("Bit"), 224, 3, false, 224, OF_CLIP}, {NAMES("CLIP"), 224, 3, false, 224, OF_CLIP},
    {NAMES("Siglip"), 224, 3, false, 0, HALVES},
};

// The file being read; its values as they are checked.
typedef struct config {
    const char *path;
    json_t *root; // owned
    const processor_class *class;
} config;

static status fail_key(const config *c, const char *key, const char *what)
{
    return status_fail(ERR_INPUT, c->path, "%s %s", key, what);
}

// A key that is absent or null keeps the default in *out.
static status get_bool(const config *c, const char *key, bool *out)
{
    const json_t *v = json_object_get(c->root, key);
    if (v && !json_is_null(v)) {
        if (!json_is_boolean(v))
            return fail_key(c, key, "must be true or false");
        *out = json_is_true(v);
    }
    return OK;
}

static status get_edge(const config *c, const char *key, const json_t *v, int *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > EDGE_MAX)
        return fail_key(c, key, "must hold whole numbers of pixels from 1 to 16384");
    *out = (int)json_integer_value(v);
    return OK;
}

// A size: a number, {height, width} or {shortest_edge}; *width = 0 for a shorter edge.
static status get_size(const config *c, const char *key, bool square, int *height, int *width)
{
    status st;
    const json_t *v = json_object_get(c->root, key);
    if (!v || json_is_null(v))
        return OK;
    const json_t *h = json_object_get(v, "height"), *w = json_object_get(v, "width");
    const json_t *edge = json_object_get(v, "shortest_edge");
    if (!json_is_object(v)) {
        TRY(get_edge(c, key, v, height));
        *width = square ? *height : 0;
    } else if (h && w && json_object_size(v) == (edge ? 3 : 2)) { // they count before the edge
        TRY(get_edge(c, key, h, height));
        TRY(get_edge(c, key, w, width));
    } else if (edge && json_object_size(v) == 1) {
        TRY(get_edge(c, key, edge, height));
        *width = 0;
    } else {
        return fail_key(c, key, "must be a number, {height, width} or {shortest_edge}");
    }
done:
    return st;
}

// A finite number, or one a channel.
static status get_numbers(const config *c, const char *key, int channels, double *out)
{
    const json_t *v = json_object_get(c->root, key);
    if (!v || json_is_null(v))
        return OK;
    if (json_is_array(v) && json_array_size(v) != (size_t)channels)
        return status_fail(ERR_INPUT, c->path,
                           "%s holds %zu numbers; the model's images have %d "
                           "channels",
                           key, json_array_size(v), channels);
    for (int i = 0; i < channels; i++) {
        const json_t *number = json_is_array(v) ? json_array_get(v, (size_t)i) : v;
        if (!json_is_number(number))
            return fail_key(c, key, "must be a number or one a channel");
        out[i] = json_number_value(number);
    }
    return OK;
}

static bool is_any_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}
#define IS_ANY_OF(WORD, LIST) is_any_of(WORD, LIST, sizeof(LIST) / sizeof *(LIST))

// The class of that name, or NULL.
static const processor_class *find_class(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        for (const char *const *own = classes[i].names; *own; own++)
            if (strcmp(*own, name) == 0)
                return &classes[i];
    return NULL;
}

// Refuses what is not understood: a key that is not read below, a processor of another kind.
static status check_keys(config *c)
{
    const processor_class *named = NULL;
    static const char *const type_keys[] = {"image_processor_type", "feature_extractor_type"};
    static const char *const read[] = {"do_resize",  "size",           "default_to_square",
                                       "resample",   "do_center_crop", "crop_size",
                                       "do_rescale", "rescale_factor", "do_normalize",
                                       "image_mean", "image_std"};
    static const char *const inert[] = {
        // none changes pixels: images are made RGB before
        "processor_class",  "do_convert_rgb",    "return_tensors",
        "data_format",      "input_data_format", "device",
        "disable_grouping", "model_input_names", "_valid_processor_keys"};
    const char *key;
    json_t *v;
    json_object_foreach(c->root, key, v)
    {
        if (IS_ANY_OF(key, type_keys)) {
            const processor_class *own =
                json_is_string(v) ? find_class(json_string_value(v)) : NULL;
            if (!own || (named && named != own))
                return status_fail(ERR_INPUT, c->path, "%s is %s; %s", key,
                                   json_is_string(v) ? json_string_value(v) : "not a name",
                                   own ? "the other type is another class's"
                                       : "ViT's, DeiT's, Bit's, CLIP's and SigLIP's are supported");
            named = own;
        } else if (!IS_ANY_OF(key, read) && !IS_ANY_OF(key, inert) && !json_is_null(v) &&
                   !json_is_false(v)) {
            return fail_key(c, key, "would change the images and is not supported");
        }
    }
    c->class = named ? named : &classes[0];
    return OK;
}

static status read_resize(const config *c, image_processor *p)
{
    status st;
    bool wanted = true, square = c->class->square;
    int number = c->class->resample;
    const json_t *resample = json_object_get(c->root, "resample");
    TRY(get_bool(c, "do_resize", &wanted));
    TRY(get_bool(c, "default_to_square", &square));
    p->height = p->width = c->class->edge;
    if (!square && c->class->crop > 0)
        p->width = 0; // the shorter edge, of which the centre is cut
    TRY(get_size(c, "size", square, &p->height, &p->width));
    if (resample && !json_is_null(resample)) {
        if (!json_is_integer(resample))
            return fail_key(c, "resample", "must be one of Pillow's numbers");
        json_int_t given = json_integer_value(resample);
        number = given < 0 || given > 9 ? 9 : (int)given;
    }
    p->filter = resize_find(number);
    if (wanted && !p->filter) {
        static const char *const known[] = {"nearest", "lanczos", "", "", "box", "hamming"};
        st = status_fail(ERR_INPUT, c->path,
                         "resample %" JSON_INTEGER_FORMAT " (%s) is not supported; bilinear (2) "
                         "and bicubic (3) are",
                         json_integer_value(resample),
                         number < 6 ? known[number] : "unknown to Pillow");
        goto done;
    }
    if (!wanted)
        p->filter = NULL;
done:
    return st;
}

static status read_crop(const config *c, image_processor *p)
{
    status st;
    bool wanted = c->class->crop > 0;
    TRY(get_bool(c, "do_center_crop", &wanted));
    if (!wanted)
        goto done;
    p->crop_height = p->crop_width = c->class->crop;
    TRY(get_size(c, "crop_size", true, &p->crop_height, &p->crop_width));
    if (p->crop_height == 0 || p->crop_width == 0)
        st = fail_key(c, "crop_size",
                      "must be a number or {height, width} where do_center_crop is set");
done:
    return st;
}

// Works out what each of the 256 pixel values becomes, in NumPy's order and types: the product in
// double, rounded to float; the difference and the quotient in float.
static status read_values(const config *c, image_processor *p)
{
    status st;
    bool rescale = true, normalise = true;
    double factor[3] = {1 / 255.0, 1 / 255.0, 1 / 255.0};
    double mean[3], deviation[3];
    memcpy(mean, c->class->mean, sizeof mean);
    memcpy(deviation, c->class->deviation, sizeof deviation);
    const json_t *given = json_object_get(c->root, "rescale_factor");
    TRY(get_bool(c, "do_rescale", &rescale));
    TRY(get_bool(c, "do_normalize", &normalise));
    TRY(json_is_array(given) ? fail_key(c, "rescale_factor", "must be a number") : OK);
    TRY(get_numbers(c, "rescale_factor", p->channels, factor));
    TRY(get_numbers(c, "image_mean", p->channels, mean));
    TRY(get_numbers(c, "image_std", p->channels, deviation));
    for (int ch = 0; ch < p->channels; ch++)
        for (int v = 0; v < 256; v++) {
            float x = rescale ? (float)(v * factor[ch]) : (float)v;
            if (normalise)
                x = (x - (float)mean[ch]) / (float)deviation[ch];
            if (!isfinite(x))
                return fail_key(c, "rescale_factor, image_mean and image_std",
                                "make pixels infinite; a standard deviation must not be 0");
            p->value[ch][v] = x;
        }
done:
    return st;
}

static status load_config(config *c)
{
    char *bytes = NULL;
    size_t size;
    json_error_t error;
    status st = file_read(c->path, CONFIG_MAX, &bytes, &size);
    if (st != OK)
        return st;
    c->root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!c->root)
        st = status_fail(ERR_INPUT, c->path, "line %d, column %d: %s", error.line, error.column,
                         error.text);
    else if (!json_is_object(c->root))
        st = status_fail(ERR_INPUT, c->path, "must hold a JSON object");
    free(bytes);
    return st;
}

// The words of `other`, a config.json, where that is timm's; otherwise the file is missing.
static status load_timm(config *c, const char *other, bool *found)
{
    status st;
    config theirs = {.path = other};
    *found = false;
    if (file_exists(other)) {
        TRY(load_config(&theirs));
        *found = timm_words_are_there(theirs.root);
    }
    if (*found)
        TRY(timm_words_translate(other, theirs.root, &c->root));
    else
        st = status_fail(ERR_INPUT, c->path,
                         "is missing; copy it from where the model came from: "
                         "it says how images are resized and normalised");
    c->path = *found ? other : c->path;
done:
    json_decref(theirs.root);
    return st;
}

status image_processor_open(const char *folder, int channels, image_processor **out)
{
    status st;
    image_processor *p = checked_calloc(1, sizeof *p);
    char *path = file_join(folder, "preprocessor_config.json");
    char *other = file_join(folder, "config.json");
    config c = {.path = path};
    if (!p || !path || !other) {
        st = status_no_memory("preprocessing");
        goto done;
    }
    p->channels = channels;
    if (file_exists(path))
        TRY(load_config(&c));
    else
        TRY(load_timm(&c, other, &p->crop_is_rounded));
    TRY(check_keys(&c));
    TRY(read_resize(&c, p));
    TRY(read_crop(&c, p));
    TRY(read_values(&c, p));
    *out = p;
    p = NULL;
done:
    json_decref(c.root);
    free(path);
    free(other);
    free(p);
    return st;
}

void image_processor_close(image_processor *p)
{
    free(p);
}

// The other edge where the shorter one becomes `edge`; INT_MAX where it is larger.
static int longer_edge(int edge, int longer, int shorter)
{
    const double size = (double)edge * longer / shorter;
    return size < INT_MAX ? (int)size : INT_MAX;
}

// The size after the resize. A shorter edge keeps the aspect: the longer one is cut to whole
// pixels.
static void resized_size(const image_processor *p, int height, int width, int *out_height,
                         int *out_width)
{
    *out_height = height;
    *out_width = width;
    if (!p->filter)
        return;
    *out_height = *out_width = p->height;
    if (p->width > 0)
        *out_width = p->width;
    else if (width <= height)
        *out_height = longer_edge(p->height, height, width);
    else
        *out_width = longer_edge(p->height, width, height);
}

void image_processor_size(const image_processor *p, int height, int width, int *out_height,
                          int *out_width)
{
    resized_size(p, height, width, out_height, out_width);
    if (p->crop_height > 0) {
        *out_height = p->crop_height;
        *out_width = p->crop_width;
    }
}

// How much of what is cut off lies before the crop: half, of which a half pixel is left out, or is
// rounded to even, as torchvision has it.
static int crop_begin(const image_processor *p, int cut)
{
    return p->crop_is_rounded ? (cut + (cut % 4 == 3)) / 2 : cut / 2;
}

status image_processor_run(const image_processor *p, const image *in, const char *where,
                           float *pixels)
{
    status st = OK;
    image resized = {0};
    const image *from = in;
    int height, width, full_height, full_width;
    image_processor_size(p, in->height, in->width, &height, &width);
    resized_size(p, in->height, in->width, &full_height, &full_width);
    if (height > full_height || width > full_width) {
        st = status_fail(ERR_INPUT, where,
                         "is %d×%d after resizing, smaller than crop_size %d×%d in "
                         "the model's preprocessor_config.json",
                         full_width, full_height, width, height);
        goto done;
    }
    if ((size_t)full_height * (size_t)full_width > IMAGE_PIXELS_MAX) {
        st = status_fail(ERR_INPUT, where,
                         "is %d×%d and would be %d×%d after resizing; at most %zu pixels are "
                         "supported",
                         in->width, in->height, full_width, full_height, IMAGE_PIXELS_MAX);
        goto done;
    }
    if (full_height != in->height || full_width != in->width) {
        TRY(resize(in, p->filter, full_height, full_width, &resized));
        from = &resized;
    }
    const int top = crop_begin(p, full_height - height), left = crop_begin(p, full_width - width);
    for (int c = 0; c < p->channels; c++)
        for (int y = 0; y < height; y++) {
            const uint8_t *row =
                from->pixels +
                ((size_t)(top + y) * (size_t)full_width + (size_t)left) * (size_t)p->channels;
            for (int x = 0; x < width; x++)
                *pixels++ = p->value[c][row[x * p->channels + c]];
        }
done:
    image_free(&resized);
    return st;
}
