/* cli/setup.h - what most commands start with: settings, plugins, a loaded generation; and output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/args.h"
#include "engine/generation.h"
#include "pipeline/settings.h"

/* Options that setup_settings understands; commands put them into their tables. */
#define SETUP_OPTIONS                                                                        \
    { 0, "config", "FILE", "read settings from FILE (default: weir.yaml, if there is one)" }, \
    { 0, "plugins", "FOLDER", "load plugins from FOLDER" },                                  \
    { 0, "lua", "FOLDER", "the folder with nodes/ and std/ of Lua (default: lua/ beside the pipelines)" }, \
    { 0, "set", "KEY=VALUE", "set any setting; weir explain settings lists them" }

struct setup {
    const struct args *args; /* borrowed */
    struct settings *settings;
    struct registry *registry;
    struct secrets *secrets; /* as they were read last */
    bool secrets_good;       /* without an error */
    struct secrets_cache *cache; /* what was fetched of them; NULL: nothing */
    bool cache_changed;          /* since they were read */
    struct diags diags;
    int exit; /* what the command ends with if setup_begin gave false */
};

/* Reads settings (file, environment, flags) and loads the plugins; what is wrong goes to the
 * diagnostics. False, after printing them, if it can't go on. */
bool setup_begin(struct setup *s, const struct args *a);

/* The first part of it: settings alone, without plugins and secrets. False: a flag is wrong,
 * which was printed; S->exit says what the command ends with. */
bool setup_settings(struct setup *s, const struct args *a);

/* Loads the plugins after it; what is wrong with them goes to S's diagnostics. */
void setup_plugins(struct setup *s);

/* -- setup_secrets.c -- */

/* Reads all secrets there are, for what is loaded from now on, unless nothing has changed since
 * they were read. What can't be read goes to D, and what was there before stays. */
void setup_secrets(struct setup *s, struct diags *d);

/* Reads them, and changes nothing in S. */
struct secrets *setup_read_secrets(const struct setup *s, struct diags *d);

/* Waits for the N NAMES from AWS Secrets Manager, up to secrets.aws.timeout, and reads all anew.
 * What fails goes to D. NAMES are moved about. */
void setup_fetch(struct setup *s, struct weir_text *names, unsigned n, struct diags *d);

/* Reads all secrets, and, if AWS is a source, waits for what the pipelines of PATHS use of it and
 * what weir.yaml requires. The plugins have to be there then. Without it what is loaded has the
 * secrets of the environment alone. */
void setup_find_secrets(struct setup *s, const char *const *paths, unsigned n, struct diags *d);

/* The names that are AWS's to give. *ret is malloc'ed; its texts are in U, which is initialised. */
unsigned setup_far_names(const struct setup *s, const char *const *paths, unsigned n, struct uses *u,
                         struct weir_text **ret);

/* -- setup.c -- */

/* Reads the settings and secrets anew, for a reload: what is wrong with them goes to D, else their resources are in
 * force from now on. The key of the first one that
 * differs from what is in force, NULL if none does; it takes effect at the next start. */
const char *setup_look_again(struct setup *s, struct diags *d);
void setup_end(struct setup *s);

/* Whether the settings name a store for jobs. */
bool setup_has_store(const struct setup *s);

/* The source of a generation with these PATHS (N 0: "pipelines"). Borrows all. */
struct generation_source setup_source(const struct setup *s, const char *const *paths, unsigned n,
                                      const struct routes_port *routes);

/* Prints the diagnostics: as text to stderr, or as a JSON document to stdout. */
void print_diags(struct diags *d, bool json);

/* Prints V as JSON with line breaks to stdout. */
void print_value(const struct weir_value *v);

/* Whether to use colours on the stream: a terminal, NO_COLOR unset, TERM not dumb. */
bool colour_wanted(int fd);

/* Reads a whole file ("-": standard input) of at most MAX bytes. NULL after printing why not. */
char *read_whole_file(const char *path, size_t max, size_t *ret_len);

#endif
