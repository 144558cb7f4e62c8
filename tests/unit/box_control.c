/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "box/control.h"
#include "box/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(message_with_text_and_descriptors)
{
    struct aw_err err = AW_ERR_INIT;
    int s[2], p[2];
    CHECK_OK(control_pair(s, &err), err);
    CHECK(pipe(p) == 0);
    struct control_msg m = {.type = CONTROL_EXEC,
                            .value = -7,
                            .text = (char *)"hello",
                            .len = 5,
                            .fds = {p[1]},
                            .n_fds = 1};
    CHECK_OK(control_send(s[0], &m, &err), err);
    struct control_msg got;
    CHECK_INT(control_recv(s[1], &got, &err), 1);
    CHECK_INT(got.type, CONTROL_EXEC);
    CHECK_INT(got.value, -7);
    CHECK_STR(got.text, "hello");
    CHECK_INT(got.n_fds, 1);
    CHECK(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC);
    CHECK(write(got.fds[0], "x", 1) == 1);
    char c;
    CHECK(read(p[0], &c, 1) == 1 && c == 'x');
    control_msg_fini(&got);
    close(s[0]);
    CHECK_INT(control_recv(s[1], &got, &err), 0);
    close(s[1]);
    close(p[0]);
    close(p[1]);
}

TEST(malformed_message_is_refused)
{
    struct aw_err err = AW_ERR_INIT;
    struct control_msg got;
    int s[2];
    CHECK_OK(control_pair(s, &err), err);
    CHECK(send(s[0], "abc", 3, 0) == 3);
    CHECK_INT(control_recv(s[1], &got, &err), -1);
    CHECK_INT(err.code, AW_E_PARSE);
    uint32_t lie[3] = {CONTROL_LOG, 0, 500};
    CHECK(send(s[0], lie, sizeof(lie), 0) == sizeof(lie));
    CHECK_INT(control_recv(s[1], &got, &err), -1);
    close(s[0]);
    close(s[1]);
}

TEST(error_travels_whole)
{
    struct aw_err err = AW_ERR_INIT, sent = AW_ERR_INIT, back;
    int s[2];
    CHECK_OK(control_pair(s, &err), err);
    aw_fail(&sent, AW_E_LIMIT, ENOSPC, "disk");
    aw_mend(&sent, "buy one");
    CHECK(control_send_error(s[0], 125, &sent));
    struct control_msg got;
    CHECK_INT(control_recv(s[1], &got, &err), 1);
    CHECK_INT(got.value, 125);
    CHECK_INT(got.len, sizeof(back));
    memcpy(&back, got.text, sizeof(back));
    CHECK_STR(back.message, sent.message);
    CHECK_STR(back.mend, "buy one");
    control_msg_fini(&got);
    close(s[0]);
    close(s[1]);
}

TEST(socket_below_a_long_path)
{
    struct aw_err err = AW_ERR_INIT;
    char name[400] = "/tmp/archway-test-XXXXXX";
    CHECK(mkdtemp(name));
    char top[64];
    strcpy(top, name);
    for (int i = 0; i < 6; i++) {
        strcat(name, "/a-rather-long-folder-name-that-adds-up");
        CHECK(mkdir(name, 0700) == 0);
    }
    int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int l = control_listen(dir, "ctl", &err);
    CHECK_OK(l >= 0, err);
    int c = control_connect(dir, "ctl", &err);
    CHECK_OK(c >= 0, err);
    CHECK(control_connect(dir, "none", &err) < 0);
    close(l);
    close(c);
    unlinkat(dir, "ctl", 0);
    close(dir);
    for (char *end; strlen(name) > strlen(top); *end = '\0') {
        rmdir(name);
        end = strrchr(name, '/');
    }
    rmdir(top);
}

TEST(relay_copies_all_and_ends)
{
    int in[2], out[2];
    CHECK(pipe(in) == 0 && pipe(out) == 0);
    struct relay r;
    CHECK(relay_init(&r, in[0], out[1]));
    r.own_from = r.own_to = true;
    static char big[40000], back[40000];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7);
    CHECK(write(in[1], big, sizeof(big)) == (ssize_t)sizeof(big));
    close(in[1]);
    for (;;) {
        struct pollfd p[2];
        relay_poll(&r, p);
        poll(p, 2, 1000);
        if (!relay_step(&r, p))
            break;
    }
    size_t n = 0;
    for (ssize_t k; (k = read(out[0], back + n, sizeof(back) - n)) > 0;)
        n += (size_t)k;
    CHECK_INT(n, sizeof(big));
    CHECK(memcmp(big, back, n) == 0);
    relay_fini(&r);
    close(out[0]);
}

TEST_MAIN()
