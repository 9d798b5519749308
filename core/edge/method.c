/* edge/method.c - see method.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/method.h"

static const struct weir_text names[] = {
#define X(name, text) [METHOD_##name] = { text, sizeof(text) - 1 },
    METHODS(X)
#undef X
};

enum method
method_find(struct weir_text name)
{
    for (unsigned m = METHOD_OTHER + 1; m < METHOD_COUNT; m++)
        if (text_equal(names[m], name))
            return (enum method)m;
    return METHOD_OTHER;
}

const char *
method_name(enum method m)
{
    return names[m].bytes;
}
