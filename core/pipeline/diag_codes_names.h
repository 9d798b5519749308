/* pipeline/diag_codes_names.h - W03xx: names and steps, W04xx: expressions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_NAMES_H
#define PIPELINE_DIAG_CODES_NAMES_H

#define DIAG_CODES_NAMES(X)                                                                    \
    X(ID_TWICE, "W0301", ERROR, "two nodes have one id",                                       \
      "An id names one node of a file: in expressions, logs, metrics and replays.\n")          \
    X(ID_FORM, "W0302", ERROR, "the id can't be used",                                         \
      "An id is a lower-case letter, then letters, digits and _, at most 64 in all:\n"         \
      "\n"                                                                                     \
      "    id: fetch_order\n")                                                                 \
    X(NAME_UNKNOWN, "W0303", ERROR, "unknown name",                                            \
      "Expressions know request, input, steps, run, vars, env and secrets; item and\n"         \
      "index inside foreach, error inside catch, reply inside finally:\n"                      \
      "\n"                                                                                     \
      "    if: ${ request.body.total > 0 }\n")                                                 \
    X(NAME_PLACE, "W0304", ERROR, "the name isn't there in this place",                        \
      "error is there inside catch only, reply inside finally only, item and index\n"          \
      "inside the blocks of foreach only; a trigger sees vars, env and secrets alone.\n")      \
    X(FIELD_UNKNOWN, "W0305", ERROR, "unknown field",                                          \
      "request, run, error and reply have fixed fields, such as request.body or\n"             \
      "error.code. Names of headers are lower case:\n"                                         \
      "\n"                                                                                     \
      "    key: ${ request.headers[\"x-api-key\"] }\n")                                        \
    X(STEP_UNKNOWN, "W0306", ERROR, "unknown step", "No node of this pipeline has that id.\n") \
    X(STEP_LATER, "W0307", ERROR, "the step runs later",                                       \
      "Nodes run in the order of the list; an expression sees the outputs of those\n"          \
      "before it.\n")                                                                          \
    X(STEP_OWN, "W0308", ERROR, "the step is the node itself",                                 \
      "A node's output is there for those after it. input is what the node gets.\n")           \
    X(STEP_MAYBE, "W0309", ERROR, "the step may not have run",                                 \
      "It lies in a block that may be passed over, has an if, or the expression stands\n"      \
      "in catch or finally. Say what happens then, by ?., ?? or has:\n"                        \
      "\n"                                                                                     \
      "    json: ${ steps.embed?.body }\n"                                                     \
      "    text: ${ steps.embed.body.text ?? 'none' }\n")                                      \
    X(STEP_HIDDEN, "W0310", ERROR, "the step can't be seen from here",                         \
      "Its block runs many times (foreach), runs beside this one (parallel), or is lent\n"     \
      "to another node (uses). Use the output of the node that encloses it:\n"                 \
      "\n"                                                                                     \
      "    - id: all\n"                                                                        \
      "      foreach: ${ request.body.items }\n"                                               \
      "      do:\n"                                                                            \
      "        - id: one\n"                                                                    \
      "          set: ${ item.name }\n"                                                        \
      "    - reply: { json: \"${ steps.all }\" }      # not steps.one\n")                      \
    X(VAR_UNKNOWN, "W0311", ERROR, "unknown variable",                                         \
      "vars holds what the pipeline's own vars: says:\n"                                       \
      "\n"                                                                                     \
      "    vars: { limit: 10 }\n")                                                             \
    X(PARAM_UNKNOWN, "W0312", ERROR, "unknown parameter of the path",                          \
      "request.params has the names that stand in braces in the trigger's path:\n"             \
      "\n"                                                                                     \
      "    trigger:\n"                                                                         \
      "      webhook: { path: \"/gateway/{service}\" }\n")                                     \
    X(ENV_UNSET, "W0313", WARNING, "the environment variable isn't set",                       \
      "The node fails when it reads it. Set it, or say what counts instead:\n"                 \
      "\n"                                                                                     \
      "    url: ${ env.API_URL ?? 'http://127.0.0.1:9100' }\n")                                \
    X(SECRET_UNSET, "W0314", WARNING, "the secret isn't set",                                  \
      "The node fails when it reads it. secrets.NAME comes from the variable\n"                \
      "WEIR_SECRET_NAME, or from the file that WEIR_SECRET_NAME_FILE names, a credential of\n" \
      "systemd, the encrypted file (weir secrets set), or AWS. weir secrets list shows what\n" \
      "there is.\n")                                                                           \
    X(SECRET_FLOW, "W0315", ERROR, "a secret may not flow in here",                            \
      "A secret may stand only in fields that are made for secrets, such as the headers\n"     \
      "of http. What hmac, sha256, size and comparisons make of it may go anywhere.\n")        \
    X(NAME_DYNAMIC, "W0316", ERROR, "a fixed name is needed",                                  \
      "steps, env and secrets are read by a fixed name, so that weir can check it:\n"          \
      "\n"                                                                                     \
      "    value: ${ env.REGION }       # not env[vars.name]\n")                               \
    X(EXPR_SYNTAX, "W0401", ERROR, "the expression can't be read",                             \
      "The caret stands where the expression stops making sense. docs/language.md has\n"       \
      "the operators and functions. Text stands in quotes of its own:\n"                       \
      "\n"                                                                                     \
      "    if: ${ request.body.kind == 'order' }\n")                                           \
    X(EXPR_NEEDED, "W0402", ERROR, "an expression is needed",                                  \
      "The value must be one whole expression:\n"                                              \
      "\n"                                                                                     \
      "    if: ${ request.body.total > 0 }\n")                                                 \
    X(EXPR_FORBIDDEN, "W0403", ERROR, "an expression can't stand here",                        \
      "This value must be known when the pipeline is loaded. $${ is a literal ${.\n")          \
    X(EXPR_QUOTE, "W0404", ERROR, "the expression must be quoted",                             \
      "YAML cuts or refuses a bare text that holds ': ' or ' #', or that stands inside\n"      \
      "{ } or [ ]. Put quotes around the whole value:\n"                                       \
      "\n"                                                                                     \
      "    limits: { default: \"${ vars.limit }\" }\n")

#endif
