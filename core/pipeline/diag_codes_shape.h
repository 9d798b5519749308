/* pipeline/diag_codes_shape.h - W02xx: keys, node types, values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_SHAPE_H
#define PIPELINE_DIAG_CODES_SHAPE_H

#define DIAG_CODES_SHAPE(X)                                                                \
    X(WRONG_TYPE, "W0201", ERROR, "another kind of value is needed",                       \
      "A list stands where a map is needed, or the like. steps, catch, finally and do\n"   \
      "are lists of nodes:\n"                                                              \
      "\n"                                                                                 \
      "    steps:\n"                                                                       \
      "      - set: { a: 1 }\n"                                                            \
      "      - reply: { json: \"${ input }\" }\n")                                         \
    X(KEY_MISSING, "W0202", ERROR, "a key is missing",                                     \
      "The key can't be left out. A pipeline needs steps:\n"                               \
      "\n"                                                                                 \
      "    steps:\n"                                                                       \
      "      - reply: { status: 204 }\n")                                                  \
    X(NODE_TYPE_UNKNOWN, "W0203", ERROR, "unknown node type",                              \
      "No plugin brings this type of node. weir nodes lists those that are there; a\n"     \
      "plugin of your own must lie in the folder of the setting plugins.\n")               \
    X(KEY_UNKNOWN, "W0204", ERROR, "unknown key",                                          \
      "The key means nothing here. It is misspelt, or it belongs elsewhere: the keys of\n" \
      "a node's type stand under the type, those of every node stand beside it:\n"         \
      "\n"                                                                                 \
      "    - id: book\n"                                                                   \
      "      http: { url: \"http://127.0.0.1:9100/\" }   # url belongs under http\n"       \
      "      timeout: 10s                              # timeout stands beside it\n")      \
    X(NODE_WITHOUT_TYPE, "W0205", ERROR, "a node without a type",                          \
      "A node is a map with exactly one type, such as http or set, beside the keys that\n" \
      "every node may have (id, if, timeout, retry, effect, catch, uses):\n"               \
      "\n"                                                                                 \
      "    - id: book\n"                                                                   \
      "      http: { url: \"http://127.0.0.1:9100/\" }\n")                                 \
    X(NODE_TWO_TYPES, "W0206", ERROR, "a node with two types",                             \
      "Each node does one thing. Two nodes are two items of the list:\n"                   \
      "\n"                                                                                 \
      "    - set: { a: 1 }\n"                                                              \
      "    - reply: {}\n")                                                                 \
    X(BAD_VALUE, "W0207", ERROR, "a value that isn't allowed",                             \
      "The key is right, its value is not. Durations are written 250ms, 5s, 5m, 2h or\n"   \
      "3d, sizes 64KiB or 1MiB, rates 100/60s, percentages 50%:\n"                         \
      "\n"                                                                                 \
      "    timeout: 5s\n")                                                                 \
    X(CONFIG_INVALID, "W0208", ERROR, "the configuration does not fit the type",           \
      "The node's type says by a JSON Schema what it takes; weir nodes TYPE shows its\n"   \
      "options with their defaults and an example.\n")                                     \
    X(BLOCK_MISSING, "W0209", ERROR, "a block is missing",                                 \
      "The type needs a block of nodes beside it:\n"                                       \
      "\n"                                                                                 \
      "    - foreach: ${ request.body.items }\n"                                           \
      "      do:\n"                                                                        \
      "        - http: { url: \"http://127.0.0.1:9100/\" }\n")                             \
    X(TOO_MANY, "W0210", ERROR, "too many nodes, or too deep",                             \
      "A pipeline has at most 10,000 nodes, in blocks at most 32 deep. Move a part into\n" \
      "a pipeline of its own and use call.\n")                                             \
    X(TRIGGER_TYPE_UNKNOWN, "W0211", ERROR, "unknown trigger type",                        \
      "No plugin brings this type of trigger. weir nodes lists those that are there:\n"    \
      "\n"                                                                                 \
      "    trigger:\n"                                                                     \
      "      webhook: { path: /orders, methods: [POST] }\n")                               \
    X(NEEDS_STORE, "W0212", ERROR, "a store is needed",                                    \
      "durable, respond: accepted, order_by and a retry of the whole pipeline\n"           \
      "keep events over a crash. That needs a store, and none is configured.\n")  \
    X(PIPELINE_NAME, "W0213", ERROR, "the pipeline's name can't be used",                  \
      "A name is a lower-case letter, then letters, digits, _ and -, at most 64 in all.\n" \
      "Without name: it is the file's name without its ending; then rename the file or\n"  \
      "add\n"                                                                              \
      "\n"                                                                                 \
      "    name: orders\n")                                                                \
    X(PIPELINE_TWICE, "W0214", ERROR, "two pipelines have one name",                       \
      "Names are unique over all files of a load: call, metrics and the console use\n"     \
      "them.\n")                                                                           \
    X(CASE_UNREACHABLE, "W0215", ERROR, "a case that is never reached",                    \
      "An earlier case takes all that this one could take:\n"                              \
      "\n"                                                                                 \
      "    - switch:\n"                                                                    \
      "      cases:\n"                                                                     \
      "        - when: ${ true }\n"                                                        \
      "          do: []\n"                                                                 \
      "        - when: ${ request.body.a == 1 }   # never\n"                               \
      "          do: []\n")                                                                \
    X(REPLY_IN_FINALLY, "W0216", ERROR, "finally can't reply",                             \
      "finally runs after the reply was sent. Reply in catch, or at the end of steps.\n")  \
    X(STREAM_USE, "W0217", ERROR, "a stream can't be used here",                           \
      "The body of an http node with stream: true passes by once. It can be the body of\n" \
      "a reply, or the last output of the pipeline, and nothing else:\n"                   \
      "\n"                                                                                 \
      "    - id: get\n"                                                                    \
      "      http: { url: \"http://127.0.0.1:9100/big\", stream: true }\n"                 \
      "    - reply: { body: \"${ steps.get.body }\" }\n")                                  \
    X(TRIGGER_TWO_TYPES, "W0218", ERROR, "a trigger needs exactly one type",               \
      "Each trigger is a map with one type. Several triggers are a list:\n"                \
      "\n"                                                                                 \
      "    trigger:\n"                                                                     \
      "      - webhook: { path: /a }\n"                                                    \
      "      - webhook: { path: /b }\n")                                                   \
    X(MARK_FORM, "W0220", ERROR, "a mark that can't be read",                              \
      "mask: names places in the event that nobody is to see: body, headers, query,\n"     \
      "params or auth, then keys behind dots, as in expressions behind request. A * is\n"  \
      "any key or item; a key with other characters stands in brackets and quotes:\n"      \
      "\n"                                                                                 \
      "    mask:\n"                                                                        \
      "      - body.card.number\n"                                                         \
      "      - body.users.*.password\n"                                                    \
      "      - body[\"a.key\"]\n"                                                          \
      "      - headers.x-my-token\n")                                                      \
    X(WAIT_PLACE, "W0219", ERROR, "a run can't wait here",                                 \
      "A wait lets go of its run, which is kept in the store: that needs\n"                \
      "\n"                                                                                 \
      "    durable: true\n"                                                                \
      "\n"                                                                                 \
      "and a place in steps, not in catch, finally or uses. For some seconds there is delay,\n"  \
      "which keeps its run in memory.\n")

#endif
