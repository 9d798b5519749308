/* value/patch.c - see patch.h. What does not change is shared with the document before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/patch.h"

#include <string.h>

#include "base/buf.h"

enum { POINTER_MAX = 64 << 10 };

/* A place on the way down. */
struct place {
    struct weir_text whole;
    size_t at; /* of the '/' before the next part */
};

static int
shown(const struct place *p)
{
    return (int)(p->whole.len < 120 ? p->whole.len : 120);
}

/* Decodes the next part into OUT, and goes behind it. */
static enum weir_code
next_part(struct place *p, struct buf *out, struct weir_error *err)
{
    const char *bytes = p->whole.bytes;
    buf_reset(out);
    if (bytes[p->at] != '/')
        return err_set(err, WEIR_INVALID, "a place is written as /member/0, not as '%.*s'",
                       shown(p), bytes);
    size_t i = p->at + 1;
    for (; i < p->whole.len && bytes[i] != '/'; i++) {
        bool escape = bytes[i] == '~';
        char next = escape && i + 1 < p->whole.len ? bytes[i + 1] : '\0';
        if (escape && next != '0' && next != '1')
            return err_set(err, WEIR_INVALID,
                           "in '%.*s' a ~ must be written as ~0, and a / in a name as ~1",
                           shown(p), bytes);
        char c = !escape ? bytes[i] : next == '0' ? '~' : '/';
        (void)buf_add(out, &c, 1, NULL);
        i += escape;
    }
    p->at = i;
    return WEIR_OK;
}

static enum weir_code
not_there(const struct place *p, struct weir_error *err)
{
    return err_set(err, WEIR_INVALID, "there is no '%.*s' in the document", shown(p),
                   p->whole.bytes);
}

/* The number of an item; N for "-"; false if PART is none. */
static bool
read_index(struct weir_text part, size_t n, size_t *ret)
{
    if (text_is(part, "-")) {
        *ret = n;
        return true;
    }
    size_t i = 0;
    for (size_t k = 0; k < part.len; k++) {
        if (part.bytes[k] < '0' || part.bytes[k] > '9' || i > UINT32_MAX)
            return false;
        i = i * 10 + (size_t)(part.bytes[k] - '0');
    }
    *ret = i;
    return part.len > 0 && (part.len == 1 || part.bytes[0] != '0');
}

static enum weir_code set_at(const struct weir_value *v, struct place *p,
                             const struct weir_value *new, const struct weir_value **ret,
                             struct weir_error *err);

/* What stands in the place of OLD (NULL: nothing is there) one level down; *RET NULL: it goes. */
static enum weir_code
below(const struct weir_value *old, struct place *p, const struct weir_value *new,
      const struct weir_value **ret, struct weir_error *err)
{
    *ret = NULL;
    if (p->at < p->whole.len)
        return old != NULL ? set_at(old, p, new, ret, err) : not_there(p, err);
    if (old == NULL && new == NULL)
        return not_there(p, err);
    *ret = new != NULL ? value_ref(new) : NULL;
    return WEIR_OK;
}

static enum weir_code
set_member(const struct weir_value *v, struct weir_text key, struct place *p,
           const struct weir_value *new, const struct weir_value **ret, struct weir_error *err)
{
    const struct weir_value *changed, *member;
    struct weir_text name;
    enum weir_code code = below(value_get(v, key.bytes, key.len), p, new, &changed, err);
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_map();
    for (size_t i = 0; value_member(v, i, &name, &member); i++) {
        if (changed == NULL && text_equal(name, key))
            continue;
        const struct weir_value *same = value_ref(member);
        builder_set(b, name.bytes, name.len, &same);
    }
    if (changed != NULL)
        builder_set(b, key.bytes, key.len, &changed);
    *ret = builder_end(&b);
    return WEIR_OK;
}

static enum weir_code
set_item(const struct weir_value *v, struct weir_text part, struct place *p,
         const struct weir_value *new, const struct weir_value **ret, struct weir_error *err)
{
    size_t index;
    const struct weir_value *changed, *item;
    if (!read_index(part, v->len, &index) || index > v->len)
        return not_there(p, err);
    enum weir_code code = below(value_at(v, index), p, new, &changed, err);
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_list();
    for (size_t i = 0; (item = value_at(v, i)) != NULL; i++) {
        const struct weir_value *same = i == index ? changed : value_ref(item);
        if (same != NULL)
            builder_add(b, &same);
    }
    if (index == v->len)
        builder_add(b, &changed);
    *ret = builder_end(&b);
    return WEIR_OK;
}

/* V with NEW at the rest of P, which is not empty. */
static enum weir_code
set_at(const struct weir_value *v, struct place *p, const struct weir_value *new,
       const struct weir_value **ret, struct weir_error *err)
{
    struct buf part;
    buf_init(&part, POINTER_MAX);
    enum weir_code code = next_part(p, &part, err);
    if (code == WEIR_OK) {
        if (value_type(v) == WEIR_MAP)
            code = set_member(v, buf_content(&part), p, new, ret, err);
        else if (value_type(v) == WEIR_LIST)
            code = set_item(v, buf_content(&part), p, new, ret, err);
        else
            code = not_there(p, err);
    }
    buf_fini(&part);
    return code;
}

enum weir_code
patch_set(const struct weir_value *v, struct weir_text pointer, const struct weir_value *new,
          const struct weir_value **ret, struct weir_error *err)
{
    struct place p = { pointer, 0 };
    unsigned depth = 0;
    for (size_t i = 0; i < pointer.len; i++)
        depth += pointer.bytes[i] == '/';
    if (pointer.len > POINTER_MAX || depth > VALUE_DEPTH)
        return err_set(err, WEIR_INVALID,
                       "a place must have at most %d bytes, and lead at most %d levels down",
                       POINTER_MAX, VALUE_DEPTH);
    if (pointer.len > 0)
        return set_at(v, &p, new, ret, err);
    if (new == NULL)
        return err_set(err, WEIR_INVALID, "the document as a whole can't be removed");
    *ret = value_ref(new);
    return WEIR_OK;
}

/* -- what differs -- */

struct diff {
    patch_fn *fn;
    void *arg;
    struct buf at;
};

static void compare(struct diff *d, const struct weir_value *a, const struct weir_value *b);

/* Tells of what is at PART; either may be NULL. */
static void
compare_part(struct diff *d, struct weir_text part, const struct weir_value *a,
             const struct weir_value *b)
{
    size_t len = d->at.len;
    (void)buf_puts(&d->at, "/");
    for (size_t i = 0; i < part.len; i++) {
        const char *c = part.bytes + i;
        (void)buf_add(&d->at, *c == '~' ? "~0" : *c == '/' ? "~1" : c,
                      *c == '~' || *c == '/' ? 2 : 1, NULL);
    }
    if (a != NULL && b != NULL)
        compare(d, a, b);
    else
        d->fn(d->arg, buf_content(&d->at), a, b);
    d->at.len = len;
}

static void
compare_maps(struct diff *d, const struct weir_value *a, const struct weir_value *b)
{
    struct weir_text key;
    const struct weir_value *member;
    for (size_t i = 0; value_member(a, i, &key, &member); i++)
        compare_part(d, key, member, value_get(b, key.bytes, key.len));
    for (size_t i = 0; value_member(b, i, &key, &member); i++)
        if (value_get(a, key.bytes, key.len) == NULL)
            compare_part(d, key, NULL, member);
}

static void
compare_item(struct diff *d, const struct weir_value *a, const struct weir_value *b, size_t i)
{
    char digits[24];
    size_t at = sizeof(digits), n = i;
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    compare_part(d, (struct weir_text){ digits + at, sizeof(digits) - at }, value_at(a, i),
                 value_at(b, i));
}

static void
compare_lists(struct diff *d, const struct weir_value *a, const struct weir_value *b)
{
    for (size_t i = 0; i < b->len; i++)
        compare_item(d, a, b, i);
    for (size_t i = a->len; i > b->len; i--) /* from the end: the others keep their numbers */
        compare_item(d, a, b, i - 1);
}

static void
compare(struct diff *d, const struct weir_value *a, const struct weir_value *b)
{
    if (value_type(a) == WEIR_MAP && value_type(b) == WEIR_MAP)
        compare_maps(d, a, b);
    else if (value_type(a) == WEIR_LIST && value_type(b) == WEIR_LIST)
        compare_lists(d, a, b);
    else if (value_type(a) != value_type(b) || !value_equal(a, b))
        d->fn(d->arg, buf_content(&d->at), a, b);
}

void
patch_diff(const struct weir_value *a, const struct weir_value *b, patch_fn *fn, void *arg)
{
    struct diff d = { .fn = fn, .arg = arg };
    buf_init(&d.at, SIZE_MAX / 2);
    compare(&d, a, b);
    buf_fini(&d.at);
}
