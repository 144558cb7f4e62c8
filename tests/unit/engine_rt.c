/* SPDX-License-Identifier: Apache-2.0
 *
 * The runtime's blocks on their own: table, links, and which of them die with which bytes. code.c
 * is compiled into this test, as the runtime is no part of the hosted library; what it stands on is
 * below, and blocks have no code.
 */
#include "test.h"

#include <sys/mman.h>

#include "engine/rt/code.c"

struct rt_state rt_state;
const char rt_thunk_jump[1];

void rt_bug(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

enum { EXTENTS = 4096, CODE = 64 };

static uint8_t exec_view[CHUNK_CODE];
static struct ir_region region;
static uint32_t region_mode; /* of the next block */

static void *zeroed(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static struct chunk *begin(void)
{
    static struct slot slots[CHUNK_SLOTS];
    static struct slot_side sides[CHUNK_SLOTS];
    static struct block blocks[CHUNK_BLOCKS];
    memset(&rt_state, 0, sizeof(rt_state));
    memset(slots, 0, sizeof(slots));
    rt_state.tables = zeroed(MODES * sizeof(struct block *) << TABLE_BITS);
    rt_state.extents = zeroed(EXTENTS * sizeof(struct extent));
    rt_state.extent_room = EXTENTS;
    rt_state.chunk_count = 1;
    rt_state.chunks[0] =
        (struct chunk){.exec = exec_view, .slots = slots, .sides = sides, .blocks = blocks};
    return &rt_state.chunks[0];
}

/* A block of `count` instructions from pc on, and then as many from `also` on if that is not 0; one
 * direct exit to `exit`, and an inline cache. */
static struct block *add(struct chunk *c, uint64_t pc, unsigned count, uint64_t also, uint64_t exit)
{
    region = (struct ir_region){.pc = pc, .mode = region_mode};
    for (unsigned k = 0; k < count; k++)
        region.ins[region.count++] = (struct ir_ins){.op = IR_INSN, .imm = pc + 4 * k};
    for (unsigned k = 0; also && k < count; k++)
        region.ins[region.count++] = (struct ir_ins){.op = IR_INSN, .imm = also + 4 * k};
    struct slot *s = c->slots + c->slots_used;
    s[0] = (struct slot){c->exec + c->code_used + 32, exit};
    s[1] = (struct slot){NULL, 0};
    struct x64_out o = {.slots = s, .code_size = CODE, .slot_count = 2};
    return code_publish(c, &region, &o);
}

TEST(find_by_pc_and_mode)
{
    struct chunk *c = begin();
    enum { APART = 4 << TABLE_BITS }; /* the same bucket */
    struct block *b[3];
    for (unsigned k = 0; k < 3; k++)
        b[k] = add(c, 0x400000 + k * APART, 1, 0, 0);
    for (unsigned k = 0; k < 3; k++)
        CHECK(code_find(0x400000 + k * APART, 0) == b[k]);
    CHECK(code_find(0x400000, IR_MODE_COLD) == NULL);
    CHECK(code_find(0x400000 + 3 * APART, 0) == NULL);
    code_kill(0x400000 + APART, 4); /* in the middle of the chain */
    CHECK(code_find(0x400000 + APART, 0) == NULL);
    CHECK(code_find(0x400000, 0) == b[0]);
    CHECK(code_find(0x400000 + 2 * APART, 0) == b[2]);
    code_forget_all();
    CHECK(code_find(0x400000, 0) == NULL);
}

TEST(only_the_bytes_that_were_read)
{
    struct chunk *c = begin();
    /* a jump over many pages: what lies between is not its own */
    struct block *far = add(c, 0x400ff8, 4, 0x900000, 0);
    struct block *between = add(c, 0x500000, 4, 0, 0);
    code_kill(0x401008, 0x100000);
    CHECK(!far->dead && between->dead);
    code_kill(0x400ff4, 4);
    code_kill(0x900010, 4);
    CHECK(!far->dead);
    code_kill(0x90000f, 1); /* the last byte of its second run */
    CHECK(far->dead);
    far = add(c, 0x400ff8, 4, 0x900000, 0);
    code_kill(0x401000, 1); /* the first run's second page */
    CHECK(far->dead && code_find(0x400ff8, 0) == NULL);
}

TEST(large_ranges)
{
    struct chunk *c = begin();
    struct block *low = add(c, 0x400000, 2, 0, 0), *in = add(c, 0x7f0000000000, 2, 0, 0),
                 *high = add(c, 0x7ffffffff000, 2, 0, 0);
    code_kill(0x7f0000000000, (uint64_t)(2u << EXTENT_BITS) << PAGE_SHIFT);
    CHECK(!low->dead && in->dead && !high->dead);
    code_kill(0, 1ull << 47);
    CHECK(low->dead && high->dead);
    CHECK(rt_state.stats.invalidated == 3);
}

TEST(links_go_back_to_their_stubs)
{
    struct chunk *c = begin();
    struct block *from = add(c, 0x1000, 1, 0, 0x2000), *other = add(c, 0x3000, 1, 0, 0x2000);
    struct block *to = add(c, 0x2000, 1, 0, 0);
    struct slot *a = &c->slots[0], *cache = &c->slots[1], *b = &c->slots[2];
    void *stub_a = a->host, *stub_b = b->host;
    CHECK(cache->host == (void *)(uintptr_t)rt_thunk_jump);
    code_link(a, to);
    code_link(b, to);
    code_link(a, to); /* two threads at once: in the chain one time only */
    code_link(cache, to);
    cache->pc = 0x2000;
    CHECK(a->host == to->host && b->host == to->host && cache->host == to->host);
    CHECK(rt_state.stats.links == 3);
    code_kill(0x2000, 4);
    CHECK(a->host == stub_a && b->host == stub_b);
    CHECK(cache->host == (void *)(uintptr_t)rt_thunk_jump && cache->pc == 0x2000);
    CHECK(!from->dead && !other->dead);
}

TEST(caches_are_filled_again)
{
    struct chunk *c = begin();
    add(c, 0x1000, 1, 0, 0);
    add(c, 0x3000, 1, 0, 0);
    struct slot *cache = &c->slots[1], *other = &c->slots[3];
    struct block *to = add(c, 0x2000, 1, 0, 0), *to_other = add(c, 0x2004, 1, 0, 0);
    code_link(cache, to);
    cache->pc = 0x2000;
    code_link(other, to_other);
    other->pc = 0x2004;
    code_kill(0x2000, 8);
    struct block *elsewhere = add(c, 0x2000, 1, 0, 0);
    CHECK(cache->host == elsewhere->host && cache->pc == 0x2000);
    CHECK(other->host == (void *)(uintptr_t)rt_thunk_jump);
    code_kill(0x2000, 4);
    CHECK(cache->host == (void *)(uintptr_t)rt_thunk_jump);
    struct block *again = add(c, 0x2000, 1, 0, 0), *again_other = add(c, 0x2004, 1, 0, 0);
    CHECK(cache->host == again->host && other->host == again_other->host);
}

TEST(caches_are_filled_by_their_own_mode)
{
    struct chunk *c = begin();
    add(c, 0x1000, 1, 0, 0);
    struct slot *cache = &c->slots[1];
    code_link(cache, add(c, 0x2000, 1, 0, 0));
    cache->pc = 0x2000;
    code_kill(0x2000, 4);
    region_mode = IR_MODE_COLD;
    add(c, 0x2000, 1, 0, 0);
    region_mode = 0;
    CHECK(cache->host == (void *)(uintptr_t)rt_thunk_jump);
    struct block *again = add(c, 0x2000, 1, 0, 0);
    CHECK(cache->host == again->host);
}

TEST(extents_are_used_again)
{
    struct chunk *c = begin();
    for (unsigned k = 0; k < 2 * EXTENTS; k++) {
        c->block_count = c->slots_used = c->code_used = 0;
        add(c, 0x10000, 2, 0, 0);
        CHECK(!code_none(0x10000, 64));
        code_kill(0x10004, 4);
    }
    CHECK(rt_state.extent_used == 1);
    CHECK(code_none(0x10000, 64));
    rt_state.lock = 1; /* somebody translates: who knows what he read */
    CHECK(!code_none(0x10000, 64));
}

TEST_MAIN()
