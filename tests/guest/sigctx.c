// SPDX-License-Identifier: Apache-2.0
// The context of a signal: every register as the interrupted instruction had it; what the handler
// changes (pc, sp, NZCV, general and vector registers, FPCR, FPSR) is what goes on.
#include "guest.h"
#include <asm/sigcontext.h>

struct state {
    uint64_t x[31], sp, nzcv, fpcr, fpsr;
    unsigned __int128 v[32];
};
static struct state before, inside, after, edit;
static uint64_t back; /* where to go on */
static int handled;

static struct fpsimd_context *fpsimd(ucontext_t *uc)
{
    struct _aarch64_ctx *c = (struct _aarch64_ctx *)uc->uc_mcontext.__reserved;
    while (c->magic && c->magic != FPSIMD_MAGIC)
        c = (struct _aarch64_ctx *)((char *)c + c->size);
    CHECK(c->magic == FPSIMD_MAGIC && c->size == sizeof(struct fpsimd_context));
    return (struct fpsimd_context *)c;
}

static void copy(struct state *s, ucontext_t *uc, bool set)
{
    struct fpsimd_context *f = fpsimd(uc);
    mcontext_t *m = &uc->uc_mcontext;
    if (set) {
        memcpy(m->regs, s->x, sizeof s->x);
        memcpy(f->vregs, s->v, sizeof s->v);
        m->sp = s->sp;
        m->pstate = (m->pstate & ~0xf0000000) | s->nzcv;
        f->fpcr = (uint32_t)s->fpcr;
        f->fpsr = (uint32_t)s->fpsr;
    } else {
        memcpy(s->x, m->regs, sizeof s->x);
        memcpy(s->v, f->vregs, sizeof s->v);
        s->sp = m->sp;
        s->nzcv = m->pstate & 0xf0000000;
        s->fpcr = f->fpcr;
        s->fpsr = f->fpsr;
    }
}

static void handler(int sig, siginfo_t *si, void *context)
{
    (void)si;
    ucontext_t *uc = context;
    EQUAL(sig, SIGILL);
    copy(&inside, uc, false);
    copy(&edit, uc, true);
    /* x0 and x1 are what the code behind needs */
    uc->uc_mcontext.regs[0] = (uint64_t)&after;
    uc->uc_mcontext.pc = back;
    /* leave nothing of ours in the registers */
    for (volatile double d = 1; d < 50; d *= 1.5)
        handled++;
}

/* Load everything from before, be interrupted, store everything into after. */
void enter(struct state *from, uint64_t *ret_back);
__asm__(
    ".globl enter\n"
    "enter:\n"
    "    stp x29, x30, [sp, #-176]!\n"
    "    stp x19, x20, [sp, #16]\n    stp x21, x22, [sp, #32]\n    stp x23, x24, [sp, #48]\n"
    "    stp x25, x26, [sp, #64]\n    stp x27, x28, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n    stp d10, d11, [sp, #112]\n    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mov x2, sp\n    adrp x3, kept\n    str x2, [x3, :lo12:kept]\n"
    "    adr x2, 2f\n    str x2, [x1]\n"
    "    ldr x2, [x0, #256]\n    msr nzcv, x2\n"
    "    ldr x2, [x0, #264]\n    msr fpcr, x2\n    ldr x2, [x0, #272]\n    msr fpsr, x2\n"
    "    add x1, x0, #288\n"
    "    .irp n, "
    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "    ldr q\\n, [x1], #16\n    .endr\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
    "    ldr x\\n, [x0, #8*\\n]\n    .endr\n"
    "    ldr x0, [x0]\n"
    "    udf #0\n"
    "2:\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
    "    str x\\n, [x0, #8*\\n]\n    .endr\n"
    "    mov x1, sp\n    str x1, [x0, #248]\n"
    "    mrs x1, nzcv\n    str x1, [x0, #256]\n"
    "    mrs x1, fpcr\n    str x1, [x0, #264]\n    mrs x1, fpsr\n    str x1, [x0, #272]\n"
    "    add x1, x0, #288\n"
    "    .irp n, "
    "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "    str q\\n, [x1], #16\n    .endr\n"
    "    msr fpcr, xzr\n"
    "    adrp x3, kept\n    ldr x2, [x3, :lo12:kept]\n    mov sp, x2\n"
    "    ldp d14, d15, [sp, #144]\n    ldp d12, d13, [sp, #128]\n    ldp d10, d11, [sp, #112]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp x27, x28, [sp, #80]\n    ldp x25, x26, [sp, #64]\n    ldp x23, x24, [sp, #48]\n"
    "    ldp x21, x22, [sp, #32]\n    ldp x19, x20, [sp, #16]\n    ldp x29, x30, [sp], #176\n"
    "    ret\n"
    "    .local kept\n    .comm kept, 8, 8\n");

static void fill(struct state *s, uint64_t seed)
{
    uint64_t *w = (uint64_t *)s;
    for (size_t i = 0; i < sizeof *s / 8; i++)
        w[i] = (i + 1) * 0x9e3779b97f4a7c15u ^ seed * 0xbf58476d1ce4e5b9u;
}

int main(void)
{
    _Static_assert(offsetof(struct state, v) == 288, "as the assembly has it");
    static char stack[65536] __attribute__((aligned(16)));
    guest_handle(SIGILL, handler, 0);
    for (uint64_t i = 0; i < 64; i++) {
        fill(&before, 2 * i);
        fill(&edit, 2 * i + 1);
        before.nzcv = (i & 15) << 28;
        edit.nzcv = (~i & 15) << 28;
        before.fpcr = (i & 7) << 22; /* rounding and FZ */
        edit.fpcr = (~i & 7) << 22 | (i & 8) << 22;
        before.fpsr = (i * 5 & 0x1f) | (i & 1) << 27;
        edit.fpsr = (i * 3 & 0x1f) | (i & 2) << 26;
        edit.sp = (uint64_t)stack + 32768 + 16 * i;
        enter(&before, &back);
        for (int r = 0; r < 31; r++)
            EQUAL(inside.x[r], before.x[r]);
        for (int r = 1; r < 31; r++)
            if (r != 1)
                EQUAL(after.x[r], edit.x[r]);
        EQUAL(after.sp, edit.sp);
        EQUAL(inside.nzcv, before.nzcv);
        EQUAL(after.nzcv, edit.nzcv);
        EQUAL(inside.fpcr, before.fpcr);
        EQUAL(after.fpcr, edit.fpcr);
        EQUAL(inside.fpsr, before.fpsr);
        EQUAL(after.fpsr, edit.fpsr);
        CHECK(memcmp(inside.v, before.v, sizeof before.v) == 0);
        CHECK(memcmp(after.v, edit.v, sizeof edit.v) == 0);
    }
    CHECK(handled > 64);
    return guest_done();
}
