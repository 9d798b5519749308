/* guard/order.h - how weir run becomes weir-supervisor, a program of its own.
 *
 * Whoever has read the settings has loaded all of weir, which a supervisor has no use for: it
 * would keep some MiB of libraries for as long as it runs. So it writes down what is to be done
 * and calls exec: the process stays the same, with its number, sockets and rights.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_ORDER_H
#define GUARD_ORDER_H

#include <sys/types.h>

#include "base/log.h"
#include "guard/channel.h"

#define ORDER_FILES (HANDOVER_SIDES * HANDOVER_ADDRESSES)
#define ORDER_PATH 108 /* sun_path */

/* The file of a socket, to be removed at the end if it is still the same one. */
struct order_file {
    dev_t device;
    ino_t inode;
    char path[ORDER_PATH];
};

/* What a supervisor is to do. */
struct order {
    char version[32]; /* order_give sets it, the sizes, and PROGRAM */
    uint32_t size;
    uint32_t message_size; /* of struct channel_message, whose worker is of the other binary */
    int program; /* a descriptor of the binary that the worker is; -1: of this process */
    struct handover handover;
    int final_code; /* see supervisor_plan */
    enum log_format log_format;
    enum weir_level log_level;
    uint32_t n_files;
    struct order_file files[ORDER_FILES];
};

/* Becomes the program at PATH with ARGV, which finds O by order_take. Returns where that can't be:
 * then nothing has changed, and errno says why. With no thread but the caller's. */
void order_give(struct order *o, const char *path, char *const *argv);

/* What an order says of itself. */
enum order_found { ORDER_GOOD, ORDER_NONE, ORDER_OTHER_VERSION };

/* Takes what order_give has left for this program. */
enum order_found order_take(struct order *ret);

/* Removes the files of sockets. */
void order_remove_files(struct order *o);

#endif
