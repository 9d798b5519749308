/* schedule/schedule_zone.c - see schedule_zone.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "schedule_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule_rule.h"

#define FOLDER "/usr/share/zoneinfo"
#define FILE_MAX (256u << 10) /* bytes; the largest one has 4 KiB */
#define CHANGES_MAX 10000u
#define NAME_MAX_BYTES 64u
#define OFFSET_MAX (26 * 3600)
#define HEAD 44u

struct change {
    int64_t at; /* from then on */
    int32_t offset;
};

struct zone {
    int32_t first; /* the offset before all changes */
    bool has_rule;
    struct rule rule; /* from the last change on */
    uint32_t n;
    struct change changes[];
};

static struct zone *
zone_new(uint32_t n)
{
    struct zone *z = zeroed(1, sizeof *z + n * sizeof z->changes[0]);
    return z;
}

void
zone_close(struct zone **z)
{
    free(*z);
    *z = NULL;
}

/* -- a file's bytes -- */

/* The counts of a header, and how long what follows it is. */
struct head {
    uint32_t utc_flags;
    uint32_t standard_flags;
    uint32_t leaps;
    uint32_t changes;
    uint32_t types;
    uint32_t chars;
};

static uint64_t
big_endian(const uint8_t *at, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++)
        v = v << 8 | at[i];
    return v;
}

/* Reads the header at BYTES; *RET_BODY is the length of its body with times of WIDTH bytes. */
static bool
read_head(const uint8_t *bytes, size_t len, unsigned width, struct head *ret, size_t *ret_body)
{
    uint32_t counts[6];
    if (len < HEAD || memcmp(bytes, "TZif", 4) != 0)
        return false;
    for (unsigned i = 0; i < 6; i++) {
        counts[i] = (uint32_t)big_endian(bytes + 20 + 4 * i, 4);
        if (counts[i] > CHANGES_MAX)
            return false;
    }
    *ret = (struct head){ counts[0], counts[1], counts[2], counts[3], counts[4], counts[5] };
    *ret_body = (size_t)ret->changes * (width + 1) + (size_t)ret->types * 6 + ret->chars +
                (size_t)ret->leaps * (width + 4) + ret->standard_flags + ret->utc_flags;
    return ret->types > 0 && ret->types <= 256 && *ret_body <= len - HEAD;
}

/* The offset of type NUMBER; false if it is out of all bounds. */
static bool
read_type(const uint8_t *types, uint32_t number, int32_t *ret)
{
    *ret = (int32_t)big_endian(types + 6 * (size_t)number, 4);
    return *ret > -OFFSET_MAX && *ret < OFFSET_MAX;
}

static bool
read_changes(const uint8_t *body, const struct head *h, struct zone *z)
{
    const uint8_t *numbers = body + 8 * (size_t)h->changes;
    const uint8_t *types = numbers + h->changes;
    z->n = h->changes;
    for (uint32_t i = 0; i < z->n; i++) {
        struct change *c = &z->changes[i];
        c->at = (int64_t)big_endian(body + 8 * (size_t)i, 8);
        if (numbers[i] >= h->types || !read_type(types, numbers[i], &c->offset))
            return false;
        if (i > 0 && c->at <= z->changes[i - 1].at)
            return false;
    }
    return read_type(types, 0, &z->first);
}

/* "\nCET-1CEST,M3.5.0,M10.5.0/3\n" at the end; nothing between the ends of lines: no rule. */
static bool
read_footer(const uint8_t *at, size_t len, struct zone *z)
{
    const uint8_t *end = len > 1 ? memchr(at + 1, '\n', len - 1) : NULL;
    if (end == NULL || at[0] != '\n')
        return false;
    size_t n = (size_t)(end - at) - 1;
    z->has_rule = n > 0;
    return n == 0 || rule_read((const char *)at + 1, n, &z->rule);
}

struct zone *
zone_read(const uint8_t *bytes, size_t len, struct weir_error *err)
{
    struct head h;
    size_t body;
    if (!read_head(bytes, len, 4, &h, &body) || bytes[4] < '2') {
        refuse(err, WEIR_INVALID, "it is no TZif file of version 2 or later");
        return NULL;
    }
    bytes += HEAD + body; /* what follows says the same with times of 64 bits */
    len -= HEAD + body;
    if (!read_head(bytes, len, 8, &h, &body) || h.leaps > 0) {
        refuse(err, WEIR_INVALID, "%s",
               h.leaps > 0 ? "it counts leap seconds, which this clock does not"
                           : "its second part is cut off or damaged");
        return NULL;
    }
    struct zone *z = zone_new(h.changes);
    if (read_changes(bytes + HEAD, &h, z) &&
        read_footer(bytes + HEAD + body, len - HEAD - body, z))
        return z;
    refuse(err, WEIR_INVALID, "its times or its rule are damaged");
    zone_close(&z);
    return NULL;
}

/* -- names -- */

static bool
is_name(struct weir_text name)
{
    bool may_end = false; /* after a letter, not after a / */
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (!letter && !(c == '/' && may_end))
            return false;
        may_end = letter;
    }
    return may_end && name.len <= NAME_MAX_BYTES;
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* How many letters must be added, dropped or changed to make B of A. */
static unsigned
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned row[NAME_MAX_BYTES + 1];
    if (a_len > NAME_MAX_BYTES || b_len > NAME_MAX_BYTES)
        return UINT32_MAX;
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned n = before + (lower(a[i - 1]) != lower(b[j - 1]));
            before = row[j];
            n = n < row[j] + 1 ? n : row[j] + 1;
            row[j] = n < row[j - 1] + 1 ? n : row[j - 1] + 1;
        }
    }
    return row[b_len];
}

/* How far NAME is from ZONE, or from the city at its end. */
static unsigned
distance_of(struct weir_text name, const char *zone)
{
    const char *city = strrchr(zone, '/');
    unsigned whole = distance(name.bytes, name.len, zone, strlen(zone));
    unsigned part =
        city != NULL ? distance(name.bytes, name.len, city + 1, strlen(city + 1)) : UINT32_MAX;
    return whole < part ? whole : part;
}

/* Writes the zone that may be meant, "" if none is near. */
static void
find_near(struct weir_text name, char ret[NAME_MAX_BYTES + 1])
{
    char line[512], zone[NAME_MAX_BYTES + 1];
    unsigned best = (unsigned)name.len / 3 + 1;
    FILE *f = fopen(FOLDER "/tzdata.zi", "re");
    ret[0] = '\0';
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "Z %64s", zone) != 1 && sscanf(line, "L %*s %64s", zone) != 1)
            continue;
        unsigned d = distance_of(name, zone);
        if (d >= best)
            continue;
        best = d;
        strcpy(ret, zone);
    }
    if (f != NULL)
        fclose(f);
}

static struct zone *
no_such_zone(struct weir_text name, struct weir_error *err)
{
    char near[NAME_MAX_BYTES + 1];
    int len = (int)(name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES);
    FILE *any = fopen(FOLDER "/Etc/UTC", "re");
    find_near(name, near);
    if (any == NULL)
        (void)refuse(err, WEIR_INVALID,
                     "'timezone': %.*s can't be looked up, as there is no " FOLDER
                     ": install the package tzdata, or use UTC",
                     len, name.bytes);
    else
        (void)refuse(err, WEIR_INVALID, "'timezone': there is no time zone %.*s%s%s%s", len,
                     name.bytes, near[0] != '\0' ? "; is " : ", such as Europe/Berlin or UTC",
                     near, near[0] != '\0' ? " meant?" : "");
    if (any != NULL)
        fclose(any);
    return NULL;
}

struct zone *
zone_open(struct weir_text name, struct weir_error *err)
{
    static const uint8_t utc[] = "UTC";
    char path[sizeof FOLDER + 1 + NAME_MAX_BYTES], why[sizeof err->text];
    if (name.len == 3 && memcmp(name.bytes, utc, 3) == 0)
        return zone_new(0);
    if (!is_name(name))
        return no_such_zone(name, err);
    snprintf(path, sizeof path, FOLDER "/%.*s", (int)name.len, name.bytes);
    FILE *f = fopen(path, "re");
    uint8_t *bytes = f != NULL ? malloc(FILE_MAX) : NULL;
    size_t len = bytes != NULL ? fread(bytes, 1, FILE_MAX, f) : 0;
    if (f != NULL)
        fclose(f);
    if (len == 0) { /* also of a folder, which can be opened */
        free(bytes);
        return no_such_zone(name, err);
    }
    struct zone *z = zone_read(bytes, len, err);
    free(bytes);
    if (z == NULL) {
        memcpy(why, err->text, sizeof why);
        snprintf(err->text, sizeof err->text, "'timezone': %s can't be read: %.200s", path,
                 why);
    }
    return z;
}

/* -- times -- */

int32_t
zone_offset(const struct zone *z, int64_t utc, int64_t *ret_until)
{
    uint32_t low = 0, high = z->n; /* the first change after UTC is in between */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (z->changes[middle].at <= utc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n && z->has_rule)
        return rule_offset(&z->rule, utc, ret_until);
    *ret_until = low < z->n ? z->changes[low].at : INT64_MAX;
    return low > 0 ? z->changes[low - 1].offset : z->first;
}
