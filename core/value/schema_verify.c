/* value/schema_verify.c - a check whose violations become an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema.h"

struct problems {
    struct weir_builder *list;
    struct weir_error *err;
    unsigned n;
};

static void
add_problem(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct problems *p = arg;
    if (p->n++ == 0)
        (void)err_set(p->err, WEIR_INVALID, "%s%s%s", pointer_len > 0 ? pointer : "",
                      pointer_len > 0 ? ": " : "", detail); /* returned at the end */
    struct weir_builder *one = builder_map();
    const struct weir_value *text = value_text(detail);
    builder_set(one, "detail", 6, &text);
    text = value_string(pointer, pointer_len);
    builder_set(one, "pointer", 7, &text);
    const struct weir_value *problem = builder_end(&one);
    builder_add(p->list, &problem);
}

enum weir_code
schema_verify(const struct schema *s, const struct weir_value *v, struct weir_error *err)
{
    if (err == NULL)
        return schema_check(s, v, NULL, NULL) ? WEIR_OK : WEIR_INVALID;
    if (schema_check(s, v, NULL, NULL))
        return WEIR_OK;

    struct problems p = { builder_list(), err, 0 };
    if (schema_check(s, v, add_problem, &p)) /* not so: it would have before */
        (void)err_set(err, WEIR_INVALID, "does not conform to its schema");
    if (p.n > 1)
        (void)err_in(err, "%u problems, the first", p.n); /* returned at the end */
    err->status = 422;
    err->detail = builder_end(&p.list);
    return WEIR_INVALID;
}
