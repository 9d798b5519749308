/* net/problem.c - see problem.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/problem.h"

#include "value/json.h"

/* Left for all but the list of errors. */
#define FRAME (8u * 1024u)

unsigned
problem_status(const struct weir_error *err)
{
    if (err->code != WEIR_UPSTREAM && err->status >= 400 && err->status <= 599)
        return err->status;
    return code_status(err->code);
}

static bool
write_member(struct buf *out, const char *name, struct weir_text text)
{
    return buf_printf(out, ",\"%s\":", name) && json_write_string(out, text);
}

/* Appends one member of the list; a JSON pointer becomes a URI fragment, as the RFC has it. */
static bool
write_error(struct buf *out, const struct weir_value *error)
{
    const struct weir_value *pointer = value_field(error, "pointer");
    const struct weir_value *detail = value_field(error, "detail");
    if (pointer == NULL || detail == NULL || value_type(pointer) != WEIR_STRING)
        return json_write(out, error, NULL) == WEIR_OK;

    struct weir_text at = value_as_text(pointer);
    struct buf fragment;
    buf_init(&fragment, PROBLEM_MAX);
    if (at.len == 0 || at.bytes[0] == '/')
        (void)buf_putc(&fragment, '#');
    bool fits = buf_text(&fragment, at) && buf_puts(out, "{\"detail\":") &&
                json_write(out, detail, NULL) == WEIR_OK &&
                write_member(out, "pointer", buf_content(&fragment)) && buf_putc(out, '}');
    buf_fini(&fragment);
    return fits;
}

/* Appends ,"errors":[...]: as many as fit into PROBLEM_MAX. */
static bool
write_errors(struct buf *out, const struct weir_value *list)
{
    struct buf errors;
    buf_init(&errors, PROBLEM_MAX - FRAME);
    const struct weir_value *item;
    for (size_t i = 0; (item = value_at(list, i)) != NULL; i++) {
        size_t before = errors.len;
        if ((i > 0 && !buf_putc(&errors, ',')) || !write_error(&errors, item)) {
            errors.len = before;
            break;
        }
    }
    bool fits = buf_puts(out, ",\"errors\":[") && buf_text(out, buf_content(&errors)) &&
                buf_putc(out, ']');
    buf_fini(&errors);
    return fits;
}

bool
problem_write(struct buf *out, const struct weir_error *err, struct weir_text instance)
{
    unsigned status = problem_status(err);
    bool fits = buf_printf(out, "{\"type\":\"urn:weir:problem:%s\"", code_name(err->code)) &&
                write_member(out, "title", text_of(code_text(err->code))) &&
                buf_printf(out, ",\"status\":%u", status) &&
                write_member(out, "detail", text_of(err->text));
    if (fits && instance.len > 0)
        fits = write_member(out, "instance", instance);
    if (fits && err->detail != NULL && value_type(err->detail) == WEIR_LIST) {
        const struct weir_value *shown = value_masked(err->detail);
        fits = write_errors(out, shown);
        value_unref(&shown);
    }
    return fits && buf_putc(out, '}');
}
