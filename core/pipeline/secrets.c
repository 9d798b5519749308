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
#include "pipeline/settings_impl.h"

#define KEY_MIN 8 /* bytes of a key that is masked, too */

static const struct {
    const char *name;
    const char *what;
} sources[] = {
#define X(name_, text_, what_) { text_, what_ },
    SECRET_SOURCES(X)
#undef X
};

/* Variables that open what is secret; the environment of pipelines does not have them, nor those of settings that
 * are secrets. */
static const char *const own[] = {
    "WEIR_MASTER_KEY", "WEIR_NEW_MASTER_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
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

/* Whether it is the variable of a setting that is a secret, such as admin.token. */
static bool
is_secret_setting(struct weir_text name)
{
    char variable[64];
    for (unsigned i = 0; i < n_settings; i++) {
        if (setting_table[i].type != SETTING_SECRET)
            continue;
        setting_environment(&setting_table[i], variable, sizeof variable);
        if (text_is(name, variable))
            return true;
    }
    return false;
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
    return is_secret_setting(name);
}

static void
free_secret(struct secret *one)
{
    value_unref(&one->value);
    free(one->place);
    free(one);
}

/* Keys that open secrets are no secrets.NAME, but are masked like them. */
static void
make_masks(struct secrets *s)
{
    uint32_t at = 0;
    s->masks = masks_new();
    for (const struct map_entry *e; (e = map_next(&s->by_name, &at)) != NULL;)
        masks_add(s->masks, value_as_text(((const struct secret *)e->value)->value));
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const char *key = getenv(own[i]);
        if (key != NULL && strlen(key) >= KEY_MIN)
            masks_add(s->masks, text_of(key));
    }
    masks_end(s->masks);
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
    if (from != NULL) {
        secrets_read_named_files(s, d);
        secrets_read_credentials(s, d);
        secrets_read_encrypted(s, from->file, d);
        secrets_read_cache(s, from->cache);
    }
    make_masks(s);
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
    masks_free(&old->masks);
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

void
secrets_mask(const struct secrets *s, struct buf *b)
{
    masks_apply(s->masks, b, MASK_MIN);
}

void
secrets_mask_cut(const struct secrets *s, struct buf *b)
{
    masks_apply(s->masks, b, MASK_MIN);
    masks_apply_cut(s->masks, b, MASK_CUT);
}

bool
secrets_stand_in(const struct secrets *s, struct weir_text text)
{
    return masks_find(s->masks, text, SECRET_KEPT_MIN);
}

static const struct weir_value *
text_kept(const struct secrets *s, const struct weir_value *v)
{
    struct weir_text t = value_as_text(v);
    if (!masks_find(s->masks, t, SECRET_KEPT_MIN))
        return value_ref(v);
    struct buf b;
    buf_init(&b, t.len);
    (void)buf_text(&b, t); /* it has just that room */
    masks_apply(s->masks, &b, SECRET_KEPT_MIN);
    t = buf_content(&b);
    bool text = value_type(v) == WEIR_STRING && utf8_valid(t);
    const struct weir_value *masked = text ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
    buf_fini(&b);
    return masked;
}

const struct weir_value *
secrets_kept(const struct secrets *s, const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *member;
    if (value_type(v) == WEIR_STRING || value_type(v) == WEIR_BYTES)
        return text_kept(s, v);
    if (value_type(v) != WEIR_LIST && value_type(v) != WEIR_MAP)
        return value_ref(v);
    struct weir_builder *b = value_type(v) == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (member = value_at(v, i)) != NULL; i++) {
        const struct weir_value *kept = secrets_kept(s, member); /* at most VALUE_DEPTH deep */
        builder_add(b, &kept);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        const struct weir_value *kept = secrets_kept(s, member);
        builder_set(b, key.bytes, key.len, &kept);
    }
    return builder_end(&b);
}
