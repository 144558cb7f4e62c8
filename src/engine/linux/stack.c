// SPDX-License-Identifier: Apache-2.0
/* The guest's first stack: the kernel's own, with the vectors made anew below the old ones. The
 * strings stay where the kernel put them. What the engine's start left below is wiped. */
#include "engine/linux/a64.h"
#include "engine/linux/linux.h"
#include "engine/rt/mem.h"

#include <linux/auxvec.h>
#include <linux/mman.h>

enum { PAGE = 4096, AUX_MAX = 64, WIPE = 8192 };

struct aux {
    uint64_t type, value;
};

static bool keep(uint64_t type)
{
    switch (type) {
    case AT_PAGESZ:
    case AT_CLKTCK:
    case AT_UID:
    case AT_EUID:
    case AT_GID:
    case AT_EGID:
    case AT_SECURE:
    case AT_RANDOM:
        return true;
    default:
        return false;
    }
}

/* The guest's auxiliary vector, in the kernel's order; returns the number of entries. */
static unsigned make_auxv(struct aux *to, const struct linux_start *s, uint64_t platform)
{
    const struct linux_program *p = &linux_state.program;
    unsigned n = 0;
    to[n++] = (struct aux){AT_SYSINFO_EHDR, linux_state.vdso_at};
    to[n++] = (struct aux){AT_MINSIGSTKSZ, A64_MINSIGSTKSZ};
    to[n++] = (struct aux){AT_HWCAP, a64_hwcap()};
    for (const struct aux *a = (const struct aux *)s->auxv; a->type != AT_NULL; a++)
        if (keep(a->type) && n < AUX_MAX - 13)
            to[n++] = *a;
    to[n++] = (struct aux){AT_PHDR, p->phdr};
    to[n++] = (struct aux){AT_PHENT, 56};
    to[n++] = (struct aux){AT_PHNUM, p->phnum};
    to[n++] = (struct aux){AT_BASE, p->base};
    to[n++] = (struct aux){AT_FLAGS, 0};
    to[n++] = (struct aux){AT_ENTRY, p->entry};
    to[n++] = (struct aux){AT_HWCAP2, a64_hwcap2()};
    to[n++] = (struct aux){AT_EXECFN, s->execfn};
    to[n++] = (struct aux){AT_PLATFORM, platform};
    to[n++] = (struct aux){AT_NULL, 0};
    return n;
}

/* The main stack in the table: all that it may grow to. */
static void note_stack(uint64_t low)
{
    enum { GROWTH = 8 << 20 };
    uint64_t top = linux_state.mm.stack_top;
    struct vma v = {.start = (low < top - GROWTH ? low : top - GROWTH) & ~(uint64_t)(PAGE - 1),
                    .end = top,
                    .prot = VMA_READ | VMA_WRITE | (linux_state.program.stack_exec ? VMA_EXEC : 0),
                    .flags = VMA_STACK};
    linux_mm_note(&v);
}

/* What the engine's start left below; as far as the stack may grow. */
static void wipe_below(uint64_t at)
{
    static const char zeros[512];
    for (uint64_t k = sizeof(zeros); k <= WIPE; k += sizeof(zeros))
        if (!rt_guest_write(at - k, zeros, sizeof(zeros)))
            break;
}

uint64_t linux_stack_build(const struct linux_start *s)
{
    static const char platform[16] = A64_PLATFORM;
    struct aux auxv[AUX_MAX];
    uint64_t highest_end = s->highest + strlen((const char *)(uintptr_t)s->highest) + 1;
    linux_state.mm.stack_top = (highest_end + 8 + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    uint64_t at = ((uint64_t)(uintptr_t)s->stack - sizeof(platform)) & ~15ull;
    uint64_t platform_at = at;
    if (!rt_guest_write(at, platform, sizeof(platform)))
        return 0;
    unsigned auxs = make_auxv(auxv, s, platform_at), envs = 0;
    while (s->envp[envs])
        envs++;
    at -= 8 * (1 + s->argc + 1 + envs + 1) + 16 * auxs;
    at &= ~15ull;
    if (!rt_guest_write(at, &(uint64_t){s->argc}, sizeof(uint64_t)))
        return 0; /* and what is between has grown with it */
    uint64_t *out = (uint64_t *)(uintptr_t)at;
    *out++ = s->argc;
    for (uint64_t k = 0; k < s->argc; k++)
        *out++ = s->argv[k];
    *out++ = 0;
    for (unsigned k = 0; k < envs; k++)
        *out++ = s->envp[k];
    *out++ = 0;
    linux_state.auxv = (uint64_t)(uintptr_t)out;
    linux_state.auxv_size = auxs * sizeof(struct aux);
    memcpy(out, auxv, auxs * sizeof(struct aux));
    wipe_below(at);
    note_stack(at - WIPE);
    return at;
}
