// SPDX-License-Identifier: Apache-2.0
// What timm makes of its fields (create_transform, not of training) is what transformers' keys can
// say too: the shorter edge becomes the model's size divided by crop_pct, of which the centre is cut.
// So nothing is done twice, and only where the centre lies is timm's own (torchvision's).
#include "data/image/timm_words.h"

#include <math.h>
#include <string.h>

// Where timm keeps them: older files have no object of their own for it.
static const json_t *find_fields(const json_t *root)
{
    const json_t *own = json_object_get(root, "pretrained_cfg");
    return json_is_object(own) ? own : root;
}

bool timm_words_are_there(const json_t *root)
{
    return json_is_string(json_object_get(root, "architecture")) &&
           json_is_array(json_object_get(find_fields(root), "input_size"));
}

static const json_t *find_field(const json_t *fields, const char *key)
{
    const json_t *value = json_object_get(fields, key);
    return json_is_null(value) ? NULL : value;
}

// Channels, height, width.
static status read_size(const char *path, const json_t *fields, int size[3])
{
    enum { MOST = 1 << 13 };
    const json_t *list = find_field(fields, "input_size");
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(list, i);
        const json_int_t n = json_integer_value(item);
        if (!json_is_integer(item) || n < 1 || n > MOST || json_array_size(list) != 3)
            return status_fail(ERR_INPUT, path,
                               "\"input_size\" must hold channels, height and width");
        size[i] = (int)n;
    }
    return OK;
}

// The text of a field, or what it is where there is none.
static const char *read_text(const json_t *fields, const char *key, const char *missing)
{
    const json_t *value = find_field(fields, key);
    const char *own = json_string_value(value);
    return value ? (own ? own : "(no text)") : missing;
}

// Pillow's number of a filter; what is no filter is refused.
static status read_filter(const char *path, const json_t *fields, int *out)
{
    static const char *const names[] = {"nearest", "lanczos", "bilinear", "bicubic"};
    const char *own = read_text(fields, "interpolation", "bicubic");
    for (int i = 2; i < 4; i++)
        if (strcmp(own, names[i]) == 0) {
            *out = i;
            return OK;
        }
    return status_fail(ERR_INPUT, path,
                       "\"interpolation\": %.40s is not supported; bilinear and bicubic are", own);
}

// How large images become before the centre is cut out of them: height and width, or the shorter
// edge and 0.
static status read_scaled(const char *path, const json_t *fields, const int size[3], int scaled[2])
{
    const json_t *value = find_field(fields, "crop_pct");
    double share = json_number_value(value);
    if (value && (!json_is_number(value) || share < 0 || share > 4 || (share > 0 && share < 1e-2)))
        return status_fail(ERR_INPUT, path, "\"crop_pct\" must be a number from 0.01 to 4");
    share = share > 0 ? share : 0.875; // timm's own
    const char *mode = read_text(fields, "crop_mode", "center");
    const bool squashed = strcmp(mode, "squash") == 0;
    if (!squashed && strcmp(mode, "center") != 0)
        return status_fail(ERR_INPUT, path,
                           "\"crop_mode\": %.40s is not supported; center and squash are", mode);
    scaled[0] = (int)floor(size[1] / share);
    scaled[1] = squashed ? (int)floor(size[2] / share) : 0;
    if (!squashed && size[1] != size[2])
        return status_fail(ERR_INPUT, path,
                           "\"input_size\" of %d×%d is supported with \"crop_mode\": \"squash\" "
                           "only",
                           size[1], size[2]);
    return OK;
}

// One number a channel; where there are none, ImageNet's.
static status read_numbers(const char *path, const json_t *fields, const char *key, int channels,
                           const double missing[3], json_t **out)
{
    status st = OK;
    const json_t *list = find_field(fields, key);
    json_t *own = json_array();
    for (size_t i = 0; i < (size_t)channels && st == OK; i++) {
        const json_t *item = json_array_get(list, i);
        if (list && (!json_is_number(item) || json_array_size(list) != (size_t)channels))
            st = status_fail(ERR_INPUT, path, "\"%s\" must hold a number for each of %d channels",
                             key, channels);
        else if (json_array_append_new(
                     own, json_real(list ? json_number_value(item) : missing[i % 3])) != 0)
            st = status_no_memory(path);
    }
    *out = own;
    return st;
}

status timm_words_translate(const char *path, const json_t *root, json_t **out)
{
    status st;
    static const double imagenet[2][3] = {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
    const json_t *fields = find_fields(root);
    json_t *mean = NULL, *deviation = NULL;
    int size[3], scaled[2], filter = 0;
    TRY(read_size(path, fields, size));
    TRY(read_filter(path, fields, &filter));
    TRY(read_scaled(path, fields, size, scaled));
    TRY(read_numbers(path, fields, "mean", size[0], imagenet[0], &mean));
    TRY(read_numbers(path, fields, "std", size[0], imagenet[1], &deviation));
    json_t *scale = scaled[1] ? json_pack("{si si}", "height", scaled[0], "width", scaled[1])
                              : json_pack("{si}", "shortest_edge", scaled[0]);
    *out = json_pack("{so si sb s{si si} sO sO}", "size", scale, "resample", filter,
                     "do_center_crop", 1, "crop_size", "height", size[1], "width", size[2],
                     "image_mean", mean, "image_std", deviation);
    if (!*out)
        st = status_no_memory(path);
done:
    json_decref(mean);
    json_decref(deviation);
    return st;
}
