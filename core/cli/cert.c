/* cli/cert.c - weir cert: certificates for development, and a look at those of a file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "net/tls_make.h"
#include "value/value.h"

#define DAYS_MAX 3650
#define DAYS_USUAL "365"
#define PATH_ROOM 4096
#define DAY_S 86400

/* Writes TEXT to a file with that mode, as a whole or not at all. */
static bool
write_file(const char *path, mode_t mode, bool force, struct weir_text text)
{
    char fresh[PATH_ROOM + 8];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    (void)unlink(fresh); /* of one that was cut short */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool good = fd >= 0 && write(fd, text.bytes, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    if (fd >= 0)
        good = close(fd) == 0 && good;
    /* link refuses what is there already; rename replaces it. */
    if (good && force)
        good = rename(fresh, path) == 0;
    else if (good)
        good = link(fresh, path) == 0;
    int why = errno;
    if (!good || !force)
        (void)unlink(fresh);
    if (!good && why == EEXIST)
        fprintf(stderr, "weir cert: %s is there already; --force replaces it\n", path);
    else if (!good)
        fprintf(stderr, "weir cert: %s: %s\n", path, strerror(why));
    return good;
}

static bool
make_folder(const char *folder)
{
    if (mkdir(folder, 0777) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "weir cert: %s: %s\n", folder, strerror(errno));
    return false;
}

/* Whether neither file is there, so that nothing is written by halves. */
static bool
is_free(const char *path)
{
    if (access(path, F_OK) != 0)
        return true;
    fprintf(stderr, "weir cert: %s is there already; --force replaces it\n", path);
    return false;
}

static void
say_made(const struct args *a, const char *cert, const char *key)
{
    if (!args_given(a, "json")) {
        fprintf(stderr, "For development: no caller trusts it but those that are told to. In weir.yaml:\n");
        printf("edge:\n  tls:\n    listen: 127.0.0.1:8443\n    cert: %s\n    key: %s\n", cert, key);
        return;
    }
    struct weir_builder *b = builder_map();
    builder_take(b, "cert", value_text(cert));
    builder_take(b, "key", value_text(key));
    const struct weir_value *v = builder_end(&b);
    print_value(v);
    value_unref(&v);
}

static int
write_pair(const struct args *a, const struct buf *cert, const struct buf *key)
{
    const char *folder = args_text(a, "out") ? args_text(a, "out") : ".";
    const char *slash = strcmp(folder, ".") == 0 ? "" : "/";
    bool force = args_given(a, "force");
    char paths[2][PATH_ROOM];
    for (unsigned i = 0; i < 2; i++)
        if (snprintf(paths[i], PATH_ROOM, "%s%sweir-%s.pem", *slash ? folder : "", slash, i == 0 ? "cert" : "key") >=
            PATH_ROOM) {
            fprintf(stderr, "weir cert: --out: the path is too long\n");
            return EXIT_USAGE;
        }
    if (!make_folder(folder) || (!force && (!is_free(paths[0]) || !is_free(paths[1]))))
        return EXIT_WRONG;
    if (!write_file(paths[1], 0600, force, buf_content(key)) || !write_file(paths[0], 0644, force, buf_content(cert)))
        return EXIT_WRONG;
    say_made(a, paths[0], paths[1]);
    return EXIT_GOOD;
}

static int
self_signed(const struct args *a)
{
    static const char *const usual[] = { "localhost", "127.0.0.1", "::1" };
    const char *names[TLS_MAKE_NAMES];
    const char *one;
    unsigned n = 0;
    const char *days = args_text(a, "days") ? args_text(a, "days") : DAYS_USUAL;
    char *end;
    unsigned long count = strtoul(days, &end, 10);
    if (days[0] < '0' || days[0] > '9' || *end != '\0' || count < 1 || count > DAYS_MAX) {
        fprintf(stderr, "weir cert: --days must be a number from 1 to %d\n", DAYS_MAX);
        return EXIT_USAGE;
    }
    for (; (one = args_each(a, "name", n)) != NULL; n++) {
        if (n == TLS_MAKE_NAMES) {
            fprintf(stderr, "weir cert: more than %d names\n", TLS_MAKE_NAMES);
            return EXIT_USAGE;
        }
        names[n] = one;
    }
    for (unsigned i = 0; i < 3 && args_text(a, "name") == NULL; i++)
        names[n++] = usual[i];
    struct buf cert, key;
    struct weir_error err = { 0 };
    buf_init(&cert, 1u << 16);
    buf_init(&key, 1u << 16);
    int code = EXIT_USAGE;
    if (tls_make(names, n, (unsigned)count, &cert, &key, &err) == WEIR_OK)
        code = write_pair(a, &cert, &key);
    else
        fprintf(stderr, "weir cert: --name %s\n", err.text);
    buf_fini(&cert);
    explicit_bzero(key.bytes, key.len);
    buf_fini(&key);
    return code;
}

/* -- show -- */

struct showing {
    struct weir_builder *list; /* for JSON; NULL: text */
    int64_t now_s;
    bool expired; /* one of them has */
};

static void
show_one(void *arg, const struct tls_shown *s)
{
    struct showing *all = arg;
    char from[CLOCK_TEXT], until[CLOCK_TEXT];
    clock_text((uint64_t)(s->from_s > 0 ? s->from_s : 0) * 1000, from);
    clock_text((uint64_t)(s->until_s > 0 ? s->until_s : 0) * 1000, until);
    long long days = (s->until_s - all->now_s) / DAY_S;
    bool expired = s->until_s <= all->now_s;
    all->expired |= expired;
    if (all->list == NULL) {
        char left[48];
        (void)snprintf(left, sizeof left, expired ? "expired" : "%lld day%s left", days, days == 1 ? "" : "s");
        printf("subject      %s\nissuer       %s\nnames        %s\nfrom         %s\nuntil        %s (%s)\n"
               "fingerprint  %s\n\n",
               s->subject, s->issuer, s->names, from, until, left, s->fingerprint);
        return;
    }
    struct weir_builder *b = builder_map();
    builder_take(b, "subject", value_text(s->subject));
    builder_take(b, "issuer", value_text(s->issuer));
    builder_take(b, "names", value_text(s->names));
    builder_take(b, "from", value_text(from));
    builder_take(b, "until", value_text(until));
    builder_take(b, "fingerprint", value_text(s->fingerprint));
    builder_take(b, "days_left", value_int(expired ? 0 : days));
    const struct weir_value *v = builder_end(&b);
    builder_add(all->list, &v);
}

static int
show(const struct args *a)
{
    struct weir_error err = { 0 };
    struct showing all = { .list = args_given(a, "json") ? builder_list() : NULL,
                           .now_s = (int64_t)(clock_wall_ms() / 1000) };
    bool good = tls_show(a->words[1], show_one, &all, &err) == WEIR_OK;
    if (!good)
        fprintf(stderr, "weir cert: %s\n", err.text);
    if (all.list != NULL) {
        const struct weir_value *v = builder_end(&all.list);
        if (good)
            print_value(v);
        value_unref(&v);
    }
    return good && !all.expired ? EXIT_GOOD : EXIT_WRONG;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "";
    bool shows = strcmp(verb, "show") == 0;
    static const char *const of_making[] = { "name", "out", "days", "force" };
    for (size_t i = 0; shows && i < sizeof of_making / sizeof *of_making; i++)
        if (args_given(a, of_making[i])) {
            fprintf(stderr, "weir cert: --%s is for weir cert self-signed\n", of_making[i]);
            return EXIT_USAGE;
        }
    if (shows && a->n_words == 2)
        return show(a);
    if (strcmp(verb, "self-signed") == 0 && a->n_words == 1)
        return self_signed(a);
    fprintf(stderr, shows ? "weir cert: which file? weir cert show FILE\n"
                          : "weir cert: write weir cert self-signed, or weir cert show FILE\n");
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 0, "name", "NAME", "self-signed: whom it is for, may be given again (default: localhost)" },
    { 'o', "out", "FOLDER", "self-signed: where weir-cert.pem and weir-key.pem go (default: here)" },
    { 0, "days", "N", "self-signed: how long it holds (default: " DAYS_USUAL ")" },
    { 'f', "force", NULL, "self-signed: replace files that are there" },
    { 0, "json", NULL, "as JSON" },
};

const struct command command_cert = {
    .name = "cert",
    .summary = "make a certificate for development, or look at one",
    .usage = "self-signed [--name NAME ...] [--out FOLDER] [--days N] [--force] [--json]\n"
             "       weir cert show FILE [--json]",
    .description = "self-signed makes weir-cert.pem and weir-key.pem (EC, P-256, for its owner's eyes only), and prints\n"
                   "what weir.yaml needs to use them. NAME is a DNS name, also *.example.org, or an address.\n\n"
                   "show prints whom the certificates in a file are for, who signed them, and when they expire.\n",
    .examples = "  weir cert self-signed --out tls\n  weir cert self-signed --name hooks.test --name '*.hooks.test'\n"
                "  weir cert show /etc/weir/tls/cert.pem\n",
    .exits = "0 good, 1 it could not be done, or one has expired (show), 2 used wrongly",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "self-signed show",
    .run = run,
};
