/* SPDX-License-Identifier: Apache-2.0
 *
 * The matcher against the running kernel: random rules and files, executed for real. This program
 * is the interpreter and the program at every chain's end: it reports its arguments. The same
 * chain, the same arguments, or the same errno must have been foretold. BINFMT_PAIRS sets how many
 * (10000), BINFMT_SEED where they begin.
 */
#include "binfmt_ns.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/util.h"

#include <archway/catalogue.h>
#include <archway/match.h>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define REPORT "ARCHWAY_TEST_REPORT=1"
#define RULES 7 /* at once, at most */
#ifdef __SANITIZE_ADDRESS__
#define PAIRS 1000 /* such a program takes 30 ms to start */
#else
#define PAIRS 10000
#endif

static struct aw_instance *inst;
static char folder[] = "/tmp/archway-binfmt-XXXXXX";
static unsigned long long seed = 1;
static unsigned seen[32]; /* how often each end was foretold and met */
static unsigned shadowed; /* steps at which a rule won over others that match too */

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % below;
}

static unsigned count_of(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

/* The files of the folder: what is executed, and what rules and #! lines name. */
static const char *const programs[] = {"prog", "prog.jar", "prog.x"};
static const char *const others[] = {"a",      "b.jar",  "c.x",         "s1",      "s2",   "s3.jar",
                                     "s4",     "s5",     "elf",         "plain",   "dir",  "locked",
                                     "noload", "broken", "noexec/prog", "missing", "empty"};

static const char *any_file(void)
{
    return draw(3) ? others[draw(AW_LEN(others))] : programs[draw(AW_LEN(programs))];
}

/* The file's name in one of several spellings. */
static void any_path(char *ret, size_t size)
{
    switch (draw(8)) {
    case 0:
        snprintf(ret, size, "%s", any_file());
        break;
    case 1:
        snprintf(ret, size, "./%s", any_file());
        break;
    default:
        snprintf(ret, size, "%s/%s", folder, any_file());
    }
}

static void put_file(const char *name, const void *data, size_t len, mode_t mode)
{
    unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    CHECK(fd >= 0 && file_write_full(fd, data, len) && fchmod(fd, mode) == 0);
    close(fd);
}

/* A #! script of any kind, sensible more often than not. */
static void put_script(const char *name)
{
    static const char *const before[] = {"", "", "", " ", "\t ", "  "};
    static const char *const behind[] = {
        "\n",   "\n",  "\n",   " -arg\n",   " a  b \t\n", "",         " ",
        "\t-x", " \n", "\r\n", "\n#more\n", " a\\ b\n",   "\nrest\n", " \"q\"\n"};
    char text[700], path[128];
    any_path(path, sizeof(path));
    int len = snprintf(text, sizeof(text), "#!%s%s%s", before[draw(AW_LEN(before))], path,
                       behind[draw(AW_LEN(behind))]);
    unsigned odd = draw(24);
    if (odd == 0) /* cut somewhere */
        len = (int)draw((unsigned)len + 1);
    else if (odd == 1) /* a NUL somewhere */
        text[2 + draw((unsigned)len - 2)] = 0;
    else if (odd < 6) { /* around the window's end */
        int want = 245 + (int)draw(20), blanks = draw(2);
        char tail[400];
        memset(tail, blanks ? ' ' : 'z', sizeof(tail));
        int base = snprintf(text, sizeof(text), "#!%s%s", path, draw(2) ? " " : "");
        if (want > base)
            memcpy(text + base, tail, (size_t)(want - base));
        len = want > base ? want : base;
        if (draw(2))
            text[len++] = '\n';
    }
    put_file(name, text, (size_t)len, 0755);
}

/* Make all files anew but the programs and the folders. */
static void put_files(void)
{
    static const char *const bodies[] = {"AAAA", "AABA", "BAAA", "ABAB", "AA", "A\0AA"};
    static const char *const magics[] = {"a", "b.jar", "c.x"};
    for (size_t i = 0; i < AW_LEN(magics); i++) {
        const char *body = bodies[draw(AW_LEN(bodies))];
        put_file(magics[i], body, body[1] ? strlen(body) : 4, 0755);
    }
    static const char *const scripts[] = {"s1", "s2", "s3.jar", "s4", "s5"};
    for (size_t i = 0; i < AW_LEN(scripts); i++)
        put_script(scripts[i]);
}

static void put_fixed_files(void)
{
    uint8_t head[AW_ARCH_HEADER];
    size_t len;
    struct aw_err err = AW_ERR_INIT;
    char *self = file_load(AT_FDCWD, "/proc/self/exe", 64 << 20, &len, &err);
    CHECK(self);
    for (size_t i = 0; i < AW_LEN(programs); i++)
        put_file(programs[i], self, len, 0755);
    for (unsigned i = 0; i < RULES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "by-r%u", i);
        CHECK(link("prog", name) == 0);
    }
    put_file("noexec/prog", self, len, 0755);
    aw_arch_header(aw_arch_find("s390x"), 0, false, head);
    put_file("elf", head, sizeof(head), 0755);
    put_file("plain", "AAAA", 4, 0644);
    put_file("locked", self, len, 0644);
    put_file("empty", "", 0, 0755);
    put_file("broken", self, 64, 0755);
    /* the same program with another loader's path of the same length */
    char *at = memmem(self, len, "/ld-linux", 9);
    if (!at)
        at = memmem(self, len, "/ld", 3);
    if (at)
        memcpy(at, "/XX", 3);
    put_file("noload", self, len, 0755);
    free(self);
}

static void enter_folder(void)
{
    static bool done;
    if (done)
        return;
    CHECK(mount("tmpfs", folder, "tmpfs", 0, NULL) == 0);
    CHECK(chdir(folder) == 0 && mkdir("dir", 0755) == 0 && mkdir("noexec", 0755) == 0);
    CHECK(mount("tmpfs", "noexec", "tmpfs", MS_NOEXEC, NULL) == 0);
    put_fixed_files();
    done = true;
}

static void any_rule(unsigned n, struct aw_rule *r)
{
    static const char *const extensions[] = {"jar", "x", "jar", "o", "x.jar"};
    static const char *const magics[] = {"A",  "AA", "AAAA",    "B",  "BA",
                                         "#!", "AB", "\177ELF", "#! "};
    memset(r, 0, sizeof(*r));
    snprintf(r->name, sizeof(r->name), "r%u", n);
    /* half of them have an interpreter that no other has: the arguments tell who won */
    if (draw(2))
        snprintf(r->interpreter, sizeof(r->interpreter), "%s/by-r%u", folder, n);
    else
        any_path(r->interpreter, sizeof(r->interpreter));
    for (unsigned flags = draw(64), bit = 0; bit < 4; bit++)
        if ((flags >> bit & 1) && (bit != 3 || (flags & 32)))
            r->flags |= 1u << bit;
    if (r->flags & AW_RULE_C)
        r->flags |= AW_RULE_O;
    if (draw(3) == 0) {
        r->type = AW_RULE_EXTENSION;
        snprintf(r->extension, sizeof(r->extension), "%s", extensions[draw(AW_LEN(extensions))]);
        return;
    }
    r->type = AW_RULE_MAGIC;
    /* ELF and #! seldom: they catch everything */
    const char *magic = magics[draw(draw(6) ? 5 : AW_LEN(magics))];
    r->magic_len = (uint32_t)strlen(magic);
    memcpy(r->magic, magic, r->magic_len);
    r->offset = draw(4) ? 0 : draw(3);
    r->has_mask = draw(3) == 0;
    for (uint32_t i = 0; i < r->magic_len; i++)
        r->mask[i] = draw(4) ? 0xff : (uint8_t)~draw(8);
}

static void any_rules(void)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_rule r;
    CHECK_OK(aw_instance_clear(inst, &err), err);
    for (unsigned i = 0, n = draw(RULES + 1); i < n; i++) {
        any_rule(i, &r);
        if (!aw_instance_register(inst, &r, &err)) {
            /* an interpreter that F cannot open */
            CHECK((r.flags & AW_RULE_F) && (err.sys_errno == ENOENT || err.sys_errno == EACCES));
            continue;
        }
        if (draw(8) == 0)
            CHECK_OK(aw_instance_enable(inst, r.name, false, &err), err);
    }
    CHECK_OK(aw_instance_set_status(inst, draw(20) != 0, &err), err);
}

/* What execve gives: its errno, or 0 and the arguments that the program at the end got, each
 * followed by a NUL. */
static int execute(const char *path, char *const argv[], struct buf *ret)
{
    int ends[2];
    char chunk[8192];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    fflush(stdout);
    pid_t pid = vfork();
    if (pid == 0) {
        char *envp[] = {(char *)REPORT, NULL};
        dup2(ends[1], 1);
        execve(path, argv, envp);
        int how = errno;
        if (write(1, &how, sizeof(how)) < 0) {
        }
        _exit(98);
    }
    CHECK(pid > 0);
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], chunk, sizeof(chunk))) > 0;)
        buf_add(ret, chunk, (size_t)n);
    close(ends[0]);
    int status, how = 0;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (WEXITSTATUS(status) == 98) {
        CHECK(ret->len == sizeof(how));
        memcpy(&how, ret->data, sizeof(how));
    } else {
        CHECK_INT(WEXITSTATUS(status), 0);
    }
    return how;
}

static void print_case(const struct aw_match_request *req, const struct aw_match *m,
                       const struct buf *real)
{
    char text[AW_RULE_TEXT_MAX + 1];
    for (size_t i = 0; i < req->n_entries; i++) {
        if (!aw_rule_format(&req->entries[i].rule, text, NULL))
            strcpy(text, "?");
        printf("# rule %s%s\n", text, req->entries[i].enabled ? "" : " (off)");
    }
    printf("# %s, instance %s: %s %s\n", req->path, req->enabled ? "on" : "off",
           aw_match_why_name(m->why), m->reason);
    for (size_t i = 0; i < m->n_steps; i++)
        printf("# step %s -> %s (%s)\n", m->steps[i].path, m->steps[i].next ? m->steps[i].next : "",
               m->steps[i].argument ? m->steps[i].argument : "");
    for (char **p = m->argv; p && *p; p++)
        printf("# foretold: [%s]\n", *p);
    for (size_t i = 0; i < real->len; i += strlen(real->data + i) + 1)
        printf("# real:     [%s]\n", real->data + i);
}

static bool same_arguments(const struct aw_match *m, const struct buf *real)
{
    size_t at = 0;
    char **p = m->argv;
    for (; *p && at < real->len; p++) {
        if (!str_eq(*p, real->data + at))
            return false;
        at += strlen(real->data + at) + 1;
    }
    return !*p && at == real->len;
}

/* A snapshot of the same entries must give the same answer. */
static void same_by_snapshot(const struct aw_match_request *req, const struct aw_match *want)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_match m;
    struct aw_match_request other = *req;
    other.entries = NULL;
    other.snapshot = aw_instance_snapshot(inst, 1, &err);
    CHECK_OK(other.snapshot, err);
    CHECK_INT(aw_snapshot_count(other.snapshot), req->n_entries);
    CHECK_OK(aw_match(&other, &m, &err), err);
    CHECK(m.why == want->why && m.sys_errno == want->sys_errno && m.n_steps == want->n_steps);
    CHECK_STR(m.reason, want->reason);
    for (size_t i = 0; i < m.n_steps; i++) {
        const struct aw_match_step *a = &m.steps[i], *b = &want->steps[i];
        CHECK(a->kind == b->kind && a->rule == b->rule && a->n_shadowed == b->n_shadowed);
        CHECK(!a->n_shadowed ||
              memcmp(a->shadowed, b->shadowed, a->n_shadowed * sizeof(*a->shadowed)) == 0);
    }
    aw_match_fini(&m);
    aw_snapshot_free((struct aw_snapshot *)other.snapshot);
}

static void one_pair(void)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_entry *entries;
    size_t n;
    bool on;
    char path[128];
    CHECK_OK(aw_instance_list(inst, &entries, &n, &err), err);
    CHECK_OK(aw_instance_status(inst, &on, &err), err);
    any_path(path, sizeof(path));
    static char *const argvs[][4] = {
        {"zero", NULL}, {"", "one", NULL}, {"zero", "one", "", NULL}, {NULL}};
    char *const *argv = argvs[draw(AW_LEN(argvs))];
    struct aw_match_request req = {.entries = entries,
                                   .n_entries = n,
                                   .enabled = on,
                                   .rootfd = -1,
                                   .path = path,
                                   .argv = (const char *const *)argv};
    struct aw_match m;
    struct buf real = {0};
    CHECK_OK(aw_match(&req, &m, &err), err);
    same_by_snapshot(&req, &m);
    for (size_t i = 0; i < m.n_steps; i++)
        shadowed += m.steps[i].n_shadowed > 0;
    int how = execute(path, argv, &real);
    bool same = how == m.sys_errno && (how == 0) == (m.why == AW_WHY_RUNS) &&
                (how != 0 || same_arguments(&m, &real));
    if (!same)
        print_case(&req, &m, &real);
    seen[m.why]++;
    int want = m.sys_errno;
    aw_match_fini(&m);
    buf_fini(&real);
    free(entries);
    if (!same)
        TEST_FAIL("the kernel says %d (%s), we say %d (%s)", how, strerror(how), want,
                  strerror(want));
}

TEST(random_pairs)
{
    inst = ns_instance();
    enter_folder();
    unsigned n = count_of("BINFMT_PAIRS", PAIRS);
    seed = count_of("BINFMT_SEED", 1);
    for (unsigned i = 0; i < n; i++) {
        /* files first: rules with F hold what was there when they were registered */
        if (i % 10 == 0)
            put_files();
        if (i % 5 == 0)
            any_rules();
        one_pair();
    }
    for (size_t i = 0; i < AW_LEN(seen); i++)
        if (seen[i])
            printf("# %5u %s\n", seen[i], aw_match_why_name((enum aw_match_why)i));
    printf("# %5u times a rule won over others\n", shadowed);
    CHECK(seen[AW_WHY_RUNS] > n / 10 && shadowed > n / 20);
}

int main(int argc, char **argv)
{
    if (getenv("ARCHWAY_TEST_REPORT")) {
        for (int i = 0; i < argc; i++)
            if (write(1, argv[i], strlen(argv[i]) + 1) < 0)
                return 1;
        return 0;
    }
    if (!mkdtemp(folder))
        return 1;
    int bad = test_main(argc, argv);
    if (chdir("/") == 0) {
        umount2(folder, MNT_DETACH);
        rmdir(folder);
    }
    return bad;
}
