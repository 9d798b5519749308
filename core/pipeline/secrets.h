/* pipeline/secrets.h - what secrets.NAME give: one immutable set of values, read from several
 * sources.
 *
 * The sources, strongest first (SECRET_SOURCES): the variable WEIR_SECRET_NAME; the file that
 * WEIR_SECRET_NAME_FILE names; the file NAME in $CREDENTIALS_DIRECTORY (systemd.exec(5),
 * LoadCredential=); the encrypted file (secrets_file.h); AWS Secrets Manager (secrets_aws.h). A
 * name that is in two of them has the stronger one's value. secrets.api_key is found as
 * api_key or in capitals, as API_KEY. An empty value counts as not set.
 *
 * A set is counted: a generation keeps the values that it was loaded with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_H
#define PIPELINE_SECRETS_H

#include "base/buf.h"
#include "pipeline/diag.h"
#include "value/value.h"

#define SECRET_NAME_MAX 128 /* bytes of a name */
#define SECRET_MAX 65536    /* bytes of a value */
#define SECRETS_MAX 10000   /* secrets of one source */

/* Source, its name for people and labels, what it is. Strongest first. */
#define SECRET_SOURCES(X)                                              \
    X(ENVIRONMENT, "environment", "the variable WEIR_SECRET_NAME")     \
    X(VARIABLE_FILE, "file", "the file that WEIR_SECRET_NAME_FILE names") \
    X(CREDENTIALS, "credentials", "the file NAME in $CREDENTIALS_DIRECTORY") \
    X(ENCRYPTED, "encrypted", "the encrypted file (secrets.file)")     \
    X(AWS, "aws", "AWS Secrets Manager (secrets.aws)")

enum secret_source {
#define X(name, text, what) SECRET_##name,
    SECRET_SOURCES(X)
#undef X
        SECRET_SOURCE_COUNT
};

struct secrets; /* what was read at one time */
struct secrets_cache; /* secrets_aws.h */

/* Besides the environment. All borrowed. */
struct secrets_from {
    const char *file;               /* the encrypted file; "": none */
    const struct secrets_cache *cache; /* what was fetched from afar; NULL: nothing */
};

/* One of a set, without its value. Borrowed from it. */
struct secret_info {
    struct weir_text name;
    enum secret_source source;
    const char *place; /* "WEIR_SECRET_CRM", a file, the id at AWS */
    unsigned hides;    /* bits 1 << source of weaker ones that have the name, too */
    bool hidden;       /* a stronger source has it in capitals: that one is read */
};

/* Reads all sources. What can't be read becomes a diagnostic (D may be NULL), and the rest is
 * there all the same. FROM NULL: the variables alone, no files. Main thread. */
struct secrets *secrets_read(const struct secrets_from *from, struct diags *d);

/* Counting; any thread. */
struct secrets *secrets_ref(struct secrets *s);
void secrets_unref(struct secrets **s);

/* The secret of that name as a string (bytes, if it is no UTF-8) with VALUE_SECRET, borrowed;
 * NULL if it is not set. Any thread. */
const struct weir_value *secrets_get(const struct secrets *s, struct weir_text name);

/* Number INDEX of the set, in the order of the sources; false past the end. */
bool secrets_info(const struct secrets *s, unsigned index, struct secret_info *ret);

/* Whether A and B have the same names with the same values. */
bool secrets_equal(const struct secrets *a, const struct secrets *b);

/* Whether one of the files that S was read from is another one by now. */
bool secrets_stale(const struct secrets *s);

/* Replaces every secret that stands in B, or one of its usual encodings (secrets_mask.h), by
 * "***": a last line of defence for logs and errors. Secrets of fewer than 4 bytes are left:
 * they stand in too many innocent texts. Any thread. */
void secrets_mask(const struct secrets *s, struct buf *b);

/* The same of a text whose end may have been cut off, and half a secret with it. */
void secrets_mask_cut(const struct secrets *s, struct buf *b);

/* Whether TEXT holds one of at least SECRET_KEPT_MIN bytes in some form: data that is kept is
 * looked through by this. Any thread. */
#define SECRET_KEPT_MIN 12
bool secrets_stand_in(const struct secrets *s, struct weir_text text);

/* V, with the texts and bytes in it masked as data that is kept: forms of fewer than
 * SECRET_KEPT_MIN bytes stay, since they may be innocent. Owned. Any thread. */
const struct weir_value *secrets_kept(const struct secrets *s, const struct weir_value *v);

/* Writes the environment's name of a secret, as it is or in CAPITALS; false if it is cut. */
bool secrets_variable(struct weir_text name, bool capitals, char *ret, size_t room);

/* Whether a secret may have that name: a letter or _, then letters, digits, _ . and -. */
bool secret_name_valid(struct weir_text name);

/* Whether the variable holds something that must not be read as env.NAME: a secret, a key. */
bool secrets_own_variable(struct weir_text name);

/* "credentials", and */
const char *secret_source_name(enum secret_source source);
/* "the file NAME in $CREDENTIALS_DIRECTORY" of a source. */
const char *secret_source_what(enum secret_source source);

#endif
