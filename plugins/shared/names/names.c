/* shared/names.c - see names.h. SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 31u
/* What is further off is not what was meant. */
#define NEAR 4u

/* Letters to be changed, added or left out to make B of A. */
static unsigned
distance(struct weir_text a, const char *b)
{
    unsigned row[NAME_MAX_LEN + 1] = { 0 };
    size_t n = strlen(b);
    for (size_t k = 0; k <= n; k++)
        row[k] = (unsigned)k;
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0]++;
        for (size_t k = 1; k <= n; k++) {
            unsigned least = diagonal + (a.bytes[i] != b[k - 1]);
            diagonal = row[k];
            least = least < row[k] + 1 ? least : row[k] + 1;
            row[k] = least < row[k - 1] + 1 ? least : row[k - 1] + 1;
        }
    }
    return row[n];
}

bool
names_has(const char *const *names, struct weir_text name)
{
    for (; *names != NULL; names++)
        if (strlen(*names) == name.len && memcmp(*names, name.bytes, name.len) == 0)
            return true;
    return false;
}

const char *
names_hint(const char *const *names, struct weir_text name, char *ret, size_t room)
{
    const char *nearest = NULL;
    unsigned least = NEAR + 1;
    name.len = name.len < 2 * NAME_MAX_LEN ? name.len : 2 * NAME_MAX_LEN;
    for (; *names != NULL; names++) {
        size_t len = strlen(*names);
        unsigned far = len <= NAME_MAX_LEN ? distance(name, *names) : NEAR + 1;
        if (far < least && far < name.len && far < len) /* a letter in common at least */
            least = far, nearest = *names;
    }
    ret[0] = '\0';
    if (nearest != NULL)
        snprintf(ret, room, ": did you mean '%s'?", nearest);
    return ret;
}

const char *
names_list(const char *const *names, char *ret, size_t room)
{
    size_t len = 0;
    ret[0] = '\0';
    for (unsigned i = 0; names[i] != NULL && len < room; i++)
        len += (size_t)snprintf(ret + len, room - len, "%s%s",
                                i == 0                 ? ""
                                : names[i + 1] == NULL ? " and "
                                                       : ", ",
                                names[i]);
    return ret;
}
