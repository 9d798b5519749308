/* postgres/postgres_array.c - reads arrays as the server writes them: {1,NULL,"a, \"b\""},
 * {{1},{2}}, [0:1]={1,2}; see postgres_value.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postgres_value.h"

#define MAX_DEPTH 6u /* PostgreSQL's own bound of dimensions */

struct reader {
    const char *at;
    const char *end;
    uint32_t oid;
    char *room; /* for one element without its quotes */
};

/* One element that is no list; NULL if there is none. */
static const struct weir_value *
read_scalar(struct reader *r)
{
    size_t len = 0;
    bool quoted = *r->at == '"';
    r->at += quoted;
    for (; r->at < r->end; r->at++) {
        char c = *r->at;
        if (quoted ? c == '"' : c == ',' || c == '}')
            break;
        if (!quoted && (c == '{' || c == '"'))
            return NULL;
        if (c == '\\' && ++r->at == r->end)
            return NULL;
        r->room[len++] = *r->at;
    }
    if (r->at == r->end || (!quoted && len == 0))
        return NULL;
    r->at += quoted;
    r->room[len] = '\0';
    if (!quoted && len == 4 && strcasecmp(r->room, "NULL") == 0)
        return host->null();
    return pg_value(r->oid, (struct weir_text){ r->room, len });
}

/* A list from its { to its }; NULL if it is none. Calls itself at most MAX_DEPTH times. */
static const struct weir_value *
read_list(struct reader *r, unsigned depth)
{
    if (depth > MAX_DEPTH || r->at == r->end || *r->at++ != '{')
        return NULL;
    struct weir_builder *list = host->list_new();
    if (r->at < r->end && *r->at == '}') {
        r->at++;
        return host->build(&list);
    }
    while (r->at < r->end) {
        const struct weir_value *v = *r->at == '{' ? read_list(r, depth + 1) : read_scalar(r);
        if (v == NULL)
            break;
        host->list_add(list, &v);
        char next = r->at < r->end ? *r->at++ : '\0';
        if (next == '}')
            return host->build(&list);
        if (next != ',')
            break;
    }
    host->builder_free(&list);
    return NULL;
}

const struct weir_value *
pg_array(uint32_t oid, struct weir_text text)
{
    struct reader r = { .at = text.bytes, .end = text.bytes + text.len, .oid = oid };
    if (text.len > 0 && text.bytes[0] == '[') { /* bounds that don't begin at 1 */
        const char *equals = memchr(text.bytes, '=', text.len);
        if (equals == NULL)
            return NULL;
        r.at = equals + 1;
    }
    r.room = malloc(text.len + 1);
    if (r.room == NULL)
        abort();
    const struct weir_value *v = read_list(&r, 1);
    if (v != NULL && r.at != r.end)
        host->unref(&v);
    free(r.room);
    return v;
}
