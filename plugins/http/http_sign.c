/* http/http_sign.c - see http_sign.h.
 *
 * The id is the step's, so that it is the same over attempts and replays and who gets the request can
 * tell that it came before; the time is that of the attempt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signature.h"

#define ID_MAX 256u

struct sign {
    struct signature signature;
    struct piece secret;
    struct piece id;
};

/* All but the secret and the id is fixed. */
static uint32_t
check_fixed(struct weir_open *open, const struct weir_value *config, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *value;
    char pointer[80];
    uint32_t slot = host->slot(open, "/sign");
    if (host->type(config) != WEIR_MAP && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
        return refuse(err, WEIR_INVALID, "sign: only the secret and the id can be expressions, not all of it");
    for (size_t i = 0; host->member(config, i, &key, &value); i++) {
        bool free = text_same(key, WEIR_TEXT("secret")) || text_same(key, WEIR_TEXT("id"));
        (void)snprintf(pointer, sizeof pointer, "/sign/%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        slot = host->slot(open, pointer);
        if (!free && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
            return refuse(err, WEIR_INVALID, "sign: only the secret and the id can be expressions, not '%.*s'",
                          (int)key.len, key.bytes);
    }
    return WEIR_OK;
}

static uint32_t
read_key(const struct sign *s, const struct weir_value *secret, struct key *ret, struct weir_error *err)
{
    struct weir_text text = WEIR_TEXT("");
    if (secret != NULL)
        (void)host->get_text(secret, &text);
    return key_read(&s->signature, text, true, "sign.secret", ret, err);
}

/* A secret that is there already is looked at now: a malformed one would fail each call. */
static uint32_t
try_secret(struct weir_open *open, const struct sign *s, struct weir_error *err)
{
    const struct weir_value *secret = NULL;
    struct weir_error why = { 0 };
    struct key key = { 0 };
    uint32_t code = WEIR_OK;
    if (host->constant(open, host->slot(open, "/sign/secret"), &secret, &why) == WEIR_OK) {
        code = read_key(s, secret, &key, err);
        key_drop(&key);
    }
    host->unref(&why.detail);
    host->unref(&secret);
    return code;
}

static uint32_t
take_all(struct weir_open *open, const struct weir_value *config, struct sign *s, struct weir_error *err)
{
    if (check_fixed(open, config, err) != WEIR_OK || signature_read(config, "sign", &s->signature, err) != WEIR_OK)
        return err->code;
    s->secret = piece_under(open, "/sign", config, "secret");
    s->id = piece_under(open, "/sign", config, "id");
    if (host->get(config, WEIR_TEXT("secret")) == NULL)
        return refuse(err, WEIR_INVALID, "sign: %s needs a 'secret'", s->signature.scheme->name);
    if (host->get(config, WEIR_TEXT("id")) != NULL && s->signature.id_header == NULL)
        return refuse(err, WEIR_INVALID, "sign: %s sends no 'id'%s", s->signature.scheme->name,
                      s->signature.scheme->open ? " without an 'id_header'" : "");
    return try_secret(open, s, err);
}

uint32_t
sign_new(struct weir_open *open, const struct weir_value *config, struct sign **ret, struct weir_error *err)
{
    struct sign *s = zeroed(1, sizeof *s);
    uint32_t code = take_all(open, config, s, err);
    if (code == WEIR_OK)
        *ret = s;
    else
        sign_free(s);
    return code;
}

void
sign_free(struct sign *s)
{
    if (s == NULL)
        return;
    signature_fini(&s->signature);
    host->unref(&s->secret.constant);
    host->unref(&s->id.constant);
    free(s);
}

/* -- a call -- */

static struct weir_text
keep(struct weir_call *call, const char *a, size_t a_len, const char *b, size_t b_len)
{
    char *bytes = host->alloc(call, a_len + b_len + 1);
    memcpy(bytes, a, a_len);
    memcpy(bytes + a_len, b, b_len);
    return (struct weir_text){ bytes, a_len + b_len };
}

/* Whether who checks it takes ID for one, whatever stands around it. */
static bool
id_fits(struct weir_text id)
{
    bool fits = id.len > 0 && id.len <= ID_MAX;
    for (size_t i = 0; i < id.len && fits; i++)
        fits = id.bytes[i] > ' ' && id.bytes[i] < 127 && id.bytes[i] != '.';
    return fits;
}

static uint32_t
make_id(struct weir_call *call, const struct sign *s, struct weir_text *ret, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    char room[40];
    struct weir_text text = WEIR_TEXT("");
    if (s->signature.id_header == NULL)
        return WEIR_OK;
    if (piece_eval(call, &s->id, &v, err) != WEIR_OK)
        return err->code;
    if (v == NULL || host->type(v) == WEIR_NULL) {
        const char *before = s->signature.scheme->form == FORM_LIST ? "msg_" : "";
        text = host->step_key(call);
        *ret = keep(call, before, strlen(before), text.bytes, text.len);
    } else if (scalar_text(v, room, &text)) {
        *ret = keep(call, "", 0, text.bytes, text.len);
    }
    host->unref(&v);
    if (!id_fits(*ret))
        return refuse(err, WEIR_INVALID, "sign.id: it must be a text of 1 to %u visible characters without a full stop",
                      ID_MAX);
    return WEIR_OK;
}

static struct weir_text
header_of(const void *request, struct weir_text name)
{
    const struct request *r = request;
    for (uint32_t i = 0; i < r->http.n_headers; i++) {
        struct weir_text other = r->http.headers[i].name;
        if (other.len == name.len && strncasecmp(other.bytes, name.bytes, name.len) == 0)
            return r->http.headers[i].value;
    }
    return WEIR_TEXT("");
}

/* What is signed; the body as it is sent. */
static uint32_t
fill_message(struct weir_call *call, const struct sign *s, const struct request *r, struct message *m,
             struct weir_error *err)
{
    uint64_t now = host->wall_ms(host->shard(call)) / s->signature.unit_ms;
    char digits[24];
    *m = (struct message){ .body = WEIR_TEXT(""), .method = r->http.method, .header = header_of, .of = r };
    m->timestamp = WEIR_TEXT("");
    m->id = WEIR_TEXT("");
    if (signature_timed(&s->signature))
        m->timestamp = keep(call, digits, (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)now), "", 0);
    if (r->body != NULL && !host->get_text(r->body, &m->body))
        return refuse(err, WEIR_INVALID, "sign: a stream can't be signed: its end is not there yet when the signature goes out");
    return make_id(call, s, &m->id, err);
}

/* The author must not say what is made here. */
static uint32_t
check_headers(const struct sign *s, const struct request *r, struct weir_error *err)
{
    const char *const names[] = { s->signature.header, s->signature.timestamp_header, s->signature.id_header };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i] != NULL && has_header(r, names[i]))
            return refuse(err, WEIR_INVALID, "sign: the header '%s' is made here, and stands in 'headers' too", names[i]);
    return WEIR_OK;
}

uint32_t
sign_add(struct weir_call *call, const struct sign *s, struct request *r, struct weir_error *err)
{
    const struct weir_value *secret = NULL;
    struct message m;
    struct key k = { 0 };
    char text[SIGNATURE_FIELD_MAX];
    if (check_headers(s, r, err) != WEIR_OK || fill_message(call, s, r, &m, err) != WEIR_OK ||
        piece_eval(call, &s->secret, &secret, err) != WEIR_OK)
        return err->code;
    uint32_t code = read_key(s, secret, &k, err);
    if (code == WEIR_OK) {
        struct weir_text field = keep(call, text, signature_field(&s->signature, &k, &m, text), "", 0);
        if (s->signature.id_header != NULL)
            add_header(r, s->signature.id_header, m.id);
        if (s->signature.timestamp_header != NULL)
            add_header(r, s->signature.timestamp_header, m.timestamp);
        add_header(r, s->signature.header, field);
    }
    key_drop(&k);
    host->unref(&secret);
    return code;
}
