/* switch/switch.c - runs the block whose case fits: see README.md.
 *
 * The cases of a map are sorted at open and found by bisection; those of a list are tried one
 * after another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define NONE UINT32_MAX

struct choice {
    struct weir_text key; /* of the map; owned */
    uint32_t when;        /* a slot, of the list */
    uint32_t block;
};

struct switch_node {
    uint32_t value;                    /* a slot */
    const struct weir_value *constant; /* the value, if no expression is in it; else NULL */
    bool listed;                       /* cases are a list of { when, do } */
    uint32_t n;
    uint32_t otherwise; /* the block of default; NONE */
    struct choice *choices;
};

static int
compare(struct weir_text a, struct weir_text b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len > 0 ? memcmp(a.bytes, b.bytes, a.len) : 0;
}

static int
by_key(const void *a, const void *b)
{
    const struct choice *x = a;
    const struct choice *y = b;
    return compare(x->key, y->key);
}

static void
switch_close(void *conf)
{
    struct switch_node *s = conf;
    for (uint32_t i = 0; i < s->n; i++)
        free((char *)(uintptr_t)s->choices[i].key.bytes);
    host->unref(&s->constant);
    free(s->choices);
    free(s);
}

/* Notes one child block: default, or a case. */
static void
take_block(struct weir_open *open, struct switch_node *s, uint32_t block)
{
    static const char cases[] = "cases/";
    struct weir_text path = host->block_path(open, block);
    if (path.len < sizeof cases - 1 || memcmp(path.bytes, cases, sizeof cases - 1) != 0) {
        s->otherwise = block;
        return;
    }
    struct choice *c = &s->choices[s->n++];
    c->block = block;
    if (s->listed) {
        c->when = host->block_slot(open, block, "when");
        return;
    }
    c->key.len = path.len - (sizeof cases - 1);
    c->key.bytes = path.bytes + sizeof cases - 1;
    c->key.bytes = text_copied(c->key);
}

/* Whether there is a case of the list form. */
static bool
has_listed(struct weir_open *open)
{
    for (uint32_t i = 0; i < host->blocks(open); i++)
        if (host->block_slot(open, i, "when") != 0)
            return true;
    return false;
}

static uint32_t
switch_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
            struct weir_error *err)
{
    const struct weir_value *value = host->get(config, WEIR_TEXT("value"));
    bool listed = has_listed(open);
    uint32_t n = host->blocks(open);
    if (listed && value != NULL)
        return refuse(err, WEIR_INVALID,
                      "a list of cases has conditions of its own: leave the value of switch out");
    if (!listed && value == NULL)
        return refuse(err, WEIR_INVALID,
                      "switch needs a value to compare with its cases, as in switch: ${ input.kind }");
    if (n == 0)
        return refuse(err, WEIR_INVALID, "switch needs cases");
    struct switch_node *s = zeroed(1, sizeof *s);
    struct choice *choices = zeroed(n, sizeof *choices);
    *s = (struct switch_node){ .listed = listed, .otherwise = NONE, .choices = choices };
    s->value = host->slot(open, "/value");
    if (value != NULL &&
        (s->value == 0 || host->slot_flags(open, s->value) & WEIR_SLOT_CONSTANT))
        s->constant = host->ref(value);
    for (uint32_t i = 0; i < n; i++)
        take_block(open, s, i);
    if (!listed)
        qsort(choices, s->n, sizeof *choices, by_key);
    *ret_conf = s;
    return WEIR_OK;
}

/* Runs BLOCK; without one, what flows in flows on. */
static void
go(struct weir_call *call, uint32_t block)
{
    if (block != NONE) {
        (void)host->block(call, block, NULL, NULL, UINT64_MAX, pass_on, call);
        return;
    }
    struct weir_error err = { 0 };
    const struct weir_value *input = NULL;
    if (host->input(call, &input, &err) == WEIR_OK)
        host->done(call, &input);
    else
        fail_with(call, &err);
}

/* The text that V is compared by, in ROOM if it is not a string. False: it equals no case. */
static bool
text_of(const struct weir_value *v, char room[24], struct weir_text *ret)
{
    int64_t i;
    bool b;
    if (host->type(v) == WEIR_STRING)
        return host->get_text(v, ret);
    if (host->get_bool(v, &b))
        *ret = b ? WEIR_TEXT("true") : WEIR_TEXT("false");
    else if (host->get_int(v, &i))
        *ret = (struct weir_text){ room, (size_t)snprintf(room, 24, "%lld", (long long)i) };
    else if (host->type(v) == WEIR_NULL)
        *ret = WEIR_TEXT("null");
    else
        return false;
    return true;
}

static uint32_t
find(const struct switch_node *s, const struct weir_value *v)
{
    char room[24];
    struct choice want = { 0 };
    if (!text_of(v, room, &want.key))
        return s->otherwise;
    const struct choice *c = bsearch(&want, s->choices, s->n, sizeof want, by_key);
    return c != NULL ? c->block : s->otherwise;
}

static void
run_mapped(struct weir_call *call, const struct switch_node *s)
{
    if (s->constant != NULL) {
        go(call, find(s, s->constant));
        return;
    }
    struct weir_error err;
    const struct weir_value *v = NULL;
    WEIR_ERROR_CLEAR(&err);
    if (host->eval(call, s->value, &v, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    uint32_t block = find(s, v);
    host->unref(&v);
    go(call, block);
}

/* Evaluates the condition of a case of a list. */
static uint32_t
holds(struct weir_call *call, const struct switch_node *s, uint32_t i, bool *ret,
      struct weir_error *err)
{
    const struct weir_value *v = NULL;
    if (host->eval(call, s->choices[i].when, &v, err) != WEIR_OK)
        return err->code;
    bool is_bool = host->get_bool(v, ret);
    host->unref(&v);
    return is_bool ? WEIR_OK
                   : refuse(err, WEIR_SCRIPT, "'when' of case %u must be true or false", i + 1);
}

static void
run_listed(struct weir_call *call, const struct switch_node *s)
{
    struct weir_error err = { 0 };
    for (uint32_t i = 0; i < s->n; i++) {
        bool yes;
        if (holds(call, s, i, &yes, &err) != WEIR_OK) {
            fail_with(call, &err);
            return;
        }
        if (yes) {
            go(call, s->choices[i].block);
            return;
        }
    }
    go(call, s->otherwise);
}

static void
switch_run(struct weir_call *call, void *state)
{
    const struct switch_node *s = state;
    if (s->listed)
        run_listed(call, s);
    else
        run_mapped(call, s);
}

static void
switch_cancel(struct weir_call *call, void *state)
{
    (void)state; /* the block ends with its call */
    cut_short(call, "the block was cut short");
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "The value that is compared with the keys of 'cases'.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "value",
    "properties": {
        "value": {
            "description": "Compared, as text, with the keys of 'cases'. Left out if 'cases' is a list of { when, do }.",
            "examples": ["${ request.params.service }", "${ input.kind }"]
        }
    }
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "cases/*",
        .runs = WEIR_MAYBE,
        .summary = "Runs if the value, as text, is this key.",
    },
    {
        .size = sizeof(struct weir_block_type),
        .path = "cases/*/do",
        .keys = "when",
        .runs = WEIR_MAYBE,
        .summary = "Runs if 'when' is true and no case before it was.",
    },
    {
        .size = sizeof(struct weir_block_type),
        .path = "default",
        .runs = WEIR_MAYBE,
        .summary = "Runs if no case fits.",
    },
};

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "switch",
        .summary = "Runs one of several blocks: the one whose key is the value, or whose "
                   "condition is true.",
        .config_schema = schema,
        .example = "- switch: ${ request.params.service }\n"
                   "  cases:\n"
                   "    orders:\n"
                   "      - set: { queue: orders }\n"
                   "    returns:\n"
                   "      - set: { queue: returns }\n"
                   "  default:\n"
                   "    - reply: { status: 404, json: { error: unknown service } }\n",
        .output = "the last output of the block that ran; what flows in, if none did",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_NONE, /* that of its steps counts */
        .open = switch_open,
        .run = switch_run,
        .cancel = switch_cancel,
        .close = switch_close,
    },
};

PLUGIN("switch", PLUGIN_NODES(nodes));
