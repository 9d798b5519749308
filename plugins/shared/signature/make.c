/* make.c - signatures as they are written. See signature.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "impl.h"

size_t
signature_write(enum signature_encoding encoding, struct weir_text digest, char ret[SIGNATURE_TEXT_MAX])
{
    if (encoding == ENCODING_HEX || encoding == ENCODING_HEX_UPPER) {
        const char *digits = encoding == ENCODING_HEX ? "0123456789abcdef" : "0123456789ABCDEF";
        for (size_t i = 0; i < digest.len; i++) {
            ret[2 * i] = digits[(unsigned char)digest.bytes[i] >> 4];
            ret[2 * i + 1] = digits[(unsigned char)digest.bytes[i] & 15];
        }
        return 2 * digest.len;
    }
    size_t len = host->base64_write(digest, ret, SIGNATURE_TEXT_MAX);
    if (encoding == ENCODING_BASE64)
        return len;
    while (len > 0 && ret[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++)
        ret[i] = (char)(ret[i] == '+' ? '-' : ret[i] == '/' ? '_' : ret[i]);
    return len;
}

size_t
signature_make(const struct signature *s, const struct key *k, const struct weir_text *parts, uint32_t n,
               char ret[SIGNATURE_TEXT_MAX])
{
    uint8_t digest[64];
    struct weir_text key = { k->bytes, k->len };
    size_t len = sizeof digest;
    if (!k->pair)
        len = host->hmac_parts(s->algorithm, key, parts, n, digest);
    else if (!host->ed25519_sign(key, parts, n, digest))
        return 0; /* it could when it was read */
    return signature_write(s->encoding, (struct weir_text){ (const char *)digest, len }, ret);
}

size_t
signature_field(const struct signature *s, const struct key *k, const struct message *m, char ret[SIGNATURE_FIELD_MAX])
{
    struct weir_text parts[SIGNATURE_PIECES_MAX];
    char signature[SIGNATURE_TEXT_MAX];
    size_t len = signature_make(s, k, parts, content_of(&s->content, m, parts), signature);
    int before = 0;
    if (s->scheme->form == FORM_PAIRS)
        before = snprintf(ret, SIGNATURE_FIELD_MAX, "t=%.*s,v1=", (int)m->timestamp.len, m->timestamp.bytes);
    else
        before = snprintf(ret, SIGNATURE_FIELD_MAX, "%s", s->scheme->form != FORM_LIST ? s->prefix : k->pair ? "v1a," : "v1,");
    memcpy(ret + before, signature, len); /* a prefix has at most 100 bytes, a time 20 */
    return (size_t)before + len;
}
