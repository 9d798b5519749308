/* options.c - from the configuration to a way of signing. See signature.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "impl.h"

/* Options that say how the scheme "hmac" works; the others know it themselves. */
static const char *const of_hmac[] = { "header", "prefix",    "algorithm",        "encoding",       "content",
                                       "separator", "id_header", "id_body", "timestamp_header", "timestamp_unit" };

/* The text under KEY, else OTHERWISE (NULL: none); owned by the caller. */
static char *
take_text(const struct weir_value *config, const char *key, const char *otherwise)
{
    struct weir_text t;
    if (host->get_text(host->get(config, text(key)), &t))
        return text_copied(t);
    return otherwise != NULL ? text_copied(text(otherwise)) : NULL;
}

/* The same of a header's name, which is in lower case then. */
static char *
take_name(const struct weir_value *config, const char *key, const char *otherwise)
{
    char *name = take_text(config, key, otherwise);
    for (char *c = name; c != NULL && *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return name;
}

/* Which of the words of LIST (up to NULL) stands under KEY; the first if it was left out. */
static unsigned
take_word(const struct weir_value *config, const char *key, const char *const *list)
{
    struct weir_text t;
    if (host->get_text(host->get(config, text(key)), &t))
        for (unsigned i = 0; list[i] != NULL; i++)
            if (same(t, list[i]))
                return i;
    return 0;
}

static uint32_t
take_scheme(const struct weir_value *config, const char *option, struct signature *s, struct weir_error *err)
{
    struct weir_text name = { "", 0 };
    if (host->type(config) != WEIR_MAP) {
        (void)host->get_text(config, &name);
        return wrong(err, option, "a signature needs a secret: write { scheme: %.*s, secret: \"${ secrets.NAME }\" }",
                     (int)(name.len < 40 ? name.len : 40), name.bytes);
    }
    (void)host->get_text(host->get(config, text("scheme")), &name);
    s->scheme = scheme_find(name);
    if (s->scheme == NULL)
        return wrong(err, option, "the scheme must be a fixed word");
    for (size_t i = 0; !s->scheme->open && i < sizeof of_hmac / sizeof *of_hmac; i++)
        if (host->get(config, text(of_hmac[i])) != NULL)
            return wrong(err, option, "'%s' belongs to the scheme hmac; %s has its own", of_hmac[i], s->scheme->name);
    return WEIR_OK;
}

static void
take_form(const struct weir_value *config, struct signature *s)
{
    static const char *const algorithms[] = { "sha256", "sha1", "sha512", NULL };
    static const uint32_t numbers[] = { WEIR_SHA256, WEIR_SHA1, WEIR_SHA512 };
    static const char *const encodings[] = { "hex", "hex_upper", "base64", "base64url", NULL };
    static const enum signature_encoding forms[] = { ENCODING_HEX, ENCODING_HEX_UPPER, ENCODING_BASE64,
                                                     ENCODING_BASE64URL };
    static const char *const units[] = { "s", "ms", NULL };
    const struct scheme *of = s->scheme;
    s->header = take_name(config, "header", of->header);
    s->timestamp_header = take_name(config, "timestamp_header", of->timestamp_header);
    s->id_header = take_name(config, "id_header", of->id_header);
    s->id_body = take_text(config, "id_body", of->id_body);
    s->prefix = take_text(config, "prefix", of->prefix != NULL ? of->prefix : "");
    s->algorithm = numbers[take_word(config, "algorithm", algorithms)];
    s->encoding = of->open ? forms[take_word(config, "encoding", encodings)] : of->encoding;
    s->unit_ms = take_word(config, "timestamp_unit", units) == 0 ? 1000 : 1;
    struct weir_text separator = { "", 0 };
    (void)host->get_text(host->get(config, text("separator")), &separator);
    s->separator = separator.len > 0 ? separator.bytes[0] : '\0';
}

/* What is wrong with a content of the author's own; NULL: nothing. */
static const char *
odd_content(const struct signature *s)
{
    if (!content_has(&s->content, PIECE_BODY))
        return "the content has no {body}: whoever has one signature could send any body with it";
    if (s->timestamp_header != NULL && !content_has(&s->content, PIECE_TIMESTAMP))
        return "the content has no {timestamp}: one that is not signed says nothing";
    if (s->scheme->open && s->timestamp_header == NULL && content_has(&s->content, PIECE_TIMESTAMP))
        return "a {timestamp} in the content needs a 'timestamp_header'";
    if (s->id_header == NULL && content_has(&s->content, PIECE_ID))
        return "an {id} in the content needs an 'id_header'";
    if (s->id_header != NULL && s->id_body != NULL)
        return "one of 'id_header' and 'id_body' says where the id is, not both";
    return NULL;
}

/* The first two of S's headers that are the same; NULL: none. */
static const char *
same_header(const struct signature *s)
{
    const char *const names[] = { s->header, s->timestamp_header, s->id_header };
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < i; k++)
            if (names[i] != NULL && names[k] != NULL && strcmp(names[i], names[k]) == 0)
                return names[i];
    return NULL;
}

uint32_t
signature_read(const struct weir_value *config, const char *option, struct signature *ret, struct weir_error *err)
{
    if (take_scheme(config, option, ret, err) != WEIR_OK)
        return err->code;
    take_form(config, ret);
    if (ret->header == NULL)
        return wrong(err, option, "hmac needs the name of the 'header' that has the signature");
    char *content = take_text(config, "content", ret->scheme->content);
    uint32_t code = content_read(content, option, &ret->content, err);
    free(content);
    if (code != WEIR_OK)
        return code;
    const char *odd = odd_content(ret), *twice = same_header(ret);
    if (odd != NULL)
        return wrong(err, option, "%s", odd);
    if (twice != NULL)
        return wrong(err, option, "the header '%s' can't be for two things", twice);
    return WEIR_OK;
}

void
signature_fini(struct signature *s)
{
    content_free(&s->content);
    free(s->header);
    free(s->timestamp_header);
    free(s->id_header);
    free(s->id_body);
    free(s->prefix);
}

bool
signature_timed(const struct signature *s)
{
    return s->scheme->timed || s->timestamp_header != NULL;
}
