/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/file.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int scratch(char *name)
{
    strcpy(name, "/tmp/archway-test-XXXXXX");
    CHECK(mkdtemp(name));
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

TEST(strv_grows_and_stays_terminated)
{
    struct strv s = {0};
    for (int i = 0; i < 100; i++)
        CHECK(strv_addf(&s, "%d", i));
    CHECK_INT(s.n, 100);
    for (int i = 0; i < 100; i++)
        CHECK_INT(atoi(s.v[i]), i);
    CHECK(s.v[100] == NULL);
    strv_fini(&s);
}

/* A chain of n folders below dir/name; every seventh may not be entered. */
static void make_deep(int dir, const char *name, int n)
{
    CHECK(mkdirat(dir, name, 0700) == 0);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < n; i++) {
        CHECK(mkdirat(fd, "d", 0700) == 0);
        int sub = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CHECK(sub >= 0);
        if (i % 7 == 6)
            CHECK(fchmod(fd, 0) == 0);
        close(fd);
        fd = sub;
    }
    close(fd);
}

TEST(remove_tree_that_is_deeper_than_there_are_descriptors)
{
    char name[64];
    struct aw_err err = AW_ERR_INIT;
    struct rlimit old, few = {128, 128};
    int dir = scratch(name);
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    few.rlim_max = old.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    make_deep(dir, "a", 2000);
    CHECK_OK(file_remove_tree(dir, "a", &err), err);
    CHECK(faccessat(dir, "a", F_OK, 0) < 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    CHECK_OK(file_remove_tree(AT_FDCWD, name, &err), err);
    close(dir);
}

TEST(replace_load_and_remove_tree)
{
    char name[64];
    struct aw_err err = AW_ERR_INIT;
    int dir = scratch(name);
    CHECK_OK(file_mkdirs(dir, "a/b/c", 0755, &err), err);
    CHECK_OK(file_replace(dir, "a/b/c/f", "one", 3, 0644, &err), err);
    CHECK_OK(file_replace(dir, "a/b/c/f", "two", 3, 0644, &err), err);
    size_t len;
    char *text = file_load(dir, "a/b/c/f", 100, &len, &err);
    CHECK_STR(text, "two");
    free(text);
    CHECK(!file_load(dir, "a/b/c/f", 2, NULL, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    CHECK(!file_load(dir, "missing", 2, NULL, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK(symlinkat("/etc", dir, "a/b/link") == 0);
    CHECK(fchmodat(dir, "a/b", 0500, 0) == 0);
    CHECK_OK(file_remove_tree(dir, "a", &err), err);
    CHECK(faccessat(dir, "a", F_OK, 0) < 0);
    CHECK(access("/etc/passwd", F_OK) == 0);
    CHECK_OK(file_remove_tree(dir, "a", &err), err);
    close(dir);
    rmdir(name);
}

TEST(what_a_killed_writer_left_goes_with_the_file)
{
    char name[32], path[64], left[64];
    struct aw_err err = AW_ERR_INIT;
    _cleanup_close_ int dir = scratch(name);
    snprintf(path, sizeof(path), "%s/x", name);
    snprintf(left, sizeof(left), "%s/.x.new", name);
    close(open(left, O_CREAT | O_WRONLY, 0));
    CHECK_OK(file_replace_alone(path, "one", 0644, &err), err);
    CHECK(access(left, F_OK) < 0);
    _cleanup_free_ char *text = file_load(dir, "x", 100, NULL, &err);
    CHECK_STR(text, "one");
    close(open(left, O_CREAT | O_WRONLY, 0));
    CHECK_OK(file_remove_alone(path, &err), err);
    CHECK(access(left, F_OK) < 0 && access(path, F_OK) < 0);
    CHECK_OK(file_remove_alone(path, &err), err);
    CHECK(rmdir(name) == 0);
}

TEST(lock_excludes_and_survives_unlink)
{
    char name[64];
    struct aw_err err = AW_ERR_INIT;
    int dir = scratch(name);
    int a = file_lock(dir, "lock", LOCK_EX, &err);
    CHECK(a >= 0);
    CHECK(file_lock(dir, "lock", LOCK_EX | LOCK_NB, &err) < 0);
    CHECK_INT(err.code, AW_E_EXIST);
    unlinkat(dir, "lock", 0);
    int b = file_lock(dir, "lock", LOCK_EX | LOCK_NB, &err);
    CHECK(b >= 0);
    close(a);
    close(b);
    CHECK_OK(file_remove_tree(AT_FDCWD, name, &err), err);
    close(dir);
}

TEST(spawn_catches_streams_and_status)
{
    struct aw_err err = AW_ERR_INIT;
    const char *argv[] = {"sh", "-c", "echo out; echo bad >&2; exit 7", NULL};
    struct spawn s = {.argv = argv};
    struct spawn_result r = {0};
    CHECK_OK(spawn_run(&s, &r, &err), err);
    CHECK_INT(r.status, 7);
    CHECK_STR(buf_str(&r.out), "out\n");
    CHECK_STR(buf_str(&r.err_text), "bad\n");
    spawn_result_fini(&r);
    CHECK(!spawn_check(&s, &r, &err));
    CHECK_CONTAINS(err.message, "status 7: bad");
    spawn_result_fini(&r);
}

TEST(spawn_times_out_and_misses)
{
    struct aw_err err = AW_ERR_INIT;
    const char *slow[] = {"sleep", "30", NULL}, *none[] = {"no-such-program-here", NULL};
    struct spawn s = {.argv = slow, .timeout_ms = 100};
    struct spawn_result r = {0};
    CHECK(!spawn_run(&s, &r, &err));
    CHECK_INT(err.code, AW_E_TIMEOUT);
    s.argv = none;
    CHECK(!spawn_run(&s, &r, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    spawn_result_fini(&r);
}

TEST(spawn_leaks_no_descriptor)
{
    struct aw_err err = AW_ERR_INIT;
    int keep = open("/dev/null", O_RDONLY), leak = open("/dev/null", O_RDONLY);
    const char *argv[] = {"sh", "-c", "ls /proc/self/fd | tr '\\n' ' '", NULL};
    struct spawn s = {.argv = argv, .keep_fds = {keep}};
    struct spawn_result r = {0};
    CHECK_OK(spawn_check(&s, &r, &err), err);
    char want[16], bad[16];
    snprintf(want, sizeof(want), " %d ", keep);
    snprintf(bad, sizeof(bad), " %d ", leak);
    CHECK_CONTAINS(buf_str(&r.out), want);
    (void)bad; /* ls may reuse the number for its own directory: count instead */
    int count = 0;
    for (const char *p = buf_str(&r.out); *p; p++)
        count += *p == ' ';
    CHECK_INT(count, 5); /* 0 1 2 keep and ls's own */
    spawn_result_fini(&r);
    close(keep);
    close(leak);
}

TEST_MAIN()
