/* webhook/verify_open.c - from the configuration to what a request is checked with. See verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"
#include "verify_keys.h"

/* Options that say how the scheme "hmac" works; the others know it themselves. */
static const char *const of_hmac[] = { "header", "prefix",    "algorithm",        "encoding",       "content",
                                       "separator", "id_header", "id_body", "timestamp_header", "timestamp_unit" };

static char *
copy_of(struct weir_text t)
{
    char *copy = strndup(t.bytes, t.len);
    if (copy == NULL)
        abort();
    return copy;
}

/* The text under KEY, else OTHERWISE (NULL: none); owned by the caller. */
static char *
take_text(const struct weir_value *config, const char *key, const char *otherwise)
{
    struct weir_text text;
    if (config != NULL && host->get_text(host->get(config, text_of(key)), &text))
        return copy_of(text);
    return otherwise != NULL ? copy_of(text_of(otherwise)) : NULL;
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

static bool
is_true(const struct weir_value *config, const char *key, bool otherwise)
{
    bool b = otherwise;
    (void)host->get_bool(host->get(config, text_of(key)), &b);
    return b;
}

/* Which of the words of LIST (up to NULL) stands under KEY; the first if it was left out. */
static unsigned
take_word(const struct weir_value *config, const char *key, const char *const *list)
{
    struct weir_text text;
    if (host->get_text(host->get(config, text_of(key)), &text))
        for (unsigned i = 0; list[i] != NULL; i++)
            if (text_same(text, text_of(list[i])))
                return i;
    return 0;
}

static uint32_t
take_scheme(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    struct weir_text name = WEIR_TEXT("");
    if (host->type(config) != WEIR_MAP) {
        (void)host->get_text(config, &name);
        return refuse(err, WEIR_INVALID, "verify: a signature can't be checked without a secret: write "
                      "{ scheme: %.*s, secret: \"${ secrets.NAME }\" }", (int)(name.len < 40 ? name.len : 40), name.bytes);
    }
    (void)host->get_text(host->get(config, WEIR_TEXT("scheme")), &name);
    v->scheme = scheme_find(name);
    if (v->scheme == NULL)
        return refuse(err, WEIR_INVALID, "verify: the scheme must be a fixed word");
    for (size_t i = 0; !v->scheme->open && i < sizeof of_hmac / sizeof *of_hmac; i++)
        if (host->get(config, text_of(of_hmac[i])) != NULL)
            return refuse(err, WEIR_INVALID, "verify: '%s' belongs to the scheme hmac; %s has its own", of_hmac[i],
                          v->scheme->name);
    if (host->get(config, WEIR_TEXT("challenge")) != NULL && !v->scheme->challenges)
        return refuse(err, WEIR_INVALID, "verify: %s has no 'challenge'", v->scheme->name);
    return WEIR_OK;
}

static uint32_t
take_form(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    static const char *const algorithms[] = { "sha256", "sha1", "sha512", NULL };
    static const uint32_t numbers[] = { WEIR_SHA256, WEIR_SHA1, WEIR_SHA512 };
    static const char *const encodings[] = { "hex", "hex_upper", "base64", "base64url", NULL };
    static const enum encoding forms[] = { ENCODING_HEX, ENCODING_HEX_UPPER, ENCODING_BASE64, ENCODING_BASE64URL };
    const struct scheme *s = v->scheme;
    v->header = take_name(config, "header", s->header);
    v->timestamp_header = take_name(config, "timestamp_header", s->timestamp_header);
    v->id_header = take_name(config, "id_header", s->id_header);
    v->id_body = take_text(config, "id_body", s->id_body);
    v->prefix = take_text(config, "prefix", s->prefix != NULL ? s->prefix : "");
    v->algorithm = numbers[take_word(config, "algorithm", algorithms)];
    v->encoding = s->open ? forms[take_word(config, "encoding", encodings)] : s->encoding;
    struct weir_text separator = WEIR_TEXT("");
    (void)host->get_text(host->get(config, WEIR_TEXT("separator")), &separator);
    v->separator = separator.len > 0 ? separator.bytes[0] : '\0';
    if (v->header == NULL)
        return refuse(err, WEIR_INVALID, "verify: hmac needs the name of the 'header' that has the signature");
    char *content = take_text(config, "content", s->content);
    uint32_t code = content_read(content, &v->content, err);
    free(content);
    return code;
}

/* What is wrong with a content of the author's own; NULL: nothing. */
static const char *
odd_content(const struct verify *v)
{
    if (!content_has(&v->content, PIECE_BODY))
        return "the content has no {body}: whoever has one signature could send any body with it";
    if (v->timestamp_header != NULL && !content_has(&v->content, PIECE_TIMESTAMP))
        return "the content has no {timestamp}: one that is not signed says nothing";
    if (v->scheme->open && v->timestamp_header == NULL && content_has(&v->content, PIECE_TIMESTAMP))
        return "a {timestamp} in the content needs a 'timestamp_header'";
    if (v->id_header == NULL && content_has(&v->content, PIECE_ID))
        return "an {id} in the content needs an 'id_header'";
    if (v->id_header != NULL && v->id_body != NULL)
        return "one of 'id_header' and 'id_body' says where the id is, not both";
    return NULL;
}

static uint32_t
take_times(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    static const char *const units[] = { "s", "ms", NULL };
    bool timed = v->scheme->timed || v->timestamp_header != NULL;
    const struct weir_value *dedupe = host->get(config, WEIR_TEXT("dedupe"));
    int64_t tolerance = 5 * 60 * 1000, ttl = 24 * 3600 * 1000;
    bool has_id = v->id_header != NULL || v->id_body != NULL;
    bool once = has_id;
    if (!timed && host->get(config, WEIR_TEXT("tolerance")) != NULL)
        return refuse(err, WEIR_INVALID, "verify: %s signs no time that a 'tolerance' could be for", v->scheme->name);
    (void)host->get_int(host->get(config, WEIR_TEXT("tolerance")), &tolerance);
    if (dedupe != NULL && !host->get_bool(dedupe, &once)) {
        (void)host->get_int(host->get(dedupe, WEIR_TEXT("ttl")), &ttl);
        once = true;
    }
    if (once && !has_id)
        return refuse(err, WEIR_INVALID, "verify: 'dedupe' needs to know where an event's id is: 'id_header' or 'id_body'");
    if (once && timed && ttl < 2 * tolerance)
        return refuse(err, WEIR_INVALID, "verify: the 'ttl' of 'dedupe' must be at least twice the 'tolerance': what is "
                      "forgotten earlier could be sent again");
    v->tolerance_ms = timed ? (uint64_t)tolerance : 0;
    v->unit_ms = take_word(config, "timestamp_unit", units) == 0 ? 1000 : 1;
    v->dedupe_ms = once ? (uint64_t)ttl : 0;
    v->challenge = v->scheme->challenges && is_true(config, "challenge", true);
    return WEIR_OK;
}

/* All but the secrets is fixed. */
static uint32_t
check_expressions(struct weir_open *open, const struct weir_value *config, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *value;
    char pointer[80];
    uint32_t slot = host->slot(open, "/verify");
    if (host->type(config) != WEIR_MAP && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
        return refuse(err, WEIR_INVALID, "verify: only secrets can be expressions, not all of it");
    for (size_t i = 0; host->member(config, i, &key, &value); i++) {
        bool secret = text_same(key, WEIR_TEXT("secret")) || text_same(key, WEIR_TEXT("secrets"));
        (void)snprintf(pointer, sizeof pointer, "/verify/%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        slot = host->slot(open, pointer);
        if (!secret && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
            return refuse(err, WEIR_INVALID, "verify: only secrets can be expressions, not '%.*s'", (int)key.len, key.bytes);
    }
    return WEIR_OK;
}

uint32_t
verify_read(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    if (take_scheme(config, v, err) != WEIR_OK || take_form(config, v, err) != WEIR_OK)
        return err->code;
    const char *odd = odd_content(v);
    if (odd != NULL)
        return refuse(err, WEIR_INVALID, "verify: %s", odd);
    return take_times(config, v, err);
}

static uint32_t
take_verify(struct weir_open *open, const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    if (check_expressions(open, config, err) != WEIR_OK || verify_read(config, v, err) != WEIR_OK)
        return err->code;
    return keys_take(open, config, v, err);
}

uint32_t
verify_new(struct weir_open *open, const struct weir_value *config, struct weir_text path, struct verify **ret,
           struct weir_error *err)
{
    struct verify *v = calloc(1, sizeof *v);
    if (v == NULL)
        abort();
    uint32_t code = take_verify(open, config, v, err);
    if (code != WEIR_OK) {
        verify_free(v);
        return code;
    }
    size_t room = strlen(v->scheme->name) + path.len + 3;
    v->key_prefix = malloc(room);
    if (v->key_prefix == NULL)
        abort();
    (void)snprintf(v->key_prefix, room, "%s %.*s ", v->scheme->name, (int)path.len, path.bytes);
    *ret = v;
    return WEIR_OK;
}

void
verify_free(struct verify *v)
{
    if (v == NULL)
        return;
    keys_drop(v);
    content_free(&v->content);
    free(v->header);
    free(v->timestamp_header);
    free(v->id_header);
    free(v->id_body);
    free(v->prefix);
    free(v->key_prefix);
    free(v);
}
