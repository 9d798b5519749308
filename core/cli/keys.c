/* cli/keys.c - weir keys: API keys and hashes of passwords, for auth: of a webhook.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/password.h"
#include "base/random.h"
#include "cli/commands.h"
#include "cli/setup.h"

#define KEY_BYTES 32
#define NAME_MAX_BYTES 64
#define INPUT_MAX 1024

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* As the schema of the webhook has it. */
static bool
is_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES && strchr(letters, name[0]) != NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-") == len;
}

/* Appends "sha256:" and the digest of TEXT. */
static void
put_digest(struct buf *out, struct weir_text text)
{
    uint8_t bytes[DIGEST_MAX];
    size_t len = digest(WEIR_SHA256, text, bytes);
    (void)buf_puts(out, "sha256:");
    (void)hex_encode(out, (struct weir_text){ (const char *)bytes, len });
}

static void
print_json(const char *name, const char *key, const char *hash)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "name", value_text(name));
    builder_take(b, "key", value_text(key));
    builder_take(b, "hash", value_text(hash));
    const struct weir_value *v = builder_end(&b);
    print_value(v);
    value_unref(&v);
}

static int
make_key(const struct args *a)
{
    if (a->n_words != 2 || !is_name(a->words[1])) {
        fprintf(stderr, "weir keys new: say whose key it is: a letter or digit, then letters, digits, . _ @ and -\n");
        return EXIT_USAGE;
    }
    uint8_t bytes[KEY_BYTES];
    struct buf key, hash;
    buf_init(&key, 128);
    buf_init(&hash, 128);
    random_bytes(bytes, sizeof bytes);
    (void)buf_puts(&key, "wk_");
    (void)base64_encode(&key, (struct weir_text){ (const char *)bytes, sizeof bytes }, true);
    put_digest(&hash, buf_content(&key));
    if (args_given(a, "json"))
        print_json(a->words[1], key.bytes, hash.bytes);
    else
        printf("The key of %s. It is kept nowhere, so this is the only time that it is shown:\n\n    %s\n\n"
               "What weir has to know of it, for the keys of a webhook's api_key:\n\n    - { name: %s, hash: \"%s\" }\n",
               a->words[1], key.bytes, a->words[1], hash.bytes);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(key.bytes, key.len);
    buf_fini(&key);
    buf_fini(&hash);
    return EXIT_GOOD;
}

/* One line of standard input without its end; a terminal doesn't show it. False if there is none. */
static bool
read_line(char line[INPUT_MAX])
{
    struct termios was, silent;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    if (terminal) {
        silent = was;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "password: ");
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool good = fgets(line, INPUT_MAX, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        fprintf(stderr, "\n");
    }
    size_t len = good ? strlen(line) : 0;
    good = good && (len + 1 < INPUT_MAX || line[len - 1] == '\n'); /* else it goes on */
    if (good && line[len - 1] == '\n')
        line[len - 1] = '\0';
    return good && line[0] != '\0';
}

static int
make_hash(const struct args *a)
{
    char line[INPUT_MAX];
    if (a->n_words != 1) {
        fprintf(stderr, "weir keys hash: the password is read from standard input, so that it stands in no list of "
                        "processes and no history\n");
        return EXIT_USAGE;
    }
    if (!read_line(line)) {
        fprintf(stderr, "weir keys hash: a line of 1 to %d bytes is needed\n", INPUT_MAX - 2);
        return EXIT_USAGE;
    }
    struct buf hash;
    buf_init(&hash, 256);
    if (args_given(a, "sha256"))
        put_digest(&hash, text_of(line));
    else
        password_hash(&hash, text_of(line));
    printf("%s\n", hash.bytes);
    explicit_bzero(line, sizeof line);
    buf_fini(&hash);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 ? a->words[0] : "";
    if (strcmp(verb, "new") == 0)
        return make_key(a);
    if (strcmp(verb, "hash") == 0)
        return make_hash(a);
    fprintf(stderr, "weir keys: '%.60s' is neither new nor hash\n", verb);
    return EXIT_USAGE;
}

static const struct option options[] = {
    { 0, "json", NULL, "new: print { name, key, hash } as JSON" },
    { 0, "sha256", NULL, "hash: a plain digest, for what no person has made up" },
};

const struct command command_keys = {
    .name = "keys",
    .summary = "make API keys, and hashes of passwords",
    .usage = "new NAME | hash [--sha256]",
    .description =
        "new: makes a key of 256 bits of chance for NAME, and prints it once, with the line that a webhook's\n"
        "'auth: { api_key: { keys: ... } }' knows it by. weir keeps neither.\n"
        "\n"
        "hash: reads a password from standard input and prints what 'basic' knows it by: a hash of scrypt, which\n"
        "makes guessing dear. With --sha256 a plain digest: for keys that a machine has made, of 128 bits or more.\n",
    .examples = "  weir keys new acme\n  weir keys new acme --json | jq -r .hash\n  weir keys hash < password.txt\n",
    .exits = "0 good, 2 used wrongly",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "new hash",
    .run = run,
};
