/* pipeline/load_ids.c - the ids of nodes: the author's, or one that follows from the place.
 *
 * A derived id is the way from the top of the file and the type, as steps_2_cases_llama_0_http:
 * other characters than letters, digits and _ become _, a long one keeps its first 47
 * characters and gets 16 digits of a digest, and one that is taken gets _2, _3 ... behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "pipeline/loading.h"
#include "pipeline/owned.h"

#define ID_MAX 64

static void
take_id(struct loading *l, struct draft *d, const char *id)
{
    d->node->id = id;
    (void)map_set(&l->p->ids, id, strlen(id), d->node);
}

/* The author's id of D, if it is a good one. */
static void
given_id(struct loading *l, struct draft *d)
{
    const struct yaml_node *n = d->id;
    if (n->kind != YAML_SCALAR || !node_id_valid(n->text)) {
        load_say(l, n, DIAG_ID_FORM, NULL,
                 "an id is a lower-case letter, then letters, digits and _, at most 64 in all");
        return;
    }
    const struct node *other = map_get(&l->p->ids, n->text.bytes, n->text.len);
    if (other != NULL) {
        load_say(l, n, DIAG_ID_TWICE, NULL, "the id '%.*s' is taken by the node in line %u",
                 CLIP(n->text), other->mark.line);
        return;
    }
    d->node->id_given = true;
    take_id(l, d, own_text(l->p, n->text));
}

/* Shortens ID to 64 characters; what is cut lives on in a digest. */
static void
shorten(char *id, size_t len)
{
    if (len <= ID_MAX)
        return;
    uint8_t sum[DIGEST_MAX];
    size_t n = digest(digest_find(TEXT("sha256")), (struct weir_text){ id, len }, sum);
    char *at = id + ID_MAX - 17;
    *at++ = '_';
    for (size_t i = 0; i < 8 && i < n; i++, at += 2)
        (void)snprintf(at, 3, "%02x", sum[i]);
}

static void
derived_id(struct loading *l, struct draft *d, struct map *times)
{
    char id[512];
    int len = snprintf(id, sizeof id, "%s_%s", d->place, d->node->type->abi.name);
    for (char *at = id; *at != '\0'; at++) {
        bool upper = *at >= 'A' && *at <= 'Z';
        bool good = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        *at = (char)(upper ? *at - 'A' + 'a' : good ? *at : '_');
    }
    shorten(id, len < (int)sizeof id ? (size_t)len : sizeof id - 1);

    char base[ID_MAX + 1];
    memcpy(base, id, strnlen(id, ID_MAX));
    base[strnlen(id, ID_MAX)] = '\0';
    uintptr_t time = (uintptr_t)map_get(times, base, strlen(base));
    while (map_get(&l->p->ids, id, strlen(id)) != NULL) {
        time = time < 2 ? 2 : time + 1;
        (void)snprintf(id, sizeof id, "%.*s_%u", ID_MAX - 8, base, (unsigned)time);
    }
    if (time > 0)
        (void)map_set(times, base, strlen(base), (void *)time);
    take_id(l, d, own_text(l->p, text_of(id)));
}

void
load_ids(struct loading *l)
{
    struct map times; /* how often a derived id was taken before */
    map_init(&times);
    for (unsigned i = 0; i < l->p->n_nodes; i++)
        if (l->drafts[i]->id != NULL)
            given_id(l, l->drafts[i]);
    for (unsigned i = 0; i < l->p->n_nodes; i++)
        if (l->drafts[i]->node->id == NULL)
            derived_id(l, l->drafts[i], &times);
    map_fini(&times);
}
