/* shared/path/path_schema.h - the schema of path:, which stands within that of its trigger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_PATH_PATH_SCHEMA_H
#define SHARED_PATH_PATH_SCHEMA_H

/* clang-format off */

/* The property path, with a list of examples. */
#define PATH_SCHEMA(...) \
    WEIR_JSON("path": { \
        "description": "The path. {name} takes one segment, {name*} at the end takes the rest; both are in request.params.", \
        "type": "string", \
        "pattern": "^/[^?#\\s]*$", \
        "maxLength": 1024, \
        "examples": ) #__VA_ARGS__ "}"

/* clang-format on */

#endif
