/* pipeline/hidden.c - the texts of marked fields, looked for wherever else they stand. See marks.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "pipeline/marks.h"
#include "pipeline/secrets_mask.h"
#include "value/json.h"

#define SHOWN_MAX (64u << 20)
#define WHOLE_MAX 9007199254740992.0 /* 2 to the 53rd: whole numbers up to it have one text */

#define BRIEF_MAX 6u /* with a NUL: "false" */

/* A text that is too short to be looked for alone, or true or false: it is hidden under the key that it was marked
 * under. */
struct brief {
    struct weir_text key; /* owned */
    char text[BRIEF_MAX];
};

struct hidden {
    struct masks *masks;
    struct brief *briefs; /* owned */
    unsigned n_briefs;
    unsigned n;
    size_t bytes;
    bool all;   /* more than can be looked for: no text is shown */
    bool stars; /* *** was one of them */
};

struct hidden *
hidden_new(void)
{
    struct hidden *h = calloc(1, sizeof *h);
    if (h == NULL)
        abort();
    h->masks = masks_new();
    return h;
}

void
hidden_free(struct hidden **h)
{
    if (*h == NULL)
        return;
    masks_free(&(*h)->masks);
    for (unsigned i = 0; i < (*h)->n_briefs; i++)
        free((char *)(uintptr_t)(*h)->briefs[i].key.bytes);
    free((*h)->briefs);
    free(*h);
    *h = NULL;
}

void
hidden_add_text(struct hidden *h, struct weir_text text)
{
    h->stars = h->stars || text_is(text, "***");
    if (text.len < MASK_MIN || h->all)
        return;
    if (h->n == HIDDEN_MAX || text.len > HIDDEN_BYTES - h->bytes) {
        h->all = true;
        return;
    }
    h->n++;
    h->bytes += text.len;
    masks_add(h->masks, text);
}

/* The text of a number, as JSON has it; of a whole one always as that of an integer. */
static bool
number_text(const struct weir_value *v, struct buf *b)
{
    struct weir_error err;
    buf_init(b, 64);
    bool fits = v->type == WEIR_DOUBLE && v->number >= -WHOLE_MAX && v->number <= WHOLE_MAX;
    if (fits && (double)(int64_t)v->number == v->number)
        return buf_printf(b, "%" PRId64, (int64_t)v->number);
    return json_write(b, v, &err) == WEIR_OK;
}

/* In a text it may stand as JSON or a form has it. */
static void
add_brief(struct hidden *h, struct weir_text key, struct weir_text text)
{
    static const char *const forms[] = { "\"%.*s\":\"%.*s\"", "\"%.*s\": \"%.*s\"", "\"%.*s\":%.*s", "\"%.*s\": %.*s",
                                         "%.*s=%.*s" };
    for (unsigned i = 0; i < h->n_briefs; i++)
        if (text_equal(h->briefs[i].key, key) && text_is(text, h->briefs[i].text))
            return;
    if (h->n_briefs == HIDDEN_MAX || key.len > 256) {
        h->all = true;
        return;
    }
    h->briefs = realloc(h->briefs, (h->n_briefs + 1) * sizeof *h->briefs);
    char *copy = malloc(key.len + 1);
    if (h->briefs == NULL || copy == NULL)
        abort();
    memcpy(copy, key.bytes, key.len);
    struct brief *brief = &h->briefs[h->n_briefs++];
    *brief = (struct brief){ .key = { copy, key.len } };
    memcpy(brief->text, text.bytes, text.len);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct buf b;
        buf_init(&b, 512);
        if (buf_printf(&b, forms[i], (int)key.len, key.bytes, (int)text.len, text.bytes))
            hidden_add_text(h, buf_content(&b));
        buf_fini(&b);
    }
}

static void
add_leaf(struct hidden *h, struct weir_text key, struct weir_text text)
{
    if (text.len > 0 && text.len < MASK_MIN && key.len > 0 && !text_is(text, "***"))
        add_brief(h, key, text);
    hidden_add_text(h, text);
}

void
hidden_add_named(struct hidden *h, struct weir_text key, struct weir_text text)
{
    add_leaf(h, key, text);
}

void
hidden_add(struct hidden *h, struct weir_text key, const struct weir_value *v)
{
    struct weir_text name;
    const struct weir_value *member;
    struct buf b;
    switch (value_type(v)) {
    case WEIR_STRING:
    case WEIR_BYTES:
        add_leaf(h, key, value_as_text(v));
        break;
    case WEIR_INT:
    case WEIR_DOUBLE:
        if (number_text(v, &b))
            add_leaf(h, key, buf_content(&b));
        buf_fini(&b);
        break;
    case WEIR_BOOL:
        if (key.len > 0)
            add_brief(h, key, text_of(v->boolean ? "true" : "false"));
        break;
    case WEIR_LIST:
    case WEIR_MAP:
        for (size_t i = 0; (member = value_at(v, i)) != NULL; i++)
            hidden_add(h, key, member);
        for (size_t i = 0; value_member(v, i, &name, &member); i++)
            hidden_add(h, name, member);
        break;
    default:
        break;
    }
}

void
hidden_end(struct hidden *h)
{
    masks_end(h->masks);
}

bool
hidden_any(const struct hidden *h)
{
    return h && (h->n > 0 || h->all);
}

bool
hidden_stands_in(const struct hidden *h, struct weir_text text)
{
    return h->all || (h->n > 0 && masks_find(h->masks, text, MASK_MIN));
}

bool
hidden_has_stars(const struct hidden *h)
{
    return h->stars;
}

void
hidden_mask(const struct hidden *h, struct buf *b)
{
    if (h->all && b->len > 0) {
        buf_reset(b);
        (void)buf_puts(b, "***");
    } else if (h->n > 0) {
        masks_apply(h->masks, b, MASK_MIN);
    }
}

void
hidden_mask_cut(const struct hidden *h, struct buf *b)
{
    hidden_mask(h, b);
    if (!h->all && h->n > 0)
        masks_apply_cut(h->masks, b, MASK_CUT);
}

static const struct weir_value *
text_masked(const struct hidden *h, const struct weir_value *v)
{
    struct weir_text t = value_as_text(v);
    if (!hidden_stands_in(h, t))
        return value_ref(v);
    struct buf b;
    buf_init(&b, SHOWN_MAX);
    const struct weir_value *masked;
    if (!buf_text(&b, t)) {
        masked = value_text("***");
    } else {
        hidden_mask(h, &b);
        t = buf_content(&b);
        masked = utf8_valid(t) ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
    }
    buf_fini(&b);
    return masked;
}

static const struct weir_value *
number_masked(const struct hidden *h, const struct weir_value *v)
{
    struct buf b;
    bool is = h->all || (number_text(v, &b) && masks_is(h->masks, buf_content(&b)));
    if (!h->all)
        buf_fini(&b);
    return is ? value_text("***") : value_ref(v);
}

/* A key may be such a text, too. */
static void
put_masked(const struct hidden *h, struct weir_builder *b, struct weir_text key, const struct weir_value *take_v)
{
    struct buf room;
    buf_init(&room, key.len * 3 + 16);
    if (h->n > 0 && masks_find(h->masks, key, MASK_MIN) && buf_text(&room, key)) {
        masks_apply(h->masks, &room, MASK_MIN);
        key = buf_content(&room);
    }
    builder_set(b, key.bytes, key.len, &take_v);
    buf_fini(&room);
}

/* The text of V, a leaf, which may need B; none if it is of another kind. */
static struct weir_text
leaf_text(const struct weir_value *v, struct buf *b)
{
    switch (v->type) {
    case WEIR_STRING:
        return value_as_text(v);
    case WEIR_BOOL:
        return text_of(v->boolean ? "true" : "false");
    case WEIR_INT:
    case WEIR_DOUBLE:
        buf_fini(b);
        return number_text(v, b) ? buf_content(b) : TEXT("");
    default:
        return TEXT("");
    }
}

/* Whether V, under KEY, is one of those that are too short to be looked for alone. Headers come in either case. */
static bool
is_brief(const struct hidden *h, struct weir_text key, const struct weir_value *v)
{
    struct buf b;
    buf_init(&b, 64);
    struct weir_text text = h->n_briefs > 0 ? leaf_text(v, &b) : TEXT("");
    bool is = false;
    for (unsigned i = 0; text.len > 0 && text.len < BRIEF_MAX && i < h->n_briefs && !is; i++) {
        struct weir_text other = h->briefs[i].key;
        is = text_is(text, h->briefs[i].text) && other.len == key.len && strncasecmp(other.bytes, key.bytes, key.len) == 0;
    }
    buf_fini(&b);
    return is;
}

/* What is looked through is at most VALUE_DEPTH deep. */
const struct weir_value *
hidden_masked(const struct hidden *h, const struct weir_value *v)
{
    struct weir_builder *b;
    struct weir_text key;
    const struct weir_value *member, *seen;
    if (!hidden_any(h))
        return value_ref(v);
    if (v->type == WEIR_STRING || v->type == WEIR_BYTES)
        return text_masked(h, v);
    if (v->type == WEIR_INT || v->type == WEIR_DOUBLE)
        return number_masked(h, v);
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return value_ref(v);
    b = v->type == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (member = value_at(v, i)) != NULL; i++) {
        seen = hidden_masked(h, member);
        builder_add(b, &seen);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++)
        put_masked(h, b, key, is_brief(h, key, member) ? value_text("***") : hidden_masked(h, member));
    return builder_end(&b);
}
