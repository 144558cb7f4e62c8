/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's memory: mmap and its kin.
 *
 * Owns linux_state.mm. The host makes the mapping at the guest's own address (identity); the table
 * (vma.h) keeps what the host must not know: guest PROT_EXEC never reaches it, as no guest byte may
 * run as host code.
 *
 * Invariants
 *  1. Host call and table change are one step under the mm lock, the host's first: the table never
 *     says more than there is for longer than that.
 *  2. Translations of a range that was or becomes executable are forgotten after both (the
 * runtime's lock is the inner one). Becomes: that nothing could be executed there is translated,
 * too.
 *  3. Addresses in the engine's window fail as holes do; the window is never unmapped or mapped
 * over.
 *
 * The lock is a PI futex with the owner's thread id: a CLONE_VM child that is killed with it held
 * is noticed (ESRCH) and its lock taken over.
 */
#include <asm/errno.h>
#include "engine/linux/linux.h"
#include "engine/linux/thread.h"
#include "engine/rt/mem.h"
#include "engine/rt/sys.h"

#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/resource.h>
#include <linux/shm.h>

enum { PAGE = 4096 };
/* Fewer than the host's 65,530 (vm.max_map_count): the engine's own are never to be what fails. */
enum { VMA_ROOM = 64000 };
enum { HOST_ONLY_FLAGS = 0xc0 }; /* MAP_32BIT, MAP_ABOVE4G: x86's own bits */
enum { FSTATFS_NOEXEC = 8 };

/* ---- the lock ---- */
static uint32_t self_tid(void)
{
    const struct thread *t = rt_cpu()->thread;
    return t && t->tid ? (uint32_t)t->tid : (uint32_t)sys(__NR_gettid);
}

static bool swap(uint32_t *at, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(at, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static void take_lock(void)
{
    uint32_t *lock = &linux_state.mm.lock, tid = self_tid();
    while (!swap(lock, 0, tid)) {
        long r = sys(__NR_futex, lock, FUTEX_LOCK_PI_PRIVATE, 0, 0, 0, 0);
        if (r == 0)
            return;
        uint32_t seen = __atomic_load_n(lock, __ATOMIC_RELAXED);
        if (r == -ESRCH && seen && swap(lock, seen, tid)) /* its owner was killed */
            return;
    }
}

static void mm_lock(void)
{
    take_lock();
    vma_mend(&linux_state.mm.table);
}

static void mm_unlock(void)
{
    uint32_t *lock = &linux_state.mm.lock;
    if (!swap(lock, self_tid(), 0))
        sys(__NR_futex, lock, FUTEX_UNLOCK_PI_PRIVATE, 0, 0, 0, 0);
}

bool linux_mm_init(void)
{
    struct vma *array = rt_pages_get(VMA_ROOM * sizeof(struct vma));
    if (!array)
        return false;
    vma_init(&linux_state.mm.table, array, VMA_ROOM);
    return true;
}

void linux_mm_check(void)
{
    mm_lock();
    mm_unlock();
}

void linux_mm_move_clock(void)
{
    mm_lock();
    rt_clock_move();
    mm_unlock();
}

void linux_mm_fork_prepare(void)
{
    mm_lock();
    rt_fork_prepare();
}

void linux_mm_fork_done(bool child)
{
    rt_fork_done(child);
    if (child)
        linux_state.mm.lock = 0; /* this thread's id is another now */
    else
        mm_unlock();
}

/* ---- helpers ---- */
static uint64_t page_up(uint64_t n)
{
    return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static unsigned host_prot(unsigned prot)
{
    if (prot & PROT_EXEC) /* aarch64's executable pages are readable as far as the engine needs */
        prot = (prot & ~(unsigned)PROT_EXEC) | PROT_READ;
    return prot;
}

static uint8_t guest_prot(unsigned prot)
{
    if (prot & PROT_READ && linux_state.personality & READ_IMPLIES_EXEC)
        prot |= PROT_EXEC;
    return prot & (VMA_READ | VMA_WRITE | VMA_EXEC);
}

bool linux_may_execute(uint64_t pc)
{
    int prot = vma_prot_at(&linux_state.mm.table, pc);
    return prot > 0 && prot & VMA_EXEC;
}

void linux_mm_note(const struct vma *v)
{
    mm_lock();
    vma_set(&linux_state.mm.table, v);
    mm_unlock();
}

/* Executable mappings of files on a noexec mount are refused: the host is not asked for them. */
static bool noexec_file(long fd)
{
    struct {
        uint64_t words[10]; /* up to f_frsize */
        uint64_t flags;     /* f_flags */
        uint64_t spare[4];
    } st;
    return sys(__NR_fstatfs, fd, &st) == 0 && st.flags & FSTATFS_NOEXEC;
}

/* ---- map, unmap ---- */
/* Translations know what was there, and where nothing executable was: both are to be forgotten. */
static void put_mapping(const struct vma *v)
{
    struct vma_table *t = &linux_state.mm.table;
    bool exec = v->prot & VMA_EXEC || vma_any_exec(t, v->start, v->end);
    vma_set(t, v);
    if (exec)
        rt_invalidate(v->start, v->end - v->start);
}

static long map_locked(const uint64_t *a, unsigned prot, unsigned flags)
{
    struct linux_mm *mm = &linux_state.mm;
    if (!vma_has_room(&mm->table))
        return -ENOMEM;
    long at = sys(__NR_mmap, a[0], a[1], host_prot(prot), flags, a[4], a[5]);
    if (at < 0)
        return at;
    struct vma v = {.start = (uint64_t)at,
                    .end = (uint64_t)at + page_up(a[1]),
                    .prot = guest_prot(prot),
                    .flags = (uint8_t)((flags & MAP_SHARED ? VMA_SHARED : 0) |
                                       (flags & MAP_GROWSDOWN ? VMA_STACK : 0))};
    put_mapping(&v);
    return at;
}

SYSCALL(mmap)
{
    (void)cpu;
    unsigned prot = (unsigned)a[2], flags = (unsigned)a[3] & ~(unsigned)HOST_ONLY_FLAGS;
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && linux_hidden(a[0], a[1]))
        return flags & MAP_FIXED_NOREPLACE ? -EEXIST : -ENOMEM;
    if (prot & PROT_EXEC && !(flags & MAP_ANONYMOUS) && noexec_file((int)a[4]))
        return -EPERM;
    mm_lock();
    long r = map_locked(a, prot, flags);
    mm_unlock();
    return r;
}

long linux_mm_map(uint64_t at, uint64_t length, unsigned prot, unsigned flags, long fd,
                  uint64_t offset)
{
    uint64_t a[6] = {at, length, prot, flags, (uint64_t)fd, offset};
    return linux_sys_mmap(NULL, a);
}

static long unmap_locked(uint64_t at, uint64_t length)
{
    struct linux_mm *mm = &linux_state.mm;
    if (!vma_has_room(&mm->table))
        return -ENOMEM;
    long r = sys(__NR_munmap, at, length);
    if (r < 0)
        return r;
    bool exec = vma_any_exec(&mm->table, at, at + page_up(length));
    vma_clear(&mm->table, at, at + page_up(length));
    if (exec)
        rt_invalidate(at, page_up(length));
    return 0;
}

long linux_mm_unmap(uint64_t at, uint64_t length)
{
    uint64_t low, high, end = at + page_up(length);
    rt_window_range(&low, &high);
    mm_lock();
    long r;
    if (at % PAGE || !length || end < at || !linux_hidden(at, end - at)) {
        r = unmap_locked(at, length);
    } else { /* holes may be unmapped: what is on both sides of the window goes */
        r = at < low ? unmap_locked(at, low - at) : 0;
        if (r == 0 && end > high)
            r = unmap_locked(high, end - high);
    }
    mm_unlock();
    return r;
}

SYSCALL(munmap)
{
    (void)cpu;
    return linux_mm_unmap(a[0], a[1]);
}

SYSCALL(mprotect)
{
    (void)cpu;
    struct linux_mm *mm = &linux_state.mm;
    uint64_t start = a[0], end = a[0] + page_up(a[1]);
    unsigned prot = (unsigned)a[2];
    if (linux_hidden(start, a[1]))
        return -ENOMEM;
    mm_lock();
    bool room = vma_has_room(&mm->table);
    long r = room ? sys(__NR_mprotect, start, a[1], host_prot(prot)) : -ENOMEM;
    if (room && (r == 0 || r == -ENOMEM) &&
        end > start) { /* up to a hole it is done all the same */
        uint32_t k = vma_find(&mm->table, start);
        if (prot & PROT_GROWSDOWN && k < mm->table.count && vma_entry(&mm->table, k)->start < start)
            start = vma_entry(&mm->table, k)->start;
        bool exec = prot & PROT_EXEC || vma_any_exec(&mm->table, start, end);
        vma_protect(&mm->table, start, end, guest_prot(prot));
        if (exec)
            rt_invalidate(start, end - start);
    }
    mm_unlock();
    return r;
}

/* No protection keys on this guest. */
SYSCALL(pkey_mprotect)
{
    return (int)a[3] == -1 ? linux_sys_mprotect(cpu, a) : -EINVAL;
}

static void remapped(const uint64_t *a, uint64_t to)
{
    struct vma_table *t = &linux_state.mm.table;
    uint64_t from = a[0], old_size = page_up(a[1]), new_size = page_up(a[2]);
    bool exec = vma_any_exec(t, from, from + old_size) || vma_any_exec(t, to, to + new_size);
    vma_move(t, from, a[3] & MREMAP_DONTUNMAP ? 0 : old_size, to, new_size);
    if (exec) {
        rt_invalidate(from, old_size);
        rt_invalidate(to, new_size);
    }
}

/* What moves, or grows, is one mapping. Newer hosts move several at once; here an older kernel is
 * shown: permissions differ in the table where the host sees none. */
static bool moves_one(const uint64_t *a)
{
    const struct vma_table *t = &linux_state.mm.table;
    uint64_t old_size = page_up(a[1]), new_size = page_up(a[2]);
    bool stays = !(a[3] & (MREMAP_FIXED | MREMAP_DONTUNMAP)) && new_size <= old_size;
    uint32_t k = vma_find(t, a[0]);
    uint64_t moved = old_size < new_size ? old_size : new_size;
    return stays || a[0] % PAGE ||
           (k < t->count && vma_entry(t, k)->start <= a[0] && vma_entry(t, k)->end - a[0] >= moved);
}

SYSCALL(mremap)
{
    (void)cpu;
    if (linux_hidden(a[0], a[1]))
        return -EFAULT;
    if (a[3] & MREMAP_FIXED && linux_hidden(a[4], a[2]))
        return -EINVAL;
    mm_lock();
    long r = moves_one(a) ? -ENOMEM : -EFAULT;
    if (r == -ENOMEM && vma_has_room(&linux_state.mm.table))
        r = sys(__NR_mremap, a[0], a[1], a[2], a[3], a[4]);
    if (r >= 0)
        remapped(a, (uint64_t)r);
    mm_unlock();
    return r;
}

SYSCALL(madvise)
{
    (void)cpu;
    enum { DONTNEED_LOCKED = 24 };
    if (linux_hidden(a[0], a[1]))
        return -ENOMEM;
    long r = sys(__NR_madvise, a[0], a[1], a[2]);
    int advice = (int)a[2];
    bool drops = advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE ||
                 advice == DONTNEED_LOCKED;
    if (drops && vma_any_exec(&linux_state.mm.table, a[0], a[0] + page_up(a[1])))
        rt_invalidate(a[0], page_up(a[1]));
    return r;
}

/* The host counts mappings, too, but not under a limit of nothing. */
static bool break_allowed(uint64_t size)
{
    struct rlimit64 data;
    const struct linux_program *p = &linux_state.program;
    return sys(__NR_prlimit64, 0, RLIMIT_DATA, 0, &data) < 0 ||
           size + (p->data_end - p->data_start) <= data.rlim_cur;
}

/* The break is an anonymous mapping behind the program, grown and shrunk here: the host's own break
 * belongs to the engine's image. */
SYSCALL(brk)
{
    (void)cpu;
    struct linux_mm *mm = &linux_state.mm;
    mm_lock();
    uint64_t want = a[0], old_end = page_up(mm->brk), new_end = page_up(want);
    long r = 0;
    if (want < mm->brk_start || new_end < want)
        r = -ENOMEM;
    else if (new_end > old_end &&
             (linux_hidden(old_end, new_end - old_end) || !break_allowed(want - mm->brk_start)))
        r = -ENOMEM;
    else if (new_end > old_end) {
        uint64_t map[6] = {old_end, new_end - old_end, 0, 0, (uint64_t)-1, 0};
        r = map_locked(map, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
    } else if (new_end < old_end) {
        r = unmap_locked(new_end, old_end - new_end);
    }
    if (r >= 0)
        mm->brk = want;
    r = (long)mm->brk;
    mm_unlock();
    return r;
}

/* ---- System V shared memory ---- */
SYSCALL(shmat)
{
    (void)cpu;
    struct linux_mm *mm = &linux_state.mm;
    struct shmid64_ds ds;
    if (a[1] && linux_hidden(a[1], 1))
        return -EINVAL;
    long r = sys(__NR_shmctl, (int)a[0], IPC_STAT, &ds);
    uint64_t size = r < 0 ? 0 : page_up(ds.shm_segsz);
    if (a[1] && size && linux_hidden(a[1], size))
        return -EINVAL;
    mm_lock();
    r = -ENOMEM;
    if (vma_has_room(&mm->table))
        r = sys(__NR_shmat, (int)a[0], a[1], (int)a[2] & ~SHM_EXEC);
    if (r >= 0) {
        unsigned prot =
            PROT_READ | (a[2] & SHM_RDONLY ? 0 : PROT_WRITE) | (a[2] & SHM_EXEC ? PROT_EXEC : 0);
        struct vma v = {.start = (uint64_t)r,
                        .end = (uint64_t)r + (size ? size : PAGE),
                        .tag = (uint64_t)r,
                        .prot = guest_prot(prot),
                        .flags = VMA_SHARED | VMA_SHM};
        put_mapping(&v);
    }
    mm_unlock();
    return r;
}

SYSCALL(shmdt)
{
    (void)cpu;
    struct vma_table *t = &linux_state.mm.table;
    mm_lock();
    long r = vma_has_room(t) ? sys(__NR_shmdt, a[0]) : -ENOMEM;
    for (uint32_t k = 0; r == 0 && k < t->count;) {
        struct vma v = *vma_entry(t, k);
        if (!(v.flags & VMA_SHM) || v.tag != a[0]) {
            k++;
            continue;
        }
        vma_clear(t, v.start, v.end);
        if (v.prot & VMA_EXEC)
            rt_invalidate(v.start, v.end - v.start);
    }
    mm_unlock();
    return r;
}
