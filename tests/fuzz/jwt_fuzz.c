/* fuzz/jwt_fuzz.c - any text is read as a token, or as the keys of an issuer; nothing is let in that nobody
 * signed.
 *
 * room: engine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/generation.h"

#include "../../plugins/shared/plugin/plugin.c"
#define text_of plugin_text_of /* the base has one, too */
#include "../../plugins/shared/auth/jwt.c"
#define text_in text_in_keys /* both files have one */
#include "../../plugins/shared/auth/jwt_keys.c"
#undef text_in
#undef text_of

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

bool
text_same(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

struct weir_text
plugin_text_of(const char *s)
{
    return (struct weir_text){ s, strlen(s) };
}

static void
read_keys(struct weir_text text)
{
    const struct weir_value *set = NULL;
    struct weir_error err = { 0 };
    struct jwt_keys keys;
    char why[JWT_WHY_MAX];
    if (host->json_read_unique(text, &set, &err) == WEIR_OK && jwt_keys_read(set, &keys, why)) {
        assert(keys.n > 0 && keys.n <= JWT_KEYS_MAX);
        for (uint32_t i = 0; i < keys.n; i++)
            assert((keys.items[i].algorithms & (1u << WEIR_HS256 | 1u << WEIR_HS384 | 1u << WEIR_HS512)) == 0);
        jwt_keys_free(&keys);
    }
    host->unref(&err.detail);
    host->unref(&set);
}

static void
read_token(struct weir_text token, const struct jwt_keys *keys)
{
    static struct weir_text issuer = { "me", 2 }, audience = { "you", 3 };
    const struct jwt_rules rules = { .issuers = { &issuer, 1 }, .audiences = { &audience, 1 },
                                     .algorithms = UINT32_MAX, .leeway_s = 60 };
    const struct weir_value *claims = NULL, *scopes;
    struct jwt j;
    char why[JWT_WHY_MAX] = "";
    if (!jwt_read(token, &rules, &j, why)) {
        assert(why[0] != '\0');
        return;
    }
    /* The secret is of this process: whoever has found it has broken HMAC. */
    assert(jwt_check(&j, keys) != JWT_GOOD);
    if (jwt_claims(&j, &rules, 1.7e9, &claims, why)) {
        scopes = jwt_scopes(claims);
        host->unref(&scopes);
        host->unref(&claims);
    }
    jwt_free(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwt_keys keys;
    if (size == 0)
        return 0;
    if (host == NULL) {
        host = host_table();
        char secret[64];
        struct weir_error err = { 0 };
        host->random(secret, sizeof secret);
        const struct weir_value *v = host->bytes((struct weir_text){ secret, sizeof secret });
        struct weir_key *key = host->key_new(v, &err);
        assert(key != NULL && jwt_keys_add(&keys, &key, (struct weir_text){ NULL, 0 }, UINT32_MAX));
        host->unref(&v);
    }
    char *exact = malloc(size); /* nothing stands behind it */
    assert(exact != NULL);
    memcpy(exact, data, size);
    if (exact[0] == '{')
        read_keys((struct weir_text){ exact, size });
    else
        read_token((struct weir_text){ exact, size }, &keys);
    free(exact);
    return 0;
}
