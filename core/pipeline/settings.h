/* pipeline/settings.h - the settings of a process: defaults, weir.yaml, WEIR_*, flags, in that
 * order.
 *
 * One table (settings_table.h) has each key with its type, default and sentence; the
 * environment name, the flag, the JSON Schema and the reference come from it. Main thread;
 * read-only afterwards.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SETTINGS_H
#define PIPELINE_SETTINGS_H

#include "pipeline/diag.h"
#include "value/value.h"

struct settings;
struct registry;
struct require;

/* All defaults. */
struct settings *settings_new(void);
void settings_free(struct settings **s);

/* Reads weir.yaml; unknown keys and wrong values become diagnostics. Keys may be nested
 * ("edge: { listen: ... }") or written with points ("edge.listen: ..."). */
void settings_read(struct settings *s, const char *file, struct diags *d);
/* The same from TEXT, for which FILE is only the name. */
void settings_read_text(struct settings *s, const char *file, struct weir_text text,
                        struct diags *d);

/* Takes WEIR_EDGE_LISTEN and the like from the environment, and KEY_FILE variants
 * (WEIR_ADMIN_TOKEN_FILE: the content of that file without a line end). Diagnostics have the
 * file "environment". A name that is near to one of these gets a warning. */
void settings_environment(struct settings *s, struct diags *d);

/* Sets one key ("edge.listen") from text, as --set and flags do. WEIR_INVALID: an unknown key
 * or a wrong value. */
enum weir_code settings_set(struct settings *s, const char *key, const char *text,
                            struct weir_error *err) MUST_USE;

/* The value of a key; an unknown key or another type is our bug (assert). Borrowed. */
const char *settings_text(const struct settings *s, const char *key);
uint64_t settings_number(const struct settings *s, const char *key); /* numbers, ms, bytes */
bool settings_bool(const struct settings *s, const char *key);
double settings_fraction(const struct settings *s, const char *key);

/* Item number INDEX of a list such as that of edge.listen, without blanks around it; false
 * past the end. */
bool settings_item(const char *list, unsigned index, struct weir_text *ret);

/* The resources: map of weir.yaml; NULL: none. Borrowed. */
const struct weir_value *settings_resources(const struct settings *s);

/* Checks them against the types of R that use them; what is wrong becomes diagnostics. */
void settings_check_resources(const struct settings *s, const struct registry *r, struct diags *d);

/* What require: of weir.yaml says; NULL: nothing. Borrowed. */
const struct require *settings_require(const struct settings *s);

/* Makes the resources of FROM, and what it requires, those of TO; FROM has none after it. */
void settings_move_resources(struct settings *to, struct settings *from);

/* The JSON Schema of weir.yaml, with the resources of R's types (NULL: of none); owned by the
 * caller. */
const struct weir_value *settings_schema(const struct registry *r);

/* Walks over the table: key, environment name, default as text, sentence. False past the end.
 */
struct setting_info {
    const char *key;
    const char *environment;
    const char *type;
    const char *fallback;
    const char *summary;
};
bool settings_info(unsigned index, struct setting_info *ret);

/* The key of the first setting that differs between A and B; NULL if none does. */
const char *settings_changed(const struct settings *a, const struct settings *b);

#endif
