/* pipeline/names.c - the names in expressions, checked against what is in scope where they
 * stand.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/names.h"

/* The fields of names that have fixed ones. */
static const struct {
    const char *name;
    const char *fields;
} fixed[] = {
    { "request", "method path params query query_all headers body raw client_ip id auth connection" },
    { "run", "id pipeline attempt started_at replay_of" },
    { "error", "code message node status attempt detail" },
    { "reply", "status headers duration" },
};

/* Cuts the next of some words that are separated by blanks; false at the end. */
static bool
next_word(const char **at, struct weir_text *ret)
{
    *at += strspn(*at, " ");
    *ret = (struct weir_text){ *at, strcspn(*at, " ") };
    *at += ret->len;
    return ret->len > 0;
}

static const char *
fields_of(struct weir_text name)
{
    for (unsigned i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (text_is(name, fixed[i].name))
            return fixed[i].fields;
    return NULL;
}

static bool
has_word(const char *words, struct weir_text word)
{
    struct weir_text at;
    while (next_word(&words, &at))
        if (text_equal(at, word))
            return true;
    return false;
}

struct mark
names_mark(const struct reading *r, const struct expr_access *a, unsigned part)
{
    return yaml_place(r->l->yaml, r->site->yaml, a->places[part].offset, a->places[part].len);
}

bool
names_opted(const struct expr_access *a, unsigned part)
{
    return a->absent_ok || (a->optional_from < a->n && a->optional_from <= part + 1);
}

static void
check_fields(struct reading *r, const struct expr_access *a)
{
    const char *fields = fields_of(a->path[0]);
    if (fields == NULL || a->n < 2 || has_word(fields, a->path[1]))
        return;
    struct weir_text names[16];
    size_t n = 0;
    const char *at = fields;
    while (n < 16 && next_word(&at, &names[n]))
        n++;
    char hint[128];
    hint_nearest(a->path[1], names, n, hint, sizeof hint);
    load_say_at(r->l, names_mark(r, a, 1), DIAG_FIELD_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                "%.*s has no field '%.*s'; it has %s", CLIP(a->path[0]), CLIP(a->path[1]),
                fields);
}

/* Names of headers come in lower case, so another one would never be there. */
static void
check_header(struct reading *r, const struct expr_access *a)
{
    struct weir_text name = a->n > 2 ? a->path[2] : (struct weir_text){ "", 0 };
    char lower[64];
    size_t n = 0;
    bool differs = false;
    for (; n < name.len && n < sizeof lower; n++) {
        bool upper = name.bytes[n] >= 'A' && name.bytes[n] <= 'Z';
        lower[n] = (char)(upper ? name.bytes[n] | 0x20 : name.bytes[n]);
        differs |= upper;
    }
    if (!text_is(a->path[1], "headers") || !differs)
        return;
    char hint[128];
    (void)snprintf(hint, sizeof hint, "write headers[\"%.*s\"]", (int)n, lower);
    load_say_at(r->l, names_mark(r, a, 2), DIAG_FIELD_UNKNOWN, hint,
                "names of headers are lower case here");
}

/* Whether {NAME} or {NAME*} stands in PATH. */
static bool
path_has(struct weir_text path, struct weir_text name)
{
    for (size_t i = 0; i + name.len + 1 < path.len; i++) {
        if (path.bytes[i] != '{' || memcmp(path.bytes + i + 1, name.bytes, name.len) != 0)
            continue;
        char end = path.bytes[i + 1 + name.len];
        if (end == '}' || end == '*')
            return true;
    }
    return false;
}

/* The triggers whose path is known say which params there are. */
static void
check_param(struct reading *r, const struct expr_access *a)
{
    if (a->n < 3 || !text_is(a->path[1], "params") || names_opted(a, 2))
        return;
    const struct pipeline *p = r->l->p;
    const struct weir_value *path = NULL;
    for (unsigned i = 0; i < p->n_triggers; i++) {
        path = value_field(p->triggers[i]->config_value, "path");
        bool known =
            path != NULL && value_type(path) == WEIR_STRING && !(path->flags & VALUE_DYNAMIC);
        if (!known || path_has(value_as_text(path), a->path[2]))
            return;
    }
    if (path != NULL)
        load_say_at(r->l, names_mark(r, a, 2), DIAG_PARAM_UNKNOWN, NULL,
                    "no trigger's path has {%.*s}: %.*s", CLIP(a->path[2]),
                    CLIP(value_as_text(path)));
}

/* vars are constants, so the whole chain can be followed. */
static void
check_vars(struct reading *r, const struct expr_access *a)
{
    const struct weir_value *at = r->l->p->vars;
    for (unsigned i = 1; i < a->n && at != NULL && value_type(at) == WEIR_MAP; i++) {
        const struct weir_value *next = value_get(at, a->path[i].bytes, a->path[i].len);
        if (next != NULL) {
            at = next;
            continue;
        }
        if (names_opted(a, i))
            return;
        struct weir_text names[64];
        size_t n = 0;
        while (n < 64 && value_member(at, n, &names[n], &next))
            n++;
        char hint[128];
        hint_nearest(a->path[i], names, n, hint, sizeof hint);
        load_say_at(r->l, names_mark(r, a, i), DIAG_VAR_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                    "there is no '%.*s' in 'vars'", CLIP(a->path[i]));
        return;
    }
}

/* Whether the environment has NAME. */
static bool
environment_has(const struct loading *l, const char *name)
{
    const char *const *names = l->options->env_names;
    if (names == NULL)
        return getenv(name) != NULL;
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* A name that is said once per file and kind. */
static bool
first_time(struct reading *r, const char *kind, struct weir_text name)
{
    char key[128];
    (void)snprintf(key, sizeof key, "%s.%.*s", kind, CLIP(name));
    return map_set(&r->said, key, strlen(key), r) == NULL;
}

static bool
needs_name(struct reading *r, const struct expr_access *a, const char *example)
{
    if (a->n > 1)
        return false;
    load_say_at(r->l, names_mark(r, a, 0), DIAG_NAME_DYNAMIC, NULL,
                "'%.*s' needs a fixed name, as in %s", CLIP(a->path[0]), example);
    return true;
}

static void
note_use(struct reading *r, enum use_kind kind, const struct expr_access *a)
{
    if (r->l->options->uses != NULL)
        uses_add(r->l->options->uses, kind, a->path[1], r->l->yaml->file, names_mark(r, a, 1));
}

static void
check_env(struct reading *r, const struct expr_access *a)
{
    if (needs_name(r, a, "env.REGION"))
        return;
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", CLIP(a->path[1]));
    if (secrets_own_variable(a->path[1])) {
        load_say_at(r->l, names_mark(r, a, 1), DIAG_SECRET_FLOW,
                    "a secret is read as secrets.NAME, so that it is masked",
                    "%s is not for env", name);
        return;
    }
    note_use(r, USE_ENV, a);
    if (names_opted(a, 1) || environment_has(r->l, name) || !first_time(r, "env", a->path[1]))
        return;
    load_say_at(r->l, names_mark(r, a, 1), DIAG_ENV_UNSET,
                "set it, or write ?? and what counts instead",
                "the environment variable %s is not set", name);
}

static bool
secret_set(const struct loading *l, struct weir_text name)
{
    char variable[256];
    bool set = l->options->secrets != NULL && secrets_get(l->options->secrets, name) != NULL;
    for (unsigned i = 0; i < 2 && l->options->secrets == NULL && !set; i++) {
        (void)secrets_variable(name, i == 1, variable, sizeof variable);
        set = environment_has(l, variable);
    }
    return set;
}

static void
check_secret(struct reading *r, const struct expr_access *a)
{
    if (needs_name(r, a, "secrets.API_KEY"))
        return;
    if (!a->washed && !r->site->part->may_be_secret)
        load_say_at(r->l, names_mark(r, a, 0), DIAG_SECRET_FLOW,
                    "hmac, sha256, size and comparisons of it may",
                    "a secret may not flow in here: the field is not made for secrets");
    note_use(r, USE_SECRET, a);
    if (names_opted(a, 1))
        return;
    char name[256];
    (void)secrets_variable(a->path[1], false, name, sizeof name);
    if (!secret_set(r->l, a->path[1]) && first_time(r, "secrets", a->path[1]))
        load_say_at(r->l, names_mark(r, a, 1), DIAG_SECRET_UNSET,
                    "set it, or write ?? and what counts instead",
                    "the secret is not set: %s is not in the environment%s", name,
                    r->l->options->secrets != NULL ? ", and no other source has it" : "");
}

/* Whether a block around the node brings NAME into scope. */
static bool
is_brought(const struct reading *r, struct weir_text name)
{
    const struct block *b = r->node != NULL ? r->node->in : NULL;
    for (; b != NULL; b = b->outer)
        for (unsigned i = 0; i < b->n_names; i++)
            if (text_equal(b->names[i], name))
                return true;
    return false;
}

static bool
in_scope(const struct reading *r, struct weir_text name)
{
    if (has_word("vars env secrets", name))
        return true;
    if (r->place == PLACE_TRIGGER)
        return false;
    if (has_word("request input run", name))
        return true;
    if (r->place == PLACE_RUN)
        return false;
    if (text_is(name, "steps"))
        return true;
    if (text_is(name, "error") && in_catch(r->l->p, r->node->in))
        return true;
    if (text_is(name, "reply") && in_finally(r->l->p, r->node->in))
        return true;
    return is_brought(r, name);
}

static void
check_access(void *arg, const struct expr_access *a)
{
    struct reading *r = arg;
    if (r->l->d->full)
        return;
    struct weir_text root = a->path[0];
    if (!in_scope(r, root)) {
        names_unknown(r, a);
        return;
    }
    if (is_brought(r, root))
        return;
    if (text_is(root, "steps"))
        names_step(r, a);
    else if (text_is(root, "vars"))
        check_vars(r, a);
    else if (text_is(root, "env"))
        check_env(r, a);
    else if (text_is(root, "secrets"))
        check_secret(r, a);
    else
        check_fields(r, a);
    if (!text_is(root, "request") || a->n < 2)
        return;
    check_header(r, a);
    check_param(r, a);
}

static void
check_sites(struct reading *r, const struct sites *sites)
{
    for (const struct site *s = sites->first; s != NULL; s = s->next) {
        r->site = s;
        template_each_access(s->part->template, check_access, r);
    }
}

void
names_check(struct loading *l)
{
    struct reading r = { .l = l, .place = PLACE_TRIGGER };
    map_init(&r.said);
    check_sites(&r, &l->trigger_sites);
    r.place = PLACE_RUN;
    check_sites(&r, &l->run_sites);
    r.place = PLACE_NODE;
    for (unsigned i = 0; i < l->p->n_nodes && !l->d->full; i++) {
        r.node = l->drafts[i]->node;
        check_sites(&r, &l->drafts[i]->sites);
    }
    map_fini(&r.said);
}
