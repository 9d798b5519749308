/* pipeline/diag_codes_yaml.h - W01xx: files and YAML.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_YAML_H
#define PIPELINE_DIAG_CODES_YAML_H

#define DIAG_CODES_YAML(X)                                                                 \
    X(YAML_SYNTAX, "W0101", ERROR, "the file is not YAML",                                 \
      "The YAML parser stopped here. Often a quote or a bracket is not closed, or the\n"   \
      "indentation changed:\n"                                                             \
      "\n"                                                                                 \
      "    steps:\n"                                                                       \
      "      - set: { a: 1        # the bracket is not closed\n"                           \
      "      - reply: {}\n")                                                               \
    X(FILE_UNREADABLE, "W0102", ERROR, "the file can't be read",                           \
      "It isn't there, it isn't a file, or its permissions keep weir from reading it.\n"   \
      "Names that end in .test.yaml are tests: weir test runs them, weir run loads\n"      \
      "none.\n")                                                                           \
    X(FILE_SIZE, "W0103", ERROR, "the file is too large",                                  \
      "A pipeline has at most 1 MiB. Move data out of it, or split it and use call.\n")    \
    X(YAML_UTF8, "W0104", ERROR, "the file is not UTF-8",                                  \
      "Save the file as UTF-8. The place is the first byte that is not.\n")                \
    X(YAML_CONTROL, "W0105", ERROR, "a control character",                                 \
      "Control characters other than tab and line feed can't stand in a file, not even\n"  \
      "in quotes. In double quotes write them as an escape:\n"                             \
      "\n"                                                                                 \
      "    text: \"a bell: \\x07\"\n")                                                     \
    X(YAML_TAB, "W0106", ERROR, "a tab in the indentation",                                \
      "YAML is indented by blanks alone. Set the editor to replace tabs by blanks.\n")     \
    X(YAML_DUPLICATE, "W0107", ERROR, "a key stands twice in one map",                     \
      "Only one of the two would count, and nobody could see which:\n"                     \
      "\n"                                                                                 \
      "    http:\n"                                                                        \
      "      url: http://127.0.0.1:9100/a\n"                                               \
      "      url: http://127.0.0.1:9100/b\n")                                              \
    X(YAML_TAG, "W0108", ERROR, "a tag in the file",                                       \
      "Tags such as !!str or !include have no meaning here. Quote a scalar to make it a\n" \
      "string:\n"                                                                          \
      "\n"                                                                                 \
      "    code: \"007\"\n")                                                               \
    X(YAML_MERGE, "W0109", ERROR, "a merge key",                                           \
      "The key << is not part of YAML 1.2. Write the keys out, or give the whole map an\n" \
      "anchor and use it with an alias:\n"                                                 \
      "\n"                                                                                 \
      "    first: &limits { count: 10 }\n"                                                 \
      "    second: *limits\n")                                                             \
    X(YAML_KEY, "W0110", ERROR, "a key that is not plain text",                            \
      "A key is a scalar on one line. Lists, maps, aliases and nothing can't be keys.\n")  \
    X(YAML_DOCUMENTS, "W0111", ERROR, "more than one document",                            \
      "A file holds one pipeline: no second '---', and no %YAML or %TAG before the\n"      \
      "first.\n")                                                                          \
    X(YAML_NUMBER, "W0112", ERROR, "a number that can't be used",                          \
      ".nan, .inf and numbers out of the range of a double have no form in JSON. Quote\n"  \
      "the text if it is meant as a string.\n")                                            \
    X(YAML_ALIAS, "W0113", ERROR, "an alias that can't be used",                           \
      "An alias needs an anchor before it, can't stand inside its own anchor, and all\n"   \
      "aliases of a file together may not stand for more than 100,000 values:\n"           \
      "\n"                                                                                 \
      "    first: &a { x: 1 }\n"                                                           \
      "    second: *a\n")                                                                  \
    X(YAML_DEPTH, "W0114", ERROR, "too deep or too many values",                           \
      "A file holds at most 100,000 scalars, lists and maps, at most 128 deep in each\n"   \
      "other.\n")                                                                          \
    X(NO_PIPELINES, "W0115", WARNING, "no pipeline in the folder",                         \
      "The folder holds no file that ends in .yaml or .yml. Tests (.test.yaml),\n"         \
      "weir.yaml and hidden folders don't count.\n")                                        \
    X(TEST_FILE, "W0116", ERROR, "a mistake in a file of tests",                           \
      "What stands here would mean nothing to weir test, or not what it seems to: a key\n"  \
      "that no test has, a matcher or a code of an error that does not exist.\n"            \
      "docs/testing.md has all that a test may say:\n"                                      \
      "\n"                                                                                 \
      "    tests:\n"                                                                        \
      "      - name: who has no name is refused\n"                                          \
      "        request: { path: /hello, json: {} }\n"                                       \
      "        expect: { status: 422, json: { title: { $type: string } } }\n")

#endif
