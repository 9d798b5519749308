/* reply/reply_open.c - from the configuration to what a call needs: see README.md.
 *
 * What no expression is in is made ready here: header fields, and JSON as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "reply.h"

/* Finds the body: under json, text or body. */
static uint32_t
take_body(struct weir_open *open, const struct weir_value *config, struct reply_node *r,
          struct weir_error *err)
{
    static const struct {
        const char *key;
        enum form form;
    } keys[] = { { "json", JSON_BODY }, { "text", TEXT_BODY }, { "body", ANY_BODY } };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct piece p = piece_under(open, "", config, keys[i].key);
        if (!piece_is_there(&p))
            continue;
        if (r->form != NO_BODY) {
            piece_drop(&p);
            return refuse(err, WEIR_INVALID,
                          "a reply has one of 'json', 'text' and 'body', not two");
        }
        r->form = keys[i].form;
        r->body = p;
    }
    if (r->form == JSON_BODY && r->body.constant != NULL)
        return host->json_write(r->body.constant, &r->json, err);
    return WEIR_OK;
}

/* Memory that lives as long as the node: a chain of blocks, newest first. */
static void *
keep(void *arg, size_t size)
{
    struct reply_node *r = arg;
    char *block = zeroed(1, sizeof(max_align_t) + size);
    memcpy(block, &r->memory, sizeof r->memory);
    r->memory = block;
    return block + sizeof(max_align_t);
}

uint32_t
reply_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    struct reply_node *r = zeroed(1, sizeof *r);
    r->status = piece_under(open, "", config, "status");
    r->content_type = piece_under(open, "", config, "content_type");
    r->headers = piece_under(open, "", config, "headers");
    uint32_t code = take_body(open, config, r, err);
    if (code == WEIR_OK && r->headers.constant != NULL)
        code = fields_read(r->headers.constant, keep, r, &r->fields, err);
    if (code == WEIR_OK)
        *ret_conf = r;
    else
        reply_close(r);
    return code;
}

void
reply_close(void *conf)
{
    struct reply_node *r = conf;
    for (char *block = r->memory, *next; block != NULL; block = next) {
        memcpy(&next, block, sizeof next);
        free(block);
    }
    piece_drop(&r->status);
    piece_drop(&r->content_type);
    piece_drop(&r->headers);
    piece_drop(&r->body);
    host->unref(&r->json);
    free(r);
}
