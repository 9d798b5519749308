/* http/http_pairs.c - query and form pairs: see http.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

bool
scalar_text(const struct weir_value *v, char room[40], struct weir_text *ret)
{
    int64_t i;
    double d;
    bool b;
    int len = 0;
    if (host->type(v) == WEIR_STRING)
        return host->get_text(v, ret);
    if (host->get_bool(v, &b)) {
        *ret = b ? WEIR_TEXT("true") : WEIR_TEXT("false");
        return true;
    }
    if (host->get_int(v, &i))
        len = snprintf(room, 40, "%lld", (long long)i);
    else if (host->get_double(v, &d))
        for (int digits = 15; digits <= 17; digits++) {
            len = snprintf(room, 40, "%.*g", digits, d);
            if (strtod(room, NULL) == d)
                break; /* the shortest that reads back the same */
        }
    *ret = (struct weir_text){ room, (size_t)len };
    return len > 0;
}

/* What is being written, or only measured. */
struct writer {
    char *out; /* NULL: measured */
    size_t len;
};

static void
put(struct writer *w, char c)
{
    if (w->out != NULL)
        w->out[w->len] = c;
    w->len++;
}

/* Percent-encodes all but unreserved characters (RFC 3986 2.3). */
static void
put_encoded(struct writer *w, struct weir_text text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
        if (letter || c == '-' || c == '.' || c == '_' || c == '~') {
            put(w, (char)c);
            continue;
        }
        put(w, '%');
        put(w, hex[c >> 4]);
        put(w, hex[c & 15]);
    }
}

static uint32_t
put_pair(struct writer *w, struct weir_text name, const struct weir_value *v,
         struct weir_error *err)
{
    char room[40];
    struct weir_text text;
    if (host->type(v) == WEIR_NULL)
        return WEIR_OK;
    if (!scalar_text(v, room, &text))
        return refuse(err, WEIR_INVALID,
                      "'%.*s' of a query or form must be a text, a number or a boolean",
                      (int)(name.len < 80 ? name.len : 80), name.bytes);
    if (w->len > 0)
        put(w, '&');
    put_encoded(w, name);
    put(w, '=');
    put_encoded(w, text);
    return WEIR_OK;
}

uint32_t
pairs_write(const struct weir_value *pairs, char *out, size_t *ret_len, struct weir_error *err)
{
    struct writer w = { .out = out };
    struct weir_text name;
    const struct weir_value *v;
    if (host->type(pairs) != WEIR_MAP && host->type(pairs) != WEIR_NULL)
        return refuse(err, WEIR_INVALID, "a query or form must be a map");
    for (size_t i = 0; host->member(pairs, i, &name, &v); i++) {
        bool list = host->type(v) == WEIR_LIST;
        size_t n = list ? host->len(v) : 1;
        for (size_t k = 0; k < n; k++)
            if (put_pair(&w, name, list ? host->at(v, k) : v, err) != WEIR_OK)
                return err->code;
    }
    *ret_len = w.len;
    return WEIR_OK;
}
