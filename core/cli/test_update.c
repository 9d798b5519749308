/* cli/test_update.c - weir test --update: what happened becomes what is expected. See test.h.
 *
 * Only the lines of a failed test's expect: are written anew, with the keys that it had; all else of the file
 * stays as it is. Comments inside these lines go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/test.h"
#include "value/json.h"

/* The line behind the block that begins at LINE with a key at COLUMN: the next one that is not indented more. */
static unsigned
end_of(const struct yaml *y, unsigned line, unsigned column)
{
    unsigned at = line + 1, end = line + 1;
    for (; at <= y->n_lines; at++) {
        const char *text = yaml_line(y, at);
        size_t blank = strspn(text, " ");
        if (text[blank] == '\n' || text[blank] == '\0' || text[blank] == '#')
            continue;
        if (blank + 1 <= column)
            break;
        end = at + 1;
    }
    return end;
}

static void
put_json(struct buf *out, const struct weir_value *v)
{
    struct weir_error err;
    if (json_write(out, v ? v : &value_null, &err) != WEIR_OK)
        (void)buf_puts(out, "null");
}

/* Of a map that is expected the members that it names, as they were. */
static void
put_named(struct buf *out, const struct weir_value *wanted, const struct weir_value *has)
{
    struct weir_text key;
    const struct weir_value *v;
    if (value_type(wanted) != WEIR_MAP || has == NULL || value_type(has) != WEIR_MAP) {
        put_json(out, has);
        return;
    }
    (void)buf_puts(out, "{");
    for (size_t i = 0; value_member(wanted, i, &key, &v); i++) {
        if (key.len > 0 && key.bytes[0] == '$') { /* a matcher stays one only if it is right: it was not */
            out->len--;
            put_json(out, has);
            return;
        }
        (void)buf_puts(out, i > 0 ? ", " : " ");
        (void)json_write_string(out, key);
        (void)buf_puts(out, ": ");
        put_named(out, v, value_get(has, key.bytes, key.len));
    }
    (void)buf_puts(out, " }");
}

/* What calls: has to say, in the form that it had. */
static void
put_calls(struct buf *out, const struct weir_value *wanted, const struct weir_value *calls)
{
    struct weir_text id, key;
    const struct weir_value *v, *one;
    (void)buf_puts(out, "{");
    for (size_t i = 0; value_member(wanted, i, &id, &v); i++) {
        const struct weir_value *list = calls ? value_get(calls, id.bytes, id.len) : NULL;
        (void)buf_puts(out, i > 0 ? ", " : " ");
        (void)json_write_string(out, id);
        (void)buf_puts(out, ": ");
        if (value_type(v) != WEIR_MAP) {
            (void)buf_printf(out, "%u", list ? list->len : 0);
            continue;
        }
        (void)buf_puts(out, "{");
        for (size_t k = 0; value_member(v, k, &key, &one); k++) {
            (void)buf_puts(out, k > 0 ? ", " : " ");
            (void)json_write_string(out, key);
            (void)buf_puts(out, ": ");
            if (text_is(key, "count"))
                (void)buf_printf(out, "%u", list ? list->len : 0);
            else
                put_named(out, one, value_get(value_at(list, 0) ? value_at(list, 0) : &value_empty_map, key.bytes, key.len));
        }
        (void)buf_puts(out, " }");
    }
    (void)buf_puts(out, " }");
}

static void
put_expect(struct buf *out, unsigned column, const struct weir_value *wanted, const struct weir_value *happened)
{
    struct weir_text key;
    const struct weir_value *v;
    (void)buf_printf(out, "%*sexpect:\n", (int)column - 1, "");
    for (size_t i = 0; value_member(wanted, i, &key, &v); i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        const struct weir_value *has = value_field(happened, name);
        (void)buf_printf(out, "%*s%s: ", (int)column + 1, "", name);
        if (text_is(key, "calls"))
            put_calls(out, v, has);
        else if (text_is(key, "took"))
            (void)buf_printf(out, "%lldms", value_field(happened, "took_ms") ? (long long)value_field(happened, "took_ms")->integer : 0);
        else if (text_is(key, "job") && value_type(v) == WEIR_STRING)
            put_json(out, value_field(has, "state"));
        else
            put_named(out, v, has);
        (void)buf_puts(out, "\n");
    }
}

static bool
write_file(const char *path, struct weir_text text)
{
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *f = fopen(temporary, "w");
    bool good = f && fwrite(text.bytes, 1, text.len, f) == text.len;
    good = f && fclose(f) == 0 && good && rename(temporary, path) == 0;
    if (!good) {
        fprintf(stderr, "weir test: %s can't be written: %s\n", path, strerror(errno));
        (void)unlink(temporary);
    }
    return good;
}

bool
test_update(const struct test_file *f, const bool *failed, const struct weir_value *const *happened)
{
    struct buf out;
    buf_init(&out, 4 * YAML_MAX);
    unsigned line = 1, n = test_file_cases(f);
    for (unsigned i = 0; i < n; i++) {
        struct test_case t;
        test_file_case(f, i, &t);
        const struct yaml_node *key = yaml_key(t.node, "expect"), *value = yaml_get(t.node, "expect");
        bool own_line = key && strspn(yaml_line(f->yaml, key->mark.line), " ") + 1 == key->mark.column;
        if (failed[i] && own_line && value && value_field(happened[i], "problem") == NULL) {
            for (; line < key->mark.line; line++)
                (void)buf_add(&out, yaml_line(f->yaml, line), strcspn(yaml_line(f->yaml, line), "\n") + 1, NULL);
            put_expect(&out, key->mark.column, value_field(t.value, "expect"), happened[i]);
            line = end_of(f->yaml, key->mark.line, key->mark.column);
        }
        value_unref(&t.value);
    }
    for (; line <= f->yaml->n_lines; line++) {
        const char *text = yaml_line(f->yaml, line);
        size_t len = strcspn(text, "\n");
        if (line < f->yaml->n_lines || len > 0)
            (void)buf_add(&out, text, len + (text[len] == '\n'), NULL);
    }
    bool good = write_file(f->path, buf_content(&out));
    buf_fini(&out);
    return good;
}
