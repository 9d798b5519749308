/* webhook/verify_keys.c - see verify_keys.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MARK "whsec_"
#define PUBLIC_MARK "whpk_"
#define PRIVATE_MARK "whsk_"
#define KEY_BYTES_MIN 24u /* Standard Webhooks 1.0.0 */
#define KEY_BYTES_MAX 64u
#define PUBLIC_BYTES 32u

static bool
begins(struct weir_text t, const char *with)
{
    size_t len = strlen(with);
    return t.len >= len && memcmp(t.bytes, with, len) == 0;
}

static void
keep(struct key *k, const void *bytes, size_t len)
{
    k->bytes = malloc(len);
    if (k->bytes == NULL)
        abort();
    memcpy(k->bytes, bytes, len);
    k->len = len;
}

/* A key of Standard Webhooks: base64, of which its beginning says what it is for. */
static uint32_t
decode(struct weir_text t, const char *where, struct key *k, struct weir_error *err)
{
    uint8_t bytes[KEY_BYTES_MAX];
    k->public = begins(t, PUBLIC_MARK);
    if (begins(t, PRIVATE_MARK))
        return refuse(err, WEIR_INVALID, "verify.%s: whsk_ is the private key of the sender; what it is checked with "
                      "begins with whpk_", where);
    size_t skip = k->public ? sizeof PUBLIC_MARK - 1 : begins(t, SECRET_MARK) ? sizeof SECRET_MARK - 1 : 0;
    size_t len = host->base64_read((struct weir_text){ t.bytes + skip, t.len - skip }, bytes, sizeof bytes);
    bool good = len != SIZE_MAX && (k->public ? len == PUBLIC_BYTES : len >= KEY_BYTES_MIN);
    if (good)
        keep(k, bytes, len);
    explicit_bzero(bytes, sizeof bytes);
    if (good)
        return WEIR_OK;
    if (k->public)
        return refuse(err, WEIR_INVALID, "verify.%s: whpk_ must be followed by base64 of 32 bytes", where);
    return refuse(err, WEIR_INVALID, "verify.%s: the secret must be whsec_ and base64 of 24 to 64 bytes", where);
}

uint32_t
keys_add(struct verify *v, const struct weir_value *value, const char *where, struct weir_error *err)
{
    struct weir_text t = WEIR_TEXT("");
    struct key k = { 0 };
    uint32_t publics = 0;
    if (!host->get_text(value, &t) || t.len == 0)
        return refuse(err, WEIR_INVALID, "verify.%s: the secret must be a text that is not empty", where);
    if (memchr(t.bytes, '\n', t.len) != NULL || memchr(t.bytes, '\r', t.len) != NULL)
        return refuse(err, WEIR_INVALID, "verify.%s: the secret has a line break in it: it was copied with one", where);
    if (v->scheme->encoded_key) {
        if (decode(t, where, &k, err) != WEIR_OK)
            return err->code;
    } else {
        keep(&k, t.bytes, t.len);
    }
    v->keys[v->n_keys++] = k;
    for (uint32_t i = 0; i < v->n_keys; i++)
        publics += v->keys[i].public;
    return publics <= PUBLIC_KEYS_MAX ? WEIR_OK
                                      : refuse(err, WEIR_INVALID, "verify.secrets: at most %u public keys can be used "
                                               "at once", PUBLIC_KEYS_MAX);
}

/* The value at POINTER below verify; NULL is left for one that is null. */
static uint32_t
constant(struct weir_open *open, const char *where, const struct weir_value **ret, struct weir_error *err)
{
    char pointer[64], text[sizeof err->text];
    (void)snprintf(pointer, sizeof pointer, "/verify/%s", where);
    uint32_t slot = host->slot(open, pointer);
    uint32_t code = host->constant(open, slot, ret, err);
    if (code == WEIR_OK && host->type(*ret) == WEIR_NULL)
        host->unref(ret);
    if (code == WEIR_OK)
        return code;
    if (code == WEIR_NOT_FOUND)
        return refuse(err, WEIR_INVALID, "verify.%s: the secret is not set", where);
    memcpy(text, err->text, sizeof text);
    const char *why = text; /* behind the pointer, which is said in another way */
    for (size_t len = strlen(pointer); strncmp(why, pointer, len) == 0 && strncmp(why + len, ": ", 2) == 0;)
        why += len + 2;
    return refuse(err, code, "verify.%s: %.400s", where, why);
}

/* Adds the one at WHERE, if it is not null. */
static uint32_t
take(struct weir_open *open, struct verify *v, const char *where, struct weir_error *err)
{
    const struct weir_value *value = NULL;
    uint32_t code = constant(open, where, &value, err);
    if (code == WEIR_OK && value != NULL)
        code = keys_add(v, value, where, err);
    host->unref(&value);
    return code;
}

uint32_t
keys_take(struct weir_open *open, const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    const struct weir_value *list = host->get(config, WEIR_TEXT("secrets"));
    bool one = host->get(config, WEIR_TEXT("secret")) != NULL;
    char where[32];
    if (one == (list != NULL))
        return refuse(err, WEIR_INVALID, "verify: %s needs a 'secret', or a list of 'secrets' of which any fits",
                      v->scheme->name);
    if (one && take(open, v, "secret", err) != WEIR_OK)
        return err->code;
    if (list != NULL && host->type(list) != WEIR_LIST)
        return refuse(err, WEIR_INVALID, "verify.secrets: each of the list can be an expression, but not all of it");
    for (size_t i = 0; list != NULL && i < host->len(list); i++) {
        (void)snprintf(where, sizeof where, "secrets/%zu", i);
        if (take(open, v, where, err) != WEIR_OK)
            return err->code;
    }
    if (v->n_keys == 0)
        return refuse(err, WEIR_INVALID, "verify: no secret is set");
    return WEIR_OK;
}

void
keys_drop(struct verify *v)
{
    for (uint32_t i = 0; i < v->n_keys; i++) {
        explicit_bzero(v->keys[i].bytes, v->keys[i].len);
        free(v->keys[i].bytes);
    }
    v->n_keys = 0;
}
