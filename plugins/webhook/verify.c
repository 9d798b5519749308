/* webhook/verify.c - whether a request is signed by who it says: see verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fills ERR with what a sender who means well needs, and nothing that helps another one. */
static enum fault
say(struct weir_error *err, enum fault fault, const char *fmt, const char *header)
{
    *err = (struct weir_error){ .code = WEIR_UNAUTHORIZED };
    snprintf(err->text, sizeof err->text, fmt, header);
    return fault;
}

/* The header NAME, which has to stand there once. */
static enum fault
take_header(const struct weir_event *e, const char *name, struct weir_text *ret, struct weir_error *err)
{
    *ret = host->event_header(e, text_of(name));
    if (ret->bytes == NULL || ret->len == 0)
        return say(err, FAULT_MISSING, "the request is not signed: it has no header '%s'", name);
    if (host->event_header_at(e, text_of(name), 1).bytes != NULL)
        return say(err, FAULT_MALFORMED, "the request has the header '%s' more than once", name);
    return FAULT_NONE;
}

/* The id of the header, if there is one and it has to be, or is wanted. */
static enum fault
take_id(const struct verify *v, const struct weir_event *e, struct claim *claim, struct weir_error *err)
{
    bool signed_too = content_has(&v->signature.content, PIECE_ID);
    if (v->signature.id_header == NULL)
        return FAULT_NONE;
    if (!signed_too && host->event_header(e, text_of(v->signature.id_header)).bytes == NULL)
        return FAULT_NONE;
    enum fault fault = take_header(e, v->signature.id_header, &claim->id, err);
    if (fault == FAULT_NONE && !id_fits(claim->id, signed_too))
        fault = say(err, FAULT_MALFORMED, "the header '%s' of the request is malformed", v->signature.id_header);
    return fault;
}

static enum fault
check_time(const struct verify *v, const struct weir_event *e, const struct claim *claim, struct weir_error *err)
{
    uint64_t then, now = host->wall_ms(host->event_shard(e));
    if (v->tolerance_ms == 0)
        return FAULT_NONE;
    if (!timestamp_read(claim->timestamp, v->signature.unit_ms, &then))
        return say(err, FAULT_MALFORMED, "the timestamp in the header '%s' of the request is malformed",
                   v->signature.timestamp_header != NULL ? v->signature.timestamp_header : v->signature.header);
    if (then + v->tolerance_ms < now)
        return say(err, FAULT_TIME, "the request was signed too long ago%s", "");
    if (then > now + v->tolerance_ms)
        return say(err, FAULT_TIME, "the request was signed in the future: the clock of its sender, or the one here, "
                   "is wrong%s", "");
    return FAULT_NONE;
}

/* What is signed besides has to stand there once, too. */
static enum fault
check_headers(const struct verify *v, const struct weir_event *e, struct weir_error *err)
{
    struct weir_text value;
    enum fault fault = FAULT_NONE;
    const struct content *c = &v->signature.content;
    for (uint32_t i = 0; i < c->n && fault == FAULT_NONE; i++)
        if (c->pieces[i].kind == PIECE_HEADER)
            fault = take_header(e, c->pieces[i].text.bytes, &value, err);
    return fault;
}

static enum fault
take_claim(const struct verify *v, const struct weir_event *e, struct claim *claim, struct weir_error *err)
{
    struct weir_text header;
    enum fault fault = take_header(e, v->signature.header, &header, err);
    if (fault == FAULT_NONE && !claim_read(&v->signature, header, claim))
        fault = say(err, FAULT_MALFORMED, "the header '%s' of the request is malformed", v->signature.header);
    if (fault == FAULT_NONE && v->signature.timestamp_header != NULL)
        fault = take_header(e, v->signature.timestamp_header, &claim->timestamp, err);
    if (fault == FAULT_NONE)
        fault = take_id(v, e, claim, err);
    if (fault == FAULT_NONE)
        fault = check_headers(v, e, err);
    return fault != FAULT_NONE ? fault : check_time(v, e, claim, err);
}

/* Whether one of the signatures of CLAIM was made with the secret K. */
static bool
has_secret(const struct verify *v, const struct key *k, const struct claim *claim, const struct weir_text *parts,
           uint32_t n)
{
    char text[SIGNATURE_TEXT_MAX];
    struct weir_text right = { text, signature_make(&v->signature, k, parts, n, text) };
    bool has = false;
    for (uint32_t i = 0; i < claim->n; i++)
        if (!claim->pair[i])
            has |= host->equal_secret(claim->signatures[i], right);
    return has;
}

/* Whether one of them was made with the private key that belongs to K. */
static bool
has_public(const struct key *k, const struct claim *claim, const struct weir_text *parts, uint32_t n)
{
    uint8_t bytes[64];
    for (uint32_t i = 0; i < claim->n; i++) {
        if (!claim->pair[i] || host->base64_read(claim->signatures[i], bytes, sizeof bytes) != sizeof bytes)
            continue;
        struct weir_text signature = { (const char *)bytes, sizeof bytes };
        if (host->ed25519_verify((struct weir_text){ k->bytes, k->len }, parts, n, signature))
            return true;
    }
    return false;
}

struct weir_text
verify_header(const void *event, struct weir_text name)
{
    return host->event_header(event, name);
}

static bool
is_signed(const struct verify *v, const struct weir_event *e, const struct claim *claim)
{
    struct weir_text parts[SIGNATURE_PIECES_MAX];
    struct message m = { .body = host->event_body(e),
                         .timestamp = claim->timestamp,
                         .id = claim->id,
                         .method = host->event_method(e),
                         .header = verify_header,
                         .of = e };
    uint32_t n = content_of(&v->signature.content, &m, parts);
    for (uint32_t i = 0; i < v->n_keys; i++) {
        const struct key *k = &v->keys[i];
        if (k->pair ? has_public(k, claim, parts, n) : has_secret(v, k, claim, parts, n))
            return true;
    }
    return false;
}

enum fault
verify_check(const struct verify *v, const struct weir_event *e, struct claim *ret, struct weir_error *err)
{
    *ret = (struct claim){ .n = 0 };
    enum fault fault = take_claim(v, e, ret, err);
    if (fault == FAULT_NONE && !is_signed(v, e, ret))
        fault = say(err, FAULT_SIGNATURE, "no signature in the header '%s' fits the request", v->signature.header);
    return fault;
}

/* The value at the JSON POINTER in BODY; NULL: there is none. */
static const struct weir_value *
find(const struct weir_value *body, const char *pointer)
{
    struct weir_text rest = text_of(pointer);
    while (body != NULL && rest.len > 0) {
        rest = (struct weir_text){ rest.bytes + 1, rest.len - 1 };
        const char *slash = memchr(rest.bytes, '/', rest.len);
        struct weir_text name = { rest.bytes, slash != NULL ? (size_t)(slash - rest.bytes) : rest.len };
        body = host->get(body, name);
        rest = (struct weir_text){ rest.bytes + name.len, rest.len - name.len };
    }
    return body;
}

/* The event's id is its idempotency key, of this trigger. */
static void
set_key(const struct verify *v, struct weir_event *e, struct weir_text id)
{
    size_t len = strlen(v->key_prefix);
    if (id.len == 0 || id.len > ID_MAX)
        return;
    char *key = host->event_alloc(e, len + id.len);
    memcpy(key, v->key_prefix, len);
    memcpy(key + len, id.bytes, id.len);
    host->event_key(e, (struct weir_text){ key, len + id.len }, v->dedupe_ms);
    if (v->dedupe_redis != NULL)
        host->event_key_share(e, v->dedupe_redis, v->dedupe_closed);
}

static void
set_key_of_body(const struct verify *v, struct weir_event *e, const struct weir_value *body)
{
    const struct weir_value *id = find(body, v->signature.id_body);
    struct weir_text text;
    int64_t number;
    char room[24];
    if (id != NULL && host->type(id) == WEIR_STRING && host->get_text(id, &text))
        set_key(v, e, text);
    else if (id != NULL && host->type(id) == WEIR_INT && host->get_int(id, &number))
        set_key(v, e, (struct weir_text){ room, (size_t)snprintf(room, sizeof room, "%lld", (long long)number) });
}

/* Slack's question whether somebody is there who knows the secret. */
static bool
echo_challenge(struct weir_event *e, const struct weir_value *body)
{
    struct weir_text type, challenge;
    const struct weir_value *echo = host->get(body, WEIR_TEXT("challenge"));
    if (!host->get_text(host->get(body, WEIR_TEXT("type")), &type) || !text_same(type, WEIR_TEXT("url_verification")) ||
        echo == NULL || host->type(echo) != WEIR_STRING || !host->get_text(echo, &challenge))
        return false;
    host->event_reply(e, &(struct weir_reply){ .size = sizeof(struct weir_reply),
                                               .status = 200,
                                               .content_type = WEIR_TEXT("text/plain; charset=utf-8"),
                                               .body = echo });
    return true;
}

/* What follows from the body of a request that is signed; false: it was answered. A body that is no
 * JSON has no id, and asks for nothing. */
static bool
look_into(const struct verify *v, struct weir_event *e)
{
    const struct weir_value *body = NULL;
    struct weir_error err = { 0 };
    bool wanted = v->challenge || (v->signature.id_body != NULL && v->dedupe_ms > 0);
    if (!wanted || host->json_read(host->event_body(e), &body, &err) != WEIR_OK) {
        host->unref(&err.detail);
        return true;
    }
    bool answered = v->challenge && echo_challenge(e, body);
    if (!answered && v->signature.id_body != NULL && v->dedupe_ms > 0)
        set_key_of_body(v, e, body);
    host->unref(&body);
    return !answered;
}

/* A 401 has to say how one gets in (RFC 9110 15.5.2). The scheme of authentication has no registered name, as that
 * of API keys: who sends webhooks doesn't read it, and who looks for what is wrong does. */
static void
challenge(const struct verify *v, struct weir_event *e)
{
    char text[300];
    int len = snprintf(text, sizeof text, "Webhook-Signature scheme=\"%s\", header=\"%.200s\"", v->signature.scheme->name,
                       v->signature.header);
    host->event_header_set(e, WEIR_TEXT("WWW-Authenticate"), (struct weir_text){ text, (size_t)len });
}

bool
verify_event(const struct webhook *w, struct weir_event *e)
{
    static const char *const reasons[] = { [FAULT_MISSING] = "signature_missing",
                                           [FAULT_MALFORMED] = "signature_malformed",
                                           [FAULT_TIME] = "signature_time",
                                           [FAULT_SIGNATURE] = "signature" };
    const struct verify *v = w->verify;
    struct claim claim;
    struct weir_error err;
    enum fault fault = verify_check(v, e, &claim, &err);
    if (fault != FAULT_NONE) {
        challenge(v, e);
        turn_away_for(w, e, &err, reasons[fault]);
        return false;
    }
    if (v->dedupe_ms > 0 && v->signature.id_header != NULL)
        set_key(v, e, claim.id);
    return look_into(v, e);
}
