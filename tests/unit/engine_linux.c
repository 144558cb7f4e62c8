/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure parts of the Linux layer: the table of mappings against an array of pages, and the
 * converters against the layouts of both architectures.
 */
#include "engine/linux/convert.h"
#include "engine/linux/vma.h"

#include "test.h"

#include <asm/fcntl.h>
#include <asm/stat.h>
#include <linux/eventpoll.h>
#include <linux/sem.h>

enum { PAGES = 96, ROOM = 256, BASE = 0x1000000, PAGE = 4096, NONE = 0xff };

struct page {
    uint8_t prot; /* NONE: a hole */
    uint8_t flags;
    uint64_t tag;
};

static struct vma room[ROOM];

static uint64_t address(unsigned page)
{
    return BASE + (uint64_t)page * PAGE;
}

static void check_shape(const struct vma_table *t)
{
    for (uint32_t k = 0; k < t->count; k++) {
        const struct vma *v = vma_entry(t, k);
        CHECK(v->start < v->end && v->start % PAGE == 0 && v->end % PAGE == 0);
        if (k == 0)
            continue;
        const struct vma *b = vma_entry(t, k - 1);
        CHECK(b->end <= v->start);
        CHECK(b->end != v->start || b->prot != v->prot || b->flags != v->flags || b->tag != v->tag);
    }
    CHECK(t->seq % 2 == 0);
}

static void check_same(const struct vma_table *t, const struct page *pages)
{
    for (unsigned p = 0; p < PAGES; p++) {
        int want = pages[p].prot == NONE ? -1 : pages[p].prot;
        if (vma_prot_at(t, address(p)) != want || vma_prot_at(t, address(p) + PAGE - 1) != want)
            TEST_FAIL("page %u: got %d, want %d", p, vma_prot_at(t, address(p)), want);
        if (want < 0)
            continue;
        const struct vma *v = vma_entry(t, vma_find(t, address(p)));
        CHECK(v->flags == pages[p].flags && v->tag == pages[p].tag);
    }
}

static unsigned random_below(uint64_t *state, unsigned n)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33) % n;
}

/* mremap moves a range that is one mapping to the kernel. */
static void random_move(struct vma_table *t, struct page *pages, uint64_t *rng)
{
    unsigned from = random_below(rng, PAGES), n = 1, to, m;
    if (pages[from].prot == NONE)
        return;
    while (from + n < PAGES && n < 8 && !memcmp(&pages[from + n], &pages[from], sizeof(*pages)))
        n++;
    m = 1 + random_below(rng, 8);
    to = random_below(rng, PAGES - m);
    if (to < from + n && from < to + m)
        return;
    bool keep = random_below(rng, 4) == 0;
    struct page page = pages[from];
    vma_move(t, address(from), keep ? 0 : (uint64_t)n * PAGE, address(to), (uint64_t)m * PAGE);
    for (unsigned p = from; p < from + n && !keep; p++)
        pages[p] = (struct page){.prot = NONE};
    for (unsigned p = to; p < to + m; p++)
        pages[p] = page;
}

static void random_change(struct vma_table *t, struct page *pages, uint64_t *rng)
{
    unsigned from = random_below(rng, PAGES), to = from + random_below(rng, PAGES - from + 1);
    unsigned prot = random_below(rng, 8);
    struct page page = {(uint8_t)prot, (uint8_t)random_below(rng, 2), random_below(rng, 2)};
    struct vma v = {address(from), address(to), page.tag, page.prot, page.flags};
    switch (random_below(rng, 4)) {
    case 0:
        vma_set(t, &v);
        for (unsigned p = from; p < to; p++)
            pages[p] = page;
        break;
    case 1:
        vma_clear(t, v.start, v.end);
        for (unsigned p = from; p < to; p++)
            pages[p] = (struct page){.prot = NONE};
        break;
    case 2:
        vma_protect(t, v.start, v.end, (uint8_t)prot);
        for (unsigned p = from; p < to && pages[p].prot != NONE; p++)
            pages[p].prot = (uint8_t)prot;
        break;
    case 3:
        random_move(t, pages, rng);
        break;
    }
}

TEST(table_is_as_an_array_of_pages)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct vma_table t;
        struct page pages[PAGES];
        memset(pages, 0, sizeof(pages));
        for (unsigned p = 0; p < PAGES; p++)
            pages[p].prot = NONE;
        vma_init(&t, room, ROOM);
        uint64_t rng = seed;
        for (unsigned n = 0; n < 400; n++) {
            random_change(&t, pages, &rng);
            check_shape(&t);
            check_same(&t, pages);
        }
    }
}

TEST(executable_ranges_are_found)
{
    struct vma_table t;
    vma_init(&t, room, ROOM);
    vma_set(&t, &(struct vma){address(2), address(4), 0, VMA_READ, 0});
    vma_set(&t, &(struct vma){address(4), address(6), 0, VMA_READ | VMA_EXEC, 0});
    CHECK(!vma_any_exec(&t, address(0), address(4)));
    CHECK(vma_any_exec(&t, address(0), address(4) + 1));
    CHECK(vma_any_exec(&t, address(5), address(9)));
    CHECK(!vma_any_exec(&t, address(6), address(9)));
}

TEST(a_change_that_nobody_ends)
{
    struct vma_table t;
    vma_init(&t, room, ROOM);
    const struct vma v = {.start = address(1), .end = address(2), .prot = VMA_READ};
    vma_set(&t, &v);
    t.seq++; /* whoever did that was killed */
    CHECK(vma_prot_at(&t, address(1)) == VMA_READ);
    vma_mend(&t);
    CHECK(t.seq % 2 == 0);
    vma_mend(&t);
    CHECK(t.seq % 2 == 0 && vma_prot_at(&t, address(2)) == -1);
}

TEST(a_full_table_says_so)
{
    struct vma_table t;
    vma_init(&t, room, 4);
    CHECK(vma_has_room(&t));
    for (unsigned k = 0; k < 3; k++)
        vma_set(&t, &(struct vma){address(2 * k), address(2 * k + 1), 0, VMA_READ, 0});
    CHECK(!vma_has_room(&t));
}

TEST(open_flags_change_places)
{
    static const uint64_t pairs[][2] = {{A64_O_DIRECTORY, O_DIRECTORY},
                                        {A64_O_NOFOLLOW, O_NOFOLLOW},
                                        {A64_O_DIRECT, O_DIRECT},
                                        {A64_O_LARGEFILE, O_LARGEFILE}};
    for (unsigned k = 0; k < 4; k++) {
        CHECK(convert_open_flags(pairs[k][0]) == pairs[k][1]);
        CHECK(convert_open_flags(pairs[k][1]) == pairs[k][0]);
    }
    uint64_t same = O_RDWR | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |
                    O_DSYNC | FASYNC | O_NOATIME | O_CLOEXEC | O_SYNC | O_PATH | __O_TMPFILE;
    CHECK(convert_open_flags(same) == same);
    CHECK(convert_open_flags(~0ull) == ~0ull);
}

TEST(stat_keeps_every_field)
{
    struct stat host;
    struct a64_stat guest;
    memset(&host, 0xee, sizeof(host));
    host.st_dev = 0x1122334455667788;
    host.st_ino = ~1ul;
    host.st_mode = 0100644;
    host.st_nlink = 3;
    host.st_uid = 1000;
    host.st_gid = 1001;
    host.st_rdev = 0x8877665544332211;
    host.st_size = 1l << 40;
    host.st_blksize = 4096;
    host.st_blocks = 77;
    host.st_atime = 1;
    host.st_atime_nsec = 2;
    host.st_mtime = 3;
    host.st_mtime_nsec = 4;
    host.st_ctime = 5;
    host.st_ctime_nsec = 6;
    convert_stat(&guest, &host);
    const struct a64_stat want = {.st_dev = 0x1122334455667788,
                                  .st_ino = ~1ul,
                                  .st_mode = 0100644,
                                  .st_nlink = 3,
                                  .st_uid = 1000,
                                  .st_gid = 1001,
                                  .st_rdev = 0x8877665544332211,
                                  .st_size = 1l << 40,
                                  .st_blksize = 4096,
                                  .st_blocks = 77,
                                  .st_atime_sec = 1,
                                  .st_atime_nsec = 2,
                                  .st_mtime_sec = 3,
                                  .st_mtime_nsec = 4,
                                  .st_ctime_sec = 5,
                                  .st_ctime_nsec = 6};
    CHECK(memcmp(&guest, &want, sizeof(want)) == 0);
}

TEST(epoll_and_semid_there_and_back)
{
    struct a64_epoll_event e = {EPOLLIN | EPOLLET, 0, 0x0123456789abcdef}, e2;
    struct epoll_event host;
    convert_epoll_to_host(&host, &e);
    CHECK(host.events == e.events && host.data == e.data);
    convert_epoll_to_guest(&e2, &host);
    CHECK(memcmp(&e, &e2, sizeof(e)) == 0);

    struct a64_semid_ds s = {.sem_otime = 1, .sem_ctime = 2, .sem_nsems = 3}, s2;
    struct semid64_ds ds;
    for (unsigned k = 0; k < sizeof(s.perm); k++)
        s.perm[k] = (uint8_t)(k + 1);
    convert_semid_to_host(&ds, &s);
    CHECK(ds.sem_otime == 1 && ds.sem_ctime == 2 && ds.sem_nsems == 3);
    CHECK(memcmp(&ds.sem_perm, s.perm, sizeof(s.perm)) == 0);
    convert_semid_to_guest(&s2, &ds);
    CHECK(memcmp(&s, &s2, sizeof(s)) == 0);
}

TEST_MAIN()
