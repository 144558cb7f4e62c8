/* SPDX-License-Identifier: Apache-2.0
 *
 * Owner, mode, time, extended attributes and ACLs of a layer's entry.
 *
 * Kept: user.*, security.capability (as one of the container's root), POSIX ACLs with numeric ids.
 * Refused: trusted.* and user.overlay.*, by which a layer could forge marks of overlayfs.
 * Everything else (security.selinux and other labels of the machine that made the image) is left
 * out silently, as Docker does.
 */
#include "image/layer_attr.h"

#include "base/util.h"
#include "image/layer_name.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define CAPABILITY "security.capability"
#define LIST_MAX 65536

static bool id_outside(const char *what, int64_t id, uint32_t mapped, struct aw_err *err)
{
    aw_fail(err, AW_E_PERM, 0, "its owner's %s id %lld is outside the %u ids that are mapped", what,
            (long long)id, mapped);
    return aw_mend(err,
                   "a larger range for your user in /etc/subuid and /etc/subgid (usermod "
                   "--add-subuids FIRST-LAST --add-subgids FIRST-LAST USER), or --userns single, "
                   "where every file is root's");
}

static bool get_owner(struct archive_entry *e, const struct idmap *map, struct layer_notes *notes,
                      struct layer_attr *ret, struct aw_err *err)
{
    int64_t uid = archive_entry_uid(e), gid = archive_entry_gid(e);
    /* (uid_t)-1 means "leave it" to chown(2) */
    if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return aw_fail(err, AW_E_PARSE, 0, "refused: owner %lld:%lld is no valid id",
                       (long long)uid, (long long)gid);
    if (map && map->kind == IDMAP_SINGLE) {
        notes->owners += uid || gid;
        uid = gid = 0;
    }
    if (map && uid >= idmap_uids(map))
        return id_outside("user", uid, idmap_uids(map), err);
    if (map && gid >= idmap_gids(map))
        return id_outside("group", gid, idmap_gids(map), err);
    ret->uid = (uid_t)uid;
    ret->gid = (gid_t)gid;
    return true;
}

/* Names under which overlayfs keeps its marks. */
static bool is_mark(const char *name)
{
    return str_starts(name, "user.overlay.") || str_starts(name, "trusted.");
}

static bool is_kept(const char *name)
{
    return (str_starts(name, "user.") && name[5]) || str_eq(name, CAPABILITY) ||
           str_eq(name, ACL_ACCESS) || str_eq(name, ACL_DEFAULT);
}

bool layer_attr_get(struct archive_entry *e, const struct idmap *map, struct layer_notes *notes,
                    struct layer_attr *ret, struct aw_err *err)
{
    const char *name;
    const void *value;
    size_t size;
    char show[LAYER_SHOW];
    if (!get_owner(e, map, notes, ret, err))
        return false;
    ret->mode = archive_entry_perm(e) & 07777;
    ret->mtime.tv_sec = archive_entry_mtime(e);
    ret->mtime.tv_nsec = archive_entry_mtime_nsec(e);
    if (ret->mtime.tv_nsec < 0 || ret->mtime.tv_nsec > 999999999)
        ret->mtime.tv_nsec = 0;
    ret->extra = archive_entry_acl_types(e) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E;
    for (archive_entry_xattr_reset(e); archive_entry_xattr_next(e, &name, &value, &size) == 0;) {
        ret->extra = true;
        if (is_mark(name))
            return aw_fail(err, AW_E_PARSE, 0,
                           "refused: extended attribute %s, which only mounts may set",
                           layer_show(name, show));
        if (is_kept(name) && (size > XATTR_SIZE_MAX || strlen(name) > XATTR_NAME_MAX))
            return aw_fail(err, AW_E_PARSE, 0, "refused: extended attribute %s is too large",
                           layer_show(name, show));
    }
    return true;
}

/* One attribute; not supported by the file system: counted. */
static bool set_one(int fd, const char *name, const void *value, size_t size,
                    struct layer_notes *notes, struct aw_err *err)
{
    char show[LAYER_SHOW];
    if (fsetxattr(fd, name, value, size, 0) == 0)
        return true;
    if (errno == EOPNOTSUPP) {
        notes->attrs++;
        return true;
    }
    /* ext4 says ENOSPC where a file's attributes do not fit into their one block */
    if (errno == ENOSPC || errno == E2BIG || errno == ERANGE)
        return aw_fail(err, AW_E_LIMIT, errno,
                       "extended attribute %s (%zu bytes) does not fit where the file system keeps "
                       "them, or the file system is full",
                       layer_show(name, show), size);
    return aw_fail(err, AW_E_IO, errno, "set extended attribute %s", layer_show(name, show));
}

/* File capabilities always become those of the container's own root: revision 3 names the root of
 * some other namespace, revision 2 is what the kernel completes with ours. */
static bool set_capability(int fd, const void *value, size_t size, struct layer_notes *notes,
                           struct aw_err *err)
{
    struct vfs_ns_cap_data c;
    if (size != XATTR_CAPS_SZ_3 && size != XATTR_CAPS_SZ_2)
        return aw_fail(err, AW_E_PARSE, 0, "refused: malformed file capabilities");
    memcpy(&c, value, size);
    if (size == XATTR_CAPS_SZ_3)
        c.magic_etc = (c.magic_etc & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2;
    if ((c.magic_etc & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_2)
        return aw_fail(err, AW_E_PARSE, 0, "refused: malformed file capabilities");
    return set_one(fd, CAPABILITY, &c, XATTR_CAPS_SZ_2, notes, err);
}

/* The kernel's form of an ACL (linux/posix_acl_xattr.h): a version, then these. */
struct acl_item {
    uint16_t tag, perm;
    uint32_t id;
};

static uint16_t acl_tag(int tag)
{
    switch (tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
        return 0x01;
    case ARCHIVE_ENTRY_ACL_USER:
        return 0x02;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
        return 0x04;
    case ARCHIVE_ENTRY_ACL_GROUP:
        return 0x08;
    case ARCHIVE_ENTRY_ACL_MASK:
        return 0x10;
    default:
        return 0x20;
    }
}

static int acl_order(const void *a, const void *b)
{
    const struct acl_item *x = a, *y = b;
    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool has_id(const struct idmap *map, uint16_t tag, int id)
{
    return !map || (uint32_t)id < (tag == 0x02 ? idmap_uids(map) : idmap_gids(map));
}

static bool set_acl(struct archive_entry *e, const struct idmap *map, int fd, int type,
                    struct layer_notes *notes, struct aw_err *err)
{
    bool whole = true;
    int count = archive_entry_acl_reset(e, type), got, perm, tag, id;
    const char *name;
    if (count <= 0)
        return true;
    size_t size = 4 + (size_t)count * sizeof(struct acl_item), n = 0;
    _cleanup_free_ unsigned char *text = calloc(1, size);
    if (!text)
        return aw_fail(err, AW_E_NOMEM, 0, "set an ACL: out of memory");
    text[0] = 2; /* POSIX_ACL_XATTR_VERSION, little endian */
    struct acl_item *items = (struct acl_item *)(void *)(text + 4);
    while (n < (size_t)count &&
           archive_entry_acl_next(e, type, &got, &perm, &tag, &id, &name) == ARCHIVE_OK) {
        uint16_t t = acl_tag(tag);
        bool named = t == 0x02 || t == 0x08;
        if (named && id < 0) {
            /* a name without a number means something only in the image's own passwd file */
            notes->attrs++;
            return true;
        }
        /* the kernel refuses it, and nobody in the container can be meant */
        if (named && !has_id(map, t, id)) {
            whole = false;
            continue;
        }
        items[n++] = (struct acl_item){t, perm & 7, named ? (uint32_t)id : UINT32_MAX};
    }
    notes->attrs += !whole;
    qsort(items, n, sizeof(*items), acl_order);
    for (size_t i = 0; i < n; i++)
        items[i] =
            (struct acl_item){htole16(items[i].tag), htole16(items[i].perm), htole32(items[i].id)};
    return set_one(fd, type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS ? ACL_ACCESS : ACL_DEFAULT, text,
                   4 + n * sizeof(*items), notes, err);
}

bool layer_attr_set_extra(struct archive_entry *e, const struct idmap *map, int fd,
                          struct layer_notes *notes, struct aw_err *err)
{
    const char *name;
    const void *value;
    size_t size;
    int types = archive_entry_acl_types(e);
    if ((types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) &&
        !set_acl(e, map, fd, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, notes, err))
        return false;
    if ((types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) &&
        !set_acl(e, map, fd, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, notes, err))
        return false;
    for (archive_entry_xattr_reset(e); archive_entry_xattr_next(e, &name, &value, &size) == 0;) {
        if (!is_kept(name))
            continue;
        if (str_eq(name, CAPABILITY) ? !set_capability(fd, value, size, notes, err)
                                     : !set_one(fd, name, value, size, notes, err))
            return false;
    }
    return true;
}

/* The attribute names of fd into fresh memory; *ret_len bytes. NULL: none, or not to be had. */
static char *list_names(int fd, size_t *ret_len)
{
    char probe[1];
    /* most files have none: ask before allocating */
    if (flistxattr(fd, probe, 0) <= 0)
        return NULL;
    char *names = malloc(LIST_MAX);
    ssize_t n = names ? flistxattr(fd, names, LIST_MAX) : 0;
    if (n <= 0) {
        free(names);
        return NULL;
    }
    *ret_len = (size_t)n;
    return names;
}

void layer_attr_drop_extra(int fd)
{
    size_t len = 0;
    _cleanup_free_ char *names = list_names(fd, &len);
    for (const char *p = names; names && p < names + len; p += strlen(p) + 1)
        if (is_kept(p) && !is_mark(p))
            fremovexattr(fd, p);
}

bool layer_attr_copy(int from, int to, struct aw_err *err)
{
    struct layer_notes ignored = {0};
    size_t len = 0;
    _cleanup_free_ char *names = list_names(from, &len);
    if (!names)
        return true;
    _cleanup_free_ char *value = malloc(XATTR_SIZE_MAX);
    if (!value)
        return aw_fail(err, AW_E_NOMEM, 0, "copy extended attributes: out of memory");
    for (const char *p = names; p < names + len; p += strlen(p) + 1) {
        if (!is_kept(p) || is_mark(p))
            continue;
        ssize_t n = fgetxattr(from, p, value, XATTR_SIZE_MAX);
        if (n < 0)
            return aw_fail(err, AW_E_IO, errno, "read extended attribute %s", p);
        if (!set_one(to, p, value, (size_t)n, &ignored, err))
            return false;
    }
    return true;
}
