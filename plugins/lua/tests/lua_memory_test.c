/* lua/tests/lua_memory_test.c - memory that scripts keep alive: it is given back, and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a pipeline on the stage whose one node runs SCRIPT, a line. */
static void
load(const char *script)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "name: memory\ntrigger: { webhook: /x }\nsteps:\n"
             "  - set: ${ request.body }\n"
             "  - lua:\n      max_time: 20s\n      script: |\n        %s\n",
             script);
    stage_load(yaml, NULL);
}

/* What decoding leaves behind fills the memory again and again; collecting it needs some. */
static void
garbage_is_given_back_when_the_memory_is_full(void **state)
{
    (void)state;
    load("local text = '[' .. ('[],'):rep(30000) .. '0]' local head "
         "for i = 1, 20000 do head = { head } end "
         "for i = 1, 40 do local v = weir.json.decode(text) end return 1");
    for (unsigned i = 0; i < 10; i++)
        stage_expect("POST /x", "{}", 200, "1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_given_back_when_the_memory_is_full),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
