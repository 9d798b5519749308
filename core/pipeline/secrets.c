/* pipeline/secrets.c - see secrets.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/secrets.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "pipeline/secrets_impl.h"

#define MASK "***"
#define MASK_MIN 4

static const struct {
    const char *name;
    const char *what;
} sources[] = {
#define X(name_, text_, what_) { text_, what_ },
    SECRET_SOURCES(X)
#undef X
};

/* Variables that open what is secret; the environment of pipelines does not have them. */
static const char *const own[] = {
    "WEIR_MASTER_KEY", "WEIR_NEW_MASTER_KEY", "WEIR_ADMIN_TOKEN",
};

const char *
secret_source_name(enum secret_source source)
{
    return sources[source].name;
}

const char *
secret_source_what(enum secret_source source)
{
    return sources[source].what;
}

bool
secret_name_valid(struct weir_text name)
{
    if (name.len == 0 || name.len > SECRET_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-')))
            return false;
    }
    return true;
}

bool
secrets_own_variable(struct weir_text name)
{
    size_t prefix = sizeof SECRET_PREFIX - 1;
    if (name.len > prefix && memcmp(name.bytes, SECRET_PREFIX, prefix) == 0)
        return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (text_is(name, own[i]))
            return true;
    return false;
}

static void
free_secret(struct secret *one)
{
    value_unref(&one->value);
    free(one->place);
    free(one);
}

struct secrets *
secrets_read(const struct secrets_from *from, struct diags *d)
{
    struct secrets *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    atomic_init(&s->refs, 1);
    map_init(&s->by_name);
    secrets_read_environment(s);
    if (from == NULL)
        return s;
    secrets_read_named_files(s, d);
    secrets_read_credentials(s, d);
    return s;
}

struct secrets *
secrets_ref(struct secrets *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void
secrets_unref(struct secrets **s)
{
    struct secrets *old = *s;
    *s = NULL;
    if (old == NULL || atomic_fetch_sub(&old->refs, 1) != 1)
        return;
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&old->by_name, &at)) != NULL;)
        free_secret(e->value);
    map_fini(&old->by_name);
    for (unsigned i = 0; i < old->n_stamps; i++)
        free(old->stamps[i].path);
    free(old->stamps);
    free(old);
}

void
secrets_add(struct secrets *s, struct weir_text name, struct weir_text value, enum secret_source source,
            const char *place)
{
    if (value.len == 0)
        return;
    struct secret *there = map_get(&s->by_name, name.bytes, name.len);
    if (there != NULL) {
        assert(there->source <= source);
        there->hides |= there->source < source ? 1u << source : 0;
        return;
    }
    struct secret *one = calloc(1, sizeof *one);
    char *copy = strdup(place);
    if (one == NULL || copy == NULL)
        abort();
    const struct weir_value *v = utf8_valid(value) ? value_string(value.bytes, value.len)
                                                   : value_bytes(value.bytes, value.len);
    *one = (struct secret){ .value = value_flagged(&v, VALUE_SECRET), .place = copy, .source = source };
    (void)map_set(&s->by_name, name.bytes, name.len, one);
}

bool
secrets_variable(struct weir_text name, bool capitals, char *ret, size_t room)
{
    size_t len = (size_t)snprintf(ret, room, SECRET_PREFIX "%.*s", (int)name.len, name.bytes);
    for (size_t i = sizeof SECRET_PREFIX - 1; capitals && i < len && i < room - 1; i++)
        if (ret[i] >= 'a' && ret[i] <= 'z')
            ret[i] = (char)(ret[i] - 'a' + 'A');
    return len < room;
}

/* The secret whose name is NAME in capitals, if that is another name. */
static const struct secret *
in_capitals(const struct secrets *s, struct weir_text name)
{
    char capitals[SECRET_NAME_MAX];
    bool differs = false;
    if (name.len > sizeof capitals)
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        bool lower = name.bytes[i] >= 'a' && name.bytes[i] <= 'z';
        capitals[i] = (char)(lower ? name.bytes[i] - 'a' + 'A' : name.bytes[i]);
        differs |= lower;
    }
    return differs ? map_get(&s->by_name, capitals, name.len) : NULL;
}

const struct weir_value *
secrets_get(const struct secrets *s, struct weir_text name)
{
    const struct secret *exact = map_get(&s->by_name, name.bytes, name.len);
    const struct secret *other = in_capitals(s, name);
    if (exact == NULL || (other != NULL && other->source < exact->source))
        exact = other;
    return exact != NULL ? exact->value : NULL;
}

bool
secrets_info(const struct secrets *s, unsigned index, struct secret_info *ret)
{
    uint32_t at = 0;
    const struct map_entry *e = NULL;
    for (unsigned i = 0; i <= index; i++)
        if ((e = map_next(&s->by_name, &at)) == NULL)
            return false;
    const struct secret *one = e->value;
    const struct weir_text name = { e->key, e->len };
    const struct secret *other = in_capitals(s, name);
    *ret = (struct secret_info){
        .name = name,
        .source = one->source,
        .place = one->place,
        .hides = one->hides,
        .hidden = other != NULL && other->source < one->source,
    };
    return true;
}

bool
secrets_equal(const struct secrets *a, const struct secrets *b)
{
    uint32_t at = 0;
    if (a->by_name.count != b->by_name.count)
        return false;
    for (const struct map_entry *e; (e = map_next(&a->by_name, &at)) != NULL;) {
        const struct secret *one = e->value, *other = map_get(&b->by_name, e->key, e->len);
        if (other == NULL || !text_equal(value_as_text(one->value), value_as_text(other->value)))
            return false;
    }
    return true;
}

static struct secret_stamp
stamp_of(const char *path)
{
    struct stat st;
    struct secret_stamp t = { .there = stat(path, &st) == 0 };
    if (t.there) {
        t.dev = st.st_dev;
        t.inode = st.st_ino;
        t.size = st.st_size;
        t.changed = st.st_mtim;
    }
    return t;
}

void
secrets_note_file(struct secrets *s, const char *path)
{
    s->stamps = realloc(s->stamps, (s->n_stamps + 1) * sizeof *s->stamps);
    char *copy = strdup(path);
    if (s->stamps == NULL || copy == NULL)
        abort();
    struct secret_stamp t = stamp_of(path);
    t.path = copy;
    s->stamps[s->n_stamps++] = t;
}

bool
secrets_stale(const struct secrets *s)
{
    for (unsigned i = 0; i < s->n_stamps; i++) {
        const struct secret_stamp *was = &s->stamps[i];
        struct secret_stamp is = stamp_of(was->path);
        if (is.there != was->there || is.dev != was->dev || is.inode != was->inode || is.size != was->size ||
            is.changed.tv_sec != was->changed.tv_sec || is.changed.tv_nsec != was->changed.tv_nsec)
            return true;
    }
    return false;
}

/* The longest secret that B holds at AT; 0: none. */
static size_t
secret_at(const struct secrets *s, const struct buf *b, size_t at)
{
    size_t longest = 0;
    uint32_t i = 0;
    const struct map_entry *e;
    while ((e = map_next(&s->by_name, &i)) != NULL) {
        const struct secret *one = e->value;
        struct weir_text t = value_as_text(one->value);
        bool here = t.len >= MASK_MIN && t.len <= b->len - at && t.len > longest &&
                    memcmp(b->bytes + at, t.bytes, t.len) == 0;
        if (here)
            longest = t.len;
    }
    return longest;
}

void
secrets_mask(const struct secrets *s, struct buf *b)
{
    if (s->by_name.count == 0 || b->len == 0)
        return;
    size_t out = 0;
    for (size_t at = 0; at < b->len;) {
        size_t len = secret_at(s, b, at);
        if (len == 0) {
            b->bytes[out++] = b->bytes[at++];
            continue;
        }
        memcpy(b->bytes + out, MASK, sizeof MASK - 1);
        out += sizeof MASK - 1;
        at += len;
    }
    b->len = out;
    b->bytes[out] = '\0';
}
