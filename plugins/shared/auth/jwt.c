/* jwt.c - the form of a token, and its signature; see jwt.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TRIES_MAX 8 /* keys that a token is tried with: each is work for who sends rubbish */

static int
sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

size_t
base64url_read(struct weir_text text, uint8_t *ret, size_t room)
{
    uint32_t bits = 0;
    unsigned n = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int s = sextet(text.bytes[i]);
        if (s < 0)
            return SIZE_MAX;
        bits = bits << 6 | (uint32_t)s;
        n += 6;
        if (n < 8)
            continue;
        n -= 8;
        if (len == room)
            return SIZE_MAX;
        ret[len++] = (uint8_t)(bits >> n);
    }
    /* What is left over has to be nothing: less than a letter, and zeros. */
    bool whole = n < 6 && (bits & ((1u << n) - 1)) == 0;
    return whole ? len : SIZE_MAX;
}

static bool
bad(char why[JWT_WHY_MAX], const char *text)
{
    snprintf(why, JWT_WHY_MAX, "%s", text);
    return false;
}

/* Cuts three parts with dots between them. */
static bool
cut(struct weir_text token, struct weir_text part[3])
{
    const char *end = token.bytes + token.len;
    for (unsigned i = 0; i < 3; i++) {
        const char *dot = memchr(token.bytes, '.', (size_t)(end - token.bytes));
        if ((dot == NULL) != (i == 2))
            return false;
        part[i] = (struct weir_text){ token.bytes,
                                      (size_t)((dot != NULL ? dot : end) - token.bytes) };
        token.bytes = dot != NULL ? dot + 1 : end;
    }
    return part[0].len > 0 && part[1].len > 0;
}

/* The JSON object in a part; NULL if it is none. Owned by the caller. */
static const struct weir_value *
read_object(struct weir_text part)
{
    uint8_t bytes[JWT_MAX];
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    size_t len = base64url_read(part, bytes, sizeof bytes);
    if (len == SIZE_MAX)
        return NULL;
    struct weir_text text = { (const char *)bytes, len };
    if (host->json_read_unique(text, &v, &err) != WEIR_OK) {
        host->unref(&err.detail);
        return NULL;
    }
    if (host->type(v) != WEIR_MAP)
        host->unref(&v);
    return v;
}

struct weir_text
jwt_text(const struct weir_value *map, struct weir_text key)
{
    struct weir_text text = { NULL, 0 };
    const struct weir_value *v = host->get(map, key);
    if (v != NULL && host->type(v) == WEIR_STRING)
        (void)host->get_text(v, &text);
    return text;
}

/* Whether typ is WANT: a media type, whose application/ may be left out (RFC 7515 4.1.9). */
static bool
typ_fits(struct weir_text typ, struct weir_text want)
{
    static const char prefix[] = "application/";
    size_t len = sizeof prefix - 1;
    if (typ.len > len && strncasecmp(typ.bytes, prefix, len) == 0)
        typ = (struct weir_text){ typ.bytes + len, typ.len - len };
    if (want.len > len && strncasecmp(want.bytes, prefix, len) == 0)
        want = (struct weir_text){ want.bytes + len, want.len - len };
    return typ.len == want.len && strncasecmp(typ.bytes, want.bytes, want.len) == 0;
}

/* Takes from the header what matters here. Keys that it brings (jwk, jku, x5c ...) are never looked at. */
static bool
read_header(const struct jwt_rules *r, struct jwt *j, char why[JWT_WHY_MAX])
{
    struct weir_text alg = jwt_text(j->header, WEIR_TEXT("alg"));
    j->algorithm = alg.bytes != NULL ? host->signature_find(alg) : 0;
    if (j->algorithm == 0 || (r->algorithms & 1u << j->algorithm) == 0)
        return bad(why, "the token's algorithm is not taken here");
    if (host->get(j->header, WEIR_TEXT("crit")) != NULL)
        return bad(why, "the token has extensions that are not known here");
    j->kid = jwt_text(j->header, WEIR_TEXT("kid"));
    if (host->get(j->header, WEIR_TEXT("kid")) != NULL && j->kid.bytes == NULL)
        return bad(why, "the token's kid is no text");
    if (r->typ.len > 0 && !typ_fits(jwt_text(j->header, WEIR_TEXT("typ")), r->typ))
        return bad(why, "the token is not of the type that is taken here");
    return true;
}

bool
jwt_read(struct weir_text token, const struct jwt_rules *r, struct jwt *ret,
         char why[JWT_WHY_MAX])
{
    struct weir_text part[3];
    if (token.len > JWT_MAX)
        return bad(why, "the token is larger than 8 KiB");
    if (!cut(token, part))
        return bad(why, "it is no signed token");
    struct jwt *j = ret;
    *j = (struct jwt){ .payload = part[1] };
    j->text = (struct weir_text){ token.bytes, part[0].len + 1 + part[1].len };
    j->signature_len = base64url_read(part[2], j->signature, sizeof j->signature);
    if (j->signature_len == SIZE_MAX)
        return bad(why, "the token's signature is none");
    j->header = read_object(part[0]);
    if (j->header == NULL)
        return bad(why, "the token's header is none");
    if (read_header(r, j, why))
        return true;
    jwt_free(j);
    return false;
}

void
jwt_free(struct jwt *j)
{
    host->unref(&j->header);
}

enum jwt_signed
jwt_check(const struct jwt *j, const struct jwt_keys *keys)
{
    struct weir_text signature = { (const char *)j->signature, j->signature_len };
    unsigned tried = 0;
    for (uint32_t i = 0; i < keys->n && tried < TRIES_MAX; i++) {
        const struct jwt_key *k = &keys->items[i];
        bool meant = j->kid.bytes == NULL || k->kid == NULL || text_same(j->kid, text_of(k->kid));
        if (!meant || (k->algorithms & 1u << j->algorithm) == 0)
            continue;
        tried++;
        if (host->key_check(k->key, j->algorithm, j->text, signature))
            return JWT_GOOD;
    }
    return tried > 0 ? JWT_BAD : JWT_KEY_UNKNOWN;
}

/* -- claims -- */

/* A NumericDate (RFC 7519 section 2). False if it is there and is none; *has is whether it is there. */
static bool
date_in(const struct weir_value *claims, struct weir_text key, double *ret, bool *has)
{
    const struct weir_value *v = host->get(claims, key);
    *has = v != NULL;
    return v == NULL || host->get_double(v, ret);
}

static bool
check_times(const struct weir_value *claims, const struct jwt_rules *r, double now,
            char why[JWT_WHY_MAX])
{
    double exp = 0, nbf = 0, iat = 0;
    bool has_exp, has_nbf, has_iat;
    if (!date_in(claims, WEIR_TEXT("exp"), &exp, &has_exp) ||
        !date_in(claims, WEIR_TEXT("nbf"), &nbf, &has_nbf) ||
        !date_in(claims, WEIR_TEXT("iat"), &iat, &has_iat))
        return bad(why, "a date of the token is no number");
    if (has_exp && now >= exp + r->leeway_s)
        return bad(why, "the token has expired");
    if (has_nbf && now < nbf - r->leeway_s)
        return bad(why, "the token is not valid yet");
    if (has_iat && now < iat - r->leeway_s)
        return bad(why, "the token was issued in the future");
    return true;
}

static bool
is_one_of(const struct weir_value *v, const struct texts *list)
{
    struct weir_text text;
    if (v == NULL || host->type(v) != WEIR_STRING || !host->get_text(v, &text))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (text_same(text, list->items[i]))
            return true;
    return false;
}

/* A token for somebody is not for who doesn't know that he is meant (RFC 7519 4.1.3). */
static bool
check_audience(const struct weir_value *claims, const struct jwt_rules *r,
               char why[JWT_WHY_MAX])
{
    const struct weir_value *aud = host->get(claims, WEIR_TEXT("aud"));
    bool meant = is_one_of(aud, &r->audiences) || (aud == NULL && r->audiences.n == 0);
    for (size_t i = 0; !meant && aud != NULL && host->at(aud, i) != NULL; i++)
        meant = is_one_of(host->at(aud, i), &r->audiences);
    return meant || bad(why, "the token is meant for another audience");
}

bool
jwt_claims(const struct jwt *j, const struct jwt_rules *r, double now_s,
           const struct weir_value **ret, char why[JWT_WHY_MAX])
{
    const struct weir_value *claims = read_object(j->payload);
    if (claims == NULL)
        return bad(why, "the token's claims are none");
    bool good = true;
    for (uint32_t i = 0; good && i < r->required.n; i++) {
        const struct weir_value *v = host->get(claims, r->required.items[i]);
        good = v != NULL && host->type(v) != WEIR_NULL;
        if (!good)
            snprintf(why, JWT_WHY_MAX, "the token lacks the claim %.*s",
                     (int)r->required.items[i].len, r->required.items[i].bytes);
    }
    if (good && r->issuers.n > 0 && !is_one_of(host->get(claims, WEIR_TEXT("iss")), &r->issuers))
        good = bad(why, "the token is of another issuer");
    good = good && check_audience(claims, r, why) && check_times(claims, r, now_s, why);
    if (good)
        *ret = claims;
    else
        host->unref(&claims);
    return good;
}

/* Adds the words of TEXT, which have blanks between them. */
static void
add_words(struct weir_builder *list, struct weir_text text)
{
    while (text.len > 0) {
        const char *blank = memchr(text.bytes, ' ', text.len);
        size_t len = blank != NULL ? (size_t)(blank - text.bytes) : text.len;
        const struct weir_value *word = host->string((struct weir_text){ text.bytes, len });
        if (len > 0 && word != NULL)
            host->list_add(list, &word);
        host->unref(&word);
        len += blank != NULL;
        text.bytes += len;
        text.len -= len;
    }
}

const struct weir_value *
jwt_scopes(const struct weir_value *claims)
{
    struct weir_builder *list = host->list_new();
    const struct weir_value *said = host->get(claims, WEIR_TEXT("scope"));
    struct weir_text text;
    if (said == NULL)
        said = host->get(claims, WEIR_TEXT("scp"));
    if (said != NULL && host->get_text(said, &text))
        add_words(list, text);
    for (size_t i = 0; said != NULL && host->at(said, i) != NULL; i++) {
        const struct weir_value *one = host->ref(host->at(said, i));
        if (host->type(one) == WEIR_STRING)
            host->list_add(list, &one);
        host->unref(&one);
    }
    return host->build(&list);
}
