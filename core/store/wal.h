/* store/wal.h - the WAL is written in long pieces.
 *
 * SQLite writes a frame of its WAL by two calls, one for a head of 24 bytes and one for the page, and a
 * commit has a dozen of them, one behind the other. The file layer here (a VFS: sqlite.org/vfs.html) keeps
 * what continues the write before it, and hands the whole to the layer below with the last frame of the
 * commit, which its head tells (sqlite.org/fileformat2.html#walformat), or when the WAL is synced, read, cut
 * or closed before. So what others are told to be committed was handed on, whether it is synced or not. All
 * other files are those of the layer below.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include <sqlite3.h>

/* The name of that layer, above what is SQLite's usual one now; NULL: there is none, or no memory. The
 * main thread. */
const char *wal_layer(void);

#endif
