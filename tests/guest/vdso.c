// SPDX-License-Identifier: Apache-2.0
// The vDSO: an ELF image with the kernel's symbols and version, shown as [vdso]; its functions give
// what the system calls give, from many threads at once, too; handlers return through it, and
// unwinders get past that; the engine's instruction in it exists nowhere else. With an argument:
// reads clocks only, which is to make no system call (tests/engine/runtime.sh).
//
// qemu: 11.1 does not show [vdso] in maps
#include "guest.h"
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unwind.h>

static const uint8_t *image;

// ---- symbols, as C libraries look for them
static const char *strings;
static const ElfW(Sym) * symbols;
static const uint32_t *hash;
static const uint16_t *versions;
static const ElfW(Verdef) * definitions;

static void read_dynamic(void)
{
    const ElfW(Ehdr) *e = (const void *)image;
    const ElfW(Phdr) *p = (const void *)(image + e->e_phoff);
    const ElfW(Dyn) *d = NULL;
    for (unsigned k = 0; k < e->e_phnum; k++)
        if (p[k].p_type == PT_DYNAMIC)
            d = (const void *)(image + p[k].p_vaddr);
        else if (p[k].p_type == PT_LOAD)
            CHECK(p[k].p_vaddr == 0 && p[k].p_flags == (PF_R | PF_X));
    for (; d && d->d_tag; d++) {
        const void *at = image + d->d_un.d_ptr;
        if (d->d_tag == DT_STRTAB)
            strings = at;
        else if (d->d_tag == DT_SYMTAB)
            symbols = at;
        else if (d->d_tag == DT_HASH)
            hash = at;
        else if (d->d_tag == DT_VERSYM)
            versions = at;
        else if (d->d_tag == DT_VERDEF)
            definitions = at;
    }
}

static uint32_t elf_hash(const char *s)
{
    uint32_t h = 0;
    for (; *s; s++) {
        h = (h << 4) + (uint8_t)*s;
        h ^= h >> 24 & 0xf0;
        h &= 0xfffffff;
    }
    return h;
}

static const char *version_of(uint16_t index)
{
    const ElfW(Verdef) *d = definitions;
    while (d->vd_ndx != index && d->vd_next)
        d = (const void *)((const char *)d + d->vd_next);
    const char *name = strings + ((const ElfW(Verdaux) *)((const char *)d + d->vd_aux))->vda_name;
    EQUAL(d->vd_hash, elf_hash(name));
    return d->vd_ndx == index ? name : "";
}

static void *find(const char *name)
{
    uint32_t k = hash[2 + elf_hash(name) % hash[0]];
    for (; k; k = hash[2 + hash[0] + k])
        if (strcmp(strings + symbols[k].st_name, name) == 0)
            break;
    CHECK(k && ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC && symbols[k].st_shndx);
    CHECK(k && strcmp(version_of(versions[k] & 0x7fff), "LINUX_2.6.39") == 0);
    return (void *)(image + symbols[k].st_value);
}

static void check_maps(void)
{
    char line[300];
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned found = 0;
    while (f && fgets(line, sizeof line, f)) {
        uint64_t start, end;
        char mode[5];
        if (!strstr(line, "[vdso]"))
            continue;
        found++;
        CHECK(sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, mode) == 3);
        EQUAL(start, image);
        CHECK(strcmp(mode, "r-xp") == 0);
    }
    EQUAL(found, 1);
    fclose(f);
}

// ---- functions
static int (*get_time)(clockid_t, struct timespec *);
static int (*get_resolution)(clockid_t, struct timespec *);
static int (*get_day)(struct timeval *, struct timezone *);

static int64_t ns(struct timespec t)
{
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void check_clock(clockid_t clock)
{
    struct timespec a = {0}, b = {0}, c = {0};
    for (unsigned k = 0; k < 50; k++) { // the way there changes after some calls
        CHECK(syscall(SYS_clock_gettime, clock, &a) == 0);
        EQUAL(get_time(clock, &b), 0);
        CHECK(syscall(SYS_clock_gettime, clock, &c) == 0);
        if (ns(a) > ns(b) || ns(b) > ns(c) || b.tv_nsec >= 1000000000)
            printf("clock %d: %" PRId64 " %" PRId64 " %" PRId64 "\n", clock, ns(a), ns(b), ns(c));
    }
    EQUAL(get_resolution(clock, &b), 0);
    CHECK(syscall(SYS_clock_getres, clock, &a) == 0);
    EQUAL(ns(b), ns(a));
}

static void check_day(void)
{
    struct timespec a, c;
    struct timeval b;
    struct timezone zone = {77, 77};
    clock_gettime(CLOCK_REALTIME, &a);
    EQUAL(get_day(&b, NULL), 0);
    CHECK(syscall(SYS_clock_gettime, CLOCK_REALTIME, &c) == 0);
    int64_t t = b.tv_sec * 1000000 + b.tv_usec;
    CHECK(ns(a) / 1000 <= t && t <= ns(c) / 1000 && b.tv_usec < 1000000);
    EQUAL(get_day(&b, &zone), 0);
    CHECK(zone.tz_minuteswest != 77);
    EQUAL(get_day(NULL, NULL), 0);
}

static void *many(void *start)
{
    struct timespec t = {0};
    int64_t before = 0;
    pthread_barrier_wait(start);
    for (unsigned k = 0; k < 20000; k++) {
        CHECK(get_time(CLOCK_MONOTONIC, &t) == 0 && ns(t) >= before);
        before = ns(t);
    }
    return NULL;
}

static void check_threads(void)
{
    pthread_t threads[4];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 4);
    for (unsigned k = 0; k < 4; k++)
        pthread_create(&threads[k], NULL, many, &start);
    for (unsigned k = 0; k < 4; k++)
        pthread_join(threads[k], NULL);
}

// ---- the host's own vDSO is somewhere among the mappings: a guest that unmaps what it does not
// see
static void unmap_gap(uint64_t from, uint64_t to)
{
    const uint64_t near = 4ull << 30, step = 1 << 18;
    uint64_t low = (uint64_t)image - near, high = (uint64_t)image + near;
    for (uint64_t at = from > low ? from : low; at < to && at < high; at += step)
        munmap((void *)at, to - at < step ? to - at : step);
}

static int unmap_unseen(void)
{
    static struct {
        uint64_t start, end;
    } seen[200];
    char line[300];
    unsigned count = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (count < 200 && fgets(line, sizeof line, f))
        count += sscanf(line, "%" SCNx64 "-%" SCNx64, &seen[count].start, &seen[count].end) == 2;
    fclose(f);
    for (unsigned k = 0; k + 1 < count; k++)
        unmap_gap(seen[k].end, seen[k + 1].start);
    return 0;
}

static void check_unmapping(unsigned calls_before)
{
    struct timespec t;
    int status;
    if (fork() == 0) {
        for (unsigned k = 0; k < calls_before; k++)
            get_time(CLOCK_MONOTONIC, &t);
        unmap_unseen();
        int bad = 0;
        for (unsigned k = 0; k < 100; k++)
            bad |= get_time(CLOCK_MONOTONIC, &t);
        _exit(bad);
    }
    CHECK(wait(&status) > 0);
    EQUAL(status, 0);
}

// ---- signals
extern const char marked_fault[];
static void *trampoline;
static unsigned handled, found_fault, found_outer;

__attribute__((noinline)) static void outer(uint64_t address)
{
    __asm__ volatile("mov x20, #0x5a5a\n"
                     ".globl marked_fault\n"
                     "marked_fault: str xzr, [%0]\n" ::"r"(address)
                     : "x20", "memory");
    handled |= 2; // no tail call
}

static _Unwind_Reason_Code frame(struct _Unwind_Context *c, void *arg)
{
    (void)arg;
    uint64_t ip = _Unwind_GetIP(c);
    if (ip == (uint64_t)marked_fault) {
        found_fault++;
        EQUAL(_Unwind_GetGR(c, 20), 0x5a5a);
        CHECK(_Unwind_FindEnclosingFunction((void *)(ip + 1)) == (void *)outer);
    } else if (found_fault) {
        found_outer++;
    }
    return _URC_NO_REASON;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    EQUAL(__builtin_return_address(0), trampoline);
    EQUAL(info->si_addr, 16);
    EQUAL(sig, SIGSEGV);
    _Unwind_Backtrace(frame, NULL);
    uc->uc_mcontext.pc += 4;
    handled |= 1;
}

static void on_clock_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    CHECK(sig == SIGSEGV && info->si_addr == (void *)32);
    CHECK(uc->uc_mcontext.pc - (uint64_t)image < 4096);
    uc->uc_mcontext.pc = uc->uc_mcontext.regs[30];
    handled |= 4;
}

static void on_undefined(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
    handled |= 8;
}

static void check_signals(void)
{
    guest_handle(SIGSEGV, on_fault, 0);
    outer(16);
    EQUAL(found_fault, 1);
    CHECK(found_outer >= 2); // check_signals, main
    guest_handle(SIGSEGV, on_clock_fault, 0);
    get_time(CLOCK_MONOTONIC, (void *)32);
    guest_handle(SIGILL, on_undefined, 0);
    __asm__ volatile(".inst 0xd50bf000" ::: "x0", "x2", "x3", "x4", "memory");
    EQUAL(handled, 15);
}

static int clocks_only(void)
{
    struct timespec t;
    struct timeval v;
    for (unsigned k = 0; k < 1000; k++)
        if (clock_gettime(CLOCK_MONOTONIC, &t) || clock_getres(CLOCK_MONOTONIC, &t) ||
            gettimeofday(&v, NULL) || time(NULL) < v.tv_sec)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return clocks_only();
    image = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
    CHECK(image && memcmp(image, ELFMAG, SELFMAG) == 0);
    if (!image)
        return 1;
    read_dynamic();
    check_maps();
    *(void **)&get_time = find("__kernel_clock_gettime");
    *(void **)&get_day = find("__kernel_gettimeofday");
    *(void **)&get_resolution = find("__kernel_clock_getres");
    trampoline = find("__kernel_rt_sigreturn");
    static const clockid_t clocks[] = {
        CLOCK_REALTIME,         CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,  CLOCK_TAI,           CLOCK_PROCESS_CPUTIME_ID,
        CLOCK_THREAD_CPUTIME_ID};
    check_unmapping(0);
    for (unsigned k = 0; k < sizeof clocks / sizeof *clocks; k++)
        check_clock(clocks[k]);
    struct timespec t;
    check_unmapping(100);
    EQUAL(get_time(99, &t), -EINVAL);
    EQUAL(get_resolution(99, &t), -EINVAL);
    check_day();
    check_threads();
    check_signals();
    puts("done");
    return 0;
}
