/* http/http_lent.c - what a lent node is asked with: see http.h.
 *
 * What is not taken is refused: a path that is misspelt would send another request than was meant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <strings.h>

#include "http.h"
#include "names.h"

bool
may_have_body(struct weir_text method)
{
    static const char *const without[] = { "get", "head", "delete", "options", NULL };
    for (unsigned i = 0; without[i] != NULL; i++)
        if (strlen(without[i]) == method.len && strncasecmp(method.bytes, without[i], method.len) == 0)
            return false;
    return true;
}

static bool
is_left_out(const struct piece *p)
{
    return p->slot == 0 && p->constant == NULL;
}

static const char *
type_name(const struct weir_value *v)
{
    static const char *const names[] = { "null", "a boolean", "a number", "a number", "a text",
                                         "bytes", "a list",   "a map",    "a stream" };
    return names[host->type(v)];
}

/* What may be given, into ALLOWED, which has room for five. */
static void
list_allowed(const struct http_node *n, bool body, const char **allowed)
{
    unsigned k = 0;
    if (n->based && is_left_out(&n->path))
        allowed[k++] = "path";
    if (is_left_out(&n->query))
        allowed[k++] = "query";
    if (is_left_out(&n->headers))
        allowed[k++] = "headers";
    if (n->form == NO_BODY && body)
        allowed[k++] = "json";
    allowed[k] = NULL;
}

static uint32_t
check_key(const char *const *allowed, struct weir_text key, const struct weir_value *v, struct weir_error *err)
{
    static const char *const all[] = { "path", "query", "headers", "json", NULL };
    static const char *const maps[] = { "query", "headers", NULL };
    char list[80], hint[60];
    int len = (int)(key.len < 60 ? key.len : 60);
    names_list(allowed, list, sizeof list);
    if (names_has(allowed, key)) {
        if (names_has(maps, key) && host->type(v) != WEIR_MAP && host->type(v) != WEIR_NULL)
            return refuse(err, WEIR_INVALID, "the argument: '%.*s' must be a map, not %s", len, key.bytes, type_name(v));
        return WEIR_OK;
    }
    if (names_has(all, key))
        return refuse(err, WEIR_INVALID, "the argument: '%.*s' is not for who asks to say; what is taken: %s", len,
                      key.bytes, list[0] ? list : "nothing");
    return refuse(err, WEIR_INVALID, "the argument: unknown key '%.*s' (what is taken: %s)%s", len, key.bytes,
                  list[0] ? list : "nothing", names_hint(allowed, key, hint, sizeof hint));
}

uint32_t
lent_check(struct weir_call *call, const struct http_node *n, bool body, struct weir_error *err)
{
    const char *allowed[5];
    struct weir_text key;
    const struct weir_value *item, *v = n->lends ? host->lent(call, WEIR_TEXT("")) : NULL;
    if (v == NULL || host->type(v) == WEIR_NULL)
        return WEIR_OK;
    list_allowed(n, body, allowed);
    if (host->type(v) != WEIR_MAP) {
        char list[80];
        names_list(allowed, list, sizeof list);
        return refuse(err, WEIR_INVALID, "the argument must be a map, not %s; what is taken: %s", type_name(v),
                      list[0] ? list : "nothing");
    }
    for (size_t i = 0; host->member(v, i, &key, &item); i++)
        if (check_key(allowed, key, item, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}
