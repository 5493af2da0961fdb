// SPDX-License-Identifier: Apache-2.0
// Lists of WordNet's numbers, each of the four that are known, and the beginning of an archive.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/archive.h"
#include "data/bytes/synsets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const lists[] = {"LOC_synset_mapping.txt", "synset_words.txt",
                                        "imagenet_class_index.json", "words.txt"};
    static char *ids[] = {"n01440764", "n02102040", "n03126707"};
    const name_list labels = {ids, 3, 3};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        synset at[3] = {{0}};
        const status st = synsets_read(fuzz_write(lists[i], bytes, n), &labels, at);
        for (int k = 0; k < 3; k++) {
            fuzz_touch(at[k].name, at[k].name ? strlen(at[k].name) : 0);
            free(at[k].name);
        }
        fuzz_end(st);
    }
    fuzz_end(archive_refuse(fuzz_write("x.bin", bytes, n)));
    return 0;
}
