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

/* The file as it is to be. */
struct update {
    struct buf text;
    bool failed; /* something did not fit: what follows does not count */
};

#define PUT(u, ...) ((u)->failed |= !buf_printf(&(u)->text, __VA_ARGS__))

static void
put_string(struct update *u, struct weir_text text)
{
    if (!json_write_string(&u->text, text))
        u->failed = true;
}

/* The line of the file that begins with TEXT. */
static void
put_line(struct update *u, const char *text)
{
    size_t len = strcspn(text, "\n");
    if (buf_add(&u->text, text, len + (text[len] == '\n'), NULL) != WEIR_OK)
        u->failed = true;
}

static void
put_json(struct update *u, const struct weir_value *v)
{
    struct weir_error err;
    if (json_write(&u->text, v ? v : &value_null, &err) != WEIR_OK)
        u->failed = true;
}

/* Of a map that is expected the members that it names, as they were. */
static void
put_named(struct update *u, const struct weir_value *wanted, const struct weir_value *has)
{
    struct weir_text key;
    const struct weir_value *v;
    if (value_type(wanted) != WEIR_MAP || has == NULL || value_type(has) != WEIR_MAP) {
        put_json(u, has);
        return;
    }
    PUT(u, "{");
    for (size_t i = 0; value_member(wanted, i, &key, &v); i++) {
        if (key.len > 0 && key.bytes[0] == '$') { /* a matcher stays one only if it is right: it was not */
            u->text.len--;
            put_json(u, has);
            return;
        }
        PUT(u, "%s", i > 0 ? ", " : " ");
        put_string(u, key);
        PUT(u, ": ");
        put_named(u, v, value_get(has, key.bytes, key.len));
    }
    PUT(u, " }");
}

/* What calls: has to say, in the form that it had. */
static void
put_calls(struct update *u, const struct weir_value *wanted, const struct weir_value *calls)
{
    struct weir_text id, key;
    const struct weir_value *v, *one;
    PUT(u, "{");
    for (size_t i = 0; value_member(wanted, i, &id, &v); i++) {
        const struct weir_value *list = calls ? value_get(calls, id.bytes, id.len) : NULL;
        PUT(u, "%s", i > 0 ? ", " : " ");
        put_string(u, id);
        PUT(u, ": ");
        if (value_type(v) != WEIR_MAP) {
            PUT(u, "%u", list ? list->len : 0);
            continue;
        }
        PUT(u, "{");
        for (size_t k = 0; value_member(v, k, &key, &one); k++) {
            PUT(u, "%s", k > 0 ? ", " : " ");
            put_string(u, key);
            PUT(u, ": ");
            if (text_is(key, "count"))
                PUT(u, "%u", list ? list->len : 0);
            else
                put_named(u, one, value_get(value_at(list, 0) ? value_at(list, 0) : &value_empty_map, key.bytes, key.len));
        }
        PUT(u, " }");
    }
    PUT(u, " }");
}

static void
put_expect(struct update *u, unsigned column, const struct weir_value *wanted, const struct weir_value *happened)
{
    struct weir_text key;
    const struct weir_value *v;
    PUT(u, "%*sexpect:\n", (int)column - 1, "");
    for (size_t i = 0; value_member(wanted, i, &key, &v); i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        const struct weir_value *has = value_field(happened, name);
        PUT(u, "%*s%s: ", (int)column + 1, "", name);
        if (text_is(key, "calls"))
            put_calls(u, v, has);
        else if (text_is(key, "took"))
            PUT(u, "%lldms", value_field(happened, "took_ms") ? (long long)value_field(happened, "took_ms")->integer : 0);
        else if (text_is(key, "job") && value_type(v) == WEIR_STRING)
            put_json(u, value_field(has, "state"));
        else
            put_named(u, v, has);
        PUT(u, "\n");
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
    struct update u = { .failed = false };
    buf_init(&u.text, YAML_MAX); /* a larger one could not be read again */
    unsigned line = 1, n = test_file_cases(f);
    for (unsigned i = 0; i < n; i++) {
        struct test_case t;
        test_file_case(f, i, &t);
        const struct yaml_node *key = yaml_key(t.node, "expect"), *value = yaml_get(t.node, "expect");
        bool own_line = key && strspn(yaml_line(f->yaml, key->mark.line), " ") + 1 == key->mark.column;
        if (failed[i] && own_line && value && value_field(happened[i], "problem") == NULL) {
            for (; line < key->mark.line; line++)
                put_line(&u, yaml_line(f->yaml, line));
            put_expect(&u, key->mark.column, value_field(t.value, "expect"), happened[i]);
            line = end_of(f->yaml, key->mark.line, key->mark.column);
        }
        value_unref(&t.value);
    }
    for (; line <= f->yaml->n_lines; line++)
        put_line(&u, yaml_line(f->yaml, line));
    if (u.failed)
        fprintf(stderr, "weir test: %s is left as it is: with what happened it would have more than %u bytes\n", f->path,
                YAML_MAX);
    bool good = !u.failed && write_file(f->path, buf_content(&u.text));
    buf_fini(&u.text);
    return good;
}
