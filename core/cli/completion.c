/* cli/completion.c - weir completion: what a shell has to know to complete our commands.
 *
 * All of it comes from the tables of the commands, as the help does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/setup.h"

/* What an option's value is completed by. */
enum value_kind { VALUE_NONE, VALUE_FILE, VALUE_FOLDER, VALUE_WORDS, VALUE_ANY };

static enum value_kind
value_kind(const struct option *o)
{
    if (o->argument == NULL)
        return VALUE_NONE;
    if (strstr(o->argument, "FILE") != NULL)
        return VALUE_FILE;
    if (strcmp(o->argument, "FOLDER") == 0)
        return VALUE_FOLDER;
    return strchr(o->argument, '|') != NULL ? VALUE_WORDS : VALUE_ANY;
}

/* Option number I of a command, those that all have behind its own; NULL past the end. */
static const struct option *
option_at(const struct command *c, unsigned i)
{
    if (i < c->n_options)
        return &c->options[i];
    return i - c->n_options < ARGS_COMMON ? &args_common[i - c->n_options] : NULL;
}

/* Whether the words of a command are files; else they are those of its table, or nothing. */
static bool
takes_files(const struct command *c)
{
    return c->words == NULL && c->max_words > 0;
}

/* TEXT with each byte of SPECIAL behind a backslash, and "'" as the shell wants it in quotes.
 */
static void
put_escaped(const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stdout);
        else if (strchr(special, *text) != NULL)
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

/* The words of "one|of|these" with BETWEEN instead of '|'. */
static void
put_choices(const char *argument, char between)
{
    for (; *argument; argument++)
        putchar(*argument == '|' ? between : *argument);
}

static void
put_names(void)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    for (unsigned i = 0; i < n; i++)
        printf("%s ", all[i]->name);
    printf("help");
}

/* What prints the types of nodes and triggers that there are, also those of a project; QUOTE is how the
 * shell writes a quote here. */
static void
put_types(const char *weir, const char *quote)
{
    printf("%s nodes 2>/dev/null | sed -n %ss/^  \\([a-z][a-z0-9_.]*\\) .*/\\1/p%s", weir, quote, quote);
}

static void
put_codes(void)
{
    struct setting_info s;
    for (int i = DIAG_NONE + 1; i < DIAG_CODE_COUNT; i++)
        printf(" %s", diag_name((enum diag_code)i));
    for (unsigned i = 0; settings_info(i, &s); i++)
        printf(" %s", s.key);
}

/* The first words of a command that are known here. */
static void
put_words(const struct command *c)
{
    printf("%s", c->words != NULL ? c->words : "");
    if (c->more == MORE_COMMANDS)
        put_names();
    else if (c->more == MORE_CODES)
        put_codes();
}

static bool
has_words(const struct command *c)
{
    return (c->words != NULL && *c->words) || c->more == MORE_COMMANDS || c->more == MORE_CODES;
}

/* -- bash -- */

static void
bash_values(const struct command *c)
{
    const struct option *o;
    for (unsigned i = 0; (o = option_at(c, i)) != NULL; i++) {
        enum value_kind kind = value_kind(o);
        if (kind == VALUE_NONE)
            continue;
        printf("        ");
        if (o->letter)
            printf("-%c|", o->letter);
        printf("--%s) ", o->name);
        if (kind == VALUE_FILE)
            printf("COMPREPLY=($(compgen -f -- \"$cur\")); ");
        else if (kind == VALUE_FOLDER)
            printf("COMPREPLY=($(compgen -d -- \"$cur\")); ");
        else if (kind == VALUE_WORDS) {
            printf("COMPREPLY=($(compgen -W '");
            put_choices(o->argument, ' ');
            printf("' -- \"$cur\")); ");
        }
        printf("return ;;\n");
    }
}

static void
bash_command(const struct command *c)
{
    const struct option *o;
    printf("    %s)\n        options='", c->name);
    for (unsigned i = 0; (o = option_at(c, i)) != NULL; i++)
        printf("%s--%s", i > 0 ? " " : "", o->name);
    printf("' words='");
    put_words(c);
    printf("' files=%d\n", takes_files(c));
    if (c->more == MORE_TYPES) {
        printf("        [ \"$COMP_CWORD\" -eq 2 ] && words=$(");
        put_types("\"${COMP_WORDS[0]}\"", "'");
        printf(")\n");
    }
    printf("        case $prev in\n");
    bash_values(c);
    printf("        esac ;;\n");
}

static void
print_bash(void)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    printf("# Completion of weir for bash. Load it: source <(weir completion bash)\n"
           "_weir()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local options='' words='' files=0\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ] || { [ \"$COMP_CWORD\" -eq 2 ] && [ \"$prev\" = "
           "help ]; }; then\n"
           "        COMPREPLY=($(compgen -W '");
    put_names();
    printf("' -- \"$cur\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (unsigned i = 0; i < n; i++)
        bash_command(all[i]);
    printf("    esac\n"
           "    if [ \"${cur#-}\" != \"$cur\" ]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
           "    elif [ -n \"$words\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "    elif [ \"$files\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _weir weir\n");
}

/* -- zsh -- */

static void
zsh_option(const struct option *o)
{
    enum value_kind kind = value_kind(o);
    printf(" \\\n            ");
    if (o->letter)
        printf("'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter, o->name);
    else
        printf("'*--%s[", o->name);
    put_escaped(o->summary, "[]:\\", "'\\''");
    printf("]");
    if (kind == VALUE_WORDS) {
        printf(":%s:(", o->name);
        put_choices(o->argument, ' ');
        printf(")");
    } else if (kind != VALUE_NONE) {
        printf(":%s:%s", o->argument,
               kind == VALUE_FILE     ? "_files"
               : kind == VALUE_FOLDER ? "_files -/"
                                      : "");
    }
    printf("'");
}

static void
print_zsh(void)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    printf(
        "#compdef weir\n"
        "# Completion of weir for zsh. Put it into a folder of $fpath as _weir, or load it:\n"
        "# source <(weir completion zsh)\n"
        "_weir_types() {\n    compadd -- ${(f)\"$(");
    put_types("weir", "'");
    printf(
        ")\"}\n}\n"
        "_weir() {\n    local -a commands\n    commands=(\n");
    for (unsigned i = 0; i < n; i++) {
        printf("        '%s:", all[i]->name);
        put_escaped(all[i]->summary, ":\\", "'\\''");
        printf("'\n");
    }
    printf("        'help:say more of a command'\n    )\n"
           "    if (( CURRENT == 2 )) || [[ $CURRENT == 3 && $words[2] == help ]]; then\n"
           "        _describe command commands\n        return\n    fi\n"
           "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case "
           "$command in\n");
    for (unsigned i = 0; i < n; i++) {
        const struct option *o;
        printf("    %s)\n        _arguments", all[i]->name);
        for (unsigned k = 0; (o = option_at(all[i], k)) != NULL; k++)
            zsh_option(o);
        if (has_words(all[i])) {
            printf(" \\\n            '1:what:(");
            put_words(all[i]);
            printf(")' '*::'");
        } else if (all[i]->more == MORE_TYPES)
            printf(" \\\n            '1:type:_weir_types' '*::'");
        else if (takes_files(all[i]))
            printf(" \\\n            '*:file:_files'");
        printf(" ;;\n");
    }
    printf("    esac\n}\n"
           "if [[ ${funcstack[1]} == _weir ]]; then\n    _weir \"$@\"\nelse\n    compdef _weir "
           "weir\nfi\n");
}

/* -- fish -- */

static void
fish_option(const struct command *c, const struct option *o)
{
    enum value_kind kind = value_kind(o);
    printf("complete -c weir -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->letter)
        printf(" -s %c", o->letter);
    if (kind == VALUE_FILE)
        printf(" -r -F");
    else if (kind == VALUE_FOLDER)
        printf(" -x -a '(__fish_complete_directories)'");
    else if (kind == VALUE_WORDS) {
        printf(" -x -a '");
        put_choices(o->argument, ' ');
        printf("'");
    } else if (kind == VALUE_ANY)
        printf(" -x");
    printf(" -d '");
    put_escaped(o->summary, "\\", "\\'");
    printf("'\n");
}

static void
print_fish(void)
{
    unsigned n;
    const struct command *const *all = commands_all(&n);
    printf("# Completion of weir for fish. Load it: weir completion fish | source\n"
           "complete -c weir -f\n"
           "complete -c weir -n __fish_use_subcommand -a help -d 'say more of a command'\n"
           "complete -c weir -n '__fish_seen_subcommand_from help' -a '");
    put_names();
    printf("'\n");
    for (unsigned i = 0; i < n; i++) {
        const struct command *c = all[i];
        const struct option *o;
        printf("complete -c weir -n __fish_use_subcommand -a %s -d '", c->name);
        put_escaped(c->summary, "\\", "\\'");
        printf("'\n");
        if (c->more != MORE_NONE) {
            printf("complete -c weir -n '__fish_seen_subcommand_from %s' -a '", c->name);
            if (c->more == MORE_TYPES) {
                printf("(");
                put_types("weir", "\"");
                printf(")");
            } else
                put_words(c);
            printf("'\n");
        } else if (c->words != NULL && *c->words)
            printf("complete -c weir -n '__fish_seen_subcommand_from %s; and not "
                   "__fish_seen_subcommand_from %s' -a '%s'\n",
                   c->name, c->words, c->words);
        else if (takes_files(c))
            printf("complete -c weir -n '__fish_seen_subcommand_from %s' -F\n", c->name);
        for (unsigned k = 0; (o = option_at(c, k)) != NULL; k++)
            fish_option(c, o);
    }
}

static int
run(const struct args *a)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };
    for (size_t i = 0; a->n_words == 1 && i < sizeof shells / sizeof *shells; i++)
        if (strcmp(a->words[0], shells[i].name) == 0) {
            shells[i].print();
            return EXIT_GOOD;
        }
    fprintf(stderr, "weir completion: of which shell? bash, zsh or fish\n");
    return EXIT_USAGE;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "print what bash, zsh or fish need to complete weir's commands",
    .usage = "bash|zsh|fish",
    .description = "Commands, their words, their options and what options take are completed. "
                   "The packages\n"
                   "of weir install it.\n",
    .examples = "  source <(weir completion bash)\n"
                "  weir completion zsh > ~/.zfunc/_weir\n"
                "  weir completion fish > ~/.config/fish/completions/weir.fish\n",
    .max_words = 1,
    .words = "bash zsh fish",
    .exits = "0 good, 2 there is no such shell",
    .run = run,
};
