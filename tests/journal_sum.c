// SPDX-License-Identifier: Apache-2.0
// For engine/test_odd_files.sh: ends a line of a journal with its sum, as the journal does.
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    printf("%s,\"sum\":\"%016llx\"}\n", argv[1],
           (unsigned long long)XXH3_64bits(argv[1], strlen(argv[1])));
    return 0;
}
