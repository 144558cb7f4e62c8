/* SPDX-License-Identifier: Apache-2.0
 *
 * Signal frames as arm64's kernel lays them out (its uapi headers sigcontext.h and ucontext.h):
 *
 *   sp ->  siginfo 128, ucontext with sigcontext and 4096 bytes of records, {x29, x30}
 *
 * Records written: fpsimd_context; esr_context once a fault has been; the end. Read: any order of
 * those. Only what has a meaning is written: the rest of the 4096 bytes stays as it is.
 *
 * Left out: extra_context (only frames too large for the 4096 bytes have it).
 */
#include "engine/linux/thread.h"

#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/mman.h>

struct fpsimd {
    uint32_t magic;      /* MAGIC_FPSIMD */
    uint32_t size;       /* of this record */
    uint32_t fpsr, fpcr; /* status, control */
    union vec v[32];     /* vectors */
};

struct record {
    uint32_t magic; /* 0 ends the list */
    uint32_t size;  /* bytes with this head; 0 at the end */
};

/* As far as it is written. */
struct frame {
    struct sig_info info;    /* the handler's x1 */
    uint64_t flags, link;    /* ucontext, the handler's x2 */
    struct sig_stack stack;  /* uc_stack */
    uint64_t mask;           /* uc_sigmask */
    uint8_t unused[120];     /* room for a larger mask */
    uint64_t pad;            /* sigcontext is 16-byte aligned */
    uint64_t fault_address;  /* sigcontext */
    uint64_t x[31];          /* general registers */
    uint64_t sp, pc, pstate; /* the others */
    uint64_t pad2;           /* records are 16-byte aligned */
    struct fpsimd fpsimd;    /* first record */
    struct record esr;       /* second, or the end */
    uint64_t esr_value;      /* syndrome */
    struct record end;       /* zeros */
    uint64_t pad3;           /* alignment */
};
#define AT_CONTEXT offsetof(struct frame, flags)
#define AT_RECORDS offsetof(struct frame, fpsimd)
_Static_assert(AT_CONTEXT == 128, "ucontext");
_Static_assert(offsetof(struct frame, fault_address) == 128 + 176, "sigcontext");
_Static_assert(AT_RECORDS == 128 + 176 + 288, "records");

enum {
    FRAME_SIZE = 4688, /* struct rt_sigframe */
    RECORDS_SIZE = 4096,
    MAGIC_FPSIMD = 0x46508001,
    MAGIC_ESR = 0x45535201,
    ESR_SIZE = 16,
    STACK_MIN = 5120 /* arm64's MINSIGSTKSZ */
};
_Static_assert(AT_RECORDS + RECORDS_SIZE == FRAME_SIZE, "as large as the kernel's");

/* ---- the alternate stack ---- */
bool frame_on_stack(const struct thread *t, uint64_t sp)
{
    const struct sig_stack *s = &t->stack;
    return !(s->flags & STACK_AUTODISARM) && sp > s->sp && sp - s->sp <= s->size;
}

long frame_set_stack(struct thread *t, const struct sig_stack *wanted)
{
    struct sig_stack s = *wanted;
    uint32_t mode = s.flags & ~STACK_AUTODISARM;
    if (frame_on_stack(t, t->cpu->x[CPU_SP]))
        return -EPERM;
    if (mode != 0 && mode != STACK_ONSTACK && mode != STACK_DISABLE)
        return -EINVAL;
    if (mode == STACK_DISABLE)
        s.sp = s.size = 0;
    else if (s.size < STACK_MIN)
        return -ENOMEM;
    s.pad = 0;
    t->stack = s;
    return 0;
}

/* ---- into the handler ---- */
static uint64_t get_pstate(const struct cpu *cpu)
{
    uint32_t f = cpu->nzcv;
    return (f & NZCV_N ? 1ull << 31 : 0) | (f & NZCV_Z ? 1ull << 30 : 0) |
           (f & NZCV_NC ? 0 : 1ull << 29) | (f & NZCV_V ? 1ull << 28 : 0);
}

static uint32_t stored_flags(uint64_t pstate)
{
    return (pstate >> 31 & 1 ? NZCV_N : 0) | (pstate >> 30 & 1 ? NZCV_Z : 0) |
           (pstate >> 29 & 1 ? 0 : NZCV_NC) | (pstate >> 28 & 1 ? NZCV_V : 0);
}

static void fill(struct frame *f, const struct thread *t, const struct sig_info *info)
{
    const struct cpu *cpu = t->cpu;
    memset(f, 0, offsetof(struct frame, x));
    f->info = *info;
    f->stack = t->stack;
    f->mask = t->mask;
    f->fault_address = t->fault_address;
    memcpy(f->x, cpu->x, sizeof(f->x));
    f->sp = cpu->x[CPU_SP];
    f->pc = cpu->pc;
    f->pstate = get_pstate(cpu);
    f->pad2 = 0;
    f->fpsimd.magic = MAGIC_FPSIMD;
    f->fpsimd.size = sizeof(f->fpsimd);
    f->fpsimd.fpsr = rt_fpsr_get(cpu);
    f->fpsimd.fpcr = cpu->fpcr;
    memcpy(f->fpsimd.v, cpu->v, sizeof(f->fpsimd.v));
    memset(&f->esr, 0, sizeof(*f) - offsetof(struct frame, esr));
    if (t->fault_code) {
        f->esr = (struct record){MAGIC_ESR, ESR_SIZE};
        f->esr_value = t->fault_code;
    }
}

static uint64_t choose_stack(const struct thread *t, const struct sig_action *action)
{
    uint64_t sp = t->cpu->x[CPU_SP];
    bool wanted = action->flags & ACT_ONSTACK && t->stack.size && !frame_on_stack(t, sp);
    return wanted ? t->stack.sp + t->stack.size : sp;
}

bool frame_enter(struct thread *t, const struct sig_info *info, const struct sig_action *action)
{
    struct cpu *cpu = t->cpu;
    struct frame f;
    uint64_t record = (choose_stack(t, action) - 16) & ~15ull, at = record - FRAME_SIZE;
    const uint64_t link[2] = {cpu->x[29], cpu->x[30]};
    fill(&f, t, info);
    if (!rt_guest_write(record, link, sizeof(link)) || !rt_guest_write(at, &f, sizeof(f)))
        return false;
    if (t->stack.flags & STACK_AUTODISARM)
        t->stack = (struct sig_stack){.flags = STACK_DISABLE};
    cpu->x[0] = (uint64_t)info->signo;
    if (action->flags & ACT_SIGINFO) {
        cpu->x[1] = at;
        cpu->x[2] = at + AT_CONTEXT;
    }
    cpu->x[29] = record;
    cpu->x[30] = action->flags & ACT_RESTORER ? action->restorer : a64_vdso_sigreturn();
    cpu->x[CPU_SP] = at;
    cpu->pc = action->handler;
    rt_excl_clear(cpu);
    return true;
}

/* ---- back from the handler ---- */
/* The records of a frame at `from`; false: not a list that the kernel would take. */
static bool read_records(uint64_t from, struct fpsimd *fpsimd)
{
    uint64_t at = 0;
    bool found = false;
    for (;;) {
        struct record r;
        if (RECORDS_SIZE - at < sizeof(r) || !rt_guest_read(&r, from + at, sizeof(r)))
            return false;
        if (!r.magic)
            return !r.size && found;
        if (r.size < sizeof(r) || r.size % 16 || r.size > RECORDS_SIZE - at)
            return false;
        switch (r.magic) {
        case MAGIC_FPSIMD:
            if (found || r.size < sizeof(*fpsimd) ||
                !rt_guest_read(fpsimd, from + at, sizeof(*fpsimd)))
                return false;
            found = true;
            break;
        case MAGIC_ESR:
            break;
        default:
            return false;
        }
        at += r.size;
    }
}

bool frame_leave(struct thread *t)
{
    enum { PSTATE_MODE = 0x1f, PSTATE_DAIF = 0x3c0 };
    struct cpu *cpu = t->cpu;
    struct frame f;
    uint64_t at = cpu->x[CPU_SP];
    if (at % 16 || !rt_guest_read(&f, at, AT_RECORDS))
        return false;
    t->mask = f.mask & ~SIG_UNBLOCKABLE;
    memcpy(cpu->x, f.x, sizeof(f.x));
    cpu->x[CPU_SP] = f.sp;
    cpu->pc = f.pc;
    cpu->nzcv = stored_flags(f.pstate);
    rt_excl_clear(cpu);
    if (f.pstate & (PSTATE_MODE | PSTATE_DAIF) || !read_records(at + AT_RECORDS, &f.fpsimd))
        return false;
    memcpy(cpu->v, f.fpsimd.v, sizeof(f.fpsimd.v));
    rt_fpcr_set(cpu, f.fpsimd.fpcr);
    rt_fpsr_set(cpu, f.fpsimd.fpsr);
    frame_set_stack(t, &f.stack); /* what it refuses stays as it was, like on the kernel */
    return true;
}
