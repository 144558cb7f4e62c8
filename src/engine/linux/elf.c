/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading the guest's program and its interpreter.
 *
 * What the kernel's binfmt_elf accepts is accepted, what it refuses is refused; every field comes
 * from a file that may have been made to hurt. The whole span of the segments is reserved first,
 * then the segments are mapped over it, then the gaps go: nothing that was there before is ever
 * replaced.
 *
 * Left out: PT_GNU_PROPERTY (BTI is not offered), core dumps, e_flags (none on aarch64).
 */
#include "engine/linux/linux.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/personality.h>

enum {
    PAGE = 4096,
    PHDRS_MAX = 65536 / sizeof(Elf64_Phdr), /* the kernel's limit */
    PATH_LENGTH = 4096,
    MACHINE = 183 /* EM_AARCH64 */
};
#define TOP 0x7ffffffff000ull      /* guest addresses end here (47 bits) */
#define PIE_BASE 0x555555554000ull /* two thirds of it, as the kernel does */

/* One ELF file being loaded. */
struct image {
    int fd;                        /* open file */
    Elf64_Ehdr head;               /* its header */
    Elf64_Phdr *phdrs;             /* head.e_phnum entries, in pages of the window */
    uint64_t low, high;            /* page-aligned span of the PT_LOADs */
    uint64_t bias;                 /* added to the file's addresses */
    uint64_t phdr_at;              /* where the program headers are mapped, 0: nowhere */
    uint64_t code_start, code_end; /* executable segments */
    uint64_t data_start, data_end; /* writable segments */
    uint64_t file_end;             /* behind the last byte of the last bss */
    bool exec_stack;               /* PT_GNU_STACK with PF_X */
    const char *why;               /* what is wrong, NULL: nothing */
};

static uint64_t page_down(uint64_t n)
{
    return n & ~(uint64_t)(PAGE - 1);
}

static uint64_t page_up(uint64_t n)
{
    return page_down(n + PAGE - 1);
}

static bool fail(struct image *m, const char *why)
{
    m->why = why;
    return false;
}

static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
    size_t done = 0;
    while (done < n) {
        long r = sys(__NR_pread64, fd, (char *)to + done, n - done, at + done);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return false;
        done += (size_t)r;
    }
    return true;
}

static bool read_head(struct image *m)
{
    Elf64_Ehdr *h = &m->head;
    if (!read_at(m->fd, h, sizeof(*h), 0) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return fail(m, "not an ELF file");
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != MACHINE)
        return fail(m, "not a program for aarch64");
    if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
        return fail(m, "an ELF file, but not a program");
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum < 1 || h->e_phnum > PHDRS_MAX)
        return fail(m, "broken ELF header");
    m->phdrs = rt_pages_get(h->e_phnum * sizeof(Elf64_Phdr));
    if (!m->phdrs)
        return fail(m, "no memory");
    if (!read_at(m->fd, m->phdrs, h->e_phnum * sizeof(Elf64_Phdr), h->e_phoff))
        return fail(m, "broken program headers");
    return true;
}

static bool check_segment(const Elf64_Phdr *p)
{
    return p->p_filesz <= p->p_memsz && p->p_memsz <= TOP && p->p_vaddr <= TOP - p->p_memsz &&
           p->p_offset <= INT64_MAX - p->p_filesz - PAGE && p->p_vaddr % PAGE == p->p_offset % PAGE;
}

static void note_segment(struct image *m, const Elf64_Phdr *p)
{
    uint64_t end = p->p_vaddr + p->p_memsz;
    if (page_down(p->p_vaddr) < m->low)
        m->low = page_down(p->p_vaddr);
    if (page_up(end) > m->high)
        m->high = page_up(end);
    if (end > m->file_end)
        m->file_end = end;
    if (p->p_flags & PF_X) {
        if (p->p_vaddr < m->code_start)
            m->code_start = p->p_vaddr;
        if (p->p_vaddr + p->p_filesz > m->code_end)
            m->code_end = p->p_vaddr + p->p_filesz;
    }
    if (p->p_flags & PF_W) {
        if (p->p_vaddr < m->data_start)
            m->data_start = p->p_vaddr;
        if (p->p_vaddr + p->p_filesz > m->data_end)
            m->data_end = p->p_vaddr + p->p_filesz;
    }
    uint64_t table = m->head.e_phoff;
    if (table >= p->p_offset && table - p->p_offset < p->p_filesz)
        m->phdr_at = table - p->p_offset + p->p_vaddr;
}

static bool check_segments(struct image *m, uint64_t *ret_align)
{
    m->low = m->code_start = m->data_start = ~0ull;
    *ret_align = PAGE;
    for (unsigned k = 0; k < m->head.e_phnum; k++) {
        const Elf64_Phdr *p = &m->phdrs[k];
        if (p->p_type == PT_GNU_STACK)
            m->exec_stack = p->p_flags & PF_X;
        if (p->p_type != PT_LOAD)
            continue;
        if (!check_segment(p))
            return fail(m, "broken segment");
        note_segment(m, p);
        if (p->p_align > *ret_align && !(p->p_align & (p->p_align - 1)))
            *ret_align = p->p_align;
    }
    if (m->low >= m->high)
        return fail(m, "nothing to load");
    return true;
}

/* Address space for the whole image: at its own place, near a wish, or anywhere. */
static bool reserve(struct image *m, uint64_t wish, uint64_t align)
{
    unsigned flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    uint64_t size = m->high - m->low;
    if (m->head.e_type == ET_EXEC) {
        if (linux_mm_map(m->low, size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0) !=
            (long)m->low)
            return fail(m, "its addresses are not free");
        return true;
    }
    if (align > 1 << 30) /* as good as none */
        align = PAGE;
    long at = -ENOMEM;
    if (wish) {
        wish &= ~(align - 1);
        at = linux_mm_map(wish, size, PROT_NONE, flags | MAP_FIXED_NOREPLACE, -1, 0);
    }
    if (at < 0) {
        at = linux_mm_map(0, size + align - PAGE, PROT_NONE, flags, -1, 0);
        if (at < 0)
            return fail(m, "no room in the address space");
        uint64_t got = ((uint64_t)at + align - 1) & ~(align - 1),
                 end = (uint64_t)at + size + align - PAGE;
        if (got > (uint64_t)at)
            linux_mm_unmap((uint64_t)at, got - (uint64_t)at);
        if (end > got + size)
            linux_mm_unmap(got + size, end - got - size);
        at = (long)got;
    }
    m->bias = (uint64_t)at - m->low;
    return true;
}

static unsigned segment_prot(const Elf64_Phdr *p)
{
    return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
           (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static bool map_segment(struct image *m, const Elf64_Phdr *p)
{
    static const char zeros[PAGE];
    uint64_t start = m->bias + p->p_vaddr, file_end = start + p->p_filesz;
    uint64_t mem_end = start + p->p_memsz;
    unsigned prot = segment_prot(p);
    if (p->p_filesz) {
        uint64_t at = page_down(start);
        long r = linux_mm_map(at, file_end - at, prot, MAP_PRIVATE | MAP_FIXED, m->fd,
                              page_down(p->p_offset));
        if (r < 0)
            return fail(m, r == -EPERM ? "on a file system without permission to execute"
                                       : "a segment cannot be mapped");
        if (mem_end > file_end && file_end % PAGE && prot & PROT_WRITE)
            rt_guest_write(file_end, zeros, page_up(file_end) - file_end);
    }
    uint64_t bss = p->p_filesz ? page_up(file_end) : page_down(start);
    if (page_up(mem_end) > bss && linux_mm_map(bss, page_up(mem_end) - bss, prot,
                                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) < 0)
        return fail(m, "no memory for its bss");
    return true;
}

/* Unmap what lies between segments. The segments ascend in every file that works; in others a gap
 * stays reserved. */
static void drop_gaps(struct image *m)
{
    uint64_t at = m->low;
    for (unsigned k = 0; k < m->head.e_phnum; k++) {
        const Elf64_Phdr *p = &m->phdrs[k];
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        uint64_t start = page_down(p->p_vaddr), end = page_up(p->p_vaddr + p->p_memsz);
        if (start > at)
            linux_mm_unmap(m->bias + at, start - at);
        if (end > at)
            at = end;
    }
}

static bool ascending(const struct image *m)
{
    uint64_t at = 0;
    for (unsigned k = 0; k < m->head.e_phnum; k++) {
        if (m->phdrs[k].p_type != PT_LOAD)
            continue;
        if (m->phdrs[k].p_vaddr < at)
            return false;
        at = m->phdrs[k].p_vaddr;
    }
    return true;
}

/* Map one file; wish: where a position-independent one is to lie, 0: anywhere. */
static bool load(struct image *m, uint64_t wish)
{
    uint64_t align;
    if (!check_segments(m, &align) || !reserve(m, wish, align))
        return false;
    for (unsigned k = 0; k < m->head.e_phnum; k++)
        if (m->phdrs[k].p_type == PT_LOAD && m->phdrs[k].p_memsz && !map_segment(m, &m->phdrs[k]))
            return false;
    if (ascending(m))
        drop_gaps(m);
    return true;
}

/* Path of the interpreter: its length, 0 when there is none, -1 when it is broken. */
static int interpreter(struct image *m, char *path)
{
    for (unsigned k = 0; k < m->head.e_phnum; k++) {
        const Elf64_Phdr *p = &m->phdrs[k];
        if (p->p_type != PT_INTERP)
            continue;
        if (p->p_filesz < 2 || p->p_filesz > PATH_LENGTH || p->p_offset > INT64_MAX - PATH_LENGTH ||
            !read_at(m->fd, path, p->p_filesz, p->p_offset) || path[p->p_filesz - 1])
            return -1;
        return (int)p->p_filesz - 1;
    }
    return 0;
}

static void close_image(struct image *m)
{
    if (m->phdrs)
        rt_pages_put(m->phdrs, m->head.e_phnum * sizeof(Elf64_Phdr));
}

static bool load_interpreter(struct image *m, const char *path, struct linux_program *ret)
{
    struct image in = {.fd = (int)sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC)};
    if (in.fd < 0)
        return fail(m, "its dynamic linker cannot be opened");
    bool good = read_head(&in) && load(&in, 0);
    sys(__NR_close, in.fd);
    close_image(&in);
    if (!good)
        return fail(m, "its dynamic linker cannot be loaded");
    ret->base = in.head.e_type == ET_DYN ? in.bias : 0;
    ret->start = in.bias + in.head.e_entry;
    return true;
}

/* The kernel's own spread: 28 bits of pages, and nothing when it is asked not to. */
static uint64_t random_pages(unsigned bits)
{
    uint64_t r = 0;
    if (linux_state.personality & ADDR_NO_RANDOMIZE)
        return 0;
    sys(__NR_getrandom, &r, sizeof(r), 0);
    return (r & ((1ull << bits) - 1)) * PAGE;
}

static void fill(const struct image *m, struct linux_program *p)
{
    p->phdr = m->phdr_at ? m->phdr_at + m->bias : 0;
    p->phnum = m->head.e_phnum;
    p->entry = m->bias + m->head.e_entry;
    p->code_start = m->code_end ? m->code_start + m->bias : m->low + m->bias;
    p->code_end = m->code_end ? m->code_end + m->bias : m->low + m->bias;
    p->data_start = m->data_end ? m->data_start + m->bias : p->code_start;
    p->data_end = m->data_end ? m->data_end + m->bias : p->code_end;
    p->brk = page_up(m->file_end + m->bias) + random_pages(13);
    p->stack_exec = m->exec_stack;
}

const char *linux_elf_load(int fd, struct linux_program *ret_program)
{
    struct image m = {.fd = fd};
    char path[PATH_LENGTH];
    if (read_head(&m)) {
        int interp = interpreter(&m, path);
        if (interp < 0)
            fail(&m, "broken PT_INTERP");
        else if (load(&m, PIE_BASE + random_pages(28))) {
            fill(&m, ret_program);
            ret_program->start = ret_program->entry;
            if (interp)
                load_interpreter(&m, path, ret_program);
        }
    }
    close_image(&m);
    return m.why;
}
