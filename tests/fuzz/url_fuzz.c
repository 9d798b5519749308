/* fuzz/url_fuzz.c - URLs, references and addresses: refused, or understood in one way.
 *
 * room: net
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A URL made of the parts must come apart into the same. */
static void
check_url(const struct url *u)
{
    struct buf again;
    struct url back;
    struct weir_error err;
    bool v6 = memchr(u->host.bytes, ':', u->host.len) != NULL;
    buf_init(&again, 1 << 20);
    assert(buf_puts(&again, u->tls ? "https://" : "http://"));
    assert(buf_puts(&again, v6 ? "[" : "") && buf_text(&again, u->host));
    assert(buf_printf(&again, "%s:%u", v6 ? "]" : "", u->port) && buf_text(&again, u->path));
    if (u->query.bytes != NULL)
        assert(buf_puts(&again, "?") && buf_text(&again, u->query));
    if (again.len > 65536) {
        buf_fini(&again);
        return;
    }
    assert(url_parse(buf_content(&again), &back, &err) == WEIR_OK);
    assert(back.tls == u->tls && back.port == u->port && text_equal(back.host, u->host));
    assert(text_equal(back.path, u->path) && text_equal(back.query, u->query));
    assert(back.path.len == 0 || back.path.bytes[0] == '/');
    buf_fini(&again);
}

static void
check_reference(struct weir_text base, struct weir_text ref)
{
    struct buf out;
    struct url from, to;
    struct weir_error err;
    buf_init(&out, 1 << 20);
    bool resolved = url_resolve(base, ref, &out, &err) == WEIR_OK;
    if (resolved && url_parse(base, &from, &err) == WEIR_OK &&
        url_parse(buf_content(&out), &to, &err) == WEIR_OK) {
        check_url(&to);
        /* nothing climbs out of the root */
        assert(to.path.len < 3 || memcmp(to.path.bytes, "/..", 3) != 0 ||
               (to.path.len > 3 && to.path.bytes[3] != '/') || ref.len == 0 ||
               ref.bytes[0] == '?' || ref.bytes[0] == '#');
    }
    buf_fini(&out);
}

static void
check_address(struct weir_text text)
{
    struct sockaddr_storage a;
    socklen_t len;
    struct weir_error err;
    struct address_range range;
    char written[64];
    if (address_parse(text, &a, &len, &err) == WEIR_OK) {
        assert(address_text((struct sockaddr *)&a, written, sizeof(written)) > 0);
        (void)address_is_public((struct sockaddr *)&a);
    }
    if (address_range_parse(text, &range, &err) == WEIR_OK)
        assert(range.bits <= (range.family == AF_INET ? 32u : 128u));
}

/* The input is a base and, behind its first NUL, a reference. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + (size == 0)); /* so that reading past the end is seen */
    assert(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    const char *nul = size > 0 ? memchr(exact, '\0', size) : NULL;
    struct weir_text base = { exact, nul ? (size_t)(nul - exact) : size };
    struct weir_text ref = { exact + size, 0 };
    if (nul != NULL)
        ref = (struct weir_text){ nul + 1, size - base.len - 1 };
    struct url u;
    struct weir_error err;
    if (url_parse(base, &u, &err) == WEIR_OK)
        check_url(&u);
    check_reference(base, ref);
    check_address(base);
    free(exact);
    return 0;
}
