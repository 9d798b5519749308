/* cli/secrets.c - weir secrets: which there are, where they come from, and what they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/secrets.h"
#include "cli/table.h"
#include "pipeline/secrets_aws.h"

/* "encrypted, aws": the weaker sources that have the name, too. */
static void
sources_text(unsigned sources, char *ret, size_t room)
{
    size_t used = 0;
    ret[0] = '\0';
    for (unsigned i = 0; i < SECRET_SOURCE_COUNT; i++)
        if (sources & 1u << i && used < room)
            used += (size_t)snprintf(ret + used, room - used, "%s%s", used ? ", " : "",
                                     secret_source_name((enum secret_source)i));
}

static const struct weir_value *
info_value(const struct secret_info *info)
{
    struct weir_builder *b = builder_map(), *hides = builder_list();
    builder_take(b, "name", value_string(info->name.bytes, info->name.len));
    builder_take(b, "source", value_text(secret_source_name(info->source)));
    builder_take(b, "place", value_text(info->place));
    for (unsigned i = 0; i < SECRET_SOURCE_COUNT; i++)
        if (info->hides & 1u << i) {
            const struct weir_value *v = value_text(secret_source_name((enum secret_source)i));
            builder_add(hides, &v);
        }
    builder_take(b, "also_in", builder_end(&hides));
    builder_put(b, "hidden", info->hidden ? &value_true : &value_false);
    return builder_end(&b);
}

static void
print_list_json(const struct secrets *s)
{
    struct secret_info info;
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; secrets_info(s, i, &info); i++) {
        const struct weir_value *v = info_value(&info);
        builder_add(b, &v);
    }
    const struct weir_value *all = builder_end(&b);
    print_value(all);
    value_unref(&all);
}

static void
print_list(const struct secrets *s)
{
    struct secret_info info;
    struct table t;
    char also[128];
    if (!secrets_info(s, 0, &info)) {
        fprintf(stderr, "no secrets: set WEIR_SECRET_NAME, or weir secrets set NAME\n");
        return;
    }
    table_headed(&t, "NAME|SOURCE|PLACE|NOTE", colour_wanted(STDOUT_FILENO));
    for (unsigned i = 0; secrets_info(s, i, &info); i++) {
        table_add(&t, info.name, NULL);
        table_add(&t, text_of(secret_source_name(info.source)), NULL);
        table_add(&t, text_of(info.place), NULL);
        sources_text(info.hides, also, sizeof also);
        if (info.hidden)
            table_printf(&t, "not read: the name in capitals is in a stronger source");
        else
            table_printf(&t, "%s%s%s", *also ? "also in " : "", also, *also ? ", which is weaker" : "");
    }
    table_print(&t);
}

static int
list(struct setup *s)
{
    if (aws_wanted(s->settings)) /* what pipelines use of it is listed: its own list is not asked for */
        setup_plugins(s);
    setup_find_secrets(s, NULL, 0, &s->diags);
    print_diags(&s->diags, false); /* the rest is listed all the same */
    if (args_given(s->args, "json"))
        print_list_json(s->secrets);
    else
        print_list(s->secrets);
    return s->diags.errors > 0 ? EXIT_WRONG : EXIT_GOOD;
}

/* A terminal remembers what it shows, and somebody may look over a shoulder; a pipe has a reader. */
static int
get(struct setup *s, const char *name)
{
    bool terminal = isatty(STDOUT_FILENO);
    if (terminal && !args_given(s->args, "reveal")) {
        fprintf(stderr, "weir secrets: to show the value on a terminal, say --reveal\n");
        return EXIT_USAGE;
    }
    struct weir_text far = text_of(name);
    setup_secrets(s, &s->diags);
    const struct weir_value *v = secrets_get(s->secrets, text_of(name));
    if (v == NULL && aws_wanted(s->settings)) {
        setup_fetch(s, &far, 1, &s->diags);
        v = secrets_get(s->secrets, text_of(name));
    }
    if (v == NULL) {
        print_diags(&s->diags, false);
        fprintf(stderr, "weir secrets: %s is not set\n", name);
        return EXIT_WRONG;
    }
    struct weir_text text = value_as_text(v);
    bool good = fwrite(text.bytes, 1, text.len, stdout) == text.len && (!terminal || putchar('\n') != EOF);
    return good && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_WRONG;
}

static const struct verb {
    const char *name;
    bool named; /* a secret's name follows */
} verbs[] = {
    { "list", false }, { "get", true }, { "set", true }, { "rm", true }, { "rotate", false },
};

static int
dispatch(struct setup *s, const char *verb, const char *name)
{
    if (strcmp(verb, "list") == 0)
        return list(s);
    if (strcmp(verb, "get") == 0)
        return get(s, name);
    if (s->diags.errors > 0) {
        print_diags(&s->diags, false);
        return EXIT_WRONG;
    }
    if (strcmp(verb, "set") == 0)
        return secrets_set(s, name);
    if (strcmp(verb, "rm") == 0)
        return secrets_rm(s, name);
    return secrets_rotate(s);
}

/* Whether the words are a verb with what belongs to it; says why not. */
static bool
words_are_right(const struct args *a, const char *verb)
{
    const struct verb *v = NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            v = &verbs[i];
    if (v == NULL)
        fprintf(stderr, "weir secrets: '%.60s' is not list, get, set, rm or rotate\n", verb);
    else if (v->named && a->n_words < 2)
        fprintf(stderr, "weir secrets: which one? weir secrets %s NAME\n", verb);
    else if (strcmp(verb, "set") == 0 && a->n_words > 2)
        fprintf(stderr, "weir secrets: the value is read from standard input: what stands on a command line is seen by "
                        "others\n");
    else if (a->n_words > (v->named ? 2u : 1u))
        fprintf(stderr, "weir secrets: unexpected word '%.60s'\n", a->words[v->named ? 2 : 1]);
    else if (v->named && !secret_name_valid(text_of(a->words[1])))
        fprintf(stderr, "weir secrets: '%.60s' can't be a name: a letter or _, then letters, digits, _ . and -, at most "
                        "%d\n", a->words[1], SECRET_NAME_MAX);
    else
        return true;
    return false;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "list";
    struct setup s;
    if (!words_are_right(a, verb))
        return EXIT_USAGE;
    int code = EXIT_USAGE;
    if (setup_settings(&s, a))
        code = dispatch(&s, verb, a->n_words > 1 ? a->words[1] : NULL);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 0, "json", NULL, "list: print it as JSON" },
    { 0, "reveal", NULL, "get: show the value on a terminal" },
    SETUP_OPTIONS,
};

const struct command command_secrets = {
    .name = "secrets",
    .summary = "see which secrets there are and where from; change the encrypted file of them",
    .usage = "[list] [--json]\n"
             "       weir secrets get NAME [--reveal]\n"
             "       weir secrets set NAME < FILE\n"
             "       weir secrets rm NAME\n"
             "       weir secrets rotate",
    .description =
        "list: what secrets.NAME would give here and now, with its source, never with its value. The\n"
        "sources, strongest first: environment (WEIR_SECRET_NAME), file (WEIR_SECRET_NAME_FILE),\n"
        "credentials (the file NAME in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= makes it),\n"
        "encrypted (the file secrets.file, opened by WEIR_MASTER_KEY or WEIR_MASTER_KEY_FILE), aws (AWS\n"
        "Secrets Manager, if secrets.aws.enabled; of it what the pipelines here use).\n\n"
        "set, rm and rotate change the encrypted file; a running weir sees it and takes it into force.\n"
        "set reads the value from standard input (without one last line end) or asks for it, unseen; it is\n"
        "never an argument, which others on the machine could see. get prints the value of the strongest\n"
        "source to a pipe; on a terminal it wants --reveal. rotate seals the file anew, with the key of\n"
        "WEIR_NEW_MASTER_KEY (or WEIR_NEW_MASTER_KEY_FILE) if that is set; the old file stays until the\n"
        "new one was opened and compared.\n",
    .examples = "  weir secrets list --json | jq -r '.[].name'\n"
                "  openssl rand -base64 32 > /etc/weir/master.key; export WEIR_MASTER_KEY_FILE=/etc/weir/master.key\n"
                "  weir secrets set stripe < stripe.txt\n"
                "  weir secrets get stripe | openssl sha256\n"
                "  WEIR_NEW_MASTER_KEY_FILE=/etc/weir/next.key weir secrets rotate\n",
    .exits = "0 good, 1 a source can't be read or written, or the secret is not set, 2 used wrongly",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 3,
    .words = "list get set rm rotate",
    .run = run,
};
