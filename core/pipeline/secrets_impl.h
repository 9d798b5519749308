/* pipeline/secrets_impl.h - what the files of the secrets share with each other only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_IMPL_H
#define PIPELINE_SECRETS_IMPL_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "base/map.h"
#include "pipeline/secrets.h"
#include "pipeline/secrets_mask.h"

#define SECRET_PREFIX "WEIR_SECRET_"

/* One secret. */
struct secret {
    const struct weir_value *value; /* owned */
    char *place;                    /* owned */
    enum secret_source source;
    unsigned hides;
};

/* A file as it was when it was read. */
struct secret_stamp {
    char *path; /* owned */
    bool there;
    dev_t dev;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct secrets {
    atomic_uint refs;
    struct map by_name; /* to struct secret */
    struct secret_stamp *stamps;
    unsigned n_stamps;
    struct masks *masks; /* owned */
};

/* Adds one, unless a stronger source has the name already; VALUE of 0 bytes counts as not set.
 * Sources have to come in their order. */
void secrets_add(struct secrets *s, struct weir_text name, struct weir_text value, enum secret_source source,
                 const char *place);

/* Notes how the file (folder) PATH is now, so that a change of it is seen later. */
void secrets_note_file(struct secrets *s, const char *path);

/* Adds what $CREDENTIALS_DIRECTORY and WEIR_SECRET_NAME_FILE have: secrets_read.c. */
void secrets_read_environment(struct secrets *s);
void secrets_read_named_files(struct secrets *s, struct diags *d);
void secrets_read_credentials(struct secrets *s, struct diags *d);
/* Adds what was fetched from afar. */
void secrets_read_cache(struct secrets *s, const struct secrets_cache *cache);
/* Adds what the encrypted file PATH has, if there is one. */
void secrets_read_encrypted(struct secrets *s, const char *path, struct diags *d);

#endif
