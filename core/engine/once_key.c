/* engine/once_key.c - the idempotency keys of events; see once.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/once.h"

#include <string.h>

#include "base/digest.h"
#include "engine/admission.h"

uint64_t
once_ttl(const struct weir_event *e)
{
    const struct pipeline *p = e->trigger->flow->pipeline;
    return p->idempotency ? p->idempotency_ttl_ms : e->once_ttl_ms;
}

bool
once_key(struct weir_event *e, uint8_t *key, uint8_t *content, struct weir_error *err)
{
    const struct pipeline *p = e->trigger->flow->pipeline;
    struct weir_text text = { "", 0 };
    err->code = WEIR_OK;
    bool given = once_ttl(e) > 0 && p->idempotency == NULL;
    enum weir_code code = WEIR_OK;
    if (given)
        text = e->once_key;
    else if (p->idempotency)
        code = admission_text(e, p->idempotency, &text, err);
    if (code == WEIR_NOT_FOUND || (code == WEIR_OK && text.len == 0)) {
        err->code = WEIR_OK;
        return false;
    }
    if (code != WEIR_OK) {
        (void)err_in(err, "idempotency");
        return false;
    }
    struct buf b;
    buf_init(&b, 4096);
    (void)buf_add(&b, p->name, strlen(p->name) + 1, NULL);
    (void)buf_add(&b, given ? "\1" : "", given, NULL); /* no key of an expression is one of a trigger */
    (void)buf_add(&b, text.bytes, text.len, NULL);
    digest(WEIR_SHA256, buf_content(&b), key);
    buf_fini(&b);
    /* A sender's id stands for the event, whatever else he says of it when he sends it again. */
    digest(WEIR_SHA256, e->raw && !given ? value_as_text(e->raw) : TEXT(""), content);
    return true;
}
