// SPDX-License-Identifier: Apache-2.0
// What a program may do with its signal frame: go on elsewhere, change mask and stack, leave by
// longjmp, free the alternate stack by SS_AUTODISARM; frames that are no frames and stacks without
// room are SIGSEGV. qemu: accepts broken frames
#include "guest.h"
#include <asm/sigcontext.h>
#include <setjmp.h>

static char alt[65536] __attribute__((aligned(16)));
static volatile int count;
static jmp_buf out;
static void (*breaker)(ucontext_t *uc);

/* ---- broken frames: the child dies by SIGSEGV ---- */
static void broken(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    breaker(context);
}
static void bad_mode(ucontext_t *uc)
{
    uc->uc_mcontext.pstate |= 4;
}
static void no_vectors(ucontext_t *uc)
{
    ((struct _aarch64_ctx *)uc->uc_mcontext.__reserved)->magic = 0;
    ((struct _aarch64_ctx *)uc->uc_mcontext.__reserved)->size = 0;
}
static void unknown_record(ucontext_t *uc)
{
    struct _aarch64_ctx *c = (struct _aarch64_ctx *)uc->uc_mcontext.__reserved;
    c = (struct _aarch64_ctx *)((char *)c + c->size);
    c->magic = 0x12345678;
    c->size = 16;
}
static void bad_size(ucontext_t *uc)
{
    ((struct _aarch64_ctx *)uc->uc_mcontext.__reserved)->size = 8192;
}
static void twice(ucontext_t *uc)
{
    struct _aarch64_ctx *c = (struct _aarch64_ctx *)uc->uc_mcontext.__reserved;
    memcpy((char *)c + c->size, c, c->size);
}
static int dies(void (*how)(ucontext_t *))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        breaker = how;
        guest_handle(SIGUSR1, broken, 0);
        raise(SIGUSR1);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status & 0x7f;
}
static void on_no_stack(int sig, siginfo_t *si, void *context)
{
    (void)context;
    EQUAL(sig, SIGSEGV);
    CHECK(si->si_code == SI_KERNEL);
    _exit(12);
}
static void no_room(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        stack_t st = {.ss_sp = alt, .ss_size = sizeof alt};
        sigaltstack(&st, NULL);
        guest_handle(SIGUSR1, broken, 0);
        guest_handle(SIGSEGV, on_no_stack, SA_ONSTACK);
        pid_t self = getpid();
        /* kill(self, SIGUSR1) with a stack that is not there */
        __asm__ volatile("mov x0, %0\n\tmov x1, #10\n\tmov x8, #129\n\tmov sp, %1\n\tsvc #0"
                         :
                         : "r"((uint64_t)self), "r"(4096ul)
                         : "x0", "x1", "x8", "memory");
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 12);
}

/* ---- edits that count ---- */
static void edits(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    ucontext_t *uc = context;
    count++;
    CHECK(!sigismember(&uc->uc_sigmask, SIGUSR1));
    sigaddset(&uc->uc_sigmask, SIGUSR2); /* blocked from then on */
    uc->uc_stack.ss_sp = alt;
    uc->uc_stack.ss_size = 32768;
    uc->uc_stack.ss_flags = 0;
}
static void leaves(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si, (void)context;
    count++;
    longjmp(out, count);
}
static void disarmed(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    ucontext_t *uc = context;
    stack_t now;
    sigaltstack(NULL, &now);
    EQUAL(now.ss_flags, SS_DISABLE);
    CHECK(uc->uc_stack.ss_sp == alt && uc->uc_stack.ss_size == sizeof alt);
    stack_t other = {.ss_sp = alt + 32768, .ss_size = 32768}; /* not refused: it is free */
    CHECK(sigaltstack(&other, NULL) == 0);
    count++;
}
static void same_page(int sig, siginfo_t *si, void *context)
{
    (void)sig, (void)si;
    CHECK((uintptr_t)context % 16 == 0 && (uintptr_t)__builtin_frame_address(0) % 16 == 0);
    count++;
}

int main(void)
{
    EQUAL(dies(bad_mode), SIGSEGV);
    EQUAL(dies(no_vectors), SIGSEGV);
    EQUAL(dies(unknown_record), SIGSEGV);
    EQUAL(dies(bad_size), SIGSEGV);
    EQUAL(dies(twice), SIGSEGV);
    no_room();
    sigset_t mask;
    stack_t now;
    guest_handle(SIGUSR1, edits, 0);
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &mask);
    CHECK(count == 1 && sigismember(&mask, SIGUSR2));
    sigaltstack(NULL, &now);
    CHECK(now.ss_sp == alt && now.ss_size == 32768);
    sigemptyset(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    count = 0;
    guest_handle(SIGUSR1, leaves, SA_NODEFER);
    for (volatile int i = 1; i <= 1000; i++)
        if (setjmp(out) == 0) {
            raise(SIGUSR1);
            CHECK(0);
        }
    EQUAL(count, 1000);
    stack_t st = {.ss_sp = alt, .ss_size = sizeof alt, .ss_flags = SS_ONSTACK | (int)(1u << 31)};
    CHECK(sigaltstack(&st, NULL) == 0);
    guest_handle(SIGUSR1, disarmed, SA_ONSTACK);
    raise(SIGUSR1);
    sigaltstack(NULL, &now); /* back from the frame */
    CHECK(now.ss_sp == alt && now.ss_size == sizeof alt && now.ss_flags == (int)(1u << 31));
    EQUAL(count, 1001);
    guest_handle(SIGUSR1, same_page, 0);
    /* any alignment of sp that the program may have */
    __asm__ volatile(
        "mov x9, sp\n\tsub sp, sp, #4080\n\tmov x0, %0\n\tmov x1, #10\n\tmov x8, #129\n\t"
        "svc #0\n\tmov sp, x9"
        :
        : "r"((uint64_t)getpid())
        : "x0", "x1", "x8", "x9", "memory");
    EQUAL(count, 1002);
    return guest_done();
}
