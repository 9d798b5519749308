/* cli/answer.c - see answer.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include <stdio.h>

#include "cli/api.h"
#include "cli/table.h"
#include "value/json.h"

#define ANSWER_MAX (64u << 20)

/* Says why the server refused. */
static void
complain(const struct args *a, unsigned status, const struct weir_value *v)
{
    struct weir_text detail = answer_member_text(v, "detail");
    if (detail.len > 0)
        fprintf(stderr, "weir %s: %.*s\n", a->command->name, (int)detail.len, detail.bytes);
    else
        fprintf(stderr, "weir %s: the server answered %u\n", a->command->name, status);
}

int
answer_get(const struct args *a, const char *method, const char *path, const char *body,
           const struct weir_value **ret)
{
    struct buf out;
    struct weir_error err = { 0 };
    unsigned status = 0;
    *ret = NULL;
    buf_init(&out, ANSWER_MAX);
    int code = api_ask(a, method, path, body, &status, &out, NULL, NULL);
    if (code == EXIT_GOOD && args_given(a, "json")) {
        printf("%s", out.bytes);
        code = status < 400 ? EXIT_GOOD : EXIT_WRONG;
    } else if (code == EXIT_GOOD && json_read(buf_content(&out), NULL, NULL, ret, &err) != WEIR_OK) {
        fprintf(stderr, "weir %s: the answer of the server (%u) can't be read: %s\n", a->command->name, status,
                err.text);
        code = EXIT_WRONG;
    } else if (code == EXIT_GOOD && status >= 400) {
        complain(a, status, *ret);
        value_unref(ret);
        code = EXIT_WRONG;
    }
    buf_fini(&out);
    return code;
}

struct weir_text
answer_member_text(const struct weir_value *v, const char *key)
{
    const struct weir_value *f = value_field(v, key);
    return f ? value_as_text(f) : (struct weir_text){ "", 0 };
}

double
answer_member_number(const struct weir_value *v, const char *key)
{
    const struct weir_value *f = value_field(v, key);
    if (f == NULL || (f->type != WEIR_INT && f->type != WEIR_DOUBLE))
        return 0;
    return f->type == WEIR_INT ? (double)f->integer : f->number;
}

/* A text as it is, a list of texts with commas, null as "-", anything else as JSON. */
static void
add_value(struct table *t, const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, ANSWER_MAX);
    bool texts = v->type == WEIR_LIST;
    for (size_t i = 0; texts && value_at(v, i) != NULL; i++)
        texts = value_at(v, i)->type == WEIR_STRING;
    for (size_t i = 0; texts && value_at(v, i) != NULL; i++) {
        (void)buf_puts(&b, i > 0 ? ", " : "");
        (void)buf_text(&b, value_as_text(value_at(v, i)));
    }
    if (!texts && v->type != WEIR_STRING && v->type != WEIR_NULL && json_write(&b, v, &err) != WEIR_OK)
        buf_reset(&b); /* deeper than anything that is shown here */
    if (v->type == WEIR_STRING)
        table_add(t, value_as_text(v), NULL);
    else
        table_add(t, b.len > 0 ? buf_content(&b) : TEXT("-"), NULL);
    buf_fini(&b);
}

void
answer_print_members(const struct weir_value *v)
{
    struct table t;
    struct weir_text key;
    const struct weir_value *member;
    table_init(&t, 2, false);
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        table_add(&t, key, NULL);
        add_value(&t, member);
    }
    table_print(&t);
}
