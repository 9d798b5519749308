/* pipeline/diag_codes_other.h - W05xx: routes, settings, W06xx: refusals, W08xx: advice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_OTHER_H
#define PIPELINE_DIAG_CODES_OTHER_H

#define DIAG_CODES_OTHER(X)                                                                 \
    X(ROUTE_CLASH, "W0501", ERROR, "two routes clash",                                      \
      "Two triggers ask for the same method and path, or for paths of which no request\n"   \
      "could say which is meant, as /a/{x} and /a/{y}.\n")                                  \
    X(ROUTE_FORM, "W0502", ERROR, "the path of a route can't be used",                      \
      "A path starts with /. A {name} stands for one segment, {name*} for all that is\n"    \
      "left:\n"                                                                             \
      "\n"                                                                                  \
      "    path: /files/{folder}/{rest*}\n")                                                \
    X(RESOURCE_FORM, "W0503", ERROR, "a resource that can't be used",                       \
      "resources: of weir.yaml has the kinds that node types bring: breakers, clients,\n"   \
      "limits, caches. Under each kind stand names, under each name the settings of such\n" \
      "a node:\n"                                                                           \
      "\n"                                                                                  \
      "    resources:\n"                                                                    \
      "      clients:\n"                                                                    \
      "        crm: { base_url: \"https://crm.example\" }\n")                               \
    X(RESOURCE_TWICE, "W0504", ERROR, "two definitions of one resource",                    \
      "A breaker, limit or cache of one name is shared by all nodes that name it, in all\n" \
      "files, so all of them must describe it alike; what a node leaves out has its\n"      \
      "default. Describe it once in weir.yaml, and name it in the nodes:\n"                 \
      "\n"                                                                                  \
      "    resources:\n"                                                                    \
      "      breakers:\n"                                                                   \
      "        payment: { timeout: 5s, error_threshold: 20% }\n"                            \
      "\n"                                                                                  \
      "    - breaker: payment\n"                                                            \
      "      do: [ ... ]\n"                                                                 \
      "\n"                                                                                  \
      "What stands there can't be set in a node as well. If two different things are\n"     \
      "meant, give them different names.\n")                                                \
    X(SETTING_UNKNOWN, "W0505", ERROR, "unknown setting",                                   \
      "weir run --help lists the settings, each with its default.\n")                       \
    X(SETTING_VALUE, "W0506", ERROR, "a setting with a value that isn't allowed",           \
      "Durations are written 15s, sizes 1MiB, addresses 127.0.0.1:8080 or [::1]:8080.\n")   \
    X(SETTING_STRAY, "W0507", WARNING, "an environment variable that looks like a setting", \
      "Its name starts with WEIR_ and is near to that of a setting, but isn't one.\n")      \
    X(PIPELINE_UNKNOWN, "W0508", ERROR, "unknown pipeline",                                 \
      "call names a pipeline that is not among the loaded files.\n")                        \
    X(CALL_CYCLE, "W0509", ERROR, "pipelines call each other in a circle",                  \
      "Each call waits for the one inside it, so a circle never ends.\n")                   \
    X(RESOURCE_UNKNOWN, "W0510", ERROR, "unknown resource",                                 \
      "A node names a client, or the like, that weir.yaml does not describe:\n"             \
      "\n"                                                                                  \
      "    resources:\n"                                                                    \
      "      clients:\n"                                                                    \
      "        crm: { base_url: \"https://crm.example\" }\n")                               \
    X(SECRET_SOURCE, "W0520", ERROR, "a source of secrets can't be read",                   \
      "WEIR_SECRET_NAME_FILE names a file with the value of secrets.NAME; in the folder\n"  \
      "$CREDENTIALS_DIRECTORY each file is the secret of its name; secrets.file is made\n"  \
      "by weir secrets set. weir secrets list shows which source each secret is from.\n")  \
    X(SECRETS_FAR, "W0521", ERROR, "secrets can't be fetched",                              \
      "secrets.aws.enabled says that secrets are at AWS Secrets Manager, and it can't be\n" \
      "asked, or refuses: look at AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and\n" \
      "the policy (secretsmanager:GetSecretValue). To check without it:\n"                  \
      "\n"                                                                                  \
      "    weir check --set secrets.aws.enabled=false\n")                                   \
    X(REQUIRE_FORM, "W0522", ERROR, "require: can't be read",                               \
      "require: of weir.yaml has env and secrets, each a list of names, or a map from\n"    \
      "names to formats (nonempty, url, int, duration, bytes) or patterns:\n"               \
      "\n"                                                                                  \
      "    require:\n"                                                                      \
      "      env: { ORDERS_URL: url, REGION: { pattern: '^(eu|us)$' } }\n"                  \
      "      secrets: [github, stripe]\n")                                                  \
    X(REQUIRED_UNSET, "W0523", ERROR, "something required is not set",                      \
      "require: of weir.yaml says that it has to be there. Set it, or take it out.\n")      \
    X(REQUIRED_VALUE, "W0524", ERROR, "something required has another form",                \
      "require: of weir.yaml says of which form it has to be. Its value is not shown.\n")   \
    X(NODE_REFUSED, "W0601", ERROR, "the node refuses its configuration",                   \
      "The configuration has the right shape, but the node's type can't work with it: a\n"  \
      "regular expression or a schema is wrong, or two options exclude each other.\n")      \
    X(TRIGGER_REFUSED, "W0602", ERROR, "the trigger refuses its configuration",             \
      "The configuration has the right shape, but the trigger's type can't work with\n"     \
      "it.\n")                                                                              \
    X(PLUGIN_REFUSED, "W0603", ERROR, "a plugin can't be loaded",                           \
      "The shared object is none, has another ABI, or says something of itself that\n"      \
      "isn't sane.\n")                                                                      \
    X(WEBHOOK_OPEN, "W0801", WARNING, "a webhook that anybody can call",                    \
      "The edge can be reached from other machines (edge.listen, edge.public_url), and\n"   \
      "neither verify nor auth says who may send. If that is meant, say so with\n"          \
      "auth: none where the trigger has it, or keep the path behind a proxy. It is said\n"  \
      "of a websocket and of sse, too, if they run nothing on open that could refuse.\n")   \
    X(UNSAFE_RETRY, "W0802", WARNING, "an unsafe step with a retry",                        \
      "Running the step twice may do harm, such as a second payment. After a timeout\n"     \
      "nobody knows whether the first attempt was done. If repeating is harmless, say\n"    \
      "so:\n"                                                                               \
      "\n"                                                                                  \
      "    retry: { attempts: 3 }\n"                                                        \
      "    effect: idempotent\n")                                                           \
    X(SWITCH_WITHOUT_DEFAULT, "W0803", WARNING, "a switch without default",                 \
      "A value that no case names passes by in silence. An empty block says that this\n"    \
      "is meant:\n"                                                                         \
      "\n"                                                                                  \
      "    default: []\n")                                                                  \
    X(BREAKER_WITHOUT_FALLBACK, "W0804", WARNING, "a breaker without fallback",             \
      "While the breaker is open its node fails with unavailable. A fallback can answer\n"  \
      "instead.\n")                                                                         \
    X(TIMEOUT_INNER, "W0805", WARNING, "an inner timeout that can't be reached",            \
      "The deadline of what encloses it is earlier, so this one never counts.\n")           \
    X(IDEMPOTENCY_MEMORY, "W0806", WARNING, "idempotency in memory only",                   \
      "Without durable: true the keys are this process's: they are gone after a\n"          \
      "restart, and other machines don't know them. If a repeated event must never run\n"   \
      "twice, make the pipeline durable; if several gateways take it, name a Redis that\n"  \
      "they share as its store.\n")                                                         \
    X(FOREACH_UNBOUNDED, "W0807", WARNING, "a foreach without a bound",                     \
      "The list comes from outside and may be of any length. Say how many items are too\n"  \
      "many.\n")                                                                            \
    X(NODE_NEVER, "W0808", WARNING, "the node never runs", "Its if is always false.\n")    \
    X(TOKEN_FOREVER, "W0809", WARNING, "tokens that may never expire",                      \
      "What jwt requires replaces the default, [exp], and exp is not in it: a token\n"      \
      "without an end is let in for as long as its key is known, also after somebody has\n" \
      "stolen it. Say required: [exp, sub].\n")                                             \
    X(KEY_MARKED, "W0811", WARNING, "a key that shows what is masked",                      \
      "The keys of concurrency and order_by are shown with each job, in lists, pauses and\n" \
      "the audit, and this one is made of a place that mask: hides. A digest tells keys\n"  \
      "apart just as well:\n"                                                              \
      "\n"                                                                                 \
      "    order_by: ${ hex.encode(sha256(request.body.card.number)) }\n")                 \
    X(TYPE_LEFT_OUT, "W0810", WARNING, "a file that is no node type",                       \
      "A file of lua/nodes would be the node type of its name, but it does not load, says\n" \
      "something of itself that is not sane, or has a name that is taken: by a type that\n" \
      "weir or a plugin brings, or by a key that all nodes have. Everything else works\n"   \
      "without it; a pipeline that uses it is refused. What is a module of other files\n"  \
      "has no function run, and is left in peace.\n")

#endif
