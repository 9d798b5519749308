/* cli/contact.c - see contact.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/contact.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/edge.h"
#include "net/url.h"

#define BYTES_MAX (1u << 20) /* of one reading, and of one sending */
#define PIECE 16384u

/* Whom to ask. */
struct place {
    char text[512];            /* for messages */
    struct edge_address address; /* len 0: the host has a name */
    char name[256];            /* of the host, which its certificate has to bear */
    unsigned port;
    bool tls;
};

static bool
begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* https://HOST[:PORT] */
static enum weir_code
place_of_url(const char *text, struct place *ret, struct weir_error *err)
{
    struct url url;
    if (url_parse(text_of(text), &url, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (url.host.len == 0 || url.host.len >= sizeof ret->name || (url.path.len > 0 && !text_is(url.path, "/")) ||
        url.query.bytes)
        return err_set(err, WEIR_INVALID, "write https://HOST:PORT");
    memcpy(ret->name, url.host.bytes, url.host.len);
    ret->name[url.host.len] = '\0';
    ret->port = url.port;
    ret->tls = true;
    return WEIR_OK;
}

/* The first of the addresses TEXT, as a setting has them. */
static enum weir_code
place_of_address(const char *text, bool tls, struct place *ret, struct weir_error *err)
{
    struct edge_addresses all;
    if (edge_addresses_parse(text_of(text), &all, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (all.n == 0)
        return err_set(err, WEIR_INVALID, "it is empty");
    ret->address = all.items[0];
    ret->tls = tls;
    struct sockaddr_storage *a = &ret->address.address;
    if (a->ss_family == AF_UNIX)
        return WEIR_OK;
    (void)address_text((const struct sockaddr *)a, ret->name, sizeof ret->name);
    if (strcmp(ret->name, "0.0.0.0") == 0)
        strcpy(ret->name, "127.0.0.1"); /* where that leads to */
    else if (strcmp(ret->name, "::") == 0)
        strcpy(ret->name, "::1");
    return WEIR_OK;
}

static bool
find_place(const struct args *a, const struct settings *s, struct place *ret)
{
    struct weir_error err = { 0 };
    const char *text = args_text(a, "admin");
    enum weir_code code;
    if (text && begins(text, "https://")) {
        code = place_of_url(text, ret, &err);
    } else if (text) {
        text += begins(text, "http://") ? sizeof "http://" - 1 : 0;
        code = place_of_address(text, false, ret, &err);
    } else {
        text = settings_text(s, "admin.listen");
        bool tls = *text == '\0';
        text = tls ? settings_text(s, "admin.tls.listen") : text;
        code = place_of_address(text, tls, ret, &err);
    }
    snprintf(ret->text, sizeof ret->text, "%s", text);
    if (code != WEIR_OK)
        fprintf(stderr, "weir: admin address %s: %s\n", text, err.text);
    return code == WEIR_OK;
}

static int
dial(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, address, len) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

/* Connects to the first address of that name that answers; *ret_why says why none does. */
static int
dial_name(const struct place *p, const char **ret_why)
{
    char port[16];
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *all = NULL;
    snprintf(port, sizeof port, "%u", p->port);
    int result = getaddrinfo(p->name, port, &hints, &all);
    if (result != 0) {
        *ret_why = gai_strerror(result);
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *i = all; i && fd < 0; i = i->ai_next)
        fd = dial(i->ai_addr, i->ai_addrlen);
    *ret_why = strerror(errno);
    freeaddrinfo(all);
    return fd;
}

static bool
write_all(int fd, struct weir_text bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.bytes, bytes.len, MSG_NOSIGNAL);
        if (n <= 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = (struct weir_text){ bytes.bytes + n, bytes.len - (size_t)n };
    }
    return true;
}

static bool
flush(struct contact *c)
{
    bool good = write_all(c->fd, buf_content(&c->wire));
    buf_reset(&c->wire);
    return good;
}

/* Takes what the socket has; false at the end, or on an error, of which ERR then says more. */
static bool
take(struct contact *c, struct weir_error *err)
{
    char bytes[PIECE];
    ssize_t n;
    do
        n = recv(c->fd, bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0) {
        err_set(err, WEIR_UPSTREAM, "the connection ended early");
        return false;
    }
    bool ended = false;
    enum weir_code code = tls_read(c->tls, (struct weir_text){ bytes, (size_t)n }, &c->plain, &c->wire, &ended, err);
    (void)flush(c); /* an alert, if it failed: nobody waits for it */
    c->ended = ended;
    return code == WEIR_OK;
}

/* A context that trusts what A and S say. */
static enum weir_code
make_context(struct contact *c, const struct args *a, const struct settings *s, struct weir_error *err)
{
    const char *ca = args_text(a, "ca");
    ca = ca ? ca : settings_text(s, "admin.tls.ca");
    struct weir_builder *b = builder_map();
    builder_take(b, "ca", value_text(ca));
    const struct weir_value *v = builder_end(&b);
    enum weir_code code = tls_client_context(v, &c->context, err);
    value_unref(&v);
    if (code != WEIR_OK)
        return err_in(err, "%s", ca);
    if (args_given(a, "insecure"))
        tls_context_trust_all(c->context);
    return WEIR_OK;
}

static bool
shake_hands(struct contact *c, const struct place *p, struct weir_error *err)
{
    if (tls_client_new(c->context, text_of(p->name), &c->tls, err) != WEIR_OK ||
        tls_write(c->tls, TEXT(""), &c->wire, err) != WEIR_OK)
        return false;
    (void)flush(c); /* if that fails nothing is to be read either */
    while (!tls_ready(c->tls))
        if (!take(c, err))
            return false;
    return true;
}

bool
contact_open(struct contact *c, const struct args *a, const struct settings *s, int *ret_exit)
{
    struct place p = { .port = 0 };
    struct weir_error err = { 0 };
    const char *why = "";
    *c = (struct contact){ .fd = -1 };
    buf_init(&c->plain, BYTES_MAX);
    buf_init(&c->wire, 2 * BYTES_MAX);
    *ret_exit = EXIT_USAGE;
    if (!find_place(a, s, &p))
        return false;
    *ret_exit = EXIT_NO_SERVER;
    if (p.tls && make_context(c, a, s, &err) != WEIR_OK) {
        fprintf(stderr, "weir: %s\n", err.text);
        *ret_exit = EXIT_USAGE;
        return false;
    }
    c->fd = p.address.len > 0 ? dial((const struct sockaddr *)&p.address.address, p.address.len) : dial_name(&p, &why);
    if (c->fd < 0) {
        fprintf(stderr, "weir: no weir answers at %s (%s); is it running? --admin ADDRESS names another one\n", p.text,
                p.address.len > 0 ? strerror(errno) : why);
        return false;
    }
    if (!p.tls || shake_hands(c, &p, &err))
        return true;
    fprintf(stderr, "weir: %s: %s (--ca FILE says what is trusted, --admin https://NAME:PORT whom the certificate names)\n",
            p.text, err.text);
    return false;
}

bool
contact_send(struct contact *c, struct weir_text bytes)
{
    struct weir_error err;
    if (c->tls == NULL)
        return write_all(c->fd, bytes);
    return tls_write(c->tls, bytes, &c->wire, &err) == WEIR_OK && flush(c);
}

size_t
contact_read(struct contact *c, char *ret, size_t room)
{
    struct weir_error err;
    if (c->tls == NULL) {
        ssize_t n;
        do
            n = recv(c->fd, ret, room, 0);
        while (n < 0 && errno == EINTR);
        return n > 0 ? (size_t)n : 0;
    }
    while (c->plain.len == 0 && !c->ended)
        if (!take(c, &err))
            return 0;
    size_t n = c->plain.len < room ? c->plain.len : room;
    memcpy(ret, c->plain.bytes, n);
    buf_shift(&c->plain, n);
    return n;
}

void
contact_close(struct contact *c)
{
    tls_free(&c->tls);
    tls_context_free(&c->context);
    buf_fini(&c->plain);
    buf_fini(&c->wire);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}
