/* pipeline/schema_build.c - see schema_build.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/schema_build.h"

#include <string.h>

void
put_value(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

void
put_text(struct weir_builder *b, const char *key, const char *text)
{
    put_value(b, key, value_text(text));
}

void
put_int(struct weir_builder *b, const char *key, int64_t number)
{
    put_value(b, key, value_int(number));
}

const struct weir_value *
list_of(const char *a, const char *b)
{
    struct weir_builder *l = builder_list();
    const struct weir_value *v = value_text(a);
    builder_add(l, &v);
    if (b != NULL) {
        v = value_text(b);
        builder_add(l, &v);
    }
    return builder_end(&l);
}

const struct weir_value *
map_of(const char *key, const char *text)
{
    struct weir_builder *b = builder_map();
    put_text(b, key, text);
    return builder_end(&b);
}
