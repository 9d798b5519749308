/* pipeline/marks.c - marks, and walking an event by them. See marks.h.
 *
 * A walk carries the set of marks that its way down agrees with so far, as bits: most of an event is left
 * as soon as the set is empty, and is not copied.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "pipeline/secrets_mask.h"

#define DEPTH 128u /* keys of a place, as far as it is looked at */

_Static_assert(MARKS_MAX <= 64, "a set of marks is 64 bits");

static const char *const roots[] = {
#define X(name, word) word,
    MARK_ROOTS(X)
#undef X
};

struct marks *
marks_new(void)
{
    struct marks *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    return m;
}

static void
path_free(struct mark_path *p)
{
    for (unsigned i = 0; i < p->n; i++)
        free((char *)(uintptr_t)p->keys[i].bytes);
    free(p->keys);
}

void
marks_free(struct marks **m)
{
    if (*m == NULL)
        return;
    for (unsigned i = 0; i < (*m)->n; i++)
        path_free(&(*m)->paths[i]);
    free(*m);
    *m = NULL;
}

/* -- reading -- */

/* A mark while it is read. */
struct reading {
    struct weir_text text;
    size_t at;
    struct mark_path path;
    struct weir_error *err;
};

static enum weir_code
refuse(struct reading *r, const char *why)
{
    return err_set(r->err, WEIR_INVALID, "%s", why);
}

static enum weir_code
add_key(struct reading *r, const char *bytes, size_t len)
{
    if (r->path.n == MARK_KEYS)
        return refuse(r, "it has more than 32 keys");
    char *copy = bytes ? calloc(1, len + 1) : NULL;
    if (bytes && copy == NULL)
        abort();
    if (copy)
        memcpy(copy, bytes, len);
    for (size_t i = 0; copy && r->path.root == MARK_HEADERS && i < len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a'); /* as events have them */
    r->path.keys[r->path.n++] = (struct weir_text){ copy, len };
    return WEIR_OK;
}

/* The length of a key that needs no quotes. */
static size_t
plain_len(struct reading *r)
{
    size_t len = 0;
    while (r->at + len < r->text.len && strchr(".[]*\"' \t${}", r->text.bytes[r->at + len]) == NULL)
        len++;
    return len;
}

/* Behind a dot: a key, or *. */
static enum weir_code
read_plain(struct reading *r)
{
    if (r->at < r->text.len && r->text.bytes[r->at] == '*') {
        r->at++;
        return add_key(r, NULL, 0);
    }
    size_t len = plain_len(r);
    if (len == 0)
        return refuse(r, "a key has to stand here, or * for any");
    enum weir_code code = add_key(r, r->text.bytes + r->at, len);
    r->at += len;
    return code;
}

/* Behind a [: a number, *, or a key in quotes; then ]. */
static enum weir_code
read_bracket(struct reading *r)
{
    char quote = r->at < r->text.len ? r->text.bytes[r->at] : '\0';
    enum weir_code code;
    if (quote == '"' || quote == '\'') {
        const char *from = r->text.bytes + r->at + 1;
        const char *end = memchr(from, quote, r->text.len - r->at - 1);
        if (end == NULL)
            return refuse(r, "the quotes around the key are not closed");
        code = add_key(r, from, (size_t)(end - from));
        r->at += (size_t)(end - from) + 2;
    } else {
        code = read_plain(r);
    }
    if (code == WEIR_OK && (r->at == r->text.len || r->text.bytes[r->at] != ']'))
        return refuse(r, "a ] has to stand here");
    r->at++;
    return code;
}

static enum weir_code
read_root(struct reading *r)
{
    size_t len = plain_len(r);
    for (unsigned i = 0; i < N_MARK_ROOTS; i++)
        if (len == strlen(roots[i]) && memcmp(r->text.bytes, roots[i], len) == 0) {
            r->path.root = (enum mark_root)i;
            r->at = len;
            return WEIR_OK;
        }
    return refuse(r, len == strlen("request") && memcmp(r->text.bytes, "request", len) == 0
                         ? "a mark begins behind 'request.': body, headers, query, params or auth"
                         : "a mark begins with body, headers, query, params or auth");
}

static enum weir_code
read_path(struct reading *r)
{
    if (r->text.len > MARK_TEXT)
        return refuse(r, "it is longer than 512 bytes");
    enum weir_code code = read_root(r);
    while (code == WEIR_OK && r->at < r->text.len) {
        char c = r->text.bytes[r->at];
        if (c != '.' && c != '[')
            return refuse(r, c == '*' ? "a * stands alone between dots" : "a . or a [ has to stand here");
        r->at++;
        code = c == '.' ? read_plain(r) : read_bracket(r);
    }
    bool flat = r->path.root == MARK_HEADERS || r->path.root == MARK_QUERY || r->path.root == MARK_PARAMS;
    if (code == WEIR_OK && flat && r->path.n > 1)
        return refuse(r, "what stands here is a text, which has no parts");
    return code;
}

enum weir_code
marks_add(struct marks *m, struct weir_text text, size_t *ret_at, struct weir_error *err)
{
    struct reading r = { .text = text, .err = err };
    *ret_at = 0;
    if (m->n == MARKS_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than %u marks", MARKS_MAX);
    r.path.keys = calloc(MARK_KEYS, sizeof *r.path.keys);
    if (r.path.keys == NULL)
        abort();
    enum weir_code code = read_path(&r);
    *ret_at = r.at < text.len ? r.at : text.len;
    if (code != WEIR_OK) {
        path_free(&r.path);
        return code;
    }
    m->paths[m->n++] = r.path;
    return WEIR_OK;
}

void
marks_add_list(struct marks *m, const struct weir_value *list)
{
    const struct weir_value *one;
    struct weir_error err;
    size_t at;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++)
        if (marks_add(m, value_as_text(one), &at, &err) != WEIR_OK)
            continue; /* another weir has written it, or it is one too many */
}

/* -- walking -- */

/* Where a walk stands: the marks that agree with the way down. */
struct place {
    const struct marks *m;
    uint64_t agree;
    unsigned depth;
    struct weir_text key; /* the latest one that is no index; empty: the root */
};

static struct place
place_root(const struct marks *m, enum mark_root root)
{
    struct place p = { .m = m, .key = TEXT("") };
    for (unsigned i = 0; m && i < m->n; i++)
        if (m->paths[i].root == root)
            p.agree |= UINT64_C(1) << i;
    return p;
}

/* One step down. A mark that ends above stays: it takes all that is below it. */
static struct place
place_below(struct place p, struct weir_text key)
{
    struct place ret = { p.m, 0, p.depth + 1, key };
    for (unsigned i = 0; p.agree >> i != 0 && i < p.m->n; i++) {
        const struct mark_path *path = &p.m->paths[i];
        if (!(p.agree & UINT64_C(1) << i))
            continue;
        bool same = p.depth >= path->n || path->keys[p.depth].bytes == NULL ||
                    text_equal(path->keys[p.depth], key);
        ret.agree |= same ? UINT64_C(1) << i : 0;
    }
    return ret;
}

/* Whether a mark ends here, or above. */
static bool
is_marked(struct place p)
{
    for (unsigned i = 0; p.agree != 0 && i < p.m->n; i++)
        if (p.agree & UINT64_C(1) << i && p.m->paths[i].n <= p.depth)
            return true;
    return false;
}

static const struct weir_value *hide(struct place p, const struct weir_value *v, struct hidden *gather);

static const struct weir_value *
hide_members(struct place p, const struct weir_value *v, struct hidden *gather)
{
    struct weir_builder *b = v->type == WEIR_LIST ? builder_list() : builder_map();
    struct weir_text key;
    const struct weir_value *member, *seen;
    char index[24];
    for (size_t i = 0; v->type == WEIR_LIST && (member = value_at(v, i)) != NULL; i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        struct place item = place_below(p, text_of(index));
        item.key = p.key;
        seen = hide(item, member, gather);
        builder_add(b, &seen);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        seen = hide(place_below(p, key), member, gather);
        builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}

/* Values are at most VALUE_DEPTH deep, and marks MARK_KEYS. */
static const struct weir_value *
hide(struct place p, const struct weir_value *v, struct hidden *gather)
{
    if (p.agree == 0)
        return value_ref(v);
    if (is_marked(p)) {
        if (gather)
            hidden_add(gather, p.key, v);
        return v->type == WEIR_NULL ? value_ref(v) : value_text("***");
    }
    return v->type == WEIR_LIST || v->type == WEIR_MAP ? hide_members(p, v, gather) : value_ref(v);
}

static struct place
place_at(const struct marks *m, enum mark_root root, const struct weir_text *keys, unsigned n)
{
    struct place p = place_root(m, root);
    for (unsigned i = 0; i < n; i++)
        p = place_below(p, keys[i]);
    return p;
}

bool
marks_below(const struct marks *m, enum mark_root root)
{
    return place_root(m, root).agree != 0;
}

bool
marks_whole(const struct marks *m, enum mark_root root)
{
    return is_marked(place_root(m, root));
}

bool
marks_touch(const struct marks *m, enum mark_root root, const struct weir_text *keys, unsigned n)
{
    return place_at(m, root, keys, n).agree != 0;
}

const struct weir_value *
marks_hide(const struct marks *m, enum mark_root root, const struct weir_text *keys, unsigned n,
           const struct weir_value *v, struct hidden *gather)
{
    return hide(place_at(m, root, keys, n), v, gather);
}

/* Cuts the key in front of the pointer's next slash off, with ~1 and ~0 undone, into B. */
static struct weir_text
next_key(struct weir_text *pointer, struct buf *b)
{
    const char *slash = memchr(pointer->bytes + 1, '/', pointer->len - 1);
    size_t len = slash ? (size_t)(slash - pointer->bytes) : pointer->len;
    buf_reset(b);
    for (size_t i = 1; i < len; i++) {
        bool escape = pointer->bytes[i] == '~' && i + 1 < len;
        char c = escape ? pointer->bytes[++i] : pointer->bytes[i];
        (void)buf_putc(b, !escape ? c : c == '1' ? '/' : '~');
    }
    pointer->bytes += len;
    pointer->len -= len;
    return buf_content(b);
}

const struct weir_value *
marks_hide_at(const struct marks *m, enum mark_root root, struct weir_text pointer, const struct weir_value *v,
              struct hidden *gather)
{
    struct place p = place_root(m, root);
    struct buf key;
    buf_init(&key, pointer.len + 1);
    while (pointer.len > 0 && p.agree != 0 && p.depth < DEPTH)
        p = place_below(p, next_key(&pointer, &key));
    const struct weir_value *seen = hide(p, v, gather);
    buf_fini(&key); /* the place has it */
    return seen;
}
