/* fmt_fuzz.c - whatever is YAML to weir is laid out so that it means the same and is laid out
 * already, or is refused and stays as it is.
 * room: author
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>

#include "author/diff.h"
#include "author/fmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
const char *__lsan_default_suppressions(void);

/* The library forgets 1 KiB of some texts that it refuses. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml";
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct diags d;
    struct buf once, twice, diff;
    struct weir_error err;
    diags_init(&d);
    buf_init(&once, 4u << 20);
    buf_init(&twice, 4u << 20);
    buf_init(&diff, 4u << 20);
    const struct weir_text text = { (const char *)bytes, len };
    if (fmt_text("fuzz.yaml", text, &once, &d, &err) == WEIR_OK) {
        assert(fmt_text("fuzz.yaml", buf_content(&once), &twice, &d, &err) == WEIR_OK);
        assert(text_equal(buf_content(&once), buf_content(&twice)));
        diff_text(text, buf_content(&once), "fuzz.yaml", len % 2, &diff);
        assert((diff.len == 0) == text_equal(text, buf_content(&once)));
    }
    buf_fini(&diff);
    buf_fini(&twice);
    buf_fini(&once);
    diags_fini(&d);
    return 0;
}
