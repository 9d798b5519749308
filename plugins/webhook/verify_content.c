/* webhook/verify_content.c - what is signed: a template, and its texts for one request. See verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define HEADER "header:"

static uint32_t
add_piece(struct content *c, enum piece_kind kind, char *bytes, size_t len, struct weir_error *err)
{
    if (kind == PIECE_TEXT && len == 0)
        return WEIR_OK;
    if (c->n == PIECES_MAX)
        return refuse(err, WEIR_INVALID, "verify: the content can have at most %u parts", PIECES_MAX);
    c->pieces[c->n++] = (struct piece){ kind, { bytes, len } };
    return WEIR_OK;
}

/* What stands in braces. */
static uint32_t
add_named(struct content *c, char *name, size_t len, struct weir_error *err)
{
    static const struct {
        const char *name;
        enum piece_kind kind;
    } names[] = {
        { "body", PIECE_BODY }, { "timestamp", PIECE_TIMESTAMP }, { "id", PIECE_ID }, { "method", PIECE_METHOD }
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_same((struct weir_text){ name, len }, text_of(names[i].name)))
            return add_piece(c, names[i].kind, name, 0, err);
    size_t skip = sizeof HEADER - 1;
    if (len > skip && memcmp(name, HEADER, skip) == 0) {
        for (size_t i = skip; i < len; i++)
            name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
        name[len] = '\0'; /* in place of the } */
        return add_piece(c, PIECE_HEADER, name + skip, len - skip, err);
    }
    return refuse(err, WEIR_INVALID, "verify: {%.*s} is unknown in the content: it can have {body}, {timestamp}, "
                  "{id}, {method} and {header:NAME}, and {{ for a brace", (int)(len < 80 ? len : 80), name);
}

uint32_t
content_read(const char *template, struct content *ret, struct weir_error *err)
{
    char *at = ret->bytes = strdup(template);
    if (at == NULL)
        abort();
    for (char *brace; (brace = strchr(at, '{')) != NULL;) {
        bool twice = brace[1] == '{';
        if (add_piece(ret, PIECE_TEXT, at, (size_t)(brace - at) + twice, err) != WEIR_OK)
            return err->code;
        if (twice) {
            at = brace + 2;
            continue;
        }
        char *end = strchr(brace, '}');
        if (end == NULL)
            return refuse(err, WEIR_INVALID, "verify: a { of the content is not closed; {{ stands for a brace");
        if (add_named(ret, brace + 1, (size_t)(end - brace) - 1, err) != WEIR_OK)
            return err->code;
        at = end + 1;
    }
    return add_piece(ret, PIECE_TEXT, at, strlen(at), err);
}

void
content_free(struct content *c)
{
    free(c->bytes);
    c->bytes = NULL;
    c->n = 0;
}

bool
content_has(const struct content *c, enum piece_kind kind)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->pieces[i].kind == kind)
            return true;
    return false;
}

static struct weir_text
text_of_piece(const struct piece *p, const struct weir_event *e, const struct claim *claim)
{
    switch (p->kind) {
    case PIECE_TEXT:
        break;
    case PIECE_BODY:
        return host->event_body(e);
    case PIECE_TIMESTAMP:
        return claim->timestamp;
    case PIECE_ID:
        return claim->id;
    case PIECE_METHOD:
        return host->event_method(e);
    case PIECE_HEADER:
        return host->event_header(e, p->text);
    }
    return p->text;
}

uint32_t
content_of(const struct content *c, const struct weir_event *e, const struct claim *claim,
           struct weir_text parts[PIECES_MAX])
{
    for (uint32_t i = 0; i < c->n; i++)
        parts[i] = text_of_piece(&c->pieces[i], e, claim);
    return c->n;
}
