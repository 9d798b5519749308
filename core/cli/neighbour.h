/* cli/neighbour.h - files that belong to this binary, wherever it lies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_NEIGHBOUR_H
#define CLI_NEIGHBOUR_H

#include <stddef.h>

/* Where NAME is: beside the binary, as it was built, else in the folder of libraries, as it is
 * installed. Whether it is there is seen by who opens it. */
void neighbour(const char *name, char *ret, size_t room);

#endif
