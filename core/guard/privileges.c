/* guard/privileges.c - see privileges.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NAME_MAX_LEN 256

struct identity {
    uid_t uid;
    gid_t gid;
    const char *name; /* in NSS; NULL: it has no entry there */
};

void
privileges_never_more(void)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* a kernel without it is older than any we run on */
}

bool
privileges_root(void)
{
    return geteuid() == 0;
}

/* A number for a user or group; false if TEXT is a name. */
static bool
read_number(const char *text, unsigned *ret)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long n = strtoul(text, &end, 10);
    *ret = (unsigned)n;
    return *end == '\0' && errno == 0 && n < (unsigned)-1;
}

static enum weir_code
find_group(const char *text, gid_t *ret, struct weir_error *err)
{
    if (read_number(text, ret))
        return WEIR_OK;
    const struct group *g = getgrnam(text);
    if (g == NULL)
        return err_set(err, WEIR_NOT_FOUND, "there is no group '%s'", text);
    *ret = g->gr_gid;
    return WEIR_OK;
}

/* NAME is cut at its colon. */
static enum weir_code
find_user(char *name, struct identity *ret, struct weir_error *err)
{
    char *group = strchr(name, ':');
    if (group)
        *group++ = '\0';
    const struct passwd *p = read_number(name, &ret->uid) ? getpwuid(ret->uid) : getpwnam(name);
    ret->name = NULL;
    if (p) {
        ret->uid = p->pw_uid;
        ret->gid = p->pw_gid;
        ret->name = p->pw_name;
    } else if (!read_number(name, &ret->uid)) {
        return err_set(err, WEIR_NOT_FOUND, "there is no user '%s'", name);
    } else if (group == NULL) {
        return err_set(err, WEIR_NOT_FOUND, "the user %s has no entry, so say the group too: %s:GROUP", name, name);
    }
    return group ? find_group(group, &ret->gid, err) : WEIR_OK;
}

/* Whether root can be had back. */
static bool
way_back(void)
{
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) != 0 || real == 0 || effective == 0 || saved == 0)
        return true;
    return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0;
}

static enum weir_code
find(const char *text, struct identity *ret, struct weir_error *err)
{
    char name[NAME_MAX_LEN];
    if (strlen(text) >= sizeof name)
        return err_set(err, WEIR_NOT_FOUND, "there is no user with such a long name");
    memcpy(name, text, strlen(text) + 1);
    return find_user(name, ret, err);
}

enum weir_code
privileges_find(const char *text, uid_t *ret_user, gid_t *ret_group, struct weir_error *err)
{
    struct identity to;
    if (find(text, &to, err) != WEIR_OK)
        return (enum weir_code)err->code;
    *ret_user = to.uid;
    *ret_group = to.gid;
    return WEIR_OK;
}

enum weir_code
privileges_drop(const char *text, struct weir_error *err)
{
    struct identity to;
    enum weir_code code = find(text, &to, err);
    if (code != WEIR_OK)
        return code;
    if (getuid() == to.uid && geteuid() == to.uid && to.uid != 0)
        return WEIR_OK;
    if (!privileges_root())
        return err_set(err, WEIR_FORBIDDEN, "only root can become user '%s'", text);
    if (to.uid == 0)
        return err_set(err, WEIR_FORBIDDEN, "'%s' is root: leave the setting out for that", text);
    int groups = to.name ? initgroups(to.name, to.gid) : setgroups(0, NULL);
    if (groups != 0 || setresgid(to.gid, to.gid, to.gid) != 0 || setresuid(to.uid, to.uid, to.uid) != 0)
        return err_set(err, WEIR_FORBIDDEN, "can't become user '%s': %s", text, strerrordesc_np(errno));
    if (way_back())
        return err_set(err, WEIR_FORBIDDEN, "user '%s' could become root again", text);
    /* The kernel forbids core dumps and /proc/self/fd to who has changed its user. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return WEIR_OK;
}
