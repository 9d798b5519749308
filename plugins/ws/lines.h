/* ws/lines.h - messages as event streams have them: WHATWG HTML, "Server-sent events" (9.2).
 *
 * A message is fields of one line each and an empty line. Lines end with LF, CR or CRLF for who reads
 * them, so each of these in a message begins a new data line, and arrives as LF. The fields event and id
 * can have none of them, and no NUL. What goes to many is written once. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WS_LINES_H
#define WS_LINES_H

#include "texts.h"

/* What is said to connections. */
struct message {
    const struct weir_value *value; /* lent: a string or bytes */
    struct weir_text event; /* its name for event streams; empty: none */
    struct weir_text id;    /* its id there; empty: none */
    const struct weir_value *lines; /* owned: as an event stream has it; NULL: nobody needed that yet */
};

/* M as lines of an event stream: a string, or bytes if event or id are not UTF-8. Bytes are base64, other values
 * JSON. Owned by the caller. */
const struct weir_value *lines_of(const struct message *m);

/* Whether TEXT can be the name or the id of an event: no line break, no NUL. */
bool lines_is_word(struct weir_text text);

#endif
