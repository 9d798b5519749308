/* engine/job_trace.c - see job_trace.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_trace.h"

#include "value/msgpack.h"

#define OUTPUT_MAX (64u << 10)
#define OUTPUTS_MAX (256u << 10)

static void
add_step(struct weir_builder *steps, const struct run *r, unsigned index, size_t *left)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *output = r->outputs[index];
    const struct weir_value *v = value_text(r->flow->pipeline->nodes[index]->id);
    size_t size = value_weight_all(output);
    builder_set(b, "id", 2, &v);
    if (value_type(output) == WEIR_STREAM || size > OUTPUT_MAX || size > *left) {
        v = value_int((int64_t)size);
        builder_set(b, "bytes", 5, &v);
    } else {
        const struct weir_value *unmarked = value_masked(output);
        v = secrets_kept(r->part->generation->secrets, unmarked); /* an upstream may have echoed one */
        value_unref(&unmarked);
        builder_set(b, "output", 6, &v);
        *left -= size;
    }
    v = builder_end(&b);
    builder_add(steps, &v);
}

void
job_trace_write(struct buf *out, const struct run *r)
{
    size_t left = OUTPUTS_MAX, at = out->len;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(1);
    builder_set(b, "v", 1, &v);
    struct weir_builder *steps = builder_list();
    for (unsigned i = 0; i < r->flow->pipeline->n_nodes; i++)
        if (r->outputs[i])
            add_step(steps, r, i, &left);
    v = builder_end(&steps);
    builder_set(b, "steps", 5, &v);
    v = builder_end(&b);
    struct weir_error err;
    if (msgpack_write(out, v, &err) != WEIR_OK)
        out->len = at; /* a stream inside, or no room: the failure itself is kept */
    value_unref(&v);
}
