/* author/n8n.h - weir import n8n: a workflow of n8n as pipelines.
 *
 * A workflow is a graph, a pipeline a tree: n8n_walk.c finds the blocks in the graph. Each kind
 * of node that has a counterpart becomes it (n8n_nodes*.c), its expressions too (js.h). What
 * has none becomes a step that fails when it is run, under a comment that begins with "TODO
 * n8n:", so that nothing is passed over in silence. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_N8N_H
#define AUTHOR_N8N_H

#include "base/buf.h"
#include "value/value.h"

#define N8N_MAX (16u << 20) /* bytes of a workflow */

/* Makes the pipelines of the workflow TEXT. *ret, owned by the caller: a map
 *   { workflow, pipelines: [{ name, yaml }],
 *     nodes: { total, mapped, partly, todo, dropped },
 *     expressions: { total, todo },
 *     todos: [{ pipeline, step, node, type, why }], notes: [{ node, why }] }
 * where partly are nodes that became a step which does not do all that they did (a note says
 * what). FALLBACK names a workflow that has no name. WEIR_INVALID and ERR if TEXT is no
 * workflow. */
enum weir_code n8n_import(struct weir_text text, const char *fallback,
                          const struct weir_value **ret, struct weir_error *err) MUST_USE;

#endif
