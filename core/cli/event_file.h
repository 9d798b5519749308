/* cli/event_file.h - an event from a JSON file, for weir try and weir expr.
 *
 *   { "method": "POST", "path": "/orders/7", "headers": { "x-api-key": "k" },
 *     "query": "a=1", "client_ip": "192.0.2.1", "body": { "any": "JSON" } }
 *
 * All members are optional; "text" instead of "body" is a text body; with "signed": true it gets the
 * signature that its trigger asks for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_EVENT_FILE_H
#define CLI_EVENT_FILE_H

#include "engine/event.h"

struct event_file {
    const struct weir_value *document; /* owned */
    struct arena arena;
};

/* Reads FILE ("-": standard input; NULL: an empty event). False after printing what is wrong. */
bool event_file_read(struct event_file *f, const char *file);
void event_file_fini(struct event_file *f);

/* Fills an event from it; the texts belong to F, the raw body to E. */
void event_file_fill(struct event_file *f, struct weir_event *e);

/* Whether it is to be signed as its sender would have. */
bool event_file_signed(const struct event_file *f);

/* The event as request is seen in expressions, but for params, which need a route; owned by the
 * caller. */
const struct weir_value *event_file_request(struct event_file *f);

#endif
