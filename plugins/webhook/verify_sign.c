/* webhook/verify_sign.c - events of tests, signed as their sender would have: see verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "verify.h"

static struct weir_text
keep(struct weir_event *e, const char *bytes, size_t len)
{
    char *copy = host->event_alloc(e, len + 1);
    memcpy(copy, bytes, len);
    return (struct weir_text){ copy, len };
}

/* The id that the event has, or one that no other has. */
static struct weir_text
id_of(struct weir_event *e, const char *header)
{
    struct weir_text id = host->event_header(e, text_of(header));
    uint8_t bytes[16];
    char text[40] = "msg_";
    if (id.bytes != NULL)
        return id;
    host->random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(text + 4 + 2 * i, 3, "%02x", bytes[i]);
    return keep(e, text, strlen(text));
}

/* The first secret; a public key makes no signature. NULL: there is none. */
static const struct key *
secret_of(const struct verify *v)
{
    for (uint32_t i = 0; i < v->n_keys; i++)
        if (!v->keys[i].pair)
            return &v->keys[i];
    return NULL;
}

uint32_t
verify_sign(const struct webhook *w, struct weir_event *e, struct weir_header *ret, uint32_t *ret_n,
            struct weir_error *err)
{
    char text[SIGNATURE_FIELD_MAX];
    if (w->verify == NULL)
        return refuse(err, WEIR_INVALID, "the webhook has no 'verify': it takes requests that are not signed");
    const struct signature *s = &w->verify->signature;
    const struct key *k = secret_of(w->verify);
    if (k == NULL)
        return refuse(err, WEIR_INVALID, "a public key can't sign: give the headers of a request that is signed");
    struct message m = { .body = host->event_body(e),
                         .timestamp = WEIR_TEXT(""),
                         .id = WEIR_TEXT(""),
                         .method = host->event_method(e),
                         .header = verify_header,
                         .of = e };
    *ret_n = 0;
    if (s->id_header != NULL) {
        m.id = id_of(e, s->id_header);
        ret[(*ret_n)++] = (struct weir_header){ text_of(s->id_header), m.id };
    }
    if (signature_timed(s)) {
        uint64_t now = host->wall_ms(host->event_shard(e)) / s->unit_ms;
        m.timestamp = keep(e, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)now));
    }
    if (s->timestamp_header != NULL)
        ret[(*ret_n)++] = (struct weir_header){ text_of(s->timestamp_header), m.timestamp };
    struct weir_text field = keep(e, text, signature_field(s, k, &m, text));
    ret[(*ret_n)++] = (struct weir_header){ text_of(s->header), field };
    return WEIR_OK;
}
