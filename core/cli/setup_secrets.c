/* cli/setup_secrets.c - the secrets of a command: read here, fetched from afar. See setup.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/setup.h"
#include "pipeline/secrets_aws.h"

#define AGAIN_MS 1000u /* between two attempts at a start */
#define TURN_MS 100u

struct secrets *
setup_read_secrets(const struct setup *s, struct diags *d)
{
    struct secrets_from from = { .file = settings_text(s->settings, "secrets.file"), .cache = s->cache };
    return secrets_read(&from, d);
}

void
setup_secrets(struct setup *s, struct diags *d)
{
    unsigned errors = d->errors;
    if (s->secrets != NULL && s->secrets_good && !s->cache_changed && !secrets_stale(s->secrets))
        return; /* opening the encrypted file takes its time, by design */
    struct secrets *fresh = setup_read_secrets(s, d);
    s->secrets_good = d->errors == errors;
    if (s->secrets != NULL && !s->secrets_good) {
        secrets_unref(&fresh); /* what was there before is better than a part of it */
        return;
    }
    secrets_unref(&s->secrets);
    s->secrets = fresh;
    s->cache_changed = false;
}

/* Whether the value is AWS's to give: no stronger source has it. */
static bool
is_far(const struct setup *s, struct weir_text name)
{
    struct secret_info info;
    if (secrets_get(s->secrets, name) == NULL)
        return true;
    for (unsigned i = 0; secrets_info(s->secrets, i, &info); i++)
        if (text_equal(info.name, name))
            return info.source == SECRET_AWS;
    return false;
}

unsigned
setup_far_names(const struct setup *s, const char *const *paths, unsigned n, struct uses *u, struct weir_text **ret)
{
    struct generation_source source = setup_source(s, paths, n, NULL);
    struct pipelines all;
    struct diags ignored;
    char **files;
    unsigned n_files, found = 0;
    uint32_t at = 0;
    diags_init(&ignored);
    source.load.uses = u;
    load_find(source.paths, source.n_paths, &files, &n_files, &ignored);
    pipelines_load((const char *const *)files, n_files, &source.load, &all, &ignored);
    pipelines_free(&all);
    load_find_free(&files, n_files);
    diags_fini(&ignored);
    require_note(settings_require(s->settings), u);
    *ret = calloc(u->by_name.count + 1, sizeof **ret);
    if (*ret == NULL)
        abort();
    for (const struct name_use *one; (one = uses_next(u, &at)) != NULL;)
        if (one->kind == USE_SECRET && secret_name_valid(one->name) && is_far(s, one->name))
            (*ret)[found++] = one->name;
    return found;
}

/* A fetch that is waited for. */
struct waiting {
    bool over;
    struct aws_result result;
};

static void
told(void *arg, const struct aws_result *r)
{
    struct waiting *w = arg;
    w->result = *r;
    w->over = true;
}

/* One attempt; false: the time was up before it was over. */
static bool
attempt(struct setup *s, struct weir_shard *shard, struct client *client, const struct aws_source *from,
        const struct weir_text *names, unsigned n, uint64_t until, struct waiting *w)
{
    *w = (struct waiting){ 0 };
    struct aws_fetch *f = aws_fetch_start(shard, client, from, s->cache, names, n, told, w);
    while (!w->over && clock_mono_ms() < until)
        (void)shard_turn(shard, TURN_MS);
    if (!w->over)
        aws_fetch_stop(&f);
    return w->over;
}

/* The names of the N that the cache does not know, to the front; returns how many. */
static unsigned
unknown_first(const struct setup *s, struct weir_text *names, unsigned n)
{
    unsigned left = 0;
    for (unsigned i = 0; i < n; i++)
        if (!secrets_cache_knows(s->cache, names[i]))
            names[left++] = names[i];
    return left;
}

/* Asks until all is known, or nothing more can be hoped for. */
static enum weir_code
fetch_all(struct setup *s, struct weir_shard *shard, struct client *client, struct weir_text *names, unsigned n,
          struct weir_error *err)
{
    struct aws_source from;
    struct waiting w;
    uint64_t ms = settings_number(s->settings, "secrets.aws.timeout"), until = clock_mono_ms() + ms;
    enum weir_code code = aws_source_read(&from, s->settings, err);
    for (bool said = false; code == WEIR_OK && (n = unknown_first(s, names, n)) > 0;) {
        if (!attempt(s, shard, client, &from, names, n, until, &w))
            return err_set(err, WEIR_TIMEOUT, "AWS Secrets Manager at %s has not answered within %llu ms",
                           from.host, (unsigned long long)ms);
        if (w.result.failed == 0)
            continue;
        uint64_t again = clock_mono_ms() + AGAIN_MS;
        if (!w.result.later || again >= until)
            return err_set(err, WEIR_UPSTREAM, "%s", w.result.error);
        if (!said)
            fprintf(stderr, "weir: waiting for secrets: %s\n", w.result.error);
        said = true;
        while (clock_mono_ms() < again)
            (void)shard_turn(shard, TURN_MS);
    }
    return code;
}

void
setup_fetch(struct setup *s, struct weir_text *names, unsigned n, struct diags *d)
{
    struct weir_shard *shard = NULL;
    struct client *client = NULL;
    struct weir_error err = { 0 };
    if (n == 0)
        return;
    if (s->cache == NULL)
        s->cache = secrets_cache_new();
    enum weir_code code = shard_new(0, &shard, &err);
    if (code == WEIR_OK)
        code = client_new(shard, &client, &err);
    if (code == WEIR_OK)
        code = fetch_all(s, shard, client, names, n, &err);
    client_free(&client);
    shard_free(&shard);
    s->cache_changed = true;
    setup_secrets(s, d);
    if (code != WEIR_OK)
        diags_add(d, "secrets", (struct mark){ 0 }, NULL, DIAG_SECRETS_FAR, NULL, "%s", err.text);
}

void
setup_find_secrets(struct setup *s, const char *const *paths, unsigned n, struct diags *d)
{
    struct uses u;
    struct weir_text *names;
    setup_secrets(s, d);
    if (!aws_wanted(s->settings))
        return;
    uses_init(&u);
    unsigned n_names = setup_far_names(s, paths, n, &u, &names);
    setup_fetch(s, names, n_names, d);
    free(names);
    uses_fini(&u);
}
