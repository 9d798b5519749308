/* net/fields.c - see fields.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/fields.h"

#include <stdlib.h>

#include "base/encode.h"
#include "net/body.h"

/* The values of one name, in their order. */
struct field_group {
    const struct weir_value **values; /* owned, each counted */
    unsigned count;
    unsigned room;
};

void
fields_init(struct fields *f)
{
    *f = (struct fields){ 0 };
    map_init(&f->names);
}

void
fields_fini(struct fields *f)
{
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&f->names, &at)) != NULL) {
        struct field_group *group = entry->value;
        for (unsigned i = 0; i < group->count; i++)
            value_unref(&group->values[i]);
        free(group->values);
        free(group);
    }
    map_fini(&f->names);
}

static struct field_group *
find_group(struct fields *f, struct weir_text name)
{
    struct field_group *group = map_get(&f->names, name.bytes, name.len);
    if (group != NULL)
        return group;
    group = calloc(1, sizeof(*group));
    if (group == NULL)
        abort();
    (void)map_set(&f->names, name.bytes, name.len, group); /* it was not there */
    return group;
}

static void
group_add(struct field_group *group, const struct weir_value *v)
{
    if (group->count == group->room) {
        group->room = group->room > 0 ? group->room * 2 : 1;
        group->values = realloc(group->values, group->room * sizeof(struct weir_value *));
        if (group->values == NULL)
            abort();
    }
    group->values[group->count++] = v;
}

static enum weir_code
check_name(const struct fields *f, struct weir_text name, struct weir_error *err)
{
    if (f->count == BODY_FIELDS)
        err_set(err, WEIR_INVALID, "more than %d fields", BODY_FIELDS);
    else if (!utf8_valid(name))
        err_set(err, WEIR_INVALID, "the name of field %u is not UTF-8", f->count + 1);
    else
        return WEIR_OK;
    err->status = 400;
    return WEIR_INVALID;
}

enum weir_code
fields_add(struct fields *f, struct weir_text name, const struct weir_value **take_v,
           struct weir_error *err)
{
    enum weir_code code = check_name(f, name, err);
    if (code != WEIR_OK) {
        value_unref(take_v);
        return code;
    }
    f->count++;
    group_add(find_group(f, name), *take_v);
    *take_v = NULL;
    return WEIR_OK;
}

static const struct weir_value *
group_list(const struct field_group *group)
{
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; i < group->count; i++) {
        const struct weir_value *v = value_ref(group->values[i]);
        builder_add(list, &v);
    }
    return builder_end(&list);
}

static const struct weir_value *
group_value(const struct field_group *group)
{
    return group->count == 1 ? value_ref(group->values[0]) : group_list(group);
}

static const struct weir_value *
group_last(const struct field_group *group)
{
    return value_ref(group->values[group->count - 1]);
}

static const struct weir_value *
as_map(const struct fields *f, const struct weir_value *(*of)(const struct field_group *))
{
    struct weir_builder *map = builder_map();
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&f->names, &at)) != NULL) {
        const struct weir_value *v = of(entry->value);
        builder_set(map, entry->key, entry->len, &v);
    }
    return builder_end(&map);
}

const struct weir_value *
fields_grouped(const struct fields *f)
{
    return as_map(f, group_value);
}

const struct weir_value *
fields_last(const struct fields *f)
{
    return as_map(f, group_last);
}

const struct weir_value *
fields_all(const struct fields *f)
{
    return as_map(f, group_list);
}
