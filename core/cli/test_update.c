/* cli/test_update.c - weir test --update: what happened becomes what is expected. See test.h.
 *
 * Only what does not hold in a failed test's expect: is written anew, with the keys that it had; all else of the
 * file stays as it is, and so do matchers that hold, and comments: those between lines that become one line stand
 * above it.
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
    if (json_write(&u->text, v, &err) != WEIR_OK)
        u->failed = true;
}

/* The matcher that V is; its key is empty if it is none. */
static struct weir_text
matcher_of(const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *with;
    bool is = value_type(v) == WEIR_MAP && v->len == 1 && value_member(v, 0, &key, &with) && key.len > 0 &&
              key.bytes[0] == '$';
    return is ? key : TEXT("");
}

/* Whether V, or something in it, would be taken for a matcher. */
static bool
looks_like_matcher(const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *one;
    if (matcher_of(v).len > 0)
        return true;
    if (value_type(v) == WEIR_MAP)
        for (size_t i = 0; value_member(v, i, &key, &one); i++)
            if (looks_like_matcher(one))
                return true;
    if (value_type(v) == WEIR_LIST)
        for (size_t i = 0; (one = value_at(v, i)) != NULL; i++)
            if (looks_like_matcher(one))
                return true;
    return false;
}

/* HAS as a value that it matches. */
static void
put_value(struct update *u, const struct weir_value *has)
{
    if (has == NULL) {
        PUT(u, "{ $absent: true }");
        return;
    }
    bool exact = looks_like_matcher(has);
    PUT(u, "%s", exact ? "{ $exact: " : "");
    put_json(u, has);
    PUT(u, "%s", exact ? " }" : "");
}

/* What is expected in place of WANTED, so that HAS matches: of a map the members that it names. */
static void
put_named(struct update *u, const struct weir_value *wanted, const struct weir_value *has)
{
    struct weir_text key;
    const struct weir_value *v;
    if (test_matches(wanted, has)) {
        put_json(u, wanted);
        return;
    }
    bool map = has && value_type(has) == WEIR_MAP && value_type(wanted) == WEIR_MAP && matcher_of(wanted).len == 0;
    bool list = has && value_type(has) == WEIR_LIST && value_type(wanted) == WEIR_LIST && has->len == wanted->len;
    if (!map && !list) {
        put_value(u, has);
        return;
    }
    PUT(u, map ? "{" : "[");
    for (size_t i = 0; map && value_member(wanted, i, &key, &v); i++) {
        PUT(u, "%s", i > 0 ? ", " : " ");
        put_string(u, key);
        PUT(u, ": ");
        put_named(u, v, value_get(has, key.bytes, key.len));
    }
    for (size_t i = 0; list && (v = value_at(wanted, i)) != NULL; i++) {
        PUT(u, "%s", i > 0 ? ", " : "");
        put_named(u, v, value_at(has, i));
    }
    PUT(u, map ? " }" : "]");
}

/* Of the calls LIST what V says of each, or of those of one step: a list, if they are not all alike. */
static void
put_call(struct update *u, const struct weir_value *v, const struct weir_value *list)
{
    struct weir_text key;
    const struct weir_value *one, *call;
    bool alike = true;
    for (size_t i = 0; value_member(v, i, &key, &one); i++)
        for (size_t j = 1; (call = value_at(list, j)) != NULL; j++) {
            const struct weir_value *first = value_get(value_at(list, 0), key.bytes, key.len);
            const struct weir_value *other = value_get(call, key.bytes, key.len);
            alike &= text_is(key, "count") || test_matches(one, other) == test_matches(one, first);
            alike &= text_is(key, "count") || test_matches(one, first) || (first && other && value_equal(first, other));
        }
    PUT(u, alike ? "{" : "[");
    for (size_t j = 0; alike ? j == 0 : (call = value_at(list, j)) != NULL; j++) {
        unsigned n = 0;
        call = value_at(list, j) ? value_at(list, j) : &value_empty_map;
        PUT(u, "%s", alike ? "" : j > 0 ? ", {" : "{");
        for (size_t i = 0; value_member(v, i, &key, &one); i++) {
            bool count = text_is(key, "count");
            if (count && !alike)
                continue;
            PUT(u, "%s", n++ > 0 ? ", " : " ");
            put_string(u, key);
            PUT(u, ": ");
            if (count)
                PUT(u, "%u", list ? list->len : 0);
            else
                put_named(u, one, value_get(call, key.bytes, key.len));
        }
        PUT(u, " }");
    }
    PUT(u, alike ? "" : "]");
}

/* What calls: has to say, in the form that it had. */
static void
put_calls(struct update *u, const struct weir_value *wanted, const struct weir_value *calls)
{
    struct weir_text id;
    const struct weir_value *v;
    PUT(u, "{");
    for (size_t i = 0; value_member(wanted, i, &id, &v); i++) {
        const struct weir_value *list = calls ? value_get(calls, id.bytes, id.len) : NULL;
        PUT(u, "%s", i > 0 ? ", " : " ");
        put_string(u, id);
        PUT(u, ": ");
        if (value_type(v) == WEIR_MAP && matcher_of(v).len == 0)
            put_call(u, v, list);
        else if (value_type(v) == WEIR_LIST && list && list->len == v->len)
            put_named(u, v, list);
        else
            PUT(u, "%u", list ? list->len : 0);
    }
    PUT(u, " }");
}

/* The value of the member KEY of expect:, which was V. */
static void
put_top(struct update *u, struct weir_text key, const struct weir_value *v, const struct weir_value *happened)
{
    const struct weir_value *has = value_get(happened, key.bytes, key.len);
    if (text_is(key, "calls"))
        put_calls(u, v, has);
    else if (text_is(key, "took"))
        PUT(u, "%lldms", value_field(happened, "took_ms") ? (long long)value_field(happened, "took_ms")->integer : 0);
    else if (text_is(key, "job") && value_type(v) == WEIR_STRING)
        put_value(u, value_field(has, "state"));
    else
        put_named(u, v, has);
}

/* Whether the member KEY of expect: holds. */
static bool
top_holds(struct weir_text key, const struct weir_value *v, const struct weir_value *happened)
{
    struct buf out;
    struct weir_builder *expect = builder_map(), *test = builder_map();
    builder_set_lent(expect, key.bytes, key.len, v);
    builder_take(test, "expect", builder_end(&expect));
    const struct weir_value *same = builder_end(&test);
    buf_init(&out, 1u << 20);
    bool holds = test_compare(same, happened, &out) == 0;
    buf_fini(&out);
    value_unref(&same);
    return holds;
}

/* -- the lines -- */

static bool
on_own_line(const struct yaml *y, const struct yaml_node *n)
{
    return strspn(yaml_line(y, n->mark.line), " ") + 1 == n->mark.column;
}

/* Whether N is a map with a line for each key, below KEY. */
static bool
in_lines(const struct yaml *y, const struct yaml_node *key, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP || n->n == 0 || n->mark.line <= key->mark.line || n->mark.line != n->keys[0]->mark.line ||
        n->mark.column != n->keys[0]->mark.column)
        return false;
    for (unsigned i = 0; i < n->n; i++)
        if (!on_own_line(y, n->keys[i]))
            return false;
    return true;
}

/* The comment at the end of a line of which the key ends at AT; its length is *RET_LEN. */
static const char *
comment_of(const char *at, size_t *ret_len)
{
    char quote = '\0', before = ':';
    for (; *at != '\0' && *at != '\n'; at++) {
        if (quote != '\0') {
            if (*at == '\\' && quote == '"' && at[1] != '\n')
                at++;
            else if (*at == quote)
                quote = '\0';
        } else if ((*at == '"' || *at == '\'') && strchr(":,[{", before) != NULL) {
            quote = *at;
        } else if (*at == '#' && (at[-1] == ' ' || at[-1] == '\t')) {
            *ret_len = strcspn(at, "\n");
            return at;
        }
        if (*at != ' ')
            before = *at;
    }
    *ret_len = 0;
    return at;
}

/* The lines of comments from LINE up to END. */
static void
put_comments(struct update *u, const struct yaml *y, unsigned line, unsigned end)
{
    for (; line < end; line++) {
        const char *text = yaml_line(y, line);
        if (text[strspn(text, " ")] == '#')
            put_line(u, text);
    }
}

/* The line of KEY up to its ':'. */
static const char *
put_key(struct update *u, const struct yaml *y, const struct yaml_node *key)
{
    const char *text = yaml_line(y, key->mark.line);
    size_t len = key->mark.column - 1 + key->mark.len;
    if (buf_add(&u->text, text, len, NULL) != WEIR_OK)
        u->failed = true;
    PUT(u, ":");
    len += strspn(text + len, " ");
    return text + len + (text[len] == ':');
}

/* Ends the line of which the source's key ended at AT, with the comment that it has. */
static void
put_end(struct update *u, const char *at)
{
    size_t len;
    const char *comment = comment_of(at, &len);
    PUT(u, "%s%.*s\n", len > 0 ? " " : "", (int)len, comment);
}

/* The lines of the map N, as far as they hold, and else those with what happened. TOP: it is expect: itself. */
static void
put_lines(struct update *u, const struct yaml *y, const struct yaml_node *n, unsigned line, const struct weir_value *has,
          bool top)
{
    for (unsigned i = 0; i < n->n; i++) {
        const struct yaml_node *key = n->keys[i], *item = n->items[i];
        const struct weir_value *wanted = yaml_value(item), *member = value_get(has, key->text.bytes, key->text.len);
        unsigned end = end_of(y, key->mark.line, key->mark.column);
        for (; line < key->mark.line; line++)
            put_line(u, yaml_line(y, line));
        bool special = top && (text_is(key->text, "calls") || text_is(key->text, "took") || text_is(key->text, "job"));
        bool holds = top ? top_holds(key->text, wanted, has) : test_matches(wanted, member);
        if (holds) {
            for (; line < end; line++)
                put_line(u, yaml_line(y, line));
        } else if (!special && in_lines(y, key, item) && member && value_type(member) == WEIR_MAP &&
                   matcher_of(wanted).len == 0) {
            put_line(u, yaml_line(y, line));
            put_lines(u, y, item, line + 1, member, false);
        } else {
            put_comments(u, y, line + 1, end);
            const char *at = put_key(u, y, key);
            PUT(u, " ");
            if (top)
                put_top(u, key->text, wanted, has);
            else
                put_named(u, wanted, member);
            put_end(u, at);
        }
        line = end;
        value_unref(&wanted);
    }
}

/* The lines of expect: from KEY on, whose value is N. */
static void
put_expect(struct update *u, const struct yaml *y, const struct yaml_node *key, const struct yaml_node *n,
           const struct weir_value *happened)
{
    struct weir_text name;
    const struct weir_value *wanted = yaml_value(n), *v;
    unsigned line = key->mark.line;
    if (in_lines(y, key, n)) {
        put_line(u, yaml_line(y, line));
        put_lines(u, y, n, line + 1, happened, true);
    } else {
        put_end(u, put_key(u, y, key));
        put_comments(u, y, line + 1, end_of(y, line, key->mark.column));
        for (size_t i = 0; value_member(wanted, i, &name, &v); i++) {
            PUT(u, "%*s%.*s: ", (int)key->mark.column + 1, "", (int)name.len, name.bytes);
            if (top_holds(name, v, happened))
                put_json(u, v);
            else
                put_top(u, name, v, happened);
            PUT(u, "\n");
        }
    }
    value_unref(&wanted);
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
    unsigned line = 1, n = test_file_cases(f), n_updated = 0;
    for (unsigned i = 0; i < n; i++) {
        struct test_case t;
        test_file_case(f, i, &t);
        const struct yaml_node *key = yaml_key(t.node, "expect"), *value = yaml_get(t.node, "expect");
        bool wanted = failed[i] && key && value && value_field(happened[i], "problem") == NULL;
        if (wanted && on_own_line(f->yaml, key)) {
            for (; line < key->mark.line; line++)
                put_line(&u, yaml_line(f->yaml, line));
            put_expect(&u, f->yaml, key, value, happened[i]);
            line = end_of(f->yaml, key->mark.line, key->mark.column);
            n_updated++;
        } else if (wanted) {
            fprintf(stderr, "weir test: %s:%u: 'expect' is left as it is: it has to begin a line to be updated\n", f->path,
                    key->mark.line);
        }
        value_unref(&t.value);
    }
    for (; line <= f->yaml->n_lines; line++)
        put_line(&u, yaml_line(f->yaml, line));
    if (u.failed)
        fprintf(stderr, "weir test: %s is left as it is: with what happened it would have more than %u bytes\n", f->path,
                YAML_MAX);
    bool good = !u.failed && n_updated > 0 && write_file(f->path, buf_content(&u.text));
    buf_fini(&u.text);
    return good;
}
