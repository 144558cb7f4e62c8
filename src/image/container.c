/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers as far as the store is concerned: folders that live while their lock is held, and that
 * name the layers which must stay as long.
 *
 * Invariants:
 * 1. containers/<id> appears by rename with its lock taken: a folder without a lock file, or with a
 *    free one, belongs to a container that is dead for good.
 * 2. A dead one is claimed by renaming it into a staging folder: one command removes it, however
 * many see it, and what that command leaves behind when killed is cleaned as stale staging.
 */
#include "image/store_private.h"

#include "base/file.h"
#include "codec/js.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MAX_STATE (1u << 20)

static bool valid_id(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789");
    return n > 0 && n <= 64 && id[n] == '\0';
}

/* A folder "container" in the stage, with its lock taken. */
static bool make_folder(struct store_stage *st, int *ret_dir, int *ret_lock, struct aw_err *err)
{
    if (mkdirat(st->fd, "container", 0700) < 0)
        return aw_fail(err, AW_E_IO, errno, "create a container's folder");
    _cleanup_close_ int dir =
        openat(st->fd, "container", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return aw_fail(err, AW_E_IO, errno, "open a container's folder");
    int lock = file_lock(dir, "lock", LOCK_EX | LOCK_NB, err);
    if (lock < 0)
        return false;
    *ret_dir = util_steal_fd(&dir);
    *ret_lock = lock;
    return true;
}

bool store_container_new(struct store *s, const char *id, int *ret_dir_fd, int *ret_lock_fd,
                         struct aw_err *err)
{
    struct store_stage st = {.fd = -1};
    _cleanup_close_ int dir = -1, lock = -1;
    char path[96];
    if (!valid_id(id))
        return aw_fail(err, AW_E_ARG, 0, "\"%.80s\" is no container id", id);
    snprintf(path, sizeof(path), "containers/%s", id);
    if (!store_stage_begin(s, NULL, &st, err))
        return false;
    bool ok = make_folder(&st, &dir, &lock, err);
    if (ok && renameat2(st.fd, "container", s->dir_fd, path, RENAME_NOREPLACE) < 0)
        ok = aw_fail(err, errno == EEXIST ? AW_E_EXIST : AW_E_IO, errno, "container %s", id);
    store_stage_end(s, &st);
    if (ok) {
        *ret_dir_fd = util_steal_fd(&dir);
        *ret_lock_fd = util_steal_fd(&lock);
    }
    return ok;
}

bool store_container_remove(struct store *s, const char *id, struct aw_err *err)
{
    struct store_stage st = {.fd = -1};
    char path[96];
    if (!valid_id(id))
        return aw_fail(err, AW_E_ARG, 0, "\"%.80s\" is no container id", id);
    snprintf(path, sizeof(path), "containers/%s", id);
    if (!store_stage_begin(s, NULL, &st, err))
        return false;
    bool ok = renameat(s->dir_fd, path, st.fd, "container") == 0 || errno == ENOENT ||
              aw_fail(err, AW_E_IO, errno, "remove %s/%s", s->path, path);
    ok = ok && store_remove_tree(s, st.fd, "container", err);
    store_stage_end(s, &st);
    return ok;
}

static bool is_alive(struct store *s, const char *id)
{
    _cleanup_free_ char *path = str_printf("containers/%s/lock", id);
    _cleanup_close_ int fd = path ? openat(s->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

bool store_reap_dead(struct store *s, size_t *ret_n, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    size_t n = 0;
    bool ok = store_list_dir(s, "containers", &names, err);
    for (size_t i = 0; i < names.n; i++) {
        if (!valid_id(names.v[i]) || is_alive(s, names.v[i]))
            continue;
        if (store_container_remove(s, names.v[i], ok ? err : NULL))
            n++;
        else
            ok = false;
    }
    if (ret_n)
        *ret_n = n;
    return ok;
}

void store_containers_fini(struct store_containers *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->v[i].id);
        free(list->v[i].image);
        strv_fini(&list->v[i].layers);
    }
    free(list->v);
    *list = (struct store_containers){0};
}

/* A state.json that is not there yet says nothing: its container is still being made. */
static bool load_one(struct store *s, const char *id, struct store_container *c, struct aw_err *err)
{
    const char *image = "";
    size_t len;
    struct aw_err why = AW_ERR_INIT;
    _cleanup_free_ char *path = str_printf("containers/%s/state.json", id);
    if (!path)
        return aw_fail(err, AW_E_NOMEM, 0, "container %s: out of memory", id);
    _cleanup_free_ char *text = file_load(s->dir_fd, path, MAX_STATE, &len, &why);
    if (!text && why.code != AW_E_NOTFOUND) {
        if (err)
            *err = why;
        return false;
    }
    _cleanup_js_ struct json_object *o = text ? js_parse(text, len, path, err) : NULL;
    /* what it says cannot be made out: then nobody knows which layers it uses */
    if (text && !o)
        return aw_mend(err, "archway stop %s, or wait for its end", id);
    if (o &&
        (!js_get_string(o, "image", &image, err) || !js_get_strv(o, "layers", &c->layers, err)))
        return aw_context(err, "%s/%s", s->path, path);
    c->id = strdup(id);
    c->image = strdup(image);
    return (c->id && c->image) || aw_fail(err, AW_E_NOMEM, 0, "container %s: out of memory", id);
}

bool store_containers_load(struct store *s, struct store_containers *ret, struct aw_err *err)
{
    _cleanup_strv_ struct strv names = {0};
    struct store_containers list = {0};
    if (!store_list_dir(s, "containers", &names, err))
        return false;
    if (!(list.v = calloc(names.n + 1, sizeof(*list.v))))
        return aw_fail(err, AW_E_NOMEM, 0, "containers: out of memory");
    for (size_t i = 0; i < names.n; i++) {
        if (!valid_id(names.v[i]) || !is_alive(s, names.v[i]))
            continue;
        if (!load_one(s, names.v[i], &list.v[list.n++], err)) {
            store_containers_fini(&list);
            return false;
        }
    }
    *ret = list;
    return true;
}

const struct store_container *store_containers_use(const struct store_containers *list,
                                                   const char *name, const char *top, size_t *ret_n)
{
    const struct store_container *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct store_container *c = &list->v[i];
        /* images that share layers are told apart by name; without one, the top layer decides */
        bool uses = *c->image ? str_eq(c->image, name) : *top && strv_has(&c->layers, top);
        if (!uses)
            continue;
        if (!first)
            first = c;
        n++;
    }
    if (ret_n)
        *ret_n = n;
    return first;
}
