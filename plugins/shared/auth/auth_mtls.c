/* auth_mtls.c - callers by the certificate that they showed; see auth_parts.h.
 *
 * That it is genuine was found out when TLS began (edge.tls.client_ca); here is asked whose it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct peers {
    const struct weir_value *config; /* owned */
    const struct weir_value *subjects; /* in config, as the others; NULL: none */
    const struct weir_value *names;
    const struct weir_value *fingerprints;
};

uint32_t
peers_new(const struct weir_value *config, struct peers **ret, struct weir_error *err)
{
    struct weir_text text;
    const struct weir_value *prints = host->get(config, WEIR_TEXT("fingerprints"));
    for (size_t i = 0; prints != NULL && host->get_text(host->at(prints, i), &text); i++) {
        unsigned digits = 0;
        for (size_t k = 0; k < text.len; k++)
            digits += text.bytes[k] != ':';
        if (digits != 64)
            return refuse(err, WEIR_INVALID, "mtls.fingerprints: '%.*s' is no SHA-256 in hexadecimal digits",
                          (int)(text.len < 100 ? text.len : 100), text.bytes);
    }
    struct peers *p = zeroed(1, sizeof *p);
    *p = (struct peers){ .config = host->ref(config),
                         .subjects = host->get(config, WEIR_TEXT("subjects")),
                         .names = host->get(config, WEIR_TEXT("names")),
                         .fingerprints = prints };
    *ret = p;
    return WEIR_OK;
}

void
peers_free(struct peers **p)
{
    if (*p == NULL)
        return;
    host->unref(&(*p)->config);
    free(*p);
    *p = NULL;
}

/* Whether two fingerprints are the same, in any case of letters and with colons or without. */
static bool
same_print(struct weir_text a, struct weir_text b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && a.bytes[i] == ':')
            i++;
        while (k < b.len && b.bytes[k] == ':')
            k++;
        if (i == a.len || k == b.len)
            return i == a.len && k == b.len;
        if (strncasecmp(a.bytes + i++, b.bytes + k++, 1) != 0)
            return false;
    }
}

static bool
same_exactly(struct weir_text a, struct weir_text b)
{
    return text_same(a, b);
}

/* Names of hosts are the same in any case of letters (RFC 4343). */
static bool
same_host(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && strncasecmp(a.bytes, b.bytes, a.len) == 0;
}

/* Whether the list WANTED has TEXT. */
static bool
has(const struct weir_value *wanted, struct weir_text text, bool (*same)(struct weir_text, struct weir_text))
{
    struct weir_text one;
    for (size_t i = 0; wanted != NULL && host->get_text(host->at(wanted, i), &one); i++)
        if (same(one, text))
            return true;
    return false;
}

/* The first name of PEER under KEY that is wanted; bytes NULL: none. */
static struct weir_text
wanted_name(const struct peers *p, const struct weir_value *peer, struct weir_text key)
{
    bool hosts = text_same(key, WEIR_TEXT("dns"));
    const struct weir_value *list = host->get(peer, key);
    struct weir_text name;
    for (size_t i = 0; list != NULL && host->get_text(host->at(list, i), &name); i++)
        if (has(p->names, name, hosts ? same_host : same_exactly))
            return name;
    return (struct weir_text){ NULL, 0 };
}

/* What PEER is let in under; bytes NULL: it is not. */
static struct weir_text
known_as(const struct peers *p, const struct weir_value *peer)
{
    static const char *const kinds[] = { "dns", "uris", "emails" };
    struct weir_text subject = config_text(peer, WEIR_TEXT("subject"));
    struct weir_text print = config_text(peer, WEIR_TEXT("fingerprint"));
    if (p->subjects == NULL && p->names == NULL && p->fingerprints == NULL)
        return subject; /* whoever has one of our authority */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct weir_text name = wanted_name(p, peer, text_of(kinds[i]));
        if (name.bytes != NULL)
            return name;
    }
    if (has(p->subjects, subject, same_exactly))
        return subject;
    return has(p->fingerprints, print, same_print) ? print : (struct weir_text){ NULL, 0 };
}

enum verdict
peers_check(const struct peers *p, struct inspection *i)
{
    const struct weir_value *peer = host->event_peer(i->event);
    if (peer == NULL)
        return judge(i, VERDICT_PLACE, "a certificate of the caller is needed");
    struct weir_text name = known_as(p, peer);
    if (name.bytes == NULL)
        return judge(i, VERDICT_PLACE, "the caller's certificate is not one that may enter");
    i->found = identity_new("mtls", name, NULL, peer);
    return VERDICT_IN;
}
