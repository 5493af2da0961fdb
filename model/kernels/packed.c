// SPDX-License-Identifier: Apache-2.0
// Packing transposes: outputs are rows of a matrix and columns of a block. It works in squares of
// words that fit registers: value by value, each would touch a line of cache of its own. Gathering
// works on packed words, so that a mask never unpacks.
#include "model/kernels/packed.h"

#include <string.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/kernels.h"
#include "model/kernels/products_avx512.h"
#include "pipeline/base/checked.h"

static int round_up(int n, int to)
{
    return (n + to - 1) / to * to;
}

size_t packed_bytes(packing form, int out, int in)
{
    size_t outputs = ((size_t)out + PACK_OUTPUTS - 1) / PACK_OUTPUTS * PACK_OUTPUTS, bytes;
    if (!checked_mul(outputs, (size_t)packing_padded_inputs(form, in), &bytes) ||
        !checked_mul(bytes, packing_value_bytes(form), &bytes))
        return SIZE_MAX;
    return bytes;
}

int packed_panel_inputs(const packed *p, int panel)
{
    int left = p->in - panel * PACK_PANEL;
    return left < PACK_PANEL ? left : PACK_PANEL;
}

// Bytes into the matrix of the part's first value.
static size_t part_offset(const packed *p, int first, int panel)
{
    size_t outputs = (size_t)round_up(p->out, PACK_OUTPUTS);
    size_t before = (size_t)panel * PACK_PANEL * outputs;
    size_t inside =
        (size_t)first * (size_t)packing_padded_inputs(p->form, packed_panel_inputs(p, panel));
    return (before + inside) * packing_value_bytes(p->form);
}

const void *packed_part(const packed *p, int first, int panel)
{
    return (const char *)p->at + part_offset(p, first, panel);
}

// A part of a matrix: blocks of PACK_OUTPUTS outputs by `groups` words of four bytes, each one
// float32 or two bf16.
typedef struct part {
    uint32_t *word;
    int inputs, groups;
} part;

static part part_of(const packed *p, const void *at, int output, int panel)
{
    const int inputs = packed_panel_inputs(p, panel), block = output / PACK_OUTPUTS * PACK_OUTPUTS;
    const packed whole = {at, p->form, p->out, p->in};
    return (part){(uint32_t *)packed_part(&whole, block, panel) + output % PACK_OUTPUTS, inputs,
                  packing_padded_inputs(p->form, inputs) / packing_group_inputs(p->form)};
}

static void zero_output(const part *to)
{
    for (int g = 0; g < to->groups; g++)
        to->word[(size_t)g * PACK_OUTPUTS] = 0;
}

// How float32 become bf16: bfloat16_round, or the CPU's own way, which takes denormals for zero.
typedef void rounding(const float *x, size_t n, uint16_t *half);

// The words of one output's inputs, one after the other.
static void make_words(packing form, rounding *round, const float *x, int in, uint32_t *word)
{
    if (form == PACKING_F32) {
        memcpy(word, x, (size_t)in * sizeof *word);
        return;
    }
    word[(in - 1) / 2] = 0; // its upper half, where the inputs are odd
    round(x, (size_t)in, (uint16_t *)(void *)word);
}

// Groups that are transposed at once.
enum { TRANSPOSED_GROUPS = 64 };
_Static_assert(TRANSPOSED_GROUPS % KERNEL_SQUARE == 0 && PACK_GROUPS % KERNEL_SQUARE == 0,
               "whole squares");

// Writes groups [from, from + n) of a block's first `outputs` outputs, and zeros up to `lanes`, a
// multiple of KERNEL_SQUARE. The words are made output by output, then transposed.
static void put_groups(packing form, rounding *round, const part *to, int outputs, int lanes,
                       int from, int n, const float *rows, int64_t stride)
{
    uint32_t transposed[PACK_OUTPUTS][TRANSPOSED_GROUPS];
    const int each = packing_group_inputs(form), left = to->inputs - from * each;
    const int inputs = left < n * each ? left : n * each, words = (inputs + each - 1) / each;
    for (int o = 0; o < lanes; o++) {
        const int made = o < outputs && words > 0 ? words : 0;
        if (made > 0)
            make_words(form, round, rows + o * stride + from * each, inputs, transposed[o]);
        memset(transposed[o] + made, 0, (size_t)(n - made) * sizeof transposed[o][0]);
    }
    for (int g = 0; g < n; g += KERNEL_SQUARE)
        for (int o = 0; o < lanes; o += KERNEL_SQUARE)
            kernel_transpose(&transposed[o][g], TRANSPOSED_GROUPS,
                             to->word + (from + g) * PACK_OUTPUTS + o, PACK_OUTPUTS);
}

// All groups of a block, as above.
static void put_block(packing form, rounding *round, const part *to, int outputs, int lanes,
                      const float *rows, int64_t stride)
{
    for (int g = 0; g < to->groups; g += TRANSPOSED_GROUPS)
        put_groups(form, round, to, outputs, lanes, g,
                   to->groups - g < TRANSPOSED_GROUPS ? to->groups - g : TRANSPOSED_GROUPS, rows,
                   stride);
}

void packed_put(const packed *p, void *at, int first, int n, const float *rows)
{
    for (int panel = 0; panel * PACK_PANEL < p->in; panel++)
        for (int i = 0; i < n; i += PACK_OUTPUTS) {
            const part to = part_of(p, at, first + i, panel);
            put_block(p->form, bfloat16_round, &to, n - i < PACK_OUTPUTS ? n - i : PACK_OUTPUTS,
                      PACK_OUTPUTS, rows + (size_t)i * (size_t)p->in + panel * PACK_PANEL, p->in);
        }
}

static float read_input(packing form, const part *from, int input)
{
    float value;
    uint32_t word = from->word[(size_t)(input / packing_group_inputs(form)) * PACK_OUTPUTS];
    if (form == PACKING_BF16)
        word = input % 2 ? word & 0xffff0000u : word << 16;
    memcpy(&value, &word, sizeof value);
    return value;
}

void packed_get(const packed *p, int row, float *values)
{
    for (int panel = 0; panel * PACK_PANEL < p->in; panel++) {
        const part from = part_of(p, p->at, row, panel);
        for (int k = 0; k < from.inputs; k++)
            values[panel * PACK_PANEL + k] = read_input(p->form, &from, k);
    }
}

packed packed_gather_outputs(const packed *from, const int32_t *index, int n, int filled, void *at)
{
    const packed gathered = {at, from->form, filled, from->in};
    for (int panel = 0; panel * PACK_PANEL < from->in; panel++)
        for (int i = 0; i < round_up(filled, PACK_OUTPUTS); i++) {
            const part to = part_of(&gathered, at, i, panel);
            if (i >= n) {
                zero_output(&to);
                continue;
            }
            const part own = part_of(from, from->at, index[i], panel);
            for (int g = 0; g < to.groups; g++)
                to.word[(size_t)g * PACK_OUTPUTS] = own.word[(size_t)g * PACK_OUTPUTS];
        }
    return gathered;
}

// Copies input `own` of a block of outputs to input `i` of another.
static void copy_input(packing form, const part *from, int own, const part *to, int i)
{
    const int each = packing_group_inputs(form);
    const uint32_t *source = from->word + (size_t)(own / each) * PACK_OUTPUTS;
    uint32_t *target = to->word + (size_t)(i / each) * PACK_OUTPUTS;
    const int right = form == PACKING_BF16 && own % 2 ? 16 : 0;
    const int left = form == PACKING_BF16 && i % 2 ? 16 : 0;
    const uint32_t taken = form == PACKING_BF16 ? 0xffffu : 0xffffffffu;
    for (int c = 0; c < PACK_OUTPUTS; c++)
        target[c] |= (source[c] >> right & taken) << left;
}

packed packed_gather_inputs(const packed *from, const int32_t *index, int n, int filled, void *at)
{
    const packed gathered = {at, from->form, from->out, filled};
    for (int block = 0; block < from->out; block += PACK_OUTPUTS) {
        for (int i = 0; i < filled; i++) {
            const part to = part_of(&gathered, at, block, i / PACK_PANEL);
            if (i % PACK_PANEL == 0)
                memset(to.word, 0, (size_t)to.groups * PACK_OUTPUTS * sizeof *to.word);
            if (i >= n)
                continue;
            const part own = part_of(from, from->at, block, index[i] / PACK_PANEL);
            copy_input(from->form, &own, index[i] % PACK_PANEL, &to, i % PACK_PANEL);
        }
    }
    return gathered;
}

// A block of a strip.
static part strip_block(packing form, int in, int first, void *at)
{
    const size_t before = (size_t)(first / PACK_OUTPUTS) * packing_block_bytes(form, in);
    return (part){(uint32_t *)(void *)((char *)at + before), in,
                  packing_padded_inputs(form, in) / packing_group_inputs(form)};
}

void packed_strip(packing form, int out, int in, const float *rows, int64_t stride, void *at)
{
    for (int first = 0; first < out; first += PACK_OUTPUTS) {
        const part to = strip_block(form, in, first, at);
        const int outputs = out - first < PACK_OUTPUTS ? out - first : PACK_OUTPUTS;
        put_block(form, products_avx512_round, &to, outputs, round_up(outputs, KERNEL_SQUARE),
                  rows + first * stride, stride);
    }
}

// Writes `groups` groups of n outputs of a block, from the inputs that there are.
static void put_inputs(packing form, const float *rows, int64_t stride, int in, int n, int groups,
                       uint32_t *word)
{
    static const float nothing[PACK_OUTPUTS]; // an input that is not there
    const int each = packing_group_inputs(form), lanes = round_up(n, KERNEL_SQUARE);
    for (int g = 0; g < groups; g++, rows += each * stride, word += PACK_OUTPUTS) {
        const int left = in - g * each;
        for (int o = left > 0 ? n : 0; o < lanes; o++)
            word[o] = 0;
        if (left <= 0)
            continue;
        if (form == PACKING_F32)
            memcpy(word, rows, (size_t)n * sizeof *word);
        else
            products_avx512_pair(rows, left > 1 ? rows + stride : nothing, n, word);
    }
}

void packed_strip_transposed(packing form, int out, int in, int filled, const float *rows,
                             int64_t stride, void *at)
{
    for (int first = 0; first < out; first += PACK_OUTPUTS) {
        const part to = strip_block(form, filled, first, at);
        const int n = out - first < PACK_OUTPUTS ? out - first : PACK_OUTPUTS;
        put_inputs(form, rows + first, stride, in, n, to.groups, to.word);
    }
}
