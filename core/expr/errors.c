/* expr/errors.c - what goes wrong in an evaluation, see eval.h and errors.h.
 *
 * Messages name parts of the source, types and fields, and never the content of a value: it
 * may be a secret, or somebody's address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/errors.h"

#include <stdarg.h>
#include <stdio.h>

enum weir_code
eval_fail(struct eval *ev, const struct term *t, const char *fmt, ...)
{
    if (ev->err == NULL)
        return WEIR_SCRIPT;
    char text[sizeof(ev->err->text)];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut by err_set if it is too long */
    va_end(args);
    struct weir_text source = term_text(ev->expr, t);
    return err_set(ev->err, WEIR_SCRIPT, "%.*s%s: %s", (int)source.len, source.bytes,
                   source.len < t->place.len ? "..." : "", text);
}

#define TOO_COSTLY "too costly: an expression may take %d steps and make %d MiB"

enum weir_code
eval_too_costly(struct eval *ev, const struct term *t)
{
    ev->spent = true;
    ev->units = 0;
    ev->bytes = 0;
    return eval_fail(ev, t, TOO_COSTLY, EVAL_STEPS, EVAL_BYTES >> 20);
}

enum weir_code
eval_spend_bytes(struct eval *ev, const struct term *t, size_t bytes)
{
    if (ev->bytes < bytes)
        return eval_too_costly(ev, t);
    ev->bytes -= bytes;
    return WEIR_OK;
}

struct weir_error *
errors_ignore(struct eval *ev)
{
    struct weir_error *first = ev->err;
    if (first == &ev->ignored)
        value_unref(&first->detail);
    ev->ignored.detail = NULL;
    ev->err = &ev->ignored;
    return first;
}

enum weir_code
errors_restore(struct eval *ev, struct weir_error *first, enum weir_code code, bool forgiven)
{
    value_unref(&ev->ignored.detail);
    ev->err = first;
    if (!forgiven && !ev->spent)
        return code;
    if (first != NULL) {
        value_unref(&first->detail);
        *first = (struct weir_error){ 0 };
    }
    if (ev->spent)
        return err_set(first, WEIR_SCRIPT, TOO_COSTLY, EVAL_STEPS, EVAL_BYTES >> 20);
    return WEIR_OK;
}

const char *
eval_a(const struct weir_value *v)
{
    static const char *const names[] = {
        [WEIR_NULL] = "null",       [WEIR_BOOL] = "a bool",     [WEIR_INT] = "an int",
        [WEIR_DOUBLE] = "a double", [WEIR_STRING] = "a string", [WEIR_BYTES] = "bytes",
        [WEIR_LIST] = "a list",     [WEIR_MAP] = "a map",       [WEIR_STREAM] = "a stream",
    };
    return names[v->type];
}
