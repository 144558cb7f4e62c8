/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "box/bpf.h"
#include "box/caps.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static const struct seccomp_host pc = {.machine = "x86_64", .major = 6, .minor = 1};
#define SYS_ADMIN_CAP (UINT64_C(1) << 21)

/* What the kernel's interpreter would return; every instruction that the compiler makes. */
static unsigned simulate(const struct bpf_program *p, const struct seccomp_data *d)
{
    unsigned a = 0;
    for (unsigned pc_ = 0; pc_ < p->n;) {
        const struct sock_filter *i = &p->v[pc_++];
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            CHECK(i->k % 4 == 0 && i->k < sizeof(*d));
            memcpy(&a, (const char *)d + i->k, sizeof(a));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            pc_ += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc_ += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc_ += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            TEST_FAIL("unknown instruction %#x", i->code);
        }
    }
    TEST_FAIL("ran off the end");
}

static struct bpf_program program;

static unsigned ask(unsigned arch, int nr, uint64_t arg)
{
    struct seccomp_data d = {.nr = nr, .arch = arch, .args = {arg, 7, 7, 7, 7, 7}};
    return simulate(&program, &d);
}

static unsigned ask64(long nr, uint64_t arg)
{
    return ask(AUDIT_ARCH_X86_64, (int)nr, arg);
}

#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))

TEST(compiled_default)
{
    CHECK(bpf_compile(&pc, caps_default(), &program));
    CHECK_INT(ask64(0 /* read */, 0), ALLOW);
    CHECK_INT(ask64(231 /* exit_group */, 0), ALLOW);
    CHECK_INT(ask64(452 /* fchmodat2 */, 0), ALLOW);
    CHECK_INT(ask64(165 /* mount */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(272 /* unshare */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(321 /* bpf */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(250 /* keyctl */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(323 /* userfaultfd */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(161 /* chroot: SYS_CHROOT is a default */, 0), ALLOW);
    CHECK_INT(ask64(435 /* clone3 */, 0), ERRNO(ENOSYS));
    CHECK_INT(ask64(425 /* io_uring_setup */, 0), ERRNO(ENOSYS));
    CHECK_INT(ask64(511, 0), ERRNO(ENOSYS));
    CHECK_INT(ask64(512, 0), ERRNO(ENOSYS));
    CHECK_INT(ask64(0x40000000, 0), ERRNO(ENOSYS)); /* x32's read */
    CHECK_INT(ask64(-1, 0), ERRNO(ENOSYS));
    CHECK_INT(ask(AUDIT_ARCH_I386, 3 /* read */, 0), ALLOW);
    CHECK_INT(ask(AUDIT_ARCH_I386, 192 /* mmap2 */, 0), ALLOW);
    CHECK_INT(ask(AUDIT_ARCH_I386, 21 /* mount */, 0), ERRNO(EPERM));
    CHECK_INT(ask(AUDIT_ARCH_I386, 102 /* socketcall */, 0), ALLOW);
    CHECK_INT(ask(AUDIT_ARCH_AARCH64, 0, 0), SECCOMP_RET_KILL_PROCESS);
}

TEST(compiled_arguments)
{
    static const unsigned flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                     CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
    CHECK(bpf_compile(&pc, caps_default(), &program));
    CHECK_INT(ask64(SYS_clone, 0x3d0f00 /* a thread */), ALLOW);
    CHECK_INT(ask64(SYS_clone, 17 /* a fork */), ALLOW);
    for (size_t i = 0; i < AW_LEN(flags); i++) {
        CHECK_INT(ask64(SYS_clone, flags[i] | 17), ERRNO(EPERM));
        CHECK_INT(ask(AUDIT_ARCH_I386, 120, flags[i] | 17), ERRNO(EPERM));
    }
    CHECK_INT(ask64(SYS_socket, AF_INET), ALLOW);
    CHECK_INT(ask64(SYS_socket, AF_VSOCK), ERRNO(ENOSYS));
    /* the kernel looks at 32 bits only, and so must we */
    CHECK_INT(ask64(SYS_socket, AF_VSOCK | 1ULL << 32), ERRNO(ENOSYS));
    CHECK_INT(ask64(SYS_clone, CLONE_NEWUSER | 1ULL << 32), ERRNO(EPERM));
    CHECK_INT(ask64(SYS_personality, 0), ALLOW);
    CHECK_INT(ask64(SYS_personality, 8), ALLOW);
    CHECK_INT(ask64(SYS_personality, 0xffffffff), ALLOW);
    CHECK_INT(ask64(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */), ERRNO(ENOSYS));
}

TEST(compiled_capabilities)
{
    CHECK(bpf_compile(&pc, SYS_ADMIN_CAP, &program));
    CHECK_INT(ask64(165 /* mount */, 0), ALLOW);
    CHECK_INT(ask64(272 /* unshare */, 0), ALLOW);
    CHECK_INT(ask64(435 /* clone3 */, 0), ALLOW);
    CHECK_INT(ask64(SYS_clone, CLONE_NEWUSER), ALLOW);
    CHECK_INT(ask64(321 /* bpf */, 0), ALLOW);
    CHECK_INT(ask64(161 /* chroot */, 0), ERRNO(EPERM));
    CHECK_INT(ask64(250 /* keyctl */, 0), ERRNO(EPERM));
    CHECK(bpf_compile(&pc, UINT64_C(1) << 38 /* PERFMON */, &program));
    CHECK_INT(ask64(298 /* perf_event_open */, 0), ALLOW);
    CHECK_INT(ask64(321 /* bpf */, 0), ERRNO(EPERM));
    /* the largest and the smallest set fit */
    CHECK(bpf_compile(&pc, CAPS_ALL, &program));
    CHECK(bpf_compile(&pc, 0, &program));
    struct seccomp_host other = {.machine = "aarch64"};
    CHECK(!bpf_compile(&other, 0, &program));
}

TEST(numbers)
{
    /* names that x86 lacks; every other name of the table must have a number */
    static const char foreign[] =
        " sync_file_range2 arm_sync_file_range arm_fadvise64_64 cacheflush set_tls get_tls "
        "breakpoint usr26 usr32 riscv_flush_icache riscv_hwprobe s390_runtime_instr "
        "s390_pci_mmio_read s390_pci_mmio_write s390_guarded_storage s390_sthyi swapcontext "
        "sys_debug_setcontext subpage_prot rtas send recv ";
    for (unsigned i = 1; i < bpf_n_syscalls_x86; i++)
        CHECK(strcmp(bpf_syscalls_x86[i - 1].name, bpf_syscalls_x86[i].name) < 0);
    for (unsigned i = 0; i < seccomp_n_rows; i++)
        for (const char *s = seccomp_rows[i].names; *s;) {
            char name[64];
            size_t n = strcspn(s, " ");
            bool found = false;
            snprintf(name, sizeof(name), " %.*s ", (int)n, s);
            s += n + (s[n] == ' ');
            for (unsigned k = 0; k < bpf_n_syscalls_x86 && !found; k++)
                found = strlen(bpf_syscalls_x86[k].name) == n &&
                        memcmp(bpf_syscalls_x86[k].name, name + 1, n) == 0;
            if (found == !!strstr(foreign, name))
                TEST_FAIL("%s: %s", name, found ? "is listed as foreign" : "has no number");
        }
}

/* The table's first invariant: no two rows of one call hold at once, unless both compare. */
TEST(rows_do_not_overlap)
{
    static const uint64_t sets[] = {0, CAPS_ALL, 0xa80425fb, SYS_ADMIN_CAP,
                                    ~SYS_ADMIN_CAP & CAPS_ALL};
    for (size_t c = 0; c < AW_LEN(sets); c++)
        for (unsigned i = 0; i < seccomp_n_rows; i++) {
            _cleanup_strv_ struct strv mine = {0};
            if (!seccomp_row_holds(&seccomp_rows[i], sets[c]))
                continue;
            for (const char *s = seccomp_rows[i].names; *s;) {
                size_t n = strcspn(s, " ");
                char name[64];
                snprintf(name, sizeof(name), "%.*s", (int)n, s);
                if (strv_has(&mine, name))
                    TEST_FAIL("%s twice in one row", name);
                CHECK(strv_add(&mine, name));
                s += n + (s[n] == ' ');
            }
            for (unsigned k = 0; k < i; k++) {
                if (!seccomp_row_holds(&seccomp_rows[k], sets[c]) ||
                    (seccomp_rows[k].op && seccomp_rows[i].op))
                    continue;
                _cleanup_free_ char *other = str_printf(" %s ", seccomp_rows[k].names);
                for (size_t m = 0; m < mine.n; m++) {
                    _cleanup_free_ char *name = str_printf(" %s ", mine.v[m]);
                    if (strstr(other, name))
                        TEST_FAIL("%sis in rows %u and %u", name, k, i);
                }
            }
        }
}

TEST(base64)
{
    _cleanup_buf_ struct buf b = {0};
    static struct bpf_program p;
    p.n = 1;
    p.v[0] = (struct sock_filter){0x0006, 0x11, 0x22, 0x7fff0000};
    bpf_base64(&p, &b);
    CHECK_STR(buf_str(&b), "BgARIgAA/38=");
}

static struct json_object *own(const char *machine, bool only)
{
    struct seccomp_host h = {.major = 6, .own_calls_only = only};
    snprintf(h.machine, sizeof(h.machine), "%s", machine);
    struct json_object *o = seccomp_own(&h, caps_default());
    CHECK(o);
    return o;
}

TEST(own_as_json)
{
    _cleanup_js_ struct json_object *all = own("x86_64", false), *one = own("x86_64", true),
                                    *s390 = own("s390x", false), *odd = own("vax", false);
    CHECK_CONTAINS(js_text(all), "\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38");
    CHECK_CONTAINS(js_text(all), "[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]");
    CHECK_CONTAINS(js_text(one), "\"architectures\":[\"SCMP_ARCH_X86_64\"]");
    CHECK_CONTAINS(js_text(all),
                   "{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
                   "\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}");
    CHECK_CONTAINS(js_text(s390), "\"args\":[{\"index\":1,\"value\":2114060288");
    CHECK(!strstr(js_text(odd), "architectures"));
    CHECK(!strstr(js_text(all), "io_uring"));
}

/* ---- Docker's format ---- */

static bool translate(const char *text, uint64_t caps, struct json_object **ret, struct aw_err *err)
{
    _cleanup_js_ struct json_object *in = js_parse(text, strlen(text), "test", err);
    return in && seccomp_translate(in, &pc, caps, ret, err);
}

TEST(translate_conditions)
{
    static const char text[] =
        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,\"archMap\":["
        "{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},"
        "{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
        "\"syscalls\":["
        "{\"names\":[\"plain\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":5},"
        "{\"name\":\"oldform\",\"action\":\"SCMP_ACT_ALLOW\",\"args\":[],\"comment\":\"\","
        "\"includes\":{},"
        "\"excludes\":{}},"
        "{\"names\":[\"newkernel\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"6."
        "1\"}},"
        "{\"names\":[\"newerkernel\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":"
        "\"6.2\"}},"
        "{\"names\":[\"here\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":[\"amd64\","
        "\"x32\"]}},"
        "{\"names\":[\"elsewhere\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":["
        "\"arm64\"]}},"
        "{\"names\":[\"nothere\"],\"action\":\"SCMP_ACT_ALLOW\",\"excludes\":{\"arches\":["
        "\"amd64\"]}},"
        "{\"names\":[\"withadmin\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_"
        "SYS_ADMIN\"]}},"
        "{\"names\":[\"withboth\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_SYS_"
        "ADMIN\","
        "\"CAP_CHOWN\"]}},"
        "{\"names\":[\"withunknown\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_"
        "X\"]}},"
        "{\"names\":[\"noadmin\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38,\"args\":[{"
        "\"index\":1,"
        "\"value\":2,\"valueTwo\":3,\"op\":\"SCMP_CMP_MASKED_EQ\"}],\"excludes\":{\"caps\":[\"CAP_"
        "SYS_ADMIN\"]}}"
        "]}";
    static const struct {
        const char *name;
        bool with_admin, without;
    } want[] = {
        {"plain", true, true},         {"oldform", true, true},    {"newkernel", true, true},
        {"newerkernel", false, false}, {"here", true, true},       {"elsewhere", false, false},
        {"nothere", false, false},     {"withadmin", true, false}, {"withboth", false, false},
        {"withunknown", false, false}, {"noadmin", false, true}};
    struct aw_err err = AW_ERR_INIT;
    _cleanup_js_ struct json_object *with = NULL, *without = NULL;
    CHECK_OK(translate(text, SYS_ADMIN_CAP, &with, &err), err);
    CHECK_OK(translate(text, 0, &without, &err), err);
    for (size_t i = 0; i < AW_LEN(want); i++) {
        char name[40];
        snprintf(name, sizeof(name), "\"%s\"", want[i].name);
        if (!!strstr(js_text(with), name) != want[i].with_admin ||
            !!strstr(js_text(without), name) != want[i].without)
            TEST_FAIL("%s is %s", name,
                      want[i].with_admin ? "missing or extra" : "extra or missing");
    }
    CHECK_CONTAINS(js_text(with), "\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"]");
    CHECK_CONTAINS(js_text(with), "\"defaultErrnoRet\":1");
    CHECK(!strstr(js_text(with), "\"errnoRet\":5")); /* crun refuses an errno beside ALLOW */
    CHECK_CONTAINS(js_text(without),
                   "{\"names\":[\"noadmin\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38,"
                   "\"args\":[{\"index\":1,\"value\":2,\"valueTwo\":3,"
                   "\"op\":\"SCMP_CMP_MASKED_EQ\"}]}");
}

TEST(translate_faults)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"[]", "an object"},
        {"{}", "defaultAction is missing"},
        {"{\"defaultAction\":\"SCMP_ACT_DANCE\"}", "SCMP_ACT_DANCE"},
        {"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "SCMP_ACT_NOTIFY"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}", "listenerPath"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"a\"],\"archMap\":[{}]}",
         "exclude"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[1]}", "archMap"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"]}]}",
         "syscalls[0]: action"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_LOG\"}]}",
         "names"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[7]}", "syscalls[0]: an object"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
         "\"SCMP_ACT_LOG\",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]}]}",
         "index"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
         "\"SCMP_ACT_LOG\",\"args\":[3]}]}",
         "args"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":"
         "\"SCMP_ACT_LOG\",\"includes\":{\"minKernel\":\"new\"}}]}",
         "minKernel"},
    };
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct aw_err err = AW_ERR_INIT;
        struct json_object *o = NULL;
        if (translate(bad[i].text, 0, &o, &err))
            TEST_FAIL("accepted: %s", bad[i].text);
        CHECK(!o);
        CHECK_CONTAINS(err.message, bad[i].want);
    }
}

TEST(words)
{
    struct aw_err err = AW_ERR_INIT;
    struct json_object *o = NULL;
    CHECK_OK(seccomp_build("unconfined", &pc, 0, &o, &err), err);
    CHECK(!o);
    CHECK(!seccomp_build("/nonexistent.json", &pc, 0, &o, &err));
    CHECK_CONTAINS(err.message, "/nonexistent.json");
    CHECK(seccomp_native(&pc, "amd64") && seccomp_native(&pc, "386"));
    CHECK(!seccomp_native(&pc, "arm64") && !seccomp_native(&pc, "arm"));
}

TEST_MAIN()
