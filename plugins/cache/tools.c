/* cache/tools.c - small things that all node types need: see cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "cache.h"

uint32_t
key_read(struct weir_call *call, const struct node *node, struct key *ret, struct weir_error *err)
{
    ret->text = (struct weir_text){ "", 0 };
    uint32_t code = host->eval_text(call, node->key, &ret->text, err);
    if (code != WEIR_OK && code != WEIR_NOT_FOUND)
        return code;
    if (ret->text.len == 0)
        return refuse(err, WEIR_INVALID, "the 'key' of the cache is empty");
    host->digest_local(ret->text, ret->id);
    return WEIR_OK;
}

void
count_request(struct weir_call *call, const struct store *s, struct weir_text result)
{
    const struct weir_text labels[] = { { s->named->name, strlen(s->named->name) }, result };
    host->measure(call, s->requests, labels, 1);
}

void
count_skipped(struct weir_shard *shard, const struct store *s, const char *reason)
{
    const struct weir_text labels[] = { { s->named->name, strlen(s->named->name) },
                                        { reason, strlen(reason) } };
    host->shard_measure(shard, s->skipped, labels, 1);
}
