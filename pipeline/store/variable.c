// SPDX-License-Identifier: Apache-2.0
// Types are told by their CDL names in digests, so that these names must never change.
#include "pipeline/store/variable.h"

size_t variable_item_bytes(variable_type type)
{
    static const size_t bytes[] = {
        [VARIABLE_F64] = 8,
        [VARIABLE_F32] = 4,
        [VARIABLE_I64] = 8,
        [VARIABLE_I32] = 4,
        [VARIABLE_I8] = 1,
        [VARIABLE_U8] = 1,
        [VARIABLE_TEXT] = sizeof(char *),
    };
    return bytes[type];
}

const char *variable_type_name(variable_type type)
{
    static const char *const names[] = {
        [VARIABLE_F64] = "double",  [VARIABLE_F32] = "float", [VARIABLE_I64] = "int64",
        [VARIABLE_I32] = "int",     [VARIABLE_I8] = "byte",   [VARIABLE_U8] = "ubyte",
        [VARIABLE_TEXT] = "string",
    };
    return names[type];
}
