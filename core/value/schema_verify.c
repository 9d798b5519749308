/* value/schema_verify.c - a check whose violations become an error.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "value/schema.h"

enum { MAX_SHOWN = 160 }; /* bytes of a pointer in the error's text */

struct problems {
    struct weir_builder *list;
    struct weir_error *err;
    unsigned n;
};

/* Begins the error with the first problem; of a long pointer the last steps say most. */
static void
begin_error(struct problems *p, const char *pointer, size_t len, const char *detail)
{
    const char *from = len > MAX_SHOWN ? strchr(pointer + len - MAX_SHOWN, '/') : pointer;
    if (from == NULL)
        from = pointer + len;
    (void)err_set(p->err, WEIR_INVALID, "%s%s%s%s", from > pointer ? "..." : "", from,
                  len > 0 ? ": " : "", detail); /* returned at the end */
}

static void
add_problem(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct problems *p = arg;
    if (p->n++ == 0)
        begin_error(p, pointer, pointer_len, detail);
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
