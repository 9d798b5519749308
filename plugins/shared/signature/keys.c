/* keys.c - secrets, from text to bytes. See signature.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "impl.h"

#define SECRET_MARK "whsec_"
#define PUBLIC_MARK "whpk_"
#define PRIVATE_MARK "whsk_"
#define SECRET_BYTES_MIN 24u /* bytes; Standard Webhooks 1.0.0 */
#define SECRET_BYTES_MAX 64u
#define PAIR_BYTES 32u

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

/* Whether a private key can sign: its second half, if it has one, belongs to the first one. */
static bool
can_sign(struct weir_text key)
{
    uint8_t signature[64];
    return host->ed25519_sign(key, &(struct weir_text){ "", 0 }, 1, signature);
}

/* A key of Standard Webhooks: base64, of which its beginning says what it is for. */
static uint32_t
decode(struct weir_text t, bool makes, const char *where, struct key *k, struct weir_error *err)
{
    uint8_t bytes[SECRET_BYTES_MAX];
    const char *mine = makes ? PRIVATE_MARK : PUBLIC_MARK, *theirs = makes ? PUBLIC_MARK : PRIVATE_MARK;
    k->pair = begins(t, mine);
    if (begins(t, theirs))
        return wrong(err, where, "%s is the %s key of a pair; here it must be the one that begins with %s", theirs,
                     makes ? "public" : "private", mine);
    size_t skip = k->pair ? strlen(mine) : begins(t, SECRET_MARK) ? sizeof SECRET_MARK - 1 : 0;
    size_t len = host->base64_read((struct weir_text){ t.bytes + skip, t.len - skip }, bytes, sizeof bytes);
    bool good = len != SIZE_MAX;
    if (k->pair && makes)
        good = good && can_sign((struct weir_text){ (const char *)bytes, len });
    else
        good = good && (k->pair ? len == PAIR_BYTES : len >= SECRET_BYTES_MIN);
    if (good)
        keep(k, bytes, len);
    explicit_bzero(bytes, sizeof bytes);
    if (good)
        return WEIR_OK;
    if (k->pair)
        return wrong(err, where, "%s must be followed by base64 of 32 bytes%s", mine, makes ? ", or of 64" : "");
    return wrong(err, where, "the secret must be whsec_ and base64 of 24 to 64 bytes");
}

uint32_t
key_read(const struct signature *s, struct weir_text secret, bool makes, const char *where, struct key *ret,
         struct weir_error *err)
{
    *ret = (struct key){ 0 };
    if (secret.len == 0)
        return wrong(err, where, "the secret is empty");
    if (memchr(secret.bytes, '\n', secret.len) != NULL || memchr(secret.bytes, '\r', secret.len) != NULL)
        return wrong(err, where, "the secret has a line break in it, as if it were copied with the end of a line");
    if (s->scheme->encoded_key)
        return decode(secret, makes, where, ret, err);
    keep(ret, secret.bytes, secret.len);
    return WEIR_OK;
}

void
key_drop(struct key *k)
{
    if (k->bytes != NULL)
        explicit_bzero(k->bytes, k->len);
    free(k->bytes);
    k->bytes = NULL;
}
