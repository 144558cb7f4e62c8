/* SPDX-License-Identifier: Apache-2.0
 *
 * Containers' folders: making, describing, listing, finding (store.h removes dead ones).
 *
 * Invariants:
 * 1. A container lives exactly as long as its lock is held; state.json is only a description.
 * 2. Names are unique among the living: whoever names a container holds containers/.names while he
 *    looks and until its state.json can be read.
 */
#include "box/container.h"

#include "base/buf.h"
#include "base/file.h"
#include "codec/js.h"
#include "image/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define STATE_LIMIT (1u << 20)
#define COMMAND_LIMIT (16u << 10) /* bytes of the command's words; JSON may make 16 of one */

/* Names that people can say; 40 x 40 of them, and a taken one gets the id's digits behind it. */
static const char *const first_words[] = {
    "amber", "brave", "brisk", "calm",  "clear", "coral", "crisp", "deep",  "dry",   "early",
    "fair",  "fern",  "firm",  "fresh", "frost", "gold",  "grand", "green", "iron",  "ivory",
    "keen",  "light", "lunar", "maple", "mild",  "neat",  "noble", "north", "plain", "quick",
    "quiet", "rapid", "royal", "sandy", "sharp", "solid", "stone", "sunny", "swift", "warm"};
static const char *const second_words[] = {
    "arch",  "bay",   "beam", "bird", "bloom", "bridge", "brook", "cedar", "cliff", "cloud",
    "coast", "creek", "dale", "dome", "dune",  "field",  "fjord", "gate",  "grove", "harbor",
    "hill",  "isle",  "lake", "lane", "marsh", "mesa",   "mill",  "moor",  "oak",   "path",
    "peak",  "pine",  "pond", "reef", "ridge", "river",  "shore", "tower", "vale",  "wood"};

static char *make_name(const char *id)
{
    unsigned long long r = strtoull(id, NULL, 16);
    return str_printf("%s-%s-%.4s", first_words[r % AW_LEN(first_words)],
                      second_words[(r >> 20) % AW_LEN(second_words)], id);
}

static bool name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return strlen(name) >= 2 && strlen(name) <= 128 && !strchr("_.-", name[0]) &&
           strspn(name, allowed) == strlen(name);
}

/* 1 when the container of this folder lives, 0 when it is dead, -1 when it is gone. */
static int lives(int containers_fd, const char *id)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/lock", id);
    _cleanup_close_ int fd = openat(containers_fd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT && faccessat(containers_fd, id, F_OK, 0) == 0 ? 0 : -1;
    return flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK ? 1 : 0;
}

static bool is_id(const char *name)
{
    return strlen(name) == BOX_ID && strspn(name, "0123456789abcdef") == BOX_ID;
}

/* ---- making --------------------------------------------------------------------------------- */

/* The writable layer belongs to the namespace's root, who makes and empties it. */
static bool make_data(const struct container *c, const struct idmap *map, struct aw_err *err)
{
    if (mkdirat(c->dir_fd, "data", 0700) < 0)
        return aw_fail(err, AW_E_IO, errno, "create folder data");
    if (geteuid() == 0 &&
        fchownat(c->dir_fd, "data", idmap_root_uid(map), idmap_root_gid(map), 0) < 0)
        return aw_fail(err, AW_E_IO, errno, "change the owner of folder data");
    return true;
}

bool container_new(struct store *s, const struct box_options *opt, const struct idmap *map,
                   struct container *ret, struct aw_err *err)
{
    struct container c = {.dir_fd = -1, .lock_fd = -1};
    file_random_name("", c.id, sizeof(c.id));
    snprintf(c.dir, sizeof(c.dir), "containers/%s", c.id);
    if (opt->name && !name_ok(opt->name))
        return aw_fail(err, AW_E_ARG, 0,
                       "container name \"%s\": 2 to 128 letters, digits, '_', '.' and '-' are "
                       "accepted, the first a letter or digit",
                       opt->name);
    _cleanup_close_ int containers = file_open_dir(store_dir_fd(s), "containers", 0700, err);
    /* names are unique among the living: one at a time looks and makes */
    _cleanup_close_ int names =
        containers < 0 || !opt->name ? -1 : file_lock(containers, ".names", LOCK_EX, err);
    if (containers < 0 || (opt->name && names < 0))
        return false;
    if (opt->name) {
        struct aw_err missing = AW_ERR_INIT;
        char id[BOX_ID + 1];
        _cleanup_close_ int taken = container_find(s, opt->name, id, &missing);
        if (taken >= 0 && !str_eq(id, opt->name)) {
            aw_fail(err, AW_E_EXIST, 0, "the name \"%s\" is in use by container %s", opt->name, id);
            return aw_mend(err, "choose another --name, or end that container: archway stop %s",
                           id);
        }
    }
    c.name = opt->name ? strdup(opt->name) : make_name(c.id);
    if (!c.name)
        return aw_fail(err, AW_E_NOMEM, 0, "make a container: out of memory");
    if (!store_container_new(s, c.id, &c.dir_fd, &c.lock_fd, err)) {
        container_fini(&c);
        return aw_context(err, "make a container");
    }
    if (!make_data(&c, map, err)) {
        container_remove(s, &c);
        return aw_context(err, "make a container");
    }
    /* with a name, state.json must be there before the next one looks */
    if (opt->name) {
        struct image none = {.name = (char *)"", .platform = {.os = "linux"}};
        if (!container_save(&c, &none, opt, NULL, err)) {
            container_remove(s, &c);
            return false;
        }
    }
    *ret = c;
    return true;
}

/* JSON has UTF-8 only; words and the host's paths may be anything. Fresh memory, or NULL. */
static char *as_utf8(const char *text)
{
    char *copy = strdup(text);
    if (copy && !str_is_utf8(copy))
        for (char *c = copy; *c; c++)
            if (*c & 0x80)
                *c = '?';
    return copy;
}

/* The words, for people; not all of very many, since others read no more than STATE_LIMIT. */
static void add_command(struct json_object *o, const struct strv *words)
{
    struct json_object *list = js_add(o, "command", json_object_new_array());
    size_t room = COMMAND_LIMIT;
    for (size_t i = 0; i < words->n; i++) {
        size_t n = strlen(words->v[i]) + 1;
        if (n > room) {
            js_push_string(list, "...");
            break;
        }
        room -= n;
        _cleanup_free_ char *word = as_utf8(words->v[i]);
        js_push_string(list, word ? word : "");
    }
}

bool container_save(const struct container *c, const struct image *img,
                    const struct box_options *opt, const struct box_info *live, struct aw_err *err)
{
    _cleanup_js_ struct json_object *o = json_object_new_object();
    char platform[PLATFORM_TEXT];
    platform_format(&img->platform, platform);
    js_add_string(o, "id", c->id);
    js_add_string(o, "name", c->name);
    js_add_string(o, "image", img->name);
    js_add_string(o, "imageDigest", img->digest);
    js_add_string(o, "platform", platform);
    add_command(o, opt->command.n ? &opt->command : &img->config.cmd);
    struct json_object *layers = js_add(o, "layers", json_object_new_array());
    for (size_t i = 0; i < img->n_layers; i++)
        js_push_string(layers, img->layers[i].chain_id);
    _cleanup_free_ char *emulator = as_utf8(live && live->emulator ? live->emulator : "");
    js_add_string(o, "emulator", emulator ? emulator : "");
    js_add_u64(o, "pid", live ? (uint64_t)live->pid : 0);
    js_add_u64(o, "started", live ? (uint64_t)live->started : (uint64_t)time(NULL));
    js_add_string(o, "stopSignal", opt->stop_signal ? opt->stop_signal : img->config.stop_signal);
    const char *text = js_text_pretty(o);
    return file_swap(c->dir_fd, "state.json", text, strlen(text), 0600, err);
}

void container_fini(struct container *c)
{
    free(c->name);
    util_close(c->dir_fd);
    util_close(c->lock_fd);
    memset(c, 0, sizeof(*c));
    c->dir_fd = c->lock_fd = -1;
}

void container_remove(struct store *s, struct container *c)
{
    /* what is not ours to remove stays for store_reap_dead, without a lock: it is dead */
    file_remove_tree(store_dir_fd(s), c->dir, NULL);
    container_fini(c);
}

/* ---- listing and finding -------------------------------------------------------------------- */

static char *joined(struct json_object *o)
{
    struct strv words = {0};
    _cleanup_buf_ struct buf b = {0};
    js_get_strv(o, "command", &words, NULL);
    for (size_t i = 0; i < words.n; i++)
        buf_addf(&b, "%s%s", i ? " " : "", words.v[i]);
    strv_fini(&words);
    return buf_steal(&b);
}

static bool load_info(int containers_fd, const char *id, struct box_info *ret, struct aw_err *err)
{
    char path[64];
    size_t len = 0;
    snprintf(path, sizeof(path), "%s/state.json", id);
    memset(ret, 0, sizeof(*ret));
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    _cleanup_free_ char *text = file_load(containers_fd, path, STATE_LIMIT, &len, err);
    if (!text)
        return false;
    _cleanup_js_ struct json_object *o = js_parse(text, len, path, err);
    const char *name = "", *image = "", *platform = "", *emulator = "";
    uint64_t pid = 0, started = 0;
    if (!o || !js_get_string(o, "name", &name, err) || !js_get_string(o, "image", &image, err) ||
        !js_get_string(o, "platform", &platform, err) ||
        !js_get_string(o, "emulator", &emulator, err) || !js_get_u64(o, "pid", &pid, err) ||
        !js_get_u64(o, "started", &started, err))
        return false;
    ret->name = strdup(name);
    ret->image = strdup(image);
    ret->platform = strdup(platform);
    ret->emulator = strdup(emulator);
    ret->command = joined(o);
    ret->pid = (int)pid;
    ret->started = (int64_t)started;
    if (!ret->name || !ret->image || !ret->platform || !ret->emulator || !ret->command)
        return aw_fail(err, AW_E_NOMEM, 0, "list containers: out of memory");
    return true;
}

static void info_fini(struct box_info *i)
{
    free(i->name);
    free(i->image);
    free(i->platform);
    free(i->emulator);
    free(i->command);
}

void box_list_free(struct box_info *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        info_fini(&list[i]);
    free(list);
}

static int by_start(const void *a, const void *b)
{
    const struct box_info *x = a, *y = b;
    if (x->started != y->started)
        return x->started < y->started ? -1 : 1;
    return strcmp(x->id, y->id);
}

bool box_list(struct store *s, struct box_info **ret, size_t *ret_n, struct aw_err *err)
{
    struct box_info *list = NULL;
    size_t n = 0;
    int fd = openat(store_dir_fd(s), "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        util_close(fd);
        if (errno != ENOENT)
            return aw_fail(err, AW_E_IO, errno, "open folder containers");
        *ret = NULL;
        *ret_n = 0;
        return true;
    }
    bool ok = true;
    for (struct dirent *e; ok && (e = readdir(d));) {
        if (!is_id(e->d_name) || lives(dirfd(d), e->d_name) != 1)
            continue;
        struct box_info *more = realloc(list, (n + 1) * sizeof(*list));
        if (!more) {
            ok = aw_fail(err, AW_E_NOMEM, 0, "list containers: out of memory");
            break;
        }
        list = more;
        struct aw_err gone = AW_ERR_INIT;
        if (load_info(dirfd(d), e->d_name, &list[n], &gone))
            n++;
        else
            info_fini(&list[n]); /* it has just ended, or has not yet said who it is */
    }
    closedir(d);
    if (!ok) {
        box_list_free(list, n);
        return false;
    }
    if (n)
        qsort(list, n, sizeof(*list), by_start);
    *ret = list;
    *ret_n = n;
    return true;
}

int container_find(struct store *s, const char *what, char ret_id[BOX_ID + 1], struct aw_err *err)
{
    struct box_info *list;
    size_t n, hit = 0, hits = 0;
    if (!box_list(s, &list, &n, err))
        return -1;
    for (size_t i = 0; i < n && hits < 2; i++)
        if (str_eq(list[i].name, what) || str_eq(list[i].id, what)) {
            hit = i;
            hits = 1;
            break;
        } else if (*what && str_starts(list[i].id, what)) {
            hit = i;
            hits++;
        }
    int fd = -1;
    if (hits == 0) {
        aw_fail(err, AW_E_NOTFOUND, 0, "no running container is called \"%s\"", what);
        aw_mend(err, "archway ps shows what runs");
    } else if (hits > 1) {
        aw_fail(err, AW_E_ARG, 0, "several container ids begin with \"%s\"", what);
    } else {
        char path[64];
        snprintf(path, sizeof(path), "containers/%s", list[hit].id);
        fd = openat(store_dir_fd(s), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            aw_fail(err, AW_E_NOTFOUND, errno, "container %s", what);
        snprintf(ret_id, BOX_ID + 1, "%s", list[hit].id);
    }
    box_list_free(list, n);
    return fd;
}
