/* validate/strip.c - see strip.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "strip.h"

#include <gumbo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hide.h"

#define BLOCK_MIN (UINT64_C(64) << 10)
#define MEMORY_MAX (UINT64_C(64) << 20)
#define MEMORY_PER_BYTE 200u /* of HTML that is nothing but small elements */
#define BUDGET_NS (UINT64_C(10) * 1000 * 1000)
#define BUDGET_PER_BYTE_NS 200u /* twice of what HTML takes that is nothing but elements */
#define ALLOCATIONS_A_LOOK 256u

struct strip_block {
    struct strip_block *next;
    size_t size;
    _Alignas(max_align_t) char bytes[];
};

static uint64_t
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void
strip_init(struct strip *s)
{
    *s = (struct strip){ .budget_ns = BUDGET_NS };
}

/* Gives back all blocks but the oldest, which is used again. */
static void
reset(struct strip *s)
{
    while (s->blocks && s->blocks->next) {
        struct strip_block *b = s->blocks;
        s->blocks = b->next;
        free(b);
    }
    s->used = 0;
    s->given = 0;
    s->asked = 0;
}

void
strip_fini(struct strip *s)
{
    reset(s);
    free(s->blocks);
    free(s->text);
    free(s->html);
}

static void
add_block(struct strip *s, size_t size)
{
    size_t room = size > BLOCK_MIN ? size : BLOCK_MIN;
    struct strip_block *b = malloc(sizeof *b + room);
    if (b == NULL)
        abort();
    b->size = room;
    b->next = s->blocks;
    s->blocks = b;
    s->used = 0;
}

/* The parser's malloc. */
static void *
give(void *arg, size_t size)
{
    struct strip *s = arg;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    s->given += size;
    if (size > s->most || s->given > s->most)
        longjmp(s->out, 1);
    if (++s->asked % ALLOCATIONS_A_LOOK == 0 && cpu_ns() - s->begun_ns > s->budget_ns)
        longjmp(s->out, 1);
    if (s->blocks == NULL || s->blocks->size - s->used < size)
        add_block(s, size);
    void *p = s->blocks->bytes + s->used;
    s->used += size;
    return p;
}

static void
take_back(void *arg, void *memory)
{
    (void)arg, (void)memory; /* all at once, by reset */
}

static void
add(struct strip *s, const char *bytes, size_t len)
{
    if (s->len + len > s->size) {
        s->size = (s->len + len) * 2;
        s->text = realloc(s->text, s->size);
        if (s->text == NULL)
            abort();
    }
    if (len > 0)
        memcpy(s->text + s->len, bytes, len);
    s->len += len;
}

static void
add_escaped(struct strip *s, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>");
        add(s, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        const char *name = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;";
        add(s, name, strlen(name));
        text++;
    }
}

/* A place in the tree: a list of children, and the next one of them. */
struct place {
    const GumboVector *children;
    unsigned next;
};

/* The children of N whose text counts; NULL: none. */
static const GumboVector *
children_of(const GumboNode *n)
{
    if (n->type != GUMBO_NODE_ELEMENT && n->type != GUMBO_NODE_TEMPLATE)
        return NULL;
    GumboTag tag = n->v.element.tag;
    return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE ? NULL : &n->v.element.children;
}

/* Writes the text below ROOT. The tree may be deep: no recursion. */
static void
write_text(struct strip *s, const GumboNode *root)
{
    size_t n = 1, size = 64;
    struct place *way = give(s, size * sizeof *way);
    way[0] = (struct place){ &root->v.element.children, 0 };
    while (n > 0) {
        struct place *p = &way[n - 1];
        if (p->next == p->children->length) {
            n--;
            continue;
        }
        const GumboNode *child = p->children->data[p->next++];
        const GumboVector *children = children_of(child);
        if (children == NULL) {
            if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE ||
                child->type == GUMBO_NODE_CDATA)
                add_escaped(s, child->v.text.text);
            continue;
        }
        if (n == size) {
            struct place *more = give(s, 2 * size * sizeof *way);
            memcpy(more, way, size * sizeof *way);
            way = more;
            size *= 2;
        }
        way[n++] = (struct place){ children, 0 };
    }
}

/* A whole document, not a fragment: for these gumbo follows an older rule, by which an element
 * of HTML does not end an svg, and what is in it would be lost. */
static bool
parse(struct strip *s, struct weir_text html)
{
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = give;
    options.deallocator = take_back;
    options.userdata = s;
    options.max_errors = 0;
    reset(s);
    s->most = BLOCK_MIN * 16 + html.len * MEMORY_PER_BYTE;
    if (s->most > MEMORY_MAX)
        s->most = MEMORY_MAX;
    s->budget_ns += (uint64_t)html.len * BUDGET_PER_BYTE_NS;
    s->begun_ns = cpu_ns();
    if (setjmp(s->out) != 0)
        return false;
    const GumboOutput *out = gumbo_parse_with_options(&options, html.bytes, html.len);
    write_text(s, out->root);
    uint64_t took = cpu_ns() - s->begun_ns;
    s->budget_ns -= took < s->budget_ns ? took : s->budget_ns;
    return true;
}

/* Puts HTML, with what the parser would replace hidden, into a body of its own. */
static struct weir_text
as_document(struct strip *s, struct hiding *h, struct weir_text html)
{
    static const char body[] = "<body>";
    char *hidden = NULL;
    h->n = 0;
    if (hide_wanted(html)) {
        html = hide(h, html);
        hidden = (char *)(uintptr_t)html.bytes;
    }
    s->len = 0;
    add(s, body, sizeof body - 1);
    add(s, html.bytes, html.len);
    free(hidden);
    char *room = s->html;
    size_t size = s->html_size;
    struct weir_text document = { s->text, s->len };
    s->html = s->text;
    s->html_size = s->size;
    s->text = room;
    s->size = size;
    s->len = 0;
    return document;
}

bool
strip_html(struct strip *s, struct weir_text html, struct weir_text *ret)
{
    struct hiding h;
    if (!parse(s, as_document(s, &h, html)))
        return false;
    *ret = (struct weir_text){ s->len > 0 ? s->text : "", s->len };
    if (h.n == 0)
        return true;
    *ret = unhide(&h, *ret);
    free(s->text);
    s->text = (char *)(uintptr_t)ret->bytes;
    s->size = ret->len;
    return true;
}
