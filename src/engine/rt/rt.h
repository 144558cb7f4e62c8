/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime: what the Linux layer asks of it. Guest-neutral.
 *
 * Owns the window (all of the engine's memory), code chunks and slots, the block table, the return
 * stack, entry to and exit from translated code, and the way from a host fault back to the guest.
 *
 * Who calls whom: translated code calls thunks (rt/entry.c); a thunk saves the pinned registers
 * into cpu->x, moves to the C stack and calls one of the functions below the line "the Linux
 * layer".
 */
#ifndef ENGINE_RT_RT_H
#define ENGINE_RT_RT_H

#include "engine/rt/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- the window ---- */
/* Map the window beside the engine's image; the only memory that the engine has. */
bool rt_window_init(void);
/* Is any byte of [start, start + length) the engine's? One range compare. */
bool rt_window_has(uint64_t start, uint64_t length);
void rt_window_range(uint64_t *ret_start, uint64_t *ret_end);
/* Pages from the window, zeroed, read-write; NULL when there are none. length in bytes. */
void *rt_pages_get(size_t length);
void rt_pages_put(void *pages, size_t length);

/* ---- threads ---- */
/* A cpu with its C stack, return stack and host alternate signal stack, all in the window; NULL: no
 * memory. rt_cpu_free: of a thread that runs no more. */
struct cpu *rt_cpu_new(void);
void rt_cpu_free(struct cpu *cpu);
/* The running thread's cpu (kept in the host's gs base). */
struct cpu *rt_cpu(void);
void rt_cpu_set(struct cpu *cpu);
/* The place for sigaltstack(2) of this cpu's thread. */
void rt_cpu_altstack(struct cpu *cpu, void **ret_base, size_t *ret_size);
/* Open the exclusive monitor, and let its cell go (a signal, the end of a thread). */
void rt_excl_clear(struct cpu *cpu);
/* Run the guest from cpu->pc on; does not return. Loads all guest registers. Empties the C stack:
 * may be called from any depth (signal delivery, sigreturn, exec). */
__attribute__((noreturn)) void rt_run(struct cpu *cpu);
/* v[] of the pinned vectors: true after save; load before going on if they were changed. Only from
 * C code that a thunk called. rt_run loads. */
void rt_vectors_save(struct cpu *cpu);
void rt_vectors_load(struct cpu *cpu);

/* ---- code ---- */
/* Forget what was translated from these guest bytes, in all threads; also empties return stacks. */
void rt_invalidate(uint64_t start, uint64_t length);
/* Around fork(2): the child adds nothing to the chunks that it sees, which are its parent's. */
void rt_fork_prepare(void);
void rt_fork_done(bool child);
/* The guest changed its FP mode: pick the block table (fpcr is in cpu). */
void rt_mode_changed(struct cpu *cpu);
/* FPCR and FPSR with the host's MXCSR, which belongs to the guest. On the thread itself only. */
uint32_t rt_fpsr_get(const struct cpu *cpu);
void rt_fpsr_set(struct cpu *cpu, uint32_t value);
void rt_fpcr_set(struct cpu *cpu, uint32_t value);

/* ---- clocks ---- */
/* Where the kernel mapped the host's vDSO, 0: nowhere. */
void rt_clock_init(uint64_t vdso);
/* clock_gettime(2), mostly without a system call: seconds, nanoseconds; -errno. */
long rt_clock(struct cpu *cpu, long clock, uint64_t ret[2]);
/* clock_getres(2) of a clock below 32, asked of the host once; false: it fails. */
bool rt_clock_resolution(uint32_t clock, uint64_t ret[2]);
/* Clocks are read often: rt_clock_move() is to be called, by a poll, with the lock of mappings. */
bool rt_clock_wanted(void);
void rt_clock_move(void);

/* ---- faults ---- */
/* A host signal handler found rip in translated code or in a thunk on a synchronous fault. true:
 * the context (a host ucontext_t) was changed so that returning from the handler saves the guest's
 * registers and calls linux_fault(cpu) with cpu->pc exact. false: not the guest's fault: an engine
 * bug. */
bool rt_host_fault(void *ucontext, int signal, int code, uint64_t address);
/* Is rip in translated code or a thunk (so that cpu->x is stale)? */
bool rt_in_guest(uint64_t rip);

/* ---- locks, a futex with the owner's thread id (lock.c): who waits for an owner that was killed
 * (a CLONE_VM child may be) takes the lock over. What it protects is changed in an order that may
 * end anywhere. ---- */
void lock_take(uint32_t *lock);
void lock_give(uint32_t *lock);

/* ---- guest memory from C: false when it faults ---- */
bool rt_guest_read(void *to, uint64_t from, size_t length);
bool rt_guest_write(uint64_t to, const void *from, size_t length);
/* length of the string at from without its end, at most max; -1 when it faults */
int64_t rt_guest_strlen(uint64_t from, size_t max);

/* ---- engine bugs: one line with the guest pc, then the process dies by SIGABRT ---- */
__attribute__((noreturn)) void rt_bug(const char *what, const char *file, int line);
/* Memory is exhausted in a place where the guest cannot be told: die as the kernel lets die. */
__attribute__((noreturn)) void rt_no_memory(void);
#define AW_BUG_ON(condition) ((condition) ? rt_bug(#condition, __FILE__, __LINE__) : (void)0)

/* ---- the Linux layer's part, called from thunks on the C stack; cpu->x is true ---- */
/* cpu->pc is behind the SVC. Result into x[0]. Returns when the guest goes on at cpu->pc (the thunk
 * returns into the translated code if pc is unchanged); else calls rt_run. */
void linux_syscall(struct cpu *cpu);
/* A RAISE: deliver the signal; ends in rt_run or the process's death. */
__attribute__((noreturn)) void linux_raise(struct cpu *cpu, enum rt_raise kind);
/* A memory fault of translated code, as the host reported it; ends in rt_run or death. */
__attribute__((noreturn)) void linux_fault(struct cpu *cpu, int signal, int code, uint64_t address);
/* A poll with fuel run out: deliver what waits (may end in rt_run); else returns. */
void linux_poll(struct cpu *cpu);
/* Is this the engine's own code in the guest, which has an instruction of its own? */
bool linux_own_code(uint64_t pc);
/* May the guest execute at pc? (shadow VMA table) */
bool linux_may_execute(uint64_t pc);

#endif
