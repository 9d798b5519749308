/* pipeline/secrets_file.h - the encrypted file of secrets: reading it, and changing it safely.
 *
 * One seal (base/seal.h) around a MessagePack map from names to strings or bytes. The key is the
 * passphrase of WEIR_MASTER_KEY, or of the file that WEIR_MASTER_KEY_FILE names, or of the
 * credential WEIR_MASTER_KEY in $CREDENTIALS_DIRECTORY.
 *
 * A change is made under a lock (flock(2) of the file PATH.lock), into a new file beside it of
 * mode 0600, which takes the old one's place once it is on disk: whoever reads sees the old or
 * the new one whole. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_FILE_H
#define PIPELINE_SECRETS_FILE_H

#include "base/buf.h"
#include "value/value.h"

#define MASTER_KEY "WEIR_MASTER_KEY"
#define NEW_MASTER_KEY "WEIR_NEW_MASTER_KEY"
#define MASTER_KEY_MIN 16   /* bytes of a key that a file is written with */
#define MASTER_KEY_MAX 4096 /* bytes */

/* Appends the key of the variable NAME (MASTER_KEY, NEW_MASTER_KEY) to RET. WEIR_NOT_FOUND: it is
 * not set anywhere; the text of ERR says what to do. PATH (PATH_MAX bytes; may be NULL) gets the
 * file that it was read from, or "". */
enum weir_code secrets_file_key(const char *name, struct buf *ret, char *path, struct weir_error *err) MUST_USE;

/* Reads the map of the file PATH; *ret is owned. WEIR_NOT_FOUND: there is no file. */
enum weir_code secrets_file_read(const char *path, struct weir_text key, const struct weir_value **ret,
                                 struct weir_error *err) MUST_USE;

/* Reads what was in the seal: the map, as it stands in the file. *ret is owned. */
enum weir_code secrets_file_map(struct weir_text text, const struct weir_value **ret, struct weir_error *err) MUST_USE;

/* Puts MAP into the place of the file PATH, whose folder is made if need be. The new file was
 * opened again with KEY and compared before the old one goes. The lock has to be held. */
enum weir_code secrets_file_write(const char *path, struct weir_text key, const struct weir_value *map,
                                  struct weir_error *err) MUST_USE;

/* Waits for the lock of the file PATH, up to WAIT_MS; secrets_file_unlock gives it back.
 * WEIR_CONFLICT: another one held it all the time. */
enum weir_code secrets_file_lock(const char *path, unsigned wait_ms, int *ret_lock, struct weir_error *err) MUST_USE;
void secrets_file_unlock(int *lock);

#endif
