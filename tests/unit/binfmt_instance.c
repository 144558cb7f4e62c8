/* SPDX-License-Identifier: Apache-2.0
 *
 * Instances against the running kernel. This program is also the interpreter that the rules under
 * test start: then it reports what a guest program sees and tries to change its own file.
 */
#include "binfmt_ns.h"

#include "base/file.h"
#include "base/util.h"
#include "binfmt/snapshot.h"

#include <archway/catalogue.h>
#include <archway/survey.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define NEUTRAL "/archway/aarch64"

static struct aw_err err;

/* A temporary folder, removed at the end. */
static char folder[] = "/tmp/archway-binfmt-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][128];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
    return path[turn];
}

static void write_file(const char *path, const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && file_write_full(fd, data, len));
    CHECK(fchmod(fd, mode) == 0);
    close(fd);
}

/* A file that begins like a program of the architecture. */
static const char *guest(const char *arch)
{
    uint8_t head[AW_ARCH_HEADER];
    const char *path = in_folder("guest");
    aw_arch_header(aw_arch_find(arch), 0, false, head);
    write_file(path, head, sizeof(head), 0755);
    return path;
}

/* Run path and catch what it prints; its exit status, 1000 + errno where exec failed. nested: in a
 * user namespace below. */
static int run(const char *path, bool nested, char *ret, size_t size)
{
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (nested && !ns_enter())
            _exit(99);
        dup2(ends[1], 1);
        char *argv[] = {"own-argv0", "arg", NULL};
        execv(path, argv);
        dprintf(1, "errno %d", errno);
        _exit(98);
    }
    close(ends[1]);
    ssize_t n = file_read_full(ends[0], ret, size - 1);
    close(ends[0]);
    ret[n > 0 ? n : 0] = 0;
    int status, how;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (WEXITSTATUS(status) == 98 && sscanf(ret, "errno %d", &how) == 1)
        return 1000 + how;
    return WEXITSTATUS(status);
}

static void show_file(const char *name, const char *path)
{
    size_t len;
    char *text = file_load(AT_FDCWD, path, 1 << 20, &len, NULL);
    for (size_t i = 0; text && i < len; i++)
        if (!text[i])
            text[i] = ' ';
    printf("%s: %s\n", name, text ? text : "?");
    free(text);
}

static void attempt(const char *name, bool done)
{
    printf("%s: %s\n", name, done ? "DONE" : "refused");
}

/* What runs as the interpreter. */
static int as_interpreter(void)
{
    const char *exe = "/proc/self/exe";
    char link[256] = "";
    if (readlink(exe, link, sizeof(link) - 1) < 0)
        snprintf(link, sizeof(link), "?");
    printf("uid %u\nexe: %s\n", (unsigned)getuid(), link);
    attempt("open for writing", open(exe, O_WRONLY | O_CLOEXEC) >= 0);
    attempt("truncate", truncate(exe, 0) == 0);
    attempt("chmod", chmod(exe, 0700) == 0);
    attempt("chown", chown(exe, 0, 0) == 0);
    attempt("setxattr", setxattr(exe, "user.x", "y", 1, 0) == 0);
    attempt("utimes", utimensat(AT_FDCWD, exe, NULL, 0) == 0);
    int fd = open(exe, O_RDONLY | O_CLOEXEC);
    attempt("fchmod", fd >= 0 && fchmod(fd, 0700) == 0);
    attempt("fsetxattr", fd >= 0 && fsetxattr(fd, "user.x", "y", 1, 0) == 0);
    attempt("link",
            linkat(AT_FDCWD, exe, AT_FDCWD, "/tmp/archway-binfmt-link", AT_SYMLINK_FOLLOW) == 0);
    show_file("cmdline", "/proc/self/cmdline");
    show_file("environ", "/proc/self/environ");
    show_file("maps", "/proc/self/maps");
    show_file("mountinfo", "/proc/self/mountinfo");
    return 42;
}

static struct aw_rule rule_for(const char *arch, const char *interpreter, unsigned flags)
{
    struct aw_rule r;
    CHECK_OK(aw_arch_rule(aw_arch_find(arch), 0, interpreter, flags, &r, &err), err);
    return r;
}

TEST(entries_are_read_back)
{
    struct aw_entry e;
    const char *text =
        "enabled\ninterpreter /a\nb\nflags: POCFZ\noffset 3\nmagic 7f45\nmask ff00\n";
    CHECK_OK(aw_entry_parse("n", text, strlen(text), &e, &err), err);
    CHECK_STR(e.rule.interpreter, "/a\nb");
    CHECK(e.enabled && e.known && e.rule.offset == 3 && e.rule.magic_len == 2);
    CHECK(e.rule.has_mask && e.rule.mask[0] == 0xff && e.rule.magic[1] == 0x45);
    CHECK_STR(e.odd_flags, "Z");
    CHECK_INT(e.rule.flags, AW_RULE_P | AW_RULE_O | AW_RULE_C | AW_RULE_F);
    text = "disabled\ninterpreter /a\nflags: TD\nextension .x y\n";
    CHECK_OK(aw_entry_parse("n", text, strlen(text), &e, &err), err);
    CHECK(!e.enabled && e.known && e.rule.type == AW_RULE_EXTENSION);
    CHECK_STR(e.rule.extension, "x y");
    CHECK(e.rule.flags & AW_RULE_T);
    text = "enabled\nbpf handler\nbpf-interpreter a /b\nflags: \n";
    CHECK_OK(aw_entry_parse("n", text, strlen(text), &e, &err), err);
    CHECK(!e.known);
    CHECK_INT(e.odd_lines, 2);
    CHECK(!aw_entry_parse("n", "junk", 4, &e, &err));
    CHECK_INT(err.code, AW_E_PARSE);
}

/* Whatever byte stands among a magic's digits, and wherever. */
TEST(digits_of_magics)
{
    static const char digits[] = "0123456789abcdef";
    struct aw_entry e;
    char text[256];
    for (size_t len = 2; len <= 24; len += 2)
        for (size_t at = 0; at < len; at++)
            for (int c = 1; c < 256; c++) {
                int head = snprintf(text, sizeof(text), "enabled\ninterpreter /a\nflags: \nmagic ");
                char *magic = text + head;
                for (size_t i = 0; i < len; i++)
                    magic[i] = digits[(i * 7 + len) % 16];
                magic[at] = (char)c;
                CHECK_OK(aw_entry_parse("n", text, (size_t)head + len, &e, &err), err);
                const char *high = strchr(digits, magic[at & ~1u]),
                           *low = strchr(digits, magic[at | 1]);
                if (c == '\n')
                    continue; /* a shorter line */
                CHECK(e.known == (high && low));
                if (e.known)
                    CHECK(e.rule.magic_len == len / 2 &&
                          e.rule.magic[at / 2] == (high - digits) * 16 + (low - digits));
            }
}

TEST(register_list_remove)
{
    struct aw_instance *inst = ns_instance();
    struct aw_rule r = rule_for("aarch64", "/bin/true", AW_RULE_F | AW_RULE_C | AW_RULE_P);
    CHECK_OK(aw_instance_register(inst, &r, &err), err);
    struct aw_rule x = rule_for("riscv64", "/missing", 0);
    x.has_mask = false;
    CHECK_OK(aw_instance_register(inst, &x, &err), err);
    const char *ext = ":jar:E::jar::relative/x:O\n";
    CHECK_OK(aw_instance_register_text(inst, ext, strlen(ext), &err), err);

    struct aw_entry *list, one;
    size_t n;
    CHECK_OK(aw_instance_list(inst, &list, &n, &err), err);
    CHECK_INT(n, 3);
    CHECK_STR(list[0].rule.name, "jar");
    CHECK_STR(list[1].rule.name, "qemu-riscv64");
    CHECK(aw_rule_equal(&list[2].rule, &r) && aw_rule_equal(&list[1].rule, &x));
    CHECK(list[0].known && list[0].enabled && list[0].odd_lines == 0);
    free(list);

    CHECK_OK(aw_instance_enable(inst, "jar", false, &err), err);
    CHECK_OK(aw_instance_read(inst, "jar", &one, &err), err);
    CHECK(!one.enabled);
    CHECK_OK(aw_instance_remove(inst, "jar", &err), err);
    CHECK(!aw_instance_read(inst, "jar", &one, &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK(!aw_instance_remove(inst, "jar", &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK(!aw_instance_remove(inst, "status", &err));
    CHECK_INT(err.code, AW_E_ARG);

    bool on;
    CHECK_OK(aw_instance_status(inst, &on, &err), err);
    CHECK(on);
    CHECK_OK(aw_instance_set_status(inst, false, &err), err);
    CHECK_OK(aw_instance_status(inst, &on, &err), err);
    CHECK(!on);
}

static void refused(struct aw_instance *inst, const char *text, enum aw_code code, int how,
                    const char *words)
{
    CHECK(!aw_instance_register_text(inst, text, strlen(text), &err));
    CHECK_INT(err.code, code);
    CHECK_INT(err.sys_errno, how);
    CHECK_CONTAINS(err.message, words);
}

static int count_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A snapshot is surveyed as its list is. */
static void check_survey(const struct aw_snapshot *s, const struct aw_entry *list, size_t n)
{
    struct aw_survey_row *a, *b;
    CHECK_OK(aw_survey(list, n, true, &a, &err), err);
    CHECK_OK(aw_survey_snapshot(s, true, &b, &err), err);
    for (size_t i = 0; i < n; i++)
        CHECK(a[i].archs == b[i].archs && a[i].native == b[i].native && a[i].held == b[i].held &&
              a[i].shadowed_by == b[i].shadowed_by && a[i].file_errno == b[i].file_errno &&
              a[i].file_ctime_ns == b[i].file_ctime_ns);
    free(a);
    free(b);
}

/* It matches what its list does. */
static void check_matching(const struct aw_snapshot *s, const struct aw_entry *list, size_t n)
{
    for (int at = 0; at <= 250; at += at < 7 ? 1 : 27) {
        uint8_t head[BRIEF_HEAD] = {0};
        size_t hits = 0;
        memcpy(head + at, "aRc200", 6);
        for (size_t i = 0; i < n; i++) {
            bool hit = brief_matches(snapshot_brief(s, i), head, "/x.y.x3");
            CHECK(hit == aw_rule_matches(&list[i].rule, head, AW_RULE_WINDOW, "/x.y.x3"));
            hits += hit;
        }
        CHECK(hits > (at > 0 && at < 7)); /* .x3 is one */
    }
}

/* However many threads read them, entries are the same, in the same order. */
TEST(snapshots)
{
    enum { MANY = 500 };
    struct aw_instance *inst = ns_instance();
    struct aw_entry *list, *again;
    size_t n, m;
    char text[300];
    for (int i = 0; i < MANY; i++) {
        int len =
            i % 3 ? snprintf(text, sizeof(text), ":s%d:M:%d:abc%03d:\\xff\\x0fc000:/bin/true:PO", i,
                             i % 7 ? i % 7 : 250, i)
                  : snprintf(text, sizeof(text), ":s%d:E::x%d::/bin/false:", i, i);
        CHECK_OK(aw_instance_register_text(inst, text, (size_t)len, &err), err);
        if (i % 5 == 0) {
            snprintf(text, sizeof(text), "s%d", i);
            CHECK_OK(aw_instance_enable(inst, text, false, &err), err);
        }
    }
    CHECK_OK(aw_instance_list(inst, &list, &n, &err), err);
    CHECK_INT(n, MANY);
    int fds = count_fds();
    for (unsigned threads = 0; threads < 6; threads++) {
        struct aw_snapshot *s = aw_instance_snapshot(inst, threads, &err);
        CHECK_OK(s, err);
        CHECK_INT(aw_snapshot_count(s), MANY);
        CHECK_OK(aw_snapshot_entries(s, &again, &m, &err), err);
        CHECK_INT(m, MANY);
        for (size_t i = 0; i < n; i++) {
            struct aw_entry one;
            CHECK_OK(aw_snapshot_entry(s, i, &one, &err), err);
            CHECK(aw_rule_equal(&one.rule, &list[i].rule) && one.enabled == list[i].enabled);
            CHECK(aw_rule_equal(&again[i].rule, &list[i].rule) && again[i].known);
        }
        check_survey(s, list, n);
        check_matching(s, list, n);
        free(again);
        aw_snapshot_free(s);
    }
    CHECK_INT(count_fds(), fds);
    snprintf(text, sizeof(text), "s%d", MANY - 1);
    CHECK_STR(list[0].rule.name, text);
    free(list);
}

/* Few descriptors, and others' among them, change nothing. */
TEST(snapshots_with_few_descriptors)
{
    struct aw_instance *inst = ns_instance();
    char text[64];
    int held[40];
    for (int i = 0; i < 300; i++) {
        int len = snprintf(text, sizeof(text), ":s%d:E::x%d::/bin/true:", i, i);
        CHECK_OK(aw_instance_register_text(inst, text, (size_t)len, &err), err);
    }
    for (size_t i = 0; i < AW_LEN(held); i++)
        held[i] = dup(0);
    for (size_t i = 0; i < AW_LEN(held); i += 3)
        close(held[i]);
    /* 13 are free: fewer than a thread would have open at a time */
    struct rlimit old, few;
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    few = old;
    few.rlim_cur = (rlim_t)held[AW_LEN(held) - 2] + 1;
    int fds = count_fds();
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (unsigned threads = 1; threads < 3; threads++) {
        struct aw_snapshot *s = aw_instance_snapshot(inst, threads, &err);
        CHECK_OK(s, err);
        CHECK_INT(aw_snapshot_count(s), 300);
        aw_snapshot_free(s);
        CHECK_INT(count_fds(), fds);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    for (size_t i = 0; i < AW_LEN(held); i++)
        if (i % 3)
            close(held[i]);
}

/* Entries that come and go meanwhile are there or not, and nothing fails. */
TEST(snapshots_while_rules_change)
{
    struct aw_instance *inst = ns_instance();
    char text[64];
    for (int i = 0; i < 300; i++) {
        int len = snprintf(text, sizeof(text), ":s%d:E::x%d::/bin/true:", i, i);
        CHECK_OK(aw_instance_register_text(inst, text, (size_t)len, &err), err);
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof(text), "s%d", i % 300);
            aw_instance_remove(inst, text, NULL);
            int len = snprintf(text, sizeof(text), ":s%d:E::x%d::/bin/true:", i % 300, i);
            aw_instance_register_text(inst, text, (size_t)len, NULL);
        }
        _exit(0);
    }
    int rounds = 0, status;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct aw_snapshot *s = aw_instance_snapshot(inst, 3, &err);
        CHECK_OK(s, err);
        CHECK(aw_snapshot_count(s) <= 301);
        aw_snapshot_free(s);
        rounds++;
    }
    CHECK(rounds > 3);
}

TEST(refusals_are_explained)
{
    struct aw_instance *inst = ns_instance();
    refused(inst, ":n:M::ab\\x1::/bin/true:", AW_E_PARSE, EINVAL, "column 9");
    refused(inst, "", AW_E_PARSE, EINVAL, "shorter");
    refused(inst, ":status:M::abc::/bin/true:", AW_E_EXIST, EEXIST, "kernel's own");
    refused(inst, ":n:M::abc::/missing:F", AW_E_NOTFOUND, ENOENT, "/missing");
    refused(inst, ":n:M::abc::/etc/passwd:F", AW_E_PERM, EACCES, "/etc/passwd");
    refused(inst, ":n:M::abc::/etc:F", AW_E_PERM, EACCES, "/etc");
    const char *good = ":n:M::abc::/bin/true:";
    CHECK_OK(aw_instance_register_text(inst, good, strlen(good), &err), err);
    refused(inst, good, AW_E_EXIST, EEXIST, "rule n");
}

TEST(the_descriptor_keeps_the_rules)
{
    struct aw_instance *inst = ns_instance();
    char out[256];
    const char *program = guest("aarch64");
    CHECK_INT(run(program, false, out, sizeof(out)), 1000 + ENOEXEC);
    struct aw_rule r = rule_for("aarch64", "/bin/true", AW_RULE_F);
    CHECK_OK(aw_instance_register(inst, &r, &err), err);
    CHECK_INT(run(program, false, out, sizeof(out)), 0);
    CHECK_INT(run(program, true, out, sizeof(out)), 0);
    int copy = fcntl(aw_instance_fd(inst), F_DUPFD_CLOEXEC, 3);
    struct aw_instance *second = aw_instance_open_fd(copy, &err);
    CHECK(second);
    CHECK_OK(aw_instance_enable(second, "qemu-aarch64", false, &err), err);
    CHECK_INT(run(program, true, out, sizeof(out)), 1000 + ENOEXEC);
    aw_instance_close(second);
    CHECK(aw_instance_open_path(AT_FDCWD, "/tmp", &err) == NULL);
    CHECK_INT(err.code, AW_E_ARG);
}

TEST(interpreter_by_descriptor_is_hidden_and_safe)
{
    struct aw_instance *inst = ns_instance();
    size_t len;
    char out[65536], *self = file_load(AT_FDCWD, "/proc/self/exe", 64 << 20, &len, &err);
    CHECK(self);
    const char *secret = in_folder("secret-place");
    write_file(secret, self, len, 0755);
    free(self);
    int fd = open(secret, O_PATH | O_CLOEXEC);
    struct aw_rule r = rule_for("aarch64", NEUTRAL, AW_RULE_P | AW_RULE_O | AW_RULE_C);
    CHECK_OK(aw_instance_register_interpreter(inst, &r, fd, &err), err);
    close(fd);

    struct aw_entry e;
    CHECK_OK(aw_instance_read(inst, r.name, &e, &err), err);
    CHECK_STR(e.rule.interpreter, NEUTRAL);
    CHECK_INT(e.rule.flags, AW_RULE_P | AW_RULE_O | AW_RULE_C | AW_RULE_F);

    const char *program = guest("aarch64");
    struct stat before, after;
    CHECK(stat(secret, &before) == 0);
    CHECK_INT(run(program, true, out, sizeof(out)), 42);
    CHECK(stat(secret, &after) == 0);
    CHECK_INT(after.st_size, before.st_size);
    CHECK_INT(after.st_mode, before.st_mode);
    CHECK_INT(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    CHECK_CONTAINS(out, "uid 0\n");
    CHECK_CONTAINS(out, "exe: /\n");
    CHECK_CONTAINS(out, "cmdline: " NEUTRAL " ");
    CHECK_CONTAINS(out, " own-argv0 arg");
    CHECK_CONTAINS(out, "open for writing: refused");
    CHECK_CONTAINS(out, "fsetxattr: refused");
    if (strstr(out, "DONE"))
        TEST_FAIL("something could be changed: %s", out);
    if (strstr(out, "secret-place") || strstr(out, "binfmt_misc"))
        TEST_FAIL("a trace is left: %s", out);
    /* nothing of the helper's namespace is left here */
    char *mounts = file_load(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, NULL, &err);
    CHECK(mounts && !strstr(mounts, "secret-place"));
    free(mounts);
    /* the file itself stays the owner's to replace */
    CHECK(unlink(secret) == 0);
    CHECK_INT(run(program, true, out, sizeof(out)), 42);
}

TEST(interpreter_by_descriptor_refusals)
{
    struct aw_instance *inst = ns_instance();
    struct aw_rule r = rule_for("aarch64", NEUTRAL, AW_RULE_P);
    int fd = open("/bin", O_PATH | O_CLOEXEC);
    CHECK(!aw_instance_register_interpreter(inst, &r, fd, &err));
    CHECK_INT(err.code, AW_E_ARG);
    close(fd);
    const char *plain = in_folder("plain");
    write_file(plain, "x", 1, 0644);
    fd = open(plain, O_PATH | O_CLOEXEC);
    CHECK(!aw_instance_register_interpreter(inst, &r, fd, &err));
    CHECK_INT(err.code, AW_E_PERM);
    CHECK_INT(err.sys_errno, EACCES);
    static const char *const bad[] = {"rel", "/", "/a/", "/a//b", "/../b", "/a/."};
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct aw_rule b = rule_for("aarch64", bad[i], 0);
        CHECK(!aw_instance_register_interpreter(inst, &b, fd, &err));
        CHECK_INT(err.code, AW_E_ARG);
    }
    close(fd);
    fd = open("/bin/true", O_PATH | O_CLOEXEC);
    CHECK_OK(aw_instance_register_interpreter(inst, &r, fd, &err), err);
    CHECK(!aw_instance_register_interpreter(inst, &r, fd, &err));
    CHECK_INT(err.code, AW_E_EXIST);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc > 0 && str_eq(argv[0], NEUTRAL))
        return as_interpreter();
    if (!mkdtemp(folder))
        return 1;
    int bad = test_main(argc, argv);
    file_remove_tree(AT_FDCWD, folder, NULL);
    return bad;
}
