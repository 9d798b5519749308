/* content.c - what is signed: a template, and its texts for one request. See signature.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "impl.h"

#define HEADER "header:"

/* False: there are too many. */
static bool
add_piece(struct content *c, enum piece_kind kind, const char *bytes, size_t len)
{
    if (kind == PIECE_TEXT && len == 0)
        return true;
    if (c->n == SIGNATURE_PIECES_MAX)
        return false;
    c->pieces[c->n++] = (struct piece_of_content){ kind, { bytes, len } };
    return true;
}

/* What stands in braces: LEN bytes at NAME, and one more that may be written. */
static uint32_t
add_named(struct content *c, char *name, size_t len, const char *option, struct weir_error *err)
{
    static const struct {
        const char *name;
        enum piece_kind kind;
    } names[] = {
        { "body", PIECE_BODY }, { "timestamp", PIECE_TIMESTAMP }, { "id", PIECE_ID }, { "method", PIECE_METHOD }
    };
    size_t skip = sizeof HEADER - 1;
    bool header = len > skip && memcmp(name, HEADER, skip) == 0;
    enum piece_kind kind = PIECE_HEADER;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (same((struct weir_text){ name, len }, names[i].name))
            kind = names[i].kind;
    if (kind == PIECE_HEADER && !header)
        return wrong(err, option, "{%.*s} is unknown in the content: it can have {body}, {timestamp}, {id}, "
                     "{method} and {header:NAME}, and {{ for a brace", (int)(len < 80 ? len : 80), name);
    for (size_t i = skip; header && i < len; i++)
        name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    name[len] = '\0'; /* in place of the } */
    return add_piece(c, kind, header ? name + skip : name, header ? len - skip : 0) ? WEIR_OK : WEIR_TOO_LARGE;
}

uint32_t
content_read(const char *template, const char *option, struct content *ret, struct weir_error *err)
{
    char *at = ret->bytes = strdup(template);
    if (at == NULL)
        abort();
    bool fits = true;
    for (char *brace; fits && (brace = strchr(at, '{')) != NULL;) {
        bool twice = brace[1] == '{';
        fits = add_piece(ret, PIECE_TEXT, at, (size_t)(brace - at) + twice);
        if (twice || !fits) {
            at = brace + 2;
            continue;
        }
        char *end = strchr(brace, '}');
        if (end == NULL)
            return wrong(err, option, "a { of the content is not closed; {{ stands for a brace");
        uint32_t code = add_named(ret, brace + 1, (size_t)(end - brace) - 1, option, err);
        if (code == WEIR_INVALID)
            return code;
        fits = code == WEIR_OK;
        at = end + 1;
    }
    if (!fits || !add_piece(ret, PIECE_TEXT, at, strlen(at)))
        return wrong(err, option, "the content can have at most %u parts", SIGNATURE_PIECES_MAX);
    return WEIR_OK;
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
text_of_piece(const struct piece_of_content *p, const struct message *m)
{
    switch (p->kind) {
    case PIECE_TEXT:
        break;
    case PIECE_BODY:
        return m->body;
    case PIECE_TIMESTAMP:
        return m->timestamp;
    case PIECE_ID:
        return m->id;
    case PIECE_METHOD:
        return m->method;
    case PIECE_HEADER:
        return m->header(m->of, p->text);
    }
    return p->text;
}

uint32_t
content_of(const struct content *c, const struct message *m, struct weir_text parts[SIGNATURE_PIECES_MAX])
{
    for (uint32_t i = 0; i < c->n; i++)
        parts[i] = text_of_piece(&c->pieces[i], m);
    return c->n;
}
