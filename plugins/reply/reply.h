/* reply/reply.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REPLY_REPLY_H
#define REPLY_REPLY_H

#include "piece.h"
#include "plugin.h"

/* How the body is written. */
enum form { NO_BODY, JSON_BODY, TEXT_BODY, ANY_BODY };

/* Header fields of one answer. The texts are in VALUES and in memory that MEMORY gave. */
struct fields {
    struct weir_header *items;
    uint32_t n;
    struct weir_text content_type; /* is not among the items; bytes NULL: none */
};

struct reply_node {
    enum form form;
    struct piece status;
    struct piece content_type;
    struct piece headers;
    struct piece body;
    struct fields fields;          /* of constant headers */
    char *memory;                  /* of their texts; owned */
    const struct weir_value *json; /* the body, if it is JSON and constant; owned */
};

/* Where memory for header fields comes from. */
typedef void *memory_fn(void *arg, size_t size);

/* The map HEADERS as fields: a list repeats a name, null leaves it out. WEIR_INVALID for what
 * can't stand in a header, or belongs to the connection. */
uint32_t fields_read(const struct weir_value *headers, memory_fn *memory, void *arg,
                     struct fields *ret, struct weir_error *err);

/* reply_open.c */
uint32_t reply_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                    struct weir_error *err);
void reply_close(void *conf);

#endif
