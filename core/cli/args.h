/* cli/args.h - what stands on the command line, read by tables that the help is made from too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of every command. */
enum exit_code { EXIT_GOOD = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

struct option {
    char letter;          /* 0: none */
    const char *name;     /* without the dashes */
    const char *argument; /* what it takes: "FILE", "FOLDER", "one|of|these"; NULL: nothing */
    const char *summary;
};

#define OPTIONS_GIVEN_MAX 64

struct command;

/* A command line after reading. The texts belong to argv. */
struct args {
    const struct command *command;
    struct {
        const struct option *option;
        const char *value;
    } given[OPTIONS_GIVEN_MAX];
    unsigned n_given;
    const char *const *words; /* what is no option, in order */
    unsigned n_words;
};

/* What the first word of a command may be besides those of its table. */
enum more_words { MORE_NONE, MORE_COMMANDS, MORE_TYPES, MORE_CODES };

struct command {
    const char *name;
    const char *summary;
    const char *usage;       /* after "weir NAME " */
    const char *description; /* some paragraphs; NULL: none */
    const char *examples;    /* lines that can be copied */
    const struct option *options;
    unsigned n_options;
    unsigned max_words;
    const char *words; /* what its first word may be, for completion: "list show"; NULL: files */
    enum more_words more;
    const char *exits; /* what its exit codes mean, in one line */
    int (*run)(const struct args *a);
};

/* Reads ARGV (behind the command's name). False if the command is not to be run: then *ret_exit is
 * the exit code and what had to be said (help, an error) was printed. Options may stand anywhere;
 * "--" ends them; -o VALUE, --name VALUE and --name=VALUE are understood. */
bool args_read(const struct command *c, int argc, char **argv, struct args *ret, int *ret_exit);

/* The value of an option's last occurrence; NULL if it was not given. */
const char *args_text(const struct args *a, const char *name);
bool args_given(const struct args *a, const char *name);

/* The value of occurrence number INDEX of an option; NULL past the end. */
const char *args_each(const struct args *a, const char *name, unsigned index);

/* Options that every command has. */
extern const struct option args_common[];
#define ARGS_COMMON 1u

/* Prints the help of a command, and the list of all commands. */
void help_of(const struct command *c);
void help_all(const struct command *const *all, unsigned n);

#endif
