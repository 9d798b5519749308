/* cli/test.h - weir test: tests of pipelines, which stand beside them in NAME.test.yaml.
 *
 * Each test is played in a process of its own, with nothing outside in reach and a clock that stands
 * until all that waits has been waited for; what happened comes back as a value, and is compared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TEST_H
#define CLI_TEST_H

#include "cli/setup.h"
#include "pipeline/yaml.h"

/* A file of tests. */
struct test_file {
    const char *path; /* as it was given or found; owned */
    char *folder;     /* owned; with a slash at its end, or empty */
    struct yaml *yaml;
    const struct weir_value *document; /* owned; NULL: it could not be read, and that was said */
};

/* One test of it; all is borrowed from the file. */
struct test_case {
    const struct test_file *file;
    const struct yaml_node *node;
    const struct weir_value *value; /* owned */
    struct weir_text name;
    unsigned line;
};

/* -- test.c -- */

/* Where tests are looked for if no path is named. */
#define TEST_USUAL 2u
extern const char *const test_usual[TEST_USUAL];

/* -- test_watch.c -- */

/* Calls PLAY, and again whenever something changes in the folders of A's words, until it is interrupted. */
int test_watch(const struct args *a, struct setup *s, int (*play)(const struct args *a, struct setup *s));

/* -- test_file.c -- */

/* Reads PATH, and checks each key in it. False after saying what is wrong and where. */
bool test_file_read(struct test_file *f, const char *path);
void test_file_free(struct test_file *f);
unsigned test_file_cases(const struct test_file *f);
/* The case of that number, whose value the caller lets go of. */
void test_file_case(const struct test_file *f, unsigned index, struct test_case *ret);

/* -- test_play.c -- */

/* Plays T. What happened, owned by the caller: { problem: what kept it from being played at all,
 * with unplayed: true if it was not, status, headers, body or text, steps: { ID: output }, errors: { ID: code }, ran: [ids that the author gave],
 * ended: [all ids], calls: { ID: [{ method, url, headers, json or body }] }, took_ms, job: { state, reason,
 * attempt, node, message } } */
const struct weir_value *test_play(const struct setup *s, const struct test_case *t);

/* -- test_scene.c: inside the process that plays -- */

#define TEST_CUT_EXIT 42 /* the status of a process that ends as if it had crashed */

/* Plays T, tells what happened to OUT, and ends the process. BEFORE: what a play that was cut has told.
 * FOLDER: of its store. */
void test_scene(const struct setup *s, const struct test_case *t, const struct weir_value *before, const char *folder,
                int out) __attribute__((noreturn));
/* What is tested, loaded; NULL, and why in D. */
struct generation *test_generation(const struct setup *s, const struct test_case *t, struct diags *d);

/* -- test_mock.c: inside the process that plays -- */

struct test_mocks;
/* BEFORE: what a play that was cut has left (its answer), or NULL. All is borrowed. CUT is called when the
 * process is to end as if it had crashed. It lives as long as the process. */
struct test_mocks *test_mocks_new(const struct weir_value *test, const struct weir_value *before,
                                  void (*cut)(void *arg), void *arg);
/* The http step ID is called by the name of the block around it. NAME lives as long as M. */
void test_mocks_rename(struct test_mocks *m, const char *id, const char *name);
/* Notes as its problem that a mock has more answers than were asked for, once all is over. */
void test_mocks_settle(struct test_mocks *m);
/* Whether a step goes by that name. */
bool test_mocks_knows(const struct test_mocks *m, struct weir_text name);
const struct stand_in *test_mocks_stand_in(const struct test_mocks *m);
/* Whether the run is over, and puts what was seen into B. */
bool test_mocks_over(const struct test_mocks *m);
void test_mocks_tell(struct test_mocks *m, struct weir_builder *b);
/* What went wrong with the test itself: an answer that nobody gave; "": nothing. */
const char *test_mocks_problem(const struct test_mocks *m);

/* -- test_expect.c -- */

/* Compares what happened with what TEST expects. Appends each difference, a line or some, to OUT; returns
 * how many there are. */
unsigned test_compare(const struct weir_value *test, const struct weir_value *happened, struct buf *out);

/* Whether HAS is as WANTED says. */
bool test_matches(const struct weir_value *wanted, const struct weir_value *has);

/* -- test_update.c -- */

/* Writes what happened into the expectations of the cases of F that FAILED (by number), where these name it.
 * HAPPENED has an entry for each case. False after saying why not. */
bool test_update(const struct test_file *f, const bool *failed, const struct weir_value *const *happened);

/* -- test_cover.c -- */

/* Which blocks of the tested pipelines ran. */
struct test_cover;
struct test_cover *test_cover_new(void);
void test_cover_free(struct test_cover **c);
/* The pipeline in PATH was tested, and HAPPENED. */
void test_cover_add(struct test_cover *c, const struct setup *s, const char *path, const struct weir_value *happened);
/* Prints them: how many of how many, and those that no test entered. */
void test_cover_print(const struct test_cover *c);
const struct weir_value *test_cover_value(const struct test_cover *c);

/* -- test_junit.c -- */

/* One test that was played. */
struct test_outcome {
    const char *file;
    char *name; /* owned */
    unsigned line;
    double seconds;
    char *failure; /* owned; NULL: it passed */
};
/* Writes a report that CI servers read; false after saying why not. */
bool test_junit(const char *path, const struct test_outcome *all, unsigned n);

/* -- test_record.c -- */

/* weir test record JOB: prints a file of tests with one test, made of a real job. */
int test_record(const struct args *a);

#endif
