/* pipeline/secrets_read.c - secrets of the environment and of plain files. See secrets.h.
 *
 * Files of secrets are other people's: what is there may change, vanish or be a pipe, so each
 * is read once, up to a size, and noted for being looked at again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/file.h"
#include "pipeline/secrets_aws.h"
#include "pipeline/secrets_file.h"
#include "pipeline/secrets_impl.h"

#define FILE_SUFFIX "_FILE"
#define PATH_ROOM 4096

extern char **environ;

/* The next variable that starts with WEIR_SECRET_ and has (or has not) _FILE behind its name.
 * *at starts at environ. False at the end. */
static bool
next_variable(char ***at, bool names_file, struct weir_text *ret_name, const char **ret_text)
{
    size_t prefix = sizeof SECRET_PREFIX - 1, suffix = sizeof FILE_SUFFIX - 1;
    for (; *at != NULL && **at != NULL; ++*at) {
        const char *equals = strchr(**at, '=');
        if (strncmp(**at, SECRET_PREFIX, prefix) != 0 || equals == NULL || equals[1] == '\0')
            continue;
        struct weir_text name = { **at + prefix, (size_t)(equals - **at) - prefix };
        bool is_file = name.len > suffix && memcmp(equals - suffix, FILE_SUFFIX, suffix) == 0;
        if (is_file != names_file || name.len == 0)
            continue;
        name.len -= is_file ? suffix : 0;
        *ret_name = name;
        *ret_text = equals + 1;
        ++*at;
        return true;
    }
    return false;
}

void
secrets_read_environment(struct secrets *s)
{
    struct weir_text name;
    const char *text;
    for (char **at = environ; next_variable(&at, false, &name, &text);) {
        char place[SECRET_NAME_MAX + sizeof SECRET_PREFIX];
        (void)snprintf(place, sizeof place, SECRET_PREFIX "%.*s", (int)name.len, name.bytes);
        secrets_add(s, name, text_of(text), SECRET_ENVIRONMENT, place);
    }
}

/* Reads one file as one secret; one line end at its end is no part of it. */
static enum weir_code
read_file(struct secrets *s, struct weir_text name, const char *path, enum secret_source source,
          struct weir_error *err)
{
    struct buf text;
    buf_init(&text, SECRET_MAX + 2);
    secrets_note_file(s, path);
    enum weir_code code = file_read(path, &text, err);
    if (code == WEIR_OK) {
        struct weir_text value = buf_content(&text);
        if (value.len > 0 && value.bytes[value.len - 1] == '\n')
            value.len -= value.len > 1 && value.bytes[value.len - 2] == '\r' ? 2 : 1;
        if (value.len > SECRET_MAX)
            code = WEIR_TOO_LARGE;
        else
            secrets_add(s, name, value, source, path);
    }
    if (code == WEIR_TOO_LARGE)
        err_set(err, code, "a secret has at most %d bytes", SECRET_MAX);
    if (text.len > 0)
        explicit_bzero(text.bytes, text.len);
    buf_fini(&text);
    return code;
}

static void
say(struct diags *d, const char *file, const char *what, const char *why)
{
    if (d != NULL)
        diags_add(d, file, (struct mark){ 0 }, NULL, DIAG_SECRET_SOURCE, NULL, "%s: %s", what, why);
}

void
secrets_read_named_files(struct secrets *s, struct diags *d)
{
    struct weir_text name;
    const char *path;
    for (char **at = environ; next_variable(&at, true, &name, &path);) {
        struct weir_error err = { 0 };
        char what[PATH_ROOM];
        if (read_file(s, name, path, SECRET_VARIABLE_FILE, &err) == WEIR_OK)
            continue;
        (void)snprintf(what, sizeof what, SECRET_PREFIX "%.*s" FILE_SUFFIX " (%s)", (int)name.len, name.bytes,
                       path);
        say(d, "environment", what, err.text);
    }
}

/* Whether the file NAME of the credentials is a secret of pipelines: those of weir itself stand there, too. */
static bool
is_credential(const char *name)
{
    bool own = strncmp(name, "WEIR_", 5) == 0 && secrets_own_variable(text_of(name));
    return secret_name_valid(text_of(name)) && !own;
}

void
secrets_read_credentials(struct secrets *s, struct diags *d)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL || folder[0] == '\0')
        return;
    secrets_note_file(s, folder);
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    if (n < 0)
        say(d, folder, "$CREDENTIALS_DIRECTORY", strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[PATH_ROOM];
        struct weir_error err = { 0 };
        const char *name = entries[i]->d_name;
        bool fits = (size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path;
        if (fits && i < SECRETS_MAX && is_credential(name) &&
            read_file(s, text_of(name), path, SECRET_CREDENTIALS, &err) != WEIR_OK)
            say(d, path, name, err.text);
        free(entries[i]);
    }
    free(entries);
}

void
secrets_read_encrypted(struct secrets *s, const char *path, struct diags *d)
{
    struct buf key;
    struct weir_error err = { 0 };
    char key_path[PATH_MAX];
    const struct weir_value *map = NULL, *v;
    struct weir_text name;
    if (path[0] == '\0' || strcmp(path, "none") == 0)
        return;
    secrets_note_file(s, path);
    if (access(path, F_OK) != 0) {
        int why = errno;
        if (why != ENOENT && d != NULL) /* it may be there, and its key is not what is missing */
            diags_add(d, path, (struct mark){ 0 }, NULL, DIAG_SECRET_SOURCE, NULL,
                      "the file of secrets can't be looked at: %s", strerrordesc_np(why));
        return; /* else nobody has set any */
    }
    buf_init(&key, MASTER_KEY_MAX);
    enum weir_code code = secrets_file_key(MASTER_KEY, &key, key_path, &err);
    if (key_path[0] != '\0')
        secrets_note_file(s, key_path);
    if (code == WEIR_OK)
        code = secrets_file_read(path, buf_content(&key), &map, &err);
    for (size_t i = 0; code == WEIR_OK && value_member(map, i, &name, &v); i++)
        secrets_add(s, name, value_as_text(v), SECRET_ENCRYPTED, path);
    if (code != WEIR_OK && d != NULL)
        diags_add(d, path, (struct mark){ 0 }, NULL, DIAG_SECRET_SOURCE, NULL, "%s", err.text);
    if (key.len > 0)
        explicit_bzero(key.bytes, key.len);
    buf_fini(&key);
    value_unref(&map);
}

void
secrets_read_cache(struct secrets *s, const struct secrets_cache *cache)
{
    struct weir_text name, value;
    const char *place;
    uint32_t at = 0;
    while (cache != NULL && secrets_cache_at(cache, &at, &name, &value, &place))
        secrets_add(s, name, value, SECRET_AWS, place);
}
