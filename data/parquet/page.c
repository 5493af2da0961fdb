// SPDX-License-Identifier: Apache-2.0
// A page of the second version keeps its levels unpacked in front of its values; what is packed is
// then only the rest. Sums are checked where a writer gave any.
#include "data/parquet/page.h"

#include <string.h>
#include <zlib.h>

#include "data/bytes/packed_block.h"
#include "data/parquet/thrift.h"

static void read_data_head(thrift *t, const thrift_field *from, page_head *p)
{
    for (thrift_field f = {0}; thrift_struct(t, from) && thrift_next(t, &f);)
        switch (f.id) {
        case 1:
            p->entries = thrift_count(t, &f, INT32_MAX);
            break;
        case 2:
            p->encoding = (int)thrift_count(t, &f, INT32_MAX);
            break;
        case 3:
            p->definition_encoding = (int)thrift_count(t, &f, INT32_MAX);
            break;
        case 4:
            p->repetition_encoding = (int)thrift_count(t, &f, INT32_MAX);
            break;
        default:
            thrift_skip(t, &f);
        }
}

static void read_dictionary_head(thrift *t, const thrift_field *from, page_head *p)
{
    for (thrift_field f = {0}; thrift_struct(t, from) && thrift_next(t, &f);)
        if (f.id == 1)
            p->entries = thrift_count(t, &f, INT32_MAX);
        else
            thrift_skip(t, &f);
}

static void read_data_2_head(thrift *t, const thrift_field *from, page_head *p)
{
    for (thrift_field f = {0}; thrift_struct(t, from) && thrift_next(t, &f);)
        switch (f.id) {
        case 1:
            p->entries = thrift_count(t, &f, INT32_MAX);
            break;
        case 4:
            p->encoding = (int)thrift_count(t, &f, INT32_MAX);
            break;
        case 5:
            p->definition_bytes = (size_t)thrift_count(t, &f, INT32_MAX);
            break;
        case 6:
            p->repetition_bytes = (size_t)thrift_count(t, &f, INT32_MAX);
            break;
        case 7:
            p->is_packed = thrift_boolean(t, &f);
            break;
        default:
            thrift_skip(t, &f);
        }
    if (p->definition_bytes + p->repetition_bytes > p->size ||
        p->definition_bytes + p->repetition_bytes > p->unpacked)
        t->bad = true;
}

bool page_read_head(const uint8_t *bytes, size_t n, page_head *out)
{
    thrift t = {.at = bytes, .end = bytes + n};
    int body = 0; // which struct told of the body
    *out = (page_head){.is_packed = true};
    for (thrift_field f = {0}; thrift_next(&t, &f);)
        switch (f.id) {
        case 1:
            out->kind = (page_kind)thrift_count(&t, &f, PAGE_KINDS - 1);
            break;
        case 2:
            out->unpacked = (size_t)thrift_count(&t, &f, INT32_MAX);
            break;
        case 3:
            out->size = (size_t)thrift_count(&t, &f, INT32_MAX);
            break;
        case 4:
            out->has_sum = true;
            out->sum = (uint32_t)thrift_integer(&t, &f);
            break;
        case 5:
            body = f.id;
            read_data_head(&t, &f, out);
            break;
        case 7:
            body = f.id;
            read_dictionary_head(&t, &f, out);
            break;
        case 8:
            body = f.id;
            read_data_2_head(&t, &f, out);
            break;
        default:
            thrift_skip(&t, &f);
        }
    static const int told_by[PAGE_KINDS] = {5, 0, 7, 8};
    out->head = (size_t)(t.at - bytes);
    return !t.bad && (out->kind == PAGE_INDEX || body == told_by[out->kind]);
}

// What packed_block.h can do of Parquet's codecs; -1: not.
static int find_packing(int codec)
{
    static const int kinds[] = {PACKED_NOT, PACKED_SNAPPY,     PACKED_GZIP, -1,
                                -1,         PACKED_LZ4_HADOOP, PACKED_ZSTD, PACKED_LZ4};
    return codec >= 0 && (size_t)codec < sizeof kinds / sizeof *kinds ? kinds[codec] : -1;
}

bool page_is_plain(const page_head *head, int codec)
{
    return !head->is_packed || codec == 0;
}

const char *page_unpack(const page_head *head, int codec, const uint8_t *body, uint8_t *out)
{
    int packing = page_is_plain(head, codec) ? PACKED_NOT : find_packing(codec);
    size_t levels = head->kind == PAGE_DATA_2 ? head->definition_bytes + head->repetition_bytes : 0;
    if (head->has_sum && crc32(0, body, (unsigned)head->size) != head->sum)
        return "has not the sum it was written with";
    if (packing < 0)
        return codec == 3   ? "is packed with LZO, which is not supported"
               : codec == 4 ? "is packed with Brotli, which is not supported"
                            : "is packed with a codec that is not known";
    if (body == out)
        return head->size == head->unpacked ? NULL : "is of another size than it says";
    if (levels > 0)
        memcpy(out, body, levels);
    if (levels == head->size &&
        levels == head->unpacked) // nulls alone: some pack nothing, some nothing
        return NULL;              // at all
    return packed_block_unpack((packed_kind)packing, body + levels, head->size - levels,
                               out + levels, head->unpacked - levels);
}
