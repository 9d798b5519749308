/* pipeline/load_scalar.c - scalars of keys that are not configuration: durations, counts,
 * words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "expr/template.h"
#include "pipeline/loading.h"

/* Refuses what is no scalar, and an expression, since the value is needed at load. */
static bool
is_plain_scalar(struct loading *l, const struct yaml_node *n, const char *what,
                const char *needed)
{
    if (n->kind != YAML_SCALAR) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL, "'%s' must be %s, not %s", what, needed,
                 yaml_kind_name(n));
        return false;
    }
    if (yaml_is_string(n) && template_needed(n->text)) {
        load_say(l, n, DIAG_EXPR_FORBIDDEN, NULL,
                 "'%s' must be known at load: no expression can stand here", what);
        return false;
    }
    return true;
}

bool
load_duration(struct loading *l, const struct yaml_node *n, const char *what, uint64_t *ret_ms)
{
    if (!is_plain_scalar(l, n, what, "a duration such as 5s"))
        return false;
    char hint[64] = "";
    if (n->value.type == WEIR_INT && n->text.len < 12)
        (void)snprintf(hint, sizeof hint, "write '%.*ss' or '%.*sms'", CLIP(n->text),
                       CLIP(n->text));
    struct weir_error err;
    if (n->value.type != WEIR_STRING) {
        load_say(l, n, DIAG_BAD_VALUE, hint[0] != '\0' ? hint : NULL,
                 "'%s' must be a duration such as 5s", what);
        return false;
    }
    uint64_t ms = 0;
    if (duration_parse(n->text, &ms, &err) != WEIR_OK) {
        load_say(l, n, DIAG_BAD_VALUE, NULL, "'%s': %s", what, err.text);
        return false;
    }
    if (ms == 0) {
        load_say(l, n, DIAG_BAD_VALUE, NULL, "'%s' must be longer than nothing", what);
        return false;
    }
    *ret_ms = ms;
    return true;
}

bool
load_bool(struct loading *l, const struct yaml_node *n, const char *what, bool *ret)
{
    if (!is_plain_scalar(l, n, what, "true or false"))
        return false;
    if (n->value.type != WEIR_BOOL) {
        load_say(l, n, DIAG_BAD_VALUE, NULL, "'%s' must be true or false", what);
        return false;
    }
    *ret = n->value.boolean;
    return true;
}

bool
load_count(struct loading *l, const struct yaml_node *n, const char *what, unsigned max,
           unsigned *ret)
{
    char needed[64];
    (void)snprintf(needed, sizeof needed, "a whole number from 1 to %u", max);
    if (!is_plain_scalar(l, n, what, needed))
        return false;
    if (n->value.type != WEIR_INT || n->value.integer < 1 || n->value.integer > (int64_t)max) {
        load_say(l, n, DIAG_BAD_VALUE, NULL, "'%s' must be %s", what, needed);
        return false;
    }
    *ret = (unsigned)n->value.integer;
    return true;
}

bool
load_text(struct loading *l, const struct yaml_node *n, const char *what, struct weir_text *ret)
{
    if (n->kind != YAML_SCALAR || !yaml_is_string(n)) {
        const char *hint =
            n->kind == YAML_SCALAR && !yaml_is_null(n) ? "put it in quotes" : NULL;
        load_say(l, n, DIAG_WRONG_TYPE, hint, "'%s' must be a string, not %s", what,
                 yaml_kind_name(n));
        return false;
    }
    *ret = n->text;
    return true;
}

/* Cuts the next word off *at; false at the end. */
static bool
next_word(const char **at, struct weir_text *ret)
{
    if (**at == '\0')
        return false;
    *ret = (struct weir_text){ *at, strcspn(*at, "|") };
    *at += ret->len;
    *at += **at == '|';
    return true;
}

/* "a, b or c" for "a|b|c". */
static void
list_words(const char *words, char *ret, size_t room)
{
    struct weir_text word;
    size_t len = 0;
    ret[0] = '\0';
    bool first = true;
    while (next_word(&words, &word) && len < room) {
        const char *between = first ? "" : *words == '\0' ? " or " : ", ";
        first = false;
        len += (size_t)snprintf(ret + len, room - len, "%s%.*s", between, (int)word.len,
                                word.bytes);
    }
}

static size_t
split_words(const char *words, struct weir_text *ret, size_t room)
{
    size_t n = 0;
    while (n < room && next_word(&words, &ret[n]))
        n++;
    return n;
}

bool
load_choice(struct loading *l, const struct yaml_node *n, const char *what, const char *choices,
            unsigned *ret)
{
    char needed[128];
    list_words(choices, needed, sizeof needed);
    if (!is_plain_scalar(l, n, what, needed))
        return false;
    struct weir_text words[16];
    size_t n_words = split_words(choices, words, 16);
    for (size_t i = 0; i < n_words; i++)
        if (text_equal(words[i], n->text)) {
            *ret = (unsigned)i;
            return true;
        }
    char hint[96];
    hint_nearest(n->text, words, n_words, hint, sizeof hint);
    load_say(l, n, DIAG_BAD_VALUE, hint[0] != '\0' ? hint : NULL, "'%s' must be %s", what,
             needed);
    return false;
}

bool
load_map(struct loading *l, const struct yaml_node *n, const char *what, const char *keys)
{
    if (n->kind != YAML_MAP) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL, "'%s' must be a map, not %s", what,
                 yaml_kind_name(n));
        return false;
    }
    struct weir_text words[16];
    size_t n_words = split_words(keys, words, 16);
    bool good = true;
    for (unsigned i = 0; i < n->n; i++) {
        bool known = false;
        for (size_t w = 0; w < n_words; w++)
            known |= text_equal(words[w], n->keys[i]->text);
        if (known)
            continue;
        char hint[96];
        hint_nearest(n->keys[i]->text, words, n_words, hint, sizeof hint);
        load_say(l, n->keys[i], DIAG_KEY_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                 "unknown key '%.*s' in '%s'", CLIP(n->keys[i]->text), what);
        good = false;
    }
    return good;
}
