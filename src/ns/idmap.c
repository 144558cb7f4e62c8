/* SPDX-License-Identifier: Apache-2.0
 *
 * Planning the id map of a user namespace.
 *
 * Invariants:
 * 1. Inside ids are 0 .. n-1 without a hole, so that "is mapped" is one comparison.
 * 2. Real root's map never contains the outer id 0.
 * 3. The key depends on the lines alone: the same map finds the same unpacked layers.
 */
#include "ns/idmap.h"

#include "base/file.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>

/* Where real root's containers live when /etc/subuid gives root no range: the top of the ids that
 * systemd's documentation sets aside for containers (UIDS-GIDS: 524288 .. 1879048191). */
#define ROOT_SHIFT 1878917120u
#define USUAL_RANGE 65536u

int idmap_parse_subid(const char *text, const char *user, uid_t uid, struct idmap_line *ret,
                      int max)
{
    int n = 0;
    char number[16];
    snprintf(number, sizeof(number), "%u", (unsigned)uid);
    while (*text && n < max) {
        size_t len = strcspn(text, "\n");
        _cleanup_free_ char *line = strndup(text, len);
        text += len + (text[len] == '\n');
        char *first = line ? strchr(line, ':') : NULL,
             *count = first ? strchr(first + 1, ':') : NULL;
        if (!count)
            continue;
        *first++ = *count++ = '\0';
        unsigned long long from, many;
        if (!str_eq(line, number) && !(user && str_eq(line, user)))
            continue;
        if (!str_to_u64(first, 0, UINT32_MAX - 1, &from) ||
            !str_to_u64(count, 1, UINT32_MAX - 1 - from, &many))
            continue;
        ret[n++] = (struct idmap_line){.outside = (uint32_t)from, .count = (uint32_t)many};
    }
    return n;
}

/* Number the lines' insides from 0 without a hole. */
static void number_lines(struct idmap_line *lines, int n)
{
    uint32_t inside = 0;
    for (int i = 0; i < n; i++) {
        lines[i].inside = inside;
        inside += lines[i].count;
    }
}

static void set_key(struct idmap *m)
{
    uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a */
    for (int side = 0; side < 2; side++) {
        const struct idmap_line *l = side ? m->gid : m->uid;
        int n = side ? m->n_gid : m->n_uid;
        for (int i = 0; i < n; i++) {
            uint32_t word[3] = {l[i].inside, l[i].outside, l[i].count};
            for (size_t b = 0; b < sizeof(word); b++)
                h = (h ^ ((const unsigned char *)word)[b]) * 0x100000001b3ULL;
        }
        h = (h ^ 0xff) * 0x100000001b3ULL;
    }
    snprintf(m->key, sizeof(m->key), "%c-%016llx", m->kind == IDMAP_RANGE ? 'r' : 's',
             (unsigned long long)h);
}

static void plan_single(struct idmap *m)
{
    m->kind = IDMAP_SINGLE;
    m->by_helper = false;
    m->n_uid = m->n_gid = 1;
    m->uid[0] = (struct idmap_line){.outside = geteuid(), .count = 1};
    m->gid[0] = (struct idmap_line){.outside = getegid(), .count = 1};
}

/* The ranges of the present namespace itself: lines of /proc/self/{uid,gid}_map. */
static int parent_ranges(const char *path, struct idmap_line *ret, int max)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 16384, NULL, &ignored);
    int n = 0;
    for (char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL; line && n < max;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned from, outer, count;
        if (sscanf(line, "%u %u %u", &from, &outer, &count) == 3)
            ret[n++] = (struct idmap_line){.inside = outer, .outside = from, .count = count};
    }
    return n;
}

/* Is this the initial user namespace, as far as its map tells? */
static bool is_whole(const struct idmap_line *l, int n)
{
    return n == 1 && l[0].outside == 0 && l[0].inside == 0 && l[0].count == UINT32_MAX;
}

static int load_subid(const char *path, uid_t uid, struct idmap_line *ret, int max)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, 1 << 20, NULL, &ignored);
    if (!text)
        return 0;
    struct passwd *pw = getpwuid(uid);
    return idmap_parse_subid(text, pw ? pw->pw_name : NULL, uid, ret, max);
}

/* Root of a namespace: it may write any map of its own ids without a helper. */
static void plan_root(struct idmap *m)
{
    struct idmap_line parent[IDMAP_LINES];
    m->kind = IDMAP_RANGE;
    for (int side = 0; side < 2; side++) {
        struct idmap_line *lines = side ? m->gid : m->uid;
        int n =
            parent_ranges(side ? "/proc/self/gid_map" : "/proc/self/uid_map", parent, IDMAP_LINES);
        if (is_whole(parent, n)) {
            n = load_subid(side ? "/etc/subgid" : "/etc/subuid", 0, lines, IDMAP_LINES);
            if (n == 0 || lines[0].outside == 0) {
                lines[0] = (struct idmap_line){.outside = ROOT_SHIFT, .count = USUAL_RANGE};
                n = 1;
            }
        } else {
            /* already nobody outside: all that is mapped here, one line a parent's range, since a
             * line may not span two */
            for (int i = 0; i < n; i++)
                lines[i] =
                    (struct idmap_line){.outside = parent[i].outside, .count = parent[i].count};
        }
        number_lines(lines, n);
        *(side ? &m->n_gid : &m->n_uid) = n;
    }
    if (m->n_uid == 0 || m->n_gid == 0)
        plan_single(m);
}

/* An ordinary user with ranges. False: there are none; why_single says why. */
static bool plan_user(struct idmap *m)
{
    uid_t uid = geteuid();
    struct passwd *pw = getpwuid(uid);
    char who[64];
    snprintf(who, sizeof(who), pw ? "%s" : "user %s", pw ? pw->pw_name : "");
    if (!pw)
        snprintf(who, sizeof(who), "%u", (unsigned)uid);
    m->uid[0] = (struct idmap_line){.outside = uid, .count = 1};
    m->gid[0] = (struct idmap_line){.outside = getegid(), .count = 1};
    m->n_uid = 1 + load_subid("/etc/subuid", uid, m->uid + 1, IDMAP_LINES - 1);
    m->n_gid = 1 + load_subid("/etc/subgid", uid, m->gid + 1, IDMAP_LINES - 1);
    if (m->n_uid == 1 || m->n_gid == 1) {
        snprintf(m->why_single, sizeof(m->why_single),
                 "/etc/%s gives %s no range; mend it with: sudo usermod --add-subuids "
                 "100000-165535 --add-subgids 100000-165535 %s",
                 m->n_uid == 1 ? "subuid" : "subgid", who, who);
        return false;
    }
    _cleanup_free_ char *u = spawn_find("newuidmap", NULL), *g = spawn_find("newgidmap", NULL);
    if (!u || !g) {
        snprintf(m->why_single, sizeof(m->why_single),
                 "%s is not installed; mend it with: sudo apt install uidmap",
                 u ? "newgidmap" : "newuidmap");
        return false;
    }
    m->kind = IDMAP_RANGE;
    m->by_helper = true;
    number_lines(m->uid, m->n_uid);
    number_lines(m->gid, m->n_gid);
    return true;
}

bool idmap_plan(bool force_single, struct idmap *ret, struct aw_err *err)
{
    (void)err;
    struct idmap m = {.kind = IDMAP_SINGLE};
    if (force_single) {
        plan_single(&m);
        snprintf(m.why_single, sizeof(m.why_single),
                 "a single id was asked for, instead of the range of /etc/subuid");
    } else if (geteuid() == 0) {
        plan_root(&m);
    } else if (!plan_user(&m)) {
        plan_single(&m);
    }
    set_key(&m);
    *ret = m;
    return true;
}

static uint32_t total(const struct idmap_line *l, int n)
{
    return l[n - 1].inside + l[n - 1].count;
}

uint32_t idmap_uids(const struct idmap *m)
{
    return total(m->uid, m->n_uid);
}

uint32_t idmap_gids(const struct idmap *m)
{
    return total(m->gid, m->n_gid);
}

uid_t idmap_root_uid(const struct idmap *m)
{
    return m->uid[0].outside;
}

gid_t idmap_root_gid(const struct idmap *m)
{
    return m->gid[0].outside;
}

static int64_t inside(const struct idmap_line *l, int n, uint32_t outside)
{
    for (int i = 0; i < n; i++)
        if (outside >= l[i].outside && outside - l[i].outside < l[i].count)
            return (int64_t)l[i].inside + (outside - l[i].outside);
    return -1;
}

int64_t idmap_uid_inside(const struct idmap *m, uid_t outside)
{
    return inside(m->uid, m->n_uid, outside);
}

int64_t idmap_gid_inside(const struct idmap *m, gid_t outside)
{
    return inside(m->gid, m->n_gid, outside);
}
