/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking a user up in the container's own /etc/passwd and /etc/group, and the nested id map.
 *
 * The files belong to the image, so they may be anything: they are opened beneath the container's
 * root (no link leads out), must be regular, have a size limit, and lines that do not parse are
 * skipped. The rules are those of Docker and runc: a number is always an id and needs no entry; a
 * group given explicitly replaces the supplementary groups.
 *
 * Invariants:
 * 1. The ids of the nested map are a permutation of those of the outer map (keep-id with a number
 *    beyond the map leaves one id out), so nothing that the outer namespace can write is lost.
 * 2. No line of the nested map spans two ranges of the outer map: the kernel refuses that.
 */
#include "box/user.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#define USER_FILE_LIMIT (4u << 20)
#define USER_ID_MAX 2147483647u /* Docker's bound; the kernel's -1 is far away */
#define FIELDS 7

/* Split one line of passwd or group in place; missing fields are "". */
static void split_fields(char *line, char *field[FIELDS])
{
    char *end = line + strlen(line);
    for (int i = 0; i < FIELDS; i++) {
        char *part = strsep(&line, ":");
        field[i] = part ? part : end;
    }
}

static bool parse_id(const char *s, uint32_t *ret)
{
    unsigned long long v;
    if (!str_to_u64(s, 0, USER_ID_MAX, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool is_number(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == 0;
}

/* What was asked for. */
struct wanted {
    char *user, *group; /* owned; "" where not given */
    uint32_t uid, gid;  /* where they are numbers */
    bool uid_number, gid_number;
};

static void wanted_fini(struct wanted *w)
{
    free(w->user);
    free(w->group);
}

static bool wanted_init(struct wanted *w, const char *text, struct aw_err *err)
{
    size_t n = strcspn(text, ":");
    w->user = strndup(text, n);
    w->group = strdup(text[n] ? text + n + 1 : "");
    if (!w->user || !w->group)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    w->uid_number = is_number(w->user);
    w->gid_number = is_number(w->group);
    if ((w->uid_number && !parse_id(w->user, &w->uid)) ||
        (w->gid_number && !parse_id(w->group, &w->gid)))
        return aw_fail(err, AW_E_ARG, 0, "user %s: ids must be in the range 0-%u", text,
                       USER_ID_MAX);
    return true;
}

/* The first entry that fits; fills in u. *ret_found tells whether there was one. */
static bool find_passwd(char *text, const struct wanted *w, struct user *u, bool *ret_found,
                        struct aw_err *err)
{
    char *f[FIELDS];
    *ret_found = false;
    for (char *line; (line = strsep(&text, "\n"));) {
        uint32_t uid, gid;
        split_fields(line, f);
        if (!*f[0] || !parse_id(f[2], &uid) || !parse_id(f[3], &gid))
            continue;
        if (w->uid_number ? uid != w->uid : *w->user ? !str_eq(f[0], w->user) : uid != 0)
            continue;
        u->uid = uid;
        u->gid = gid;
        free(u->name);
        free(u->home);
        u->name = strdup(f[0]);
        u->home = strdup(f[5][0] == '/' ? f[5] : "/");
        *ret_found = true;
        return (u->name && u->home) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    }
    return true;
}

static bool list_has(char *list, const char *name)
{
    for (char *item; (item = strsep(&list, ","));)
        if (str_eq(item, name))
            return true;
    return false;
}

static void add_group(struct user *u, uint32_t gid)
{
    if (u->n_groups == USER_GROUPS || gid == u->gid)
        return;
    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return;
    u->groups[u->n_groups++] = gid;
}

/* The explicit group, or else the groups that list the user's name. False: w->group is not there.
 */
static bool find_groups(char *text, const struct wanted *w, struct user *u)
{
    char *f[FIELDS];
    for (char *line; (line = strsep(&text, "\n"));) {
        uint32_t gid;
        split_fields(line, f);
        if (!*f[0] || !parse_id(f[2], &gid))
            continue;
        if (*w->group) {
            if (str_eq(f[0], w->group)) {
                u->gid = gid;
                return true;
            }
        } else if (*u->name && list_has(f[3], u->name)) {
            add_group(u, gid);
        }
    }
    return !*w->group;
}

bool user_resolve_text(const char *passwd, const char *group, const char *text, struct user *ret,
                       struct aw_err *err)
{
    bool found;
    __attribute__((cleanup(wanted_fini))) struct wanted w = {0};
    _cleanup_user_ struct user u = {.name = strdup(""), .home = strdup("/")};
    _cleanup_free_ char *users = strdup(passwd ? passwd : "");
    _cleanup_free_ char *groups = strdup(group ? group : "");
    if (!u.name || !u.home || !users || !groups)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    if (!wanted_init(&w, text, err) || !find_passwd(users, &w, &u, &found, err))
        return false;
    if (!found && *w.user && !w.uid_number)
        return aw_fail(err, AW_E_NOTFOUND, 0,
                       "unable to find user %s: no matching entries in passwd file", w.user);
    if (!found)
        u.uid = w.uid; /* 0 where no user was named */
    if (w.gid_number)
        u.gid = w.gid;
    else if (!find_groups(groups, &w, &u))
        return aw_fail(err, AW_E_NOTFOUND, 0,
                       "unable to find group %s: no matching entries in group file", w.group);
    *ret = u;
    u = (struct user){0};
    return true;
}

/* An image's file as text; *ret is NULL where there is none. */
static bool load(int root_fd, const char *path, char **ret, struct aw_err *err)
{
    struct stat st;
    _cleanup_close_ int fd =
        file_openat2(root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0,
                     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return true;
    if (fd < 0)
        return aw_fail(err, AW_E_IO, errno, "open the container's /%s", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return aw_fail(err, AW_E_PARSE, 0, "the container's /%s is no regular file", path);
    *ret = file_load_fd(fd, path, USER_FILE_LIMIT, NULL, err);
    return *ret != NULL;
}

bool user_resolve(int root_fd, const char *text, struct user *ret, struct aw_err *err)
{
    _cleanup_free_ char *passwd = NULL, *group = NULL;
    return load(root_fd, "etc/passwd", &passwd, err) && load(root_fd, "etc/group", &group, err) &&
           user_resolve_text(passwd, group, text, ret, err);
}

void user_fini(struct user *u)
{
    free(u->home);
    free(u->name);
    u->home = u->name = NULL;
}

static int identity(const struct idmap_line *from, int n, struct idmap_line *to)
{
    for (int i = 0; i < n; i++)
        to[i] = (struct idmap_line){from[i].inside, from[i].inside, from[i].count};
    return n;
}

void user_map_identity(const struct idmap *m, struct user_map *ret)
{
    ret->n_uid = identity(m->uid, m->n_uid, ret->uid);
    ret->n_gid = identity(m->gid, m->n_gid, ret->gid);
}

/* Add ids [from, to) as themselves, cut at the ranges of the outer map. */
static int add_plain(const struct idmap_line *outer, int n_outer, uint32_t from, uint32_t to,
                     struct idmap_line *ret)
{
    int n = 0;
    for (int i = 0; i < n_outer; i++) {
        uint32_t low = outer[i].inside, high = low + outer[i].count;
        low = low > from ? low : from;
        high = high < to ? high : to;
        if (low < high)
            ret[n++] = (struct idmap_line){low, low, high - low};
    }
    return n;
}

/* Ids a and b of [0, total) change places. b may be beyond: then the last id stands in for a. */
static int swapped(const struct idmap_line *outer, int n_outer, uint32_t a, uint32_t b,
                   struct idmap_line *ret)
{
    uint32_t total = 0;
    for (int i = 0; i < n_outer; i++)
        total += outer[i].count;
    bool beyond = b >= total;
    uint32_t partner = beyond ? total - 1 : b; /* who takes a's number */
    uint32_t low = a < partner ? a : partner, high = a < partner ? partner : a;
    int n = add_plain(outer, n_outer, 0, low, ret);
    if (a != partner)
        ret[n++] = (struct idmap_line){a, partner, 1};
    n += add_plain(outer, n_outer, low + 1, high, ret + n);
    n += add_plain(outer, n_outer, high + 1, total, ret + n);
    ret[n++] = (struct idmap_line){b, a, 1};
    return n;
}

bool user_map_keep_id(const struct idmap *m, uid_t uid, gid_t gid, struct user_map *ret,
                      struct aw_err *err)
{
    if (m->kind == IDMAP_SINGLE)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "--userns keep-id needs ranges of ids: %s",
                       m->why_single);
    int64_t u = idmap_uid_inside(m, uid), g = idmap_gid_inside(m, gid);
    if (u < 0 || g < 0) {
        aw_fail(err, AW_E_UNSUPPORTED, 0,
                "--userns keep-id: your own ids (%u:%u) are not part of the container's user "
                "namespace",
                uid, gid);
        return aw_mend(err, "run archway as an ordinary user, without sudo");
    }
    user_map_identity(m, ret);
    if (u != (int64_t)uid)
        ret->n_uid = swapped(m->uid, m->n_uid, (uint32_t)u, uid, ret->uid);
    if (g != (int64_t)gid)
        ret->n_gid = swapped(m->gid, m->n_gid, (uint32_t)g, gid, ret->gid);
    return true;
}

static bool mapped(const struct idmap_line *l, int n, uint32_t id)
{
    for (int i = 0; i < n; i++)
        if (id >= l[i].inside && id - l[i].inside < l[i].count)
            return true;
    return false;
}

static bool not_mapped(const char *what, uint32_t id, const struct idmap *m, struct aw_err *err)
{
    if (m->kind == IDMAP_SINGLE)
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "%s id %u is not mapped: the container has only id 0, because %s", what, id,
                       m->why_single);
    aw_fail(err, AW_E_UNSUPPORTED, 0, "%s id %u is not mapped: the container has the ids 0-%u",
            what, id, (what[0] == 'u' ? idmap_uids(m) : idmap_gids(m)) - 1);
    return aw_mend(err, "give yourself more ids with usermod --add-subuids and --add-subgids");
}

bool user_check_mapped(const struct user *u, const struct user_map *map, const struct idmap *m,
                       struct aw_err *err)
{
    if (!mapped(map->uid, map->n_uid, u->uid))
        return not_mapped("user", u->uid, m, err);
    if (!mapped(map->gid, map->n_gid, u->gid))
        return not_mapped("group", u->gid, m, err);
    return true;
}

void user_drop_unmapped_groups(struct user *u, const struct user_map *map, const struct idmap *m)
{
    size_t n = 0;
    /* setgroups(2) is denied where a user wrote his own gid map */
    for (size_t i = 0; i < u->n_groups && m->kind == IDMAP_RANGE; i++)
        if (mapped(map->gid, map->n_gid, u->groups[i]))
            u->groups[n++] = u->groups[i];
    u->n_groups = n;
}
