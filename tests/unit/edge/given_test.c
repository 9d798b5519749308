/* Sockets that one process opens and another listens on. */
#include "harness.h"

#include <sys/stat.h>
#include <unistd.h>

#include "edge/listener.h"

static void
read_addresses(const char *text, struct edge_addresses *ret)
{
    struct weir_error err;
    assert_int_equal(edge_addresses_parse(text_of(text), ret, &err), WEIR_OK);
}

static void
each_shard_has_a_socket_of_its_own_on_the_same_port(void **state)
{
    (void)state;
    struct edge_addresses a;
    struct weir_error err;
    int fds[6];
    read_addresses("127.0.0.1:0 [::1]:0", &a);
    assert_int_equal(edge_addresses_open(&a, 3, fds, &err), WEIR_OK);
    for (unsigned i = 0; i < 6; i++) {
        struct edge_address there;
        assert_true(edge_address_of(fds[i], &there));
        assert_true(edge_address_same(&there, &a.items[i / 3]));
        assert_false(edge_address_same(&there, &a.items[1 - i / 3]));
    }
    /* Given to who listens: each shard takes its own, and one that is beyond them shares. */
    a.items[0].given = fds;
    a.items[0].n_given = 3;
    for (unsigned shard = 0; shard < 5; shard++) {
        int fd;
        int on = 0;
        socklen_t len = sizeof on;
        assert_int_equal(edge_addresses_listen(&a, 0, shard, &fd, &err), WEIR_OK);
        assert_int_equal(getsockopt(fds[shard % 3], SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
        assert_true(on);
        close(fd);
    }
    for (unsigned i = 0; i < 6; i++)
        close(fds[i]);
}

static void
a_path_has_one_socket_for_all(void **state)
{
    (void)state;
    struct edge_addresses a;
    struct weir_error err;
    int fds[2];
    char text[64];
    struct stat st;
    snprintf(text, sizeof text, "unix:/tmp/weir-given-%d.sock", (int)getpid());
    read_addresses(text, &a);
    assert_int_equal(edge_addresses_open(&a, 2, fds, &err), WEIR_OK);
    assert_true(fds[0] >= 0);
    assert_int_equal(fds[1], -1);
    struct edge_address there;
    char back[64];
    assert_true(edge_address_of(fds[0], &there));
    assert_true(edge_address_same(&there, &a.items[0]));
    assert_true(edge_address_text(&there, back, sizeof back));
    assert_string_equal(back, text);
    assert_int_equal(stat(text + 5, &st), 0);
    edge_addresses_remove(&a);
    assert_int_equal(stat(text + 5, &st), -1);
    close(fds[0]);
}

static void
what_can_not_be_opened_leaves_nothing_open(void **state)
{
    (void)state;
    struct edge_addresses a, again;
    struct weir_error err;
    int fds[1], more[4];
    char text[64];
    read_addresses("127.0.0.1:0", &a);
    assert_int_equal(edge_addresses_open(&a, 1, fds, &err), WEIR_OK);
    assert_int_equal(listen(fds[0], 1), 0);
    snprintf(text, sizeof text, "127.0.0.1:0,127.0.0.1:%u", edge_addresses_port(&a, 0));
    read_addresses(text, &again);
    assert_int_equal(edge_addresses_open(&again, 2, more, &err), WEIR_CONFLICT);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(more[i], -1);
    close(fds[0]);
}

static void
an_address_is_written_as_it_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = { "127.0.0.1:8080", "[::1]:81", "0.0.0.0:1", "[2001:db8::1]:65535" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct edge_addresses a;
        char back[80];
        read_addresses(texts[i], &a);
        assert_true(edge_address_text(&a.items[0], back, sizeof back));
        assert_string_equal(back, texts[i]);
        assert_false(edge_address_text(&a.items[0], back, strlen(texts[i])));
    }
}

static void
what_is_no_socket_has_no_address(void **state)
{
    (void)state;
    struct edge_address a;
    assert_false(edge_address_of(-1, &a));
    int pair[2];
    assert_int_equal(pipe(pair), 0);
    assert_false(edge_address_of(pair[0], &a));
    close(pair[0]);
    close(pair[1]);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    assert_false(edge_address_of(udp, &a));
    close(udp);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shard_has_a_socket_of_its_own_on_the_same_port),
        cmocka_unit_test(a_path_has_one_socket_for_all),
        cmocka_unit_test(what_can_not_be_opened_leaves_nothing_open),
        cmocka_unit_test(an_address_is_written_as_it_is_read),
        cmocka_unit_test(what_is_no_socket_has_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
