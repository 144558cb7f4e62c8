/* SPDX-License-Identifier: Apache-2.0
 *
 * Signal frames as arm64's kernel lays them out (arch/arm64/kernel/signal.c and its uapi headers).
 *
 *   sp ->  siginfo 128, ucontext (with sigcontext and its 4096 bytes of records), ... , {x29, x30}
 *
 * Records in use: fpsimd_context, esr_context for faults, the end.
 */
#include "engine/linux/thread.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/mman.h>

struct fpsimd {
    uint32_t magic, size; /* 0x46508001, 528 */
    uint32_t fpsr, fpcr;  /* registers */
    union vec v[32];      /* vectors */
};

struct frame {
    struct sig_info info;   /* at the handler's x1 */
    uint64_t flags, link;   /* ucontext, at x2 */
    struct sig_stack stack; /* uc_stack */
    uint64_t mask;          /* uc_sigmask */
    uint8_t unused[120];    /* room for a larger mask */
    uint64_t pad;           /* sigcontext is 16-byte aligned */
    uint64_t fault_address; /* sigcontext */
    uint64_t x[31];         /* general registers */
    uint64_t sp, pc, pstate; /* the rest */
    uint64_t pad2;          /* records are 16-byte aligned */
    struct fpsimd fpsimd;   /* first record */
    uint32_t esr_magic, esr_size; /* 0x45535201, 16; or the end: zeros */
    uint64_t esr;           /* syndrome */
    uint8_t rest[4096 - sizeof(struct fpsimd) - 16]; /* zeros end the list */
};
_Static_assert(__builtin_offsetof(struct frame, flags) == 128, "ucontext");
_Static_assert(__builtin_offsetof(struct frame, fault_address) == 128 + 176, "sigcontext");
_Static_assert(__builtin_offsetof(struct frame, fpsimd) == 128 + 176 + 288, "records");
_Static_assert(sizeof(struct frame) == 4688, "as large as the kernel's");

enum { FPSIMD_MAGIC = 0x46508001, ESR_MAGIC = 0x45535201 };

/* mov x8, #139; svc #0: where handlers return to, as in the kernel's vDSO. */
bool frame_make_trampoline(void)
{
    static const uint32_t code[2] = {0xd2801168, 0xd4000001};
    long at = linux_mm_map(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096)
        return false;
    memcpy((void *)at, code, sizeof(code));
    sys(__NR_mprotect, at, 4096, PROT_READ);
    const struct vma v = {.start = (uint64_t)at, .end = (uint64_t)at + 4096,
                          .prot = VMA_READ | VMA_EXEC};
    linux_mm_note(&v);
    linux_state.vdso_at = (uint64_t)at;
    return true;
}

static uint64_t pstate(const struct cpu *cpu)
{
    uint32_t f = cpu->nzcv;
    return (f & NZCV_N ? 1u << 31 : 0) | (f & NZCV_Z ? 1u << 30 : 0) | (f & NZCV_NC ? 0 : 1u << 29) |
           (f & NZCV_V ? 1u << 28 : 0);
}

static uint32_t stored(uint64_t p)
{
    return (p >> 31 & 1 ? NZCV_N : 0) | (p >> 30 & 1 ? NZCV_Z : 0) | (p >> 29 & 1 ? 0 : NZCV_NC) |
           (p >> 28 & 1 ? NZCV_V : 0);
}

static bool on_stack(const struct sig_stack *s, uint64_t sp)
{
    return s->size && sp > s->sp && sp - s->sp <= s->size;
}

/* Syndrome of a data abort at EL0, as the kernel shows it: enough for who looks at the write bit. */
static uint64_t syndrome(const struct sig_info *info)
{
    return info->code == 2 ? 0x9200004f : 0x92000046;
}

static void fill(struct frame *f, struct thread *t, const struct sig_info *info, uint64_t mask)
{
    struct cpu *cpu = t->cpu;
    memset(f, 0, sizeof(*f));
    f->info = *info;
    f->stack = t->stack;
    if (!t->stack.size)
        f->stack.flags = SS_DISABLE_;
    else if (on_stack(&t->stack, cpu->x[CPU_SP]))
        f->stack.flags |= SS_ONSTACK_;
    f->mask = mask;
    memcpy(f->x, cpu->x, sizeof(f->x));
    f->sp = cpu->x[CPU_SP];
    f->pc = cpu->pc;
    f->pstate = pstate(cpu);
    f->fpsimd.magic = FPSIMD_MAGIC;
    f->fpsimd.size = sizeof(f->fpsimd);
    f->fpsimd.fpsr = rt_fpsr_get(cpu);
    f->fpsimd.fpcr = cpu->fpcr;
    memcpy(f->fpsimd.v, cpu->v, sizeof(f->fpsimd.v));
    if ((info->signo == SIGSEGV_ || info->signo == SIGBUS_) && info->code > 0) {
        f->fault_address = info->address;
        f->esr_magic = ESR_MAGIC;
        f->esr_size = 16;
        f->esr = syndrome(info);
    }
}

bool frame_enter(struct thread *t, const struct sig_info *info, const struct sig_action *action,
                 uint64_t mask)
{
    struct cpu *cpu = t->cpu;
    struct frame f;
    uint64_t sp = cpu->x[CPU_SP];
    if (action->flags & SA_ONSTACK_ && t->stack.size && !(t->stack.flags & SS_DISABLE_) &&
        !on_stack(&t->stack, sp))
        sp = t->stack.sp + t->stack.size;
    uint64_t record = (sp - 16) & ~15ull, at = (record - sizeof(f)) & ~15ull;
    fill(&f, t, info, mask);
    const uint64_t link[2] = {cpu->x[29], cpu->x[30]};
    if (!rt_guest_write(at, &f, sizeof(f)) || !rt_guest_write(record, link, sizeof(link)))
        return false;
    if ((uint32_t)t->stack.flags & SS_AUTODISARM_)
        t->stack = (struct sig_stack){.flags = SS_DISABLE_};
    cpu->x[0] = (uint64_t)info->signo;
    if (action->flags & SA_SIGINFO_) {
        cpu->x[1] = at;
        cpu->x[2] = at + __builtin_offsetof(struct frame, flags);
    }
    cpu->x[29] = record;
    cpu->x[30] = action->flags & SA_RESTORER_ ? action->restorer : linux_state.vdso_at;
    cpu->x[CPU_SP] = at;
    cpu->pc = action->handler;
    return true;
}

bool frame_leave(struct thread *t)
{
    struct cpu *cpu = t->cpu;
    struct frame f;
    uint64_t at = cpu->x[CPU_SP];
    if (at & 15 || !rt_guest_read(&f, at, sizeof(f)) || f.fpsimd.magic != FPSIMD_MAGIC ||
        f.fpsimd.size != sizeof(f.fpsimd) || f.pstate & 0x1f)
        return false;
    memcpy(cpu->x, f.x, sizeof(f.x));
    cpu->x[CPU_SP] = f.sp;
    cpu->pc = f.pc;
    cpu->nzcv = stored(f.pstate);
    memcpy(cpu->v, f.fpsimd.v, sizeof(f.fpsimd.v));
    rt_fpcr_set(cpu, f.fpsimd.fpcr);
    rt_fpsr_set(cpu, f.fpsimd.fpsr);
    cpu->excl_addr = ~0ull;
    t->mask = f.mask & ~SIG_UNBLOCKABLE;
    if (!(f.stack.flags & SS_DISABLE_) && (uint32_t)f.stack.flags & SS_AUTODISARM_) {
        t->stack = f.stack;
        t->stack.flags &= ~SS_ONSTACK_;
    }
    return true;
}
