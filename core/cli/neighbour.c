/* cli/neighbour.c - see neighbour.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/neighbour.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void
neighbour(const char *name, char *ret, size_t room)
{
    char self[3072];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    snprintf(ret, room, "%s/%s", self, name);
    if (access(ret, R_OK) != 0)
        snprintf(ret, room, "%s/%s/%s", self, WEIR_LIBRARY_FOLDER, name);
}
