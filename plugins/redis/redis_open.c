/* redis/redis_open.c - from the configuration to what a call needs: see redis.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis.h"

uint32_t
refuse_in(struct weir_error *err, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t used = len >= 0 && (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    size_t left = sizeof text - used;
    if (left > 3)
        (void)snprintf(text + used, left, ": %.*s", (int)(left - 3), err->text);
    memcpy(err->text, text, sizeof text);
    return err->code;
}

/* Whether the part of the configuration at POINTER and /INDEX is an expression. */
static bool
is_dynamic(struct weir_open *open, const char *pointer, size_t index)
{
    char item[64];
    snprintf(item, sizeof item, "%s/%zu", pointer, index);
    uint32_t slot = host->slot(open, item);
    return slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0;
}

/* Refuses at load what can be told from the words that are fixed. */
static uint32_t
check_words(struct weir_open *open, const char *pointer, const struct weir_value *list,
            const char *name, struct weir_error *err)
{
    size_t n = host->len(list);
    struct weir_text *words = zeroed(n, sizeof *words);
    uint32_t code = WEIR_OK;
    for (size_t i = 0; i < n && code == WEIR_OK; i++) {
        words[i] = WEIR_TEXT("");
        bool dynamic = is_dynamic(open, pointer, i);
        if (!dynamic)
            (void)host->get_text(host->at(list, i), &words[i]);
        if (!dynamic && host->type(host->at(list, i)) == WEIR_NULL)
            code = refuse(err, WEIR_INVALID, "%s/%zu: null is no argument", pointer, i);
    }
    const char *why = code == WEIR_OK ? refused_why(words, (unsigned)n) : NULL;
    if (why != NULL)
        code = refuse(err, WEIR_INVALID, "%s: %s is refused: %s", pointer, name, why);
    free(words);
    return code;
}

/* The command in LIST, which stands at POINTER. */
static uint32_t
take_order(struct weir_open *open, const char *pointer, const struct weir_value *list,
           struct order *ret, struct weir_error *err)
{
    struct weir_text name = WEIR_TEXT("");
    if (host->type(list) != WEIR_LIST || is_dynamic(open, pointer, 0))
        return refuse(err, WEIR_INVALID,
                      "%s must be a list that begins with the name of a command, written out: "
                      "by an expression a caller might choose it",
                      pointer);
    if (!host->get_text(host->at(list, 0), &name) || !name_valid(name))
        return refuse(err, WEIR_INVALID,
                      "%s/0 must be the name of a command alone, such as GET; what follows "
                      "are items of their own",
                      pointer);
    snprintf(ret->name, sizeof ret->name, "%.*s", (int)name.len, name.bytes);
    ret->pairs = name_is(name, "hgetall");
    ret->words = piece_at(open, pointer, list);
    return check_words(open, pointer, list, ret->name, err);
}

static uint32_t
take_orders(struct weir_open *open, const struct weir_value *config, struct redis_node *n,
            struct weir_error *err)
{
    char pointer[32];
    const struct weir_value *one = host->get(config, WEIR_TEXT("command"));
    const struct weir_value *list = host->get(config, WEIR_TEXT("commands"));
    n->many = list != NULL;
    if (list != NULL && host->type(list) != WEIR_LIST)
        return refuse(err, WEIR_INVALID,
                      "'commands' must be a list of commands, written out: by an expression a "
                      "caller might choose them");
    unsigned n_orders = one != NULL ? 1 : (unsigned)host->len(list);
    n->orders = zeroed(n_orders + 1, sizeof *n->orders);
    for (unsigned i = 0; i < n_orders; i++) {
        const struct weir_value *words = one != NULL ? one : host->at(list, i);
        snprintf(pointer, sizeof pointer, one != NULL ? "/command" : "/commands/%u", i);
        n->n_orders = i + 1;
        if (take_order(open, pointer, words, &n->orders[i], err) != WEIR_OK)
            return err->code;
    }
    return WEIR_OK;
}

static uint32_t
take_script(struct weir_open *open, const struct weir_value *config, struct redis_node *n,
            struct weir_error *err)
{
    struct weir_text text;
    const struct weir_value *script = host->get(config, WEIR_TEXT("script"));
    if (!host->get_text(script, &text) || text.len == 0)
        return refuse(err, WEIR_INVALID, "'script' must be the text of a script");
    if (memmem(text.bytes, text.len, "${", 2) != NULL)
        return refuse(err, WEIR_INVALID,
                      "nothing is put into a 'script': write ARGV[1] there, and the expression "
                      "as the first of 'args'");
    n->script = host->ref(script);
    n->keys = piece_under(open, "", config, "keys");
    n->args = piece_under(open, "", config, "args");
    return WEIR_OK;
}

static bool
has(const struct weir_value *config, const char *key)
{
    return host->get(config, (struct weir_text){ key, strlen(key) }) != NULL;
}

/* Which options there may be together. */
static uint32_t
check_options(const struct weir_value *config, struct weir_error *err)
{
    int forms = has(config, "command") + has(config, "commands") + has(config, "script");
    if (forms != 1)
        return refuse(err, WEIR_INVALID,
                      "one of 'command', 'commands' and 'script' must say what to do");
    if (!has(config, "script") && (has(config, "keys") || has(config, "args")))
        return refuse(err, WEIR_INVALID,
                      "'keys' and 'args' are those of a 'script'; a command has them in its "
                      "list");
    if (!has(config, "commands") && (has(config, "atomic") || has(config, "on_error")))
        return refuse(err, WEIR_INVALID, "'atomic' and 'on_error' are for 'commands'");
    return WEIR_OK;
}

static uint32_t
take_server(struct weir_open *open, struct redis_node *n, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text url;
    if (host->constant(open, host->slot(open, "/url"), &v, err) != WEIR_OK)
        return err->code;
    uint32_t code = WEIR_OK;
    if (!host->get_text(v, &url))
        code = refuse(err, WEIR_INVALID, "'url' must be a text such as redis://127.0.0.1:6379");
    else if ((n->server = host->redis(open, url, err)) == NULL)
        code = err->code;
    host->unref(&v);
    return code;
}

static bool
option_is(const struct weir_value *config, struct weir_text key, const char *what)
{
    struct weir_text text;
    return host->get_text(host->get(config, key), &text) && name_is(text, what);
}

uint32_t
node_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
          struct weir_error *err)
{
    int64_t timeout_ms = 1000;
    struct redis_node *n = zeroed(1, sizeof *n);
    (void)host->get_int(host->get(config, WEIR_TEXT("timeout")), &timeout_ms);
    (void)host->get_bool(host->get(config, WEIR_TEXT("atomic")), &n->atomic);
    n->timeout_ms = (uint32_t)timeout_ms;
    n->keeps_errors = option_is(config, WEIR_TEXT("on_error"), "keep");
    n->parse = option_is(config, WEIR_TEXT("parse"), "json")    ? PARSE_JSON
               : option_is(config, WEIR_TEXT("parse"), "bytes") ? PARSE_BYTES
                                                                : PARSE_TEXT;
    uint32_t code = check_options(config, err);
    if (code == WEIR_OK)
        code = has(config, "script") ? take_script(open, config, n, err)
                                     : take_orders(open, config, n, err);
    if (code == WEIR_OK)
        code = take_server(open, n, err);
    if (code == WEIR_OK)
        *ret_conf = n;
    else
        node_close(n);
    return code;
}

void
node_close(void *conf)
{
    struct redis_node *n = conf;
    for (unsigned i = 0; i < n->n_orders; i++)
        piece_drop(&n->orders[i].words);
    host->unref(&n->script);
    piece_drop(&n->keys);
    piece_drop(&n->args);
    free(n->orders);
    free(n);
}

uint32_t
node_effect_of(const struct weir_value *config)
{
    const struct weir_value *one = host->get(config, WEIR_TEXT("command"));
    const struct weir_value *list = host->get(config, WEIR_TEXT("commands"));
    if (one != NULL)
        return command_effect(one);
    if (list == NULL || host->type(list) != WEIR_LIST)
        return WEIR_EFFECT_UNSAFE;
    uint32_t worst = WEIR_EFFECT_NONE;
    for (size_t i = 0, n = host->len(list); i < n; i++) {
        uint32_t effect = command_effect(host->at(list, i));
        worst = effect > worst ? effect : worst;
    }
    return worst;
}
