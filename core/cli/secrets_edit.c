/* cli/secrets_edit.c - weir secrets set, rm, rotate. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "cli/secrets.h"
#include "pipeline/secrets_file.h"

#define LOCK_MS 10000u

/* A change of the encrypted file under way. */
struct edit {
    const char *path;
    int lock;
    struct buf key;
    const struct weir_value *map; /* what is in it; owned */
    bool there;                   /* there is a file */
};

static int
failed(const struct weir_error *err)
{
    fprintf(stderr, "weir secrets: %s\n", err->text);
    return EXIT_WRONG;
}

static void
end(struct edit *e)
{
    secrets_file_unlock(&e->lock);
    if (e->key.len > 0)
        explicit_bzero(e->key.bytes, e->key.len);
    buf_fini(&e->key);
    value_unref(&e->map);
}

/* Takes the lock and reads what there is. */
static enum weir_code
begin(struct edit *e, const struct setup *s, struct weir_error *err)
{
    *e = (struct edit){ .path = settings_text(s->settings, "secrets.file"), .lock = -1 };
    buf_init(&e->key, MASTER_KEY_MAX);
    if (e->path[0] == '\0' || strcmp(e->path, "none") == 0)
        return err_set(err, WEIR_INVALID, "there is no encrypted file: secrets.file is none");
    enum weir_code code = secrets_file_key(MASTER_KEY, &e->key, NULL, err);
    if (code == WEIR_OK)
        code = secrets_file_lock(e->path, LOCK_MS, &e->lock, err);
    if (code != WEIR_OK)
        return code;
    code = secrets_file_read(e->path, buf_content(&e->key), &e->map, err);
    e->there = code == WEIR_OK;
    if (code != WEIR_OK && code != WEIR_NOT_FOUND)
        return err_in(err, "%s", e->path);
    if (!e->there)
        e->map = value_ref(&value_empty_map);
    return WEIR_OK;
}

/* The map without NAME, with VALUE under it unless that is NULL. */
static const struct weir_value *
changed(const struct weir_value *map, struct weir_text name, const struct weir_value *value)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(map, i, &key, &v); i++) {
        const struct weir_value *kept = text_equal(key, name) ? NULL : value_ref(v);
        if (kept != NULL)
            builder_set(b, key.bytes, key.len, &kept);
    }
    if (value != NULL) {
        v = value_ref(value);
        builder_set(b, name.bytes, name.len, &v);
    }
    return builder_end(&b);
}

static enum weir_code
store(struct edit *e, struct weir_text name, const struct weir_value *value, struct weir_error *err)
{
    const struct weir_value *map = changed(e->map, name, value);
    enum weir_code code = secrets_file_write(e->path, buf_content(&e->key), map, err);
    value_unref(&map);
    return code;
}

/* A stronger source makes the file's value one that nobody reads: better said than wondered at. */
static void
say_if_hidden(const char *name)
{
    struct secrets_from none = { .file = "" };
    struct secrets *s = secrets_read(&none, NULL);
    struct secret_info info;
    if (secrets_get(s, text_of(name)) != NULL)
        for (unsigned i = 0; secrets_info(s, i, &info); i++)
            if (text_is(info.name, name))
                fprintf(stderr, "note: %s is in a stronger source, too, and that one is used: %s\n", name, info.place);
    secrets_unref(&s);
}

int
secrets_set(struct setup *s, const char *name)
{
    struct edit e;
    struct weir_error err = { 0 };
    struct buf text;
    int exit = EXIT_WRONG;
    buf_init(&text, SECRET_MAX + 2);
    if (secrets_ask(name, &text)) { /* before the lock: a person may take their time */
        struct weir_text t = buf_content(&text);
        const struct weir_value *v = utf8_valid(t) ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
        enum weir_code code = begin(&e, s, &err);
        bool anew = code == WEIR_OK && value_field(e.map, name) == NULL;
        if (code == WEIR_OK)
            code = store(&e, text_of(name), v, &err);
        value_unref(&v);
        if (code == WEIR_OK) {
            printf("%s is %s in %s\n", name, anew ? "set" : "changed", e.path);
            say_if_hidden(name);
        }
        exit = code == WEIR_OK ? EXIT_GOOD : failed(&err);
        end(&e);
    }
    if (text.len > 0)
        explicit_bzero(text.bytes, text.len);
    buf_fini(&text);
    return exit;
}

int
secrets_rm(struct setup *s, const char *name)
{
    struct edit e;
    struct weir_error err = { 0 };
    enum weir_code code = begin(&e, s, &err);
    if (code == WEIR_OK && value_field(e.map, name) == NULL)
        code = err_set(&err, WEIR_NOT_FOUND, "there is no %s in %s", name, e.path);
    if (code == WEIR_OK)
        code = store(&e, text_of(name), NULL, &err);
    if (code == WEIR_OK)
        printf("%s is removed from %s\n", name, e.path);
    end(&e);
    return code == WEIR_OK ? EXIT_GOOD : failed(&err);
}

int
secrets_rotate(struct setup *s)
{
    struct edit e;
    struct buf fresh;
    struct weir_error err = { 0 };
    buf_init(&fresh, MASTER_KEY_MAX);
    enum weir_code code = begin(&e, s, &err);
    if (code == WEIR_OK && !e.there)
        code = err_set(&err, WEIR_NOT_FOUND, "there is no file %s: weir secrets set NAME makes it", e.path);
    bool other_key = code == WEIR_OK;
    if (code == WEIR_OK) {
        code = secrets_file_key(NEW_MASTER_KEY, &fresh, NULL, &err);
        other_key = code == WEIR_OK;
        code = code == WEIR_NOT_FOUND ? WEIR_OK : code;
    }
    if (code == WEIR_OK)
        code = secrets_file_write(e.path, buf_content(other_key ? &fresh : &e.key), e.map, &err);
    if (code == WEIR_OK)
        printf("%s is sealed anew (%u secret%s) with %s\n", e.path, e.map->len, e.map->len == 1 ? "" : "s",
               other_key ? "the new key: " MASTER_KEY " has to be that one from now on" : "a new salt and the same key");
    if (fresh.len > 0)
        explicit_bzero(fresh.bytes, fresh.len);
    buf_fini(&fresh);
    end(&e);
    return code == WEIR_OK ? EXIT_GOOD : failed(&err);
}
