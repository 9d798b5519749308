/* value/json_string.h - inside the room: the text of a JSON document that is being read, and
 * the strings in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_JSON_STRING_H
#define VALUE_JSON_STRING_H

#include "value/doc.h"

struct json_text {
    const char *start;
    const char *end;
    const char *fault; /* where it went wrong */
    const char *why;   /* NULL: too deep      */
    bool copied;       /* the text is the document's own and may be changed */
    struct doc doc;
};

/* Notes that something is wrong at P, and gives NULL. */
static inline const char *
json_fault(struct json_text *t, const char *p, const char *why)
{
    t->fault = p;
    t->why = why;
    return NULL;
}

/* Reads the rest of the string that begins at START, behind its quote, and is plain up to P;
 * undoes escapes and refuses malformed UTF-8. *ret lives as long as the document. Returns what
 * is behind the closing quote, NULL at a fault. */
const char *json_string_rest(struct json_text *t, const char *start, const char *p,
                             struct weir_text *ret);

#endif
