/* fuzz/signature_fuzz.c - whatever stands in the headers of a signed request, only the signature that
 * weir would have made itself is taken, and any text is a template of what is signed, a secret, or
 * is refused.
 *
 * room: engine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

/* The plugin declares again what stands in these. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "engine/event.h"
#include "engine/generation.h"

#include "../../plugins/shared/plugin/plugin.c"
#include "../../plugins/shared/signature/content.c"
#include "../../plugins/shared/signature/keys.c"
#include "../../plugins/shared/signature/make.c"
#include "../../plugins/shared/signature/options.c"
#include "../../plugins/shared/signature/schemes.c"
#include "../../plugins/webhook/verify.c"
#include "../../plugins/webhook/verify_header.c"
#include "../../plugins/webhook/verify_open.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is not of verify. */
bool
text_same(struct weir_text a, struct weir_text b)
{
    return text_equal(a, b);
}

void
turn_away_for(const struct webhook *w, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    (void)w;
    (void)e;
    (void)err;
    (void)reason;
}

static const char *const configs[] = {
    "{\"scheme\":\"standard-webhooks\"}",
    "{\"scheme\":\"svix\"}",
    "{\"scheme\":\"github\"}",
    "{\"scheme\":\"stripe\"}",
    "{\"scheme\":\"slack\"}",
    "{\"scheme\":\"hmac\",\"header\":\"X-S\",\"separator\":\",\",\"prefix\":\"s=\",\"encoding\":\"base64url\",\"id_header\":\"X-I\","
    "\"timestamp_header\":\"X-T\",\"timestamp_unit\":\"ms\",\"content\":\"{method} {header:X-H} {id} {timestamp} {body}\"}",
};
#define N_CONFIGS (sizeof configs / sizeof *configs)
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PUBLIC "whpk_EZgbUjJdONMh4pTGBkvavLW9sGfKf8eu7XKHC75tBOM="

static struct verify ways[N_CONFIGS];

static void
begin(void)
{
    struct weir_error err = { 0 };
    host = host_table();
    clock_wall_hold(UINT64_C(1614265330000));
    for (size_t i = 0; i < N_CONFIGS; i++) {
        const struct weir_value *v = NULL;
        assert(host->json_read(text_of(configs[i]), &v, &err) == WEIR_OK);
        assert(verify_read(v, &ways[i], &err) == WEIR_OK);
        host->unref(&v);
        v = host->string(WEIR_TEXT(SECRET));
        assert(verify_add_key(&ways[i], v, "secret", &err) == WEIR_OK);
        host->unref(&v);
        v = host->string(WEIR_TEXT(PUBLIC));
        assert(verify_add_key(&ways[i], v, "secret", &err) == WEIR_OK);
        host->unref(&v);
    }
}

/* Whether the signature that weir would have made stands in HEADER, letter for letter. */
static bool
has_right_one(const struct verify *v, const struct weir_event *e, const struct claim *claim, struct weir_text header)
{
    struct weir_text parts[SIGNATURE_PIECES_MAX];
    char right[SIGNATURE_TEXT_MAX];
    uint8_t mac[DIGEST_MAX];
    struct buf all;
    struct message m = { host->event_body(e), claim->timestamp, claim->id, e->method, verify_header, e };
    uint32_t n = content_of(&v->signature.content, &m, parts);
    buf_init(&all, 1u << 20);
    for (uint32_t i = 0; i < n; i++)
        assert(buf_text(&all, parts[i]));
    size_t len = digest_hmac(v->signature.algorithm, (struct weir_text){ v->keys[0].bytes, v->keys[0].len },
                             buf_content(&all), mac);
    buf_fini(&all);
    len = signature_write(v->signature.encoding, (struct weir_text){ (const char *)mac, len }, right);
    for (uint32_t i = 0; i < claim->n; i++)
        if (claim->pair[i])
            return true; /* nobody has the private key here: only a seed is taken by that */
    return memmem(header.bytes, header.len, right, len) != NULL;
}

/* A copy of just its size, up to a NUL of DATA, which then begins behind it. */
static struct weir_text
next_text(const uint8_t **data, size_t *size)
{
    const uint8_t *nul = *size > 0 ? memchr(*data, '\0', *size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - *data) : *size;
    char *copy = malloc(len + (len == 0));
    assert(copy != NULL);
    if (len > 0)
        memcpy(copy, *data, len);
    *data += nul != NULL ? len + 1 : len;
    *size -= nul != NULL ? len + 1 : len;
    return (struct weir_text){ copy, len };
}

static void
check_request(const struct verify *v, struct weir_text texts[4])
{
    const struct signature *s = &v->signature;
    const char *const names[] = { s->header, s->timestamp_header, s->id_header };
    struct weir_header headers[4];
    struct weir_event e = { .headers = headers, .method = TEXT("POST") };
    struct claim claim;
    struct weir_error err = { 0 };
    for (unsigned i = 0; i < 3; i++)
        if (names[i] != NULL)
            headers[e.n_headers++] = (struct weir_header){ text_of(names[i]), texts[i] };
    headers[e.n_headers++] = (struct weir_header){ TEXT("x-h"), TEXT("h") };
    e.raw = value_bytes(texts[3].bytes, texts[3].len);
    enum fault f = verify_check(v, &e, &claim, &err);
    assert(f == FAULT_NONE ? claim.n > 0 && has_right_one(v, &e, &claim, texts[0]) : err.text[0] != '\0');
    assert(claim.n <= SIGNATURES_MAX);
    value_unref(&e.raw);
}

/* Any text as a template, and as a secret. */
static void
check_author(struct weir_text text, const struct signature *s)
{
    struct content c = { .n = 0 };
    struct key k;
    struct weir_error err = { 0 };
    char *copy = strndup(text.bytes, text.len);
    assert(copy != NULL);
    assert(content_read(copy, "fuzz", &c, &err) == WEIR_OK || err.text[0] != '\0');
    assert(c.n <= SIGNATURE_PIECES_MAX);
    content_free(&c);
    free(copy);
    for (int makes = 0; makes < 2; makes++) {
        err.text[0] = '\0';
        assert(key_read(s, text, makes, "fuzz", &k, &err) == WEIR_OK || err.text[0] != '\0');
        key_drop(&k);
    }
}

/* The scheme by the first byte, then signature, timestamp, id and body with NULs between them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_text texts[4];
    if (host == NULL)
        begin();
    const struct verify *v = &ways[size > 0 ? data[0] % N_CONFIGS : 0];
    size -= size > 0;
    data += size > 0;
    for (unsigned i = 0; i < 4; i++)
        texts[i] = next_text(&data, &size);
    check_request(v, texts);
    for (unsigned i = 0; i < 4; i++) {
        check_author(texts[i], &v->signature);
        free((char *)(uintptr_t)texts[i].bytes);
    }
    return 0;
}
