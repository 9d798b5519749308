/* cli/api.c - see api.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/contact.h"
#include "cli/setup.h"
#include "net/http1.h"

#define INPUT_ROOM 65536u

/* One exchange. */
struct exchange {
    struct contact contact;
    char *bytes; /* what was read and not yet used */
    size_t len;
};

/* Reads more; false at the end or on an error. */
static bool
read_more(struct exchange *x)
{
    if (x->len == INPUT_ROOM)
        return false;
    size_t n = contact_read(&x->contact, x->bytes + x->len, INPUT_ROOM - x->len);
    x->len += n;
    return n > 0;
}

static void
use(struct exchange *x, size_t n)
{
    memmove(x->bytes, x->bytes + n, x->len - n);
    x->len -= n;
}

static bool
read_head(struct exchange *x, struct http_head *head, struct weir_error *err)
{
    size_t end = 0, seen = 0;
    for (;;) {
        enum http_progress p = http_head_find(x->bytes, x->len, seen, &http_answer_limits, &end, err);
        if (p == HTTP_BAD)
            return false;
        if (p == HTTP_DONE)
            break;
        seen = x->len;
        if (!read_more(x)) {
            err_set(err, WEIR_UPSTREAM, "the connection ended early");
            return false;
        }
    }
    if (http_answer_parse(x->bytes, end, &http_answer_limits, head, err) != WEIR_OK)
        return false;
    use(x, end); /* the texts of HEAD are not needed after this */
    return true;
}

/* Reads the body; pieces go to PIECE or OUT. */
static bool
read_body(struct exchange *x, struct http_body *body, struct buf *out, bool (*piece)(void *, struct weir_text),
          void *arg)
{
    struct weir_error err = { 0 };
    for (;;) {
        size_t used;
        struct weir_text text;
        enum http_progress p = http_body_read(body, x->bytes, x->len, &used, &text, &err);
        if (p == HTTP_BAD)
            return false;
        if (text.len > 0 && (piece ? !piece(arg, text) : !buf_text(out, text)))
            return true;
        use(x, used);
        if (p == HTTP_DONE)
            return true;
        if ((used == 0 || x->len == 0) && !read_more(x))
            return http_body_end(body, &err) == HTTP_DONE;
    }
}

static bool
exchange(struct exchange *x, const char *method, unsigned *ret_status, struct buf *out,
         bool (*piece)(void *, struct weir_text), void *arg)
{
    static struct http_head head;
    struct http_body body;
    struct weir_error err = { 0 };
    if (!read_head(x, &head, &err)) {
        fprintf(stderr, "weir: the answer of the server can't be read: %s\n", err.text);
        return false;
    }
    *ret_status = head.status;
    http_body_of_answer(&body, &head, text_of(method));
    return read_body(x, &body, out, piece, arg);
}

/* The settings that say where it is, and the token to use. */
static bool
read_settings(const struct args *a, struct settings *s)
{
    struct diags d;
    struct weir_error err = { 0 };
    diags_init(&d);
    const char *config = args_text(a, "config"), *pair;
    if (config || access("weir.yaml", R_OK) == 0)
        settings_read(s, config ? config : "weir.yaml", &d);
    settings_environment(s, &d);
    if (d.errors > 0)
        print_diags(&d, false);
    bool good = d.errors == 0;
    diags_fini(&d);
    for (unsigned i = 0; good && (pair = args_each(a, "set", i)) != NULL; i++) {
        if (*pair == '/') /* a place in a document: weir jobs edit */
            continue;
        const char *equals = strchr(pair, '=');
        char *key = equals ? strndup(pair, (size_t)(equals - pair)) : NULL;
        good = key && settings_set(s, key, equals + 1, &err) == WEIR_OK;
        if (!good)
            fprintf(stderr, "weir: --set %s: %s\n", pair, key ? err.text : "write --set KEY=VALUE");
        free(key);
    }
    return good;
}

static bool
send_request(struct exchange *x, const struct settings *s, const char *method, const char *path, const char *body)
{
    struct buf request;
    const char *token = settings_text(s, "admin.token");
    if (*token == '\0')
        token = settings_text(s, "admin.read_token");
    buf_init(&request, 1u << 20);
    (void)buf_printf(&request, "%s %s HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n", method, path);
    if (*token)
        (void)buf_printf(&request, "Authorization: Bearer %s\r\n", token);
    if (body)
        (void)buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
                         body);
    else
        (void)buf_printf(&request, "Content-Length: 0\r\n\r\n");
    bool sent = contact_send(&x->contact, buf_content(&request));
    buf_fini(&request);
    return sent;
}

int
api_ask(const struct args *a, const char *method, const char *path, const char *body, unsigned *ret_status,
        struct buf *out, bool (*piece)(void *arg, struct weir_text bytes), void *arg)
{
    struct settings *s = settings_new();
    struct exchange x = { .bytes = malloc(INPUT_ROOM) };
    if (x.bytes == NULL)
        abort();
    int code = EXIT_USAGE;
    if (read_settings(a, s)) {
        if (contact_open(&x.contact, a, s, &code))
            code = send_request(&x, s, method, path, body) && exchange(&x, method, ret_status, out, piece, arg)
                       ? EXIT_GOOD
                       : EXIT_NO_SERVER;
        contact_close(&x.contact);
    }
    free(x.bytes);
    settings_free(&s);
    return code;
}
