// SPDX-License-Identifier: Apache-2.0
#include "data/image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

// A weight below 1 in magnitude × 255 and a few of them must fit an int32: 32 bits less 8 of the
// pixel and 2 for the filter's overshoot.
#define FRACTION_BITS (32 - 8 - 2)
#define HALF          (1 << (FRACTION_BITS - 1))

// The weights of one direction: output pixel i is the sum over k < n[i] of weight[i * most + k] ×
// input pixel first[i] + k.
typedef struct taps {
    int most;
    int *first, *n, *weight; // owned
} taps;

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

// Keys' cubic convolution kernel with a = -1/2, by Horner's rule.
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

const resize_filter *resize_find(int number)
{
    static const resize_filter filters[] = {{"bilinear", 2, 1, bilinear},
                                            {"bicubic", 3, 2, bicubic}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (filters[i].number == number)
            return &filters[i];
    return NULL;
}

static void free_taps(taps *t)
{
    free(t->first);
    free(t->n);
    free(t->weight);
}

// The taps of output pixel i; `exact` is scratch for the weights in double.
static void fill_taps(taps *t, const resize_filter *f, int in, int out, int i, double *exact)
{
    double scale = (double)in / out, stretch = scale < 1 ? 1 : scale;
    double centre = (i + 0.5) * scale, reach = f->reach * stretch, shrink = 1 / stretch, sum = 0;
    int first = (int)(centre - reach + 0.5), end = (int)(centre + reach + 0.5);
    first = first < 0 ? 0 : first;
    end = end > in ? in : end;
    for (int k = first; k < end; k++) {
        exact[k - first] = f->weight((k - centre + 0.5) * shrink);
        sum += exact[k - first];
    }
    for (int k = 0; k < end - first; k++) {
        double w = sum != 0 ? exact[k] / sum : exact[k];
        t->weight[(size_t)i * (size_t)t->most + (size_t)k] =
            (int)(w * (1 << FRACTION_BITS) + (w < 0 ? -0.5 : 0.5));
    }
    t->first[i] = first;
    t->n[i] = end - first;
}

static status make_taps(taps *t, const resize_filter *f, int in, int out)
{
    double scale = (double)in / out;
    size_t weights;
    t->most = 2 * (int)ceil(f->reach * (scale < 1 ? 1 : scale)) + 1;
    if (!checked_mul((size_t)t->most, (size_t)out, &weights))
        return status_no_memory("resizing");
    t->first = checked_calloc((size_t)out, sizeof *t->first);
    t->n = checked_calloc((size_t)out, sizeof *t->n);
    t->weight = checked_calloc(weights, sizeof *t->weight);
    double *exact = checked_calloc((size_t)t->most, sizeof *exact);
    bool enough = t->first && t->n && t->weight && exact;
    for (int i = 0; enough && i < out; i++)
        fill_taps(t, f, in, out, i, exact);
    free(exact);
    return enough ? OK : status_no_memory("resizing");
}

static inline uint8_t clip_sum(int sum)
{
    sum >>= FRACTION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// One row to a new width. `channels` is a constant at each call, so that the loops unroll.
static inline void resize_row(const uint8_t *in, uint8_t *out, const taps *t, int width,
                                int channels)
{
    for (int x = 0; x < width; x++) {
        const int *weight = t->weight + (size_t)x * (size_t)t->most;
        const uint8_t *from = in + (size_t)t->first[x] * (size_t)channels;
        int sum[3] = {HALF, HALF, HALF};
        for (int k = 0; k < t->n[x]; k++)
            for (int c = 0; c < channels; c++)
                sum[c] += weight[k] * from[k * channels + c];
        for (int c = 0; c < channels; c++)
            out[x * channels + c] = clip_sum(sum[c]);
    }
}

static status resize_to_width(const image *in, const resize_filter *f, int width, image *out)
{
    status st;
    taps t = {0};
    size_t from = (size_t)in->width * (size_t)in->channels;
    size_t to = (size_t)width * (size_t)in->channels;
    TRY(make_taps(&t, f, in->width, width));
    TRY(image_shape(out, in->height, width, in->channels));
    for (size_t y = 0; y < (size_t)in->height; y++)
        if (in->channels == 3)
            resize_row(in->pixels + y * from, out->pixels + y * to, &t, width, 3);
        else
            resize_row(in->pixels + y * from, out->pixels + y * to, &t, width, 1);
done:
    free_taps(&t);
    return st;
}

static status resize_to_height(const image *in, const resize_filter *f, int height, image *out)
{
    status st;
    taps t = {0};
    size_t row = (size_t)in->width * (size_t)in->channels;
    int *sum = checked_calloc(row, sizeof *sum);
    if (!sum) {
        st = status_no_memory("resizing");
        goto done;
    }
    TRY(make_taps(&t, f, in->height, height));
    TRY(image_shape(out, height, in->width, in->channels));
    for (int y = 0; y < height; y++) {
        for (size_t x = 0; x < row; x++)
            sum[x] = HALF;
        for (int k = 0; k < t.n[y]; k++) {
            const uint8_t *from = in->pixels + ((size_t)t.first[y] + (size_t)k) * row;
            int weight = t.weight[(size_t)y * (size_t)t.most + (size_t)k];
            for (size_t x = 0; x < row; x++)
                sum[x] += weight * from[x];
        }
        for (size_t x = 0; x < row; x++)
            out->pixels[(size_t)y * row + x] = clip_sum(sum[x]);
    }
done:
    free_taps(&t);
    free(sum);
    return st;
}

status resize(const image *in, const resize_filter *filter, int height, int width, image *out)
{
    status st;
    image wide = {0};
    if (width != in->width && height != in->height) {
        TRY(resize_to_width(in, filter, width, &wide));
        TRY(resize_to_height(&wide, filter, height, out));
    } else if (width != in->width) {
        TRY(resize_to_width(in, filter, width, out));
    } else if (height != in->height) {
        TRY(resize_to_height(in, filter, height, out));
    } else {
        TRY(image_shape(out, height, width, in->channels));
        memcpy(out->pixels, in->pixels, (size_t)height * (size_t)width * (size_t)in->channels);
    }
done:
    image_free(&wide);
    return st;
}
