/* pipeline/require.c - see require.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/units.h"
#include "net/url.h"
#include "pipeline/schema_build.h"
#include "value/regex.h"

/* One name that has to be there. */
struct required {
    enum use_kind kind;
    char *name;   /* owned */
    char *format; /* one of REQUIRE_FORMATS; owned */
    struct regex *pattern; /* owned; NULL: none */
    char *pattern_text;    /* owned */
    char *line;            /* of the file; owned */
    struct mark mark;
};

struct require {
    char *file; /* owned */
    struct required *all;
    unsigned n;
};

struct reading {
    struct require *r;
    const struct yaml *y;
    struct diags *d;
};

static char *
copy_of(struct weir_text t)
{
    char *copy = strndup(t.bytes != NULL ? t.bytes : "", t.len);
    if (copy == NULL)
        abort();
    return copy;
}

static void
say(struct reading *r, const struct yaml_node *at, const char *hint, const char *text)
{
    diags_add(r->d, r->y->file, at->mark, yaml_line(r->y, at->mark.line), DIAG_REQUIRE_FORM, hint, "%s", text);
}

static bool
is_format(struct weir_text t)
{
    for (const char *at = REQUIRE_FORMATS; *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (t.len == len && memcmp(t.bytes, at, len) == 0)
            return true;
        at += len + (at[len] == ' ');
    }
    return false;
}

static void
read_format(struct reading *r, struct required *one, const struct yaml_node *n)
{
    if (n->kind != YAML_SCALAR || !is_format(n->text)) {
        say(r, n, "a format is one of " REQUIRE_FORMATS, "there is no such format");
        return;
    }
    free(one->format);
    one->format = copy_of(n->text);
}

static void
read_pattern(struct reading *r, struct required *one, const struct yaml_node *n)
{
    struct weir_error err;
    if (n->kind != YAML_SCALAR) {
        say(r, n, NULL, "a pattern is a regular expression");
        return;
    }
    regex_free(&one->pattern);
    free(one->pattern_text);
    one->pattern_text = copy_of(n->text);
    if (regex_new(n->text, false, &one->pattern, &err) != WEIR_OK)
        say(r, n, NULL, err.text);
}

/* What a name has to be: nothing, a format, or a map. */
static void
read_terms(struct reading *r, struct required *one, const struct yaml_node *n)
{
    if (n == NULL || yaml_is_null(n))
        return;
    if (n->kind == YAML_SCALAR) {
        read_format(r, one, n);
        return;
    }
    for (unsigned i = 0; n->kind == YAML_MAP && i < n->n; i++) {
        if (text_is(n->keys[i]->text, "format"))
            read_format(r, one, n->items[i]);
        else if (text_is(n->keys[i]->text, "pattern"))
            read_pattern(r, one, n->items[i]);
        else
            say(r, n->keys[i], "what may stand here: format, pattern", "unknown key");
    }
    if (n->kind == YAML_LIST)
        say(r, n, "such as url, or { pattern: '^[a-z]+$' }", "this is no format");
}

static void
add(struct reading *r, enum use_kind kind, const struct yaml_node *name, const struct yaml_node *terms)
{
    if (name->kind != YAML_SCALAR || name->text.len == 0 ||
        (kind == USE_SECRET && !secret_name_valid(name->text)) || r->r->n == REQUIRED_MAX) {
        say(r, name, NULL, r->r->n == REQUIRED_MAX ? "more than 1000 names" : "this can't be a name");
        return;
    }
    const char *line = yaml_line(r->y, name->mark.line);
    size_t len = line != NULL ? strcspn(line, "\n") : 0;
    struct required *one = &r->r->all[r->r->n++];
    *one = (struct required){ .kind = kind,
                              .name = copy_of(name->text),
                              .format = copy_of(TEXT("nonempty")),
                              .line = line != NULL ? copy_of((struct weir_text){ line, len }) : NULL,
                              .mark = name->mark };
    read_terms(r, one, terms);
}

static void
read_kind(struct reading *r, enum use_kind kind, const struct yaml_node *key, const struct yaml_node *n)
{
    if (yaml_is_null(n))
        return;
    if (n->kind == YAML_SCALAR) {
        say(r, key, NULL, "this must be a list of names, or a map from names to formats");
        return;
    }
    for (unsigned i = 0; i < n->n; i++)
        add(r, kind, n->kind == YAML_MAP ? n->keys[i] : n->items[i], n->kind == YAML_MAP ? n->items[i] : NULL);
}

struct require *
require_read(const struct yaml *y, const struct yaml_node *n, struct diags *d)
{
    struct require *q = calloc(1, sizeof *q);
    if (q == NULL || (q->all = calloc(REQUIRED_MAX, sizeof *q->all)) == NULL)
        abort();
    q->file = copy_of(text_of(y->file));
    struct reading r = { q, y, d };
    if (n->kind != YAML_MAP && !yaml_is_null(n))
        say(&r, n, NULL, "'require' must be a map of env and secrets");
    for (unsigned i = 0; n->kind == YAML_MAP && i < n->n; i++) {
        if (text_is(n->keys[i]->text, "env"))
            read_kind(&r, USE_ENV, n->keys[i], n->items[i]);
        else if (text_is(n->keys[i]->text, "secrets"))
            read_kind(&r, USE_SECRET, n->keys[i], n->items[i]);
        else
            say(&r, n->keys[i], "what may stand here: env, secrets", "unknown key in 'require'");
    }
    return q;
}

void
require_free(struct require **r)
{
    if (*r == NULL)
        return;
    for (unsigned i = 0; i < (*r)->n; i++) {
        struct required *one = &(*r)->all[i];
        free(one->name);
        free(one->format);
        free(one->pattern_text);
        free(one->line);
        regex_free(&one->pattern);
    }
    free((*r)->all);
    free((*r)->file);
    free(*r);
    *r = NULL;
}

void
require_note(const struct require *r, struct uses *u)
{
    for (unsigned i = 0; r != NULL && i < r->n; i++)
        if (r->all[i].kind == USE_SECRET)
            uses_add(u, USE_SECRET, text_of(r->all[i].name), r->file, r->all[i].mark);
}

static bool
is_int(struct weir_text t)
{
    size_t at = t.len > 1 && (t.bytes[0] == '-' || t.bytes[0] == '+');
    for (size_t i = at; i < t.len; i++)
        if (t.bytes[i] < '0' || t.bytes[i] > '9')
            return false;
    return t.len > 0 && t.len < 20;
}

/* What TEXT has to be and is not; NULL: it is all that. */
static const char *
fault_of(const struct required *one, struct weir_text text)
{
    struct url url;
    uint64_t number;
    struct weir_error err;
    if (strcmp(one->format, "url") == 0 && url_parse(text, &url, &err) != WEIR_OK)
        return "a URL such as https://api.example.org";
    if (strcmp(one->format, "int") == 0 && !is_int(text))
        return "a whole number";
    if (strcmp(one->format, "duration") == 0 && duration_parse(text, &number, &err) != WEIR_OK)
        return "a duration such as 250ms, 5s or 2h";
    if (strcmp(one->format, "bytes") == 0 && bytes_parse(text, &number, &err) != WEIR_OK)
        return "a size such as 64KiB or 1MiB";
    if (one->pattern != NULL && (!utf8_valid(text) || regex_match(one->pattern, text) != REGEX_YES))
        return "what matches its pattern";
    return NULL;
}

static void
check(const struct require *r, const struct required *one, const struct secrets *s, const struct name_use *use,
      struct diags *d)
{
    const char *what = one->kind == USE_ENV ? "the environment variable" : "the secret";
    const char *in = use != NULL ? use->place : "no pipeline";
    struct weir_text text = { NULL, 0 };
    if (one->kind == USE_ENV) {
        const char *value = getenv(one->name);
        text = value != NULL ? text_of(value) : text;
    } else {
        const struct weir_value *value = secrets_get(s, text_of(one->name));
        text = value != NULL ? value_as_text(value) : text;
    }
    const char *fault = text.len > 0 ? fault_of(one, text) : NULL;
    char more[32] = "";
    if (use != NULL && use->n_places > 3)
        (void)snprintf(more, sizeof more, " and %u more", use->n_places - 3);
    if (text.len == 0)
        diags_add(d, r->file, one->mark, one->line, DIAG_REQUIRED_UNSET, NULL, "%s %s is required and is not set; used in %s%s", what,
                  one->name, in, more);
    else if (fault != NULL)
        diags_add(d, r->file, one->mark, one->line, DIAG_REQUIRED_VALUE, NULL, "%s %s must be %s%s%s; used in %s%s", what, one->name,
                  fault, one->pattern_text != NULL ? ": " : "", one->pattern_text != NULL ? one->pattern_text : "", in, more);
}

void
require_check(const struct require *r, const struct secrets *s, const struct uses *u, struct diags *d)
{
    for (unsigned i = 0; r != NULL && i < r->n; i++) {
        const struct required *one = &r->all[i];
        check(r, one, s, u != NULL ? uses_get(u, one->kind, text_of(one->name)) : NULL, d);
    }
}

/* A format, or a map of format and pattern. */
static const struct weir_value *
terms_schema(void)
{
    struct weir_builder *b = builder_map(), *members = builder_map(), *format = builder_map(), *words = builder_list();
    for (const char *at = REQUIRE_FORMATS; *at != '\0';) {
        size_t len = strcspn(at, " ");
        const struct weir_value *v = value_string(at, len);
        builder_add(words, &v);
        at += len + (at[len] == ' ');
    }
    const struct weir_value *enumeration = builder_end(&words);
    put_text(format, "description", "What the value has to be.");
    builder_put(format, "enum", enumeration);
    put_value(members, "format", builder_end(&format));
    put_value(members, "pattern", map_of("type", "string"));
    put_value(b, "type", list_of("string", "object"));
    put_value(b, "properties", builder_end(&members));
    builder_put(b, "additionalProperties", &value_false);
    value_unref(&enumeration);
    return builder_end(&b);
}

const struct weir_value *
require_schema(void)
{
    struct weir_builder *b = builder_map(), *members = builder_map();
    static const char *const kinds[][2] = {
        { "env", "Variables of the environment that have to be set." },
        { "secrets", "Secrets that have to be set, in any source." },
    };
    for (unsigned i = 0; i < 2; i++) {
        struct weir_builder *kind = builder_map();
        put_text(kind, "description", kinds[i][1]);
        put_value(kind, "type", list_of("object", "array"));
        put_value(kind, "items", map_of("type", "string"));
        put_value(kind, "additionalProperties", terms_schema());
        put_value(members, kinds[i][0], builder_end(&kind));
    }
    put_text(b, "description", "What has to be there before anything starts; what is missing or malformed is said at once.");
    put_text(b, "type", "object");
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&members));
    return builder_end(&b);
}
