/* cli/test_scene.h - the play inside its process: its parts share this.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEST_SCENE_H
#define CLI_TEST_SCENE_H

#include "cli/test.h"
#include "edge/route_tree.h"
#include "engine/engine.h"

/* A play, inside its process. */
struct play {
    struct weir_event event;
    struct arena arena;
    struct weir_header params[ROUTE_PARAMS];
    struct weir_shard *shard;
    struct generation *generation;
    const struct pipeline *tested;
    struct store *store;
    const struct test_case *test;
    struct test_mocks *mocks;
    const struct weir_value *before;
    int out;           /* where the result goes */
    uint64_t start_ms; /* wall */
    bool released;
    unsigned status;
    char type[128];
    struct weir_builder *headers;
    const struct weir_value *body; /* owned */
    uint64_t patience_ms;
    bool cut;
    bool played; /* the event was offered */
    char problem[1000];
};

/* Makes the event of the test: test_event.c. */
void scene_event(struct play *p);

/* A member that is there and not null; a text, else empty. */
const struct weir_value *scene_member(const struct weir_value *map, const char *key);
struct weir_text scene_text(const struct weir_value *map, const char *key);

#endif
