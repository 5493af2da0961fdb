// SPDX-License-Identifier: Apache-2.0
// A header read as ids gives numbers that a model of a large vocabulary takes without a word. Magic
// numbers of two bytes could be an id and are not enough: of gzip and pickle more of the header is
// asked. What has no header is doubted where it cannot be what it is said to be: text, or ids of
// twice the width, of which every second is 0.
#include "data/tokens/foreign_tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/file.h"

enum { LLMC_HEADER = 1024, LOOKED_AT = 4096, FEW = 16 };

static const char save_plain[] =
    "save the ids with numpy.save as an array of one or two dimensions";

// --- By their first bytes

typedef struct magic {
    const char *bytes;
    size_t n, at; // where they lie
    const char *what;
} magic;

#define MAGIC(BYTES, AT, WHAT)                                                                     \
    {                                                                                              \
        (BYTES), sizeof(BYTES) - 1, AT, WHAT                                                       \
    }
static const magic magics[] = {
    MAGIC("MMIDIDX\0\0", 0, "is an index that Megatron or fairseq wrote; give the .bin beside it"),
    MAGIC("TNTIDX\0\0", 0, "is an index that fairseq wrote; give the .bin beside it"),
    MAGIC("LITPKDS", 0, "is a packed dataset of litgpt's"),
    MAGIC("PK\3\4", 0, "is a zip archive, as torch.save and numpy.savez write"),
    MAGIC("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19", 0, "was written by torch.save"),
    MAGIC("\x89HDF\r\n\x1a\n", 0, "is an HDF5 file"),
    MAGIC("ARROW1", 0, "is an Arrow file"),
    MAGIC("PAR1", 0, "is a Parquet file"),
    MAGIC("GGUF", 0, "is a GGUF file"),
    MAGIC("SQLite format 3", 0, "is an SQLite database"),
    MAGIC("\x28\xb5\x2f\xfd", 0, "is packed by zstd; unpack it, ids are read where they are"),
    MAGIC("\xfd"
          "7zXZ",
          0, "is packed by xz; unpack it, ids are read where they are"),
    MAGIC("ustar", 257, "is a tar archive; unpack it"),
};

static uint64_t read_number(const char *bytes, int width)
{
    uint64_t value = 0; // little-endian, as this machine
    memcpy(&value, bytes, (size_t)width);
    return value;
}

// What else the first bytes tell, or NULL.
static const char *name_header(const char *bytes, size_t n, size_t size)
{
    if (n >= 10 && memcmp(bytes, "\x1f\x8b\x08", 3) == 0 && (unsigned char)bytes[3] < 0x20)
        return "is packed by gzip; unpack it, ids are read where they are";
    // A pickle's frame is as long as the file, or nearly.
    if (n >= 11 && bytes[0] == '\x80' && bytes[1] >= 4 && bytes[1] <= 5 && bytes[2] == '\x95' &&
        read_number(bytes + 3, 8) <= size && read_number(bytes + 3, 8) > size / 4)
        return "is a pickle";
    if (n >= 16 && read_number(bytes, 8) < size && bytes[8] == '{' && bytes[9] == '"')
        return "is a safetensors file";
    return NULL;
}

static status refuse_magic(const char *path, const char *bytes, size_t n, size_t size)
{
    const char *what = name_header(bytes, n, size);
    for (size_t i = 0; !what && i < sizeof magics / sizeof *magics; i++)
        if (n >= magics[i].at + magics[i].n &&
            memcmp(bytes + magics[i].at, magics[i].bytes, magics[i].n) == 0)
            what = magics[i].what;
    what = what ? what : file_stands_for(bytes, n);
    return what
               ? status_fail(ERR_INPUT, path, strchr(what, ';') ? "%s" : "%s; %s", what, save_plain)
               : OK;
}

// --- 256 numbers of four bytes, of which three say something, and the ids behind them: as the
// trainers of GPT-2 and Llama 3 in plain C have them

static status read_llmc(const char *path, const char *bytes, size_t n, size_t size,
                        foreign_header *out)
{
    static const struct {
        uint64_t magic, version;
        int width;
    } kinds[] = {{20240520, 1, 2}, {20240801, 7, 4}};
    for (size_t i = 0; n >= LLMC_HEADER && i < sizeof kinds / sizeof *kinds; i++) {
        if (read_number(bytes, 4) != kinds[i].magic)
            continue;
        const uint64_t version = read_number(bytes + 4, 4), ids = read_number(bytes + 8, 4);
        if (version != kinds[i].version)
            return status_fail(ERR_INPUT, path,
                               "begins with a header of llm.c's of version %llu; %llu is read",
                               (unsigned long long)version, (unsigned long long)kinds[i].version);
        if (LLMC_HEADER + ids * (uint64_t)kinds[i].width != size)
            return status_fail(ERR_INPUT, path,
                               "begins with a header of llm.c's, which announces %llu ids of %d "
                               "bytes; it holds %zu bytes: fetch it again",
                               (unsigned long long)ids, kinds[i].width, size);
        *out = (foreign_header){"llm.c", LLMC_HEADER, (int64_t)ids, kinds[i].width};
    }
    return OK;
}

// --- Megatron: ids in X.bin, and their type in X.idx

static status check_index(const char *path, int width)
{
    static const int widths[] = {0, 1, 1, 2, 4, 8, 8, 4, 2}; // of its types
    char head[18] = "";
    const size_t n = strlen(path);
    char *index = n > 4 && strcmp(path + n - 4, ".bin") == 0 ? strdup(path) : NULL;
    if (!index)
        return OK;
    for (int i = 0; i < 3; i++)
        index[n - 3 + (size_t)i] = "idx"[i];
    FILE *in = fopen(index, "rbe");
    const bool whole = in && fread(head, 1, sizeof head, in) == sizeof head;
    if (in)
        fclose(in);
    free(index);
    const size_t type = (unsigned char)head[17];
    if (!whole || memcmp(head, "MMIDIDX\0\0", 9) != 0 || type >= sizeof widths / sizeof *widths ||
        widths[type] == width)
        return OK;
    return widths[type] == 2 || widths[type] == 4
               ? status_fail(ERR_INPUT, path,
                             "holds ids of %d bytes, says the .idx beside it; give dtype: uint%d",
                             widths[type], 8 * widths[type])
               : status_fail(ERR_INPUT, path,
                             "holds values of %d bytes, says the .idx beside it; %s", widths[type],
                             save_plain);
}

// --- Without a header

static bool is_text(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isprint((unsigned char)bytes[i]) && !isspace((unsigned char)bytes[i]))
            return false;
    return n >= FEW;
}

// Is every second id 0, and not every one?
static bool looks_wider(const char *bytes, size_t n, size_t size, int width)
{
    const size_t step = 2 * (size_t)width;
    size_t others = 0;
    if (size % step != 0 || n < FEW * step)
        return false;
    for (size_t i = 0; i + step <= n; i += step) {
        if (read_number(bytes + i + width, width) != 0)
            return false;
        others += read_number(bytes + i, width) != 0;
    }
    return others >= n / step / 4;
}

static status doubt(const char *path, const char *bytes, size_t n, size_t size, int width)
{
    if (is_text(bytes, n))
        return status_fail(ERR_INPUT, path, "is text, not ids; %s",
                           "give format: text, or save the ids with numpy.save");
    if (!looks_wider(bytes, n, size, width))
        return OK;
    if (width == 2)
        return status_fail(
            ERR_INPUT, path,
            "has a 0 in every second place, as ids of four bytes read as of two have; "
            "give dtype: uint32");
    return status_fail(
        ERR_INPUT, path,
        "has a 0 in every second place, as ids of eight bytes read as of four have; %s",
        save_plain);
}

status foreign_tokens_look(const char *path, const char *bytes, size_t n, size_t size, int width,
                           foreign_header *out)
{
    status st;
    n = n < LOOKED_AT ? n : LOOKED_AT;
    *out = (foreign_header){0};
    TRY(refuse_magic(path, bytes, n, size));
    TRY(read_llmc(path, bytes, n, size, out));
    if (out->from)
        goto done;
    TRY(check_index(path, width));
    TRY(doubt(path, bytes, n, size, width));
done:
    return st;
}
