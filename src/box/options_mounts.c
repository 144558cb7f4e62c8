/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of mounts: --volume, --mount, --tmpfs, --device.
 *
 * One struct box_mount is built in place (mount_init gives what the kind has by default), options
 * are applied to it word by word, and it joins the list only when all of the text was understood.
 * Sources are made absolute here, because the container is made by a process with another current
 * folder; whether they exist is found out when the container is made.
 *
 * Left out on purpose: named volumes and volume drivers (there is no daemon that keeps them), U
 * (recursive chown), O (overlay) and idmap.
 */
#include "box/options.h"
#include "box/options_text.h"

#include <errno.h>
#include <limits.h>

static void mount_fini(struct box_mount *m)
{
    free(m->source);
    free(m->target);
    free(m->propagation);
}
#define _cleanup_mount_ __attribute__((cleanup(mount_fini)))

static bool mount_add(struct box_options *o, struct box_mount *m, struct aw_err *err)
{
    struct box_mount *more = opt_grow(o->mounts, o->n_mounts, sizeof(*more));
    if (!more)
        return opt_nomem(err);
    o->mounts = more;
    more[o->n_mounts++] = *m;
    memset(m, 0, sizeof(*m));
    return true;
}

/* Does path, which is absolute, name the root? Symbolic links aside. */
static bool is_root(const char *path)
{
    size_t depth = 0;
    while (*(path += strspn(path, "/"))) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.')
            depth -= depth > 0;
        else if (n != 1 || *path != '.')
            depth++;
        path += n;
    }
    return depth == 0;
}

static bool set_target(struct box_mount *m, const char *target, const char *text,
                       struct aw_err *err)
{
    if (target[0] != '/')
        return opt_bad(err, text, "the path in the container, \"%s\", must be absolute", target);
    if (is_root(target))
        return opt_bad(err, text, "the container's root itself cannot be mounted over");
    free(m->target);
    m->target = strdup(target);
    return m->target || opt_nomem(err);
}

static bool is_path(const char *s)
{
    return s[0] == '/' || str_eq(s, ".") || str_eq(s, "..") || str_starts(s, "./") ||
           str_starts(s, "../");
}

static bool set_source(struct box_mount *m, const char *source, const char *text,
                       struct aw_err *err)
{
    char cwd[PATH_MAX];
    if (!*source)
        return opt_bad(err, text, "the path on the host is empty");
    if (!is_path(source)) {
        opt_bad(err, text,
                "\"%s\" would be a named volume, and there are none: name a folder by its path",
                source);
        return aw_mend(err, "use ./%s for the folder %s in the current one", source, source);
    }
    if (source[0] != '/' && !getcwd(cwd, sizeof(cwd)))
        return aw_fail(err, AW_E_IO, errno, "%s: current folder", text);
    free(m->source);
    m->source = source[0] == '/' ? strdup(source) : str_printf("%s/%s", cwd, source);
    return m->source || opt_nomem(err);
}

static bool set_propagation(struct box_mount *m, const char *word, struct aw_err *err)
{
    free(m->propagation);
    m->propagation = strdup(word);
    return m->propagation || opt_nomem(err);
}

static bool is_propagation(const char *word)
{
    static const char *const known[] = {"private", "rprivate", "shared",
                                        "rshared", "slave",    "rslave"};
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(word, known[i]))
            return true;
    return false;
}

static bool is_ignored(const char *word)
{
    static const char *const known[] = {"z",          "Z",      "nocopy",    "copy",
                                        "consistent", "cached", "delegated", ""};
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(word, known[i]))
            return true;
    return false;
}

/* Words that all kinds share; false when word is none of them. */
static bool flag_word(struct box_mount *m, const char *word)
{
    const struct {
        const char *word;
        bool *flag;
        bool value;
    } known[] = {
        {"ro", &m->readonly, true},     {"readonly", &m->readonly, true},
        {"rw", &m->readonly, false},    {"nosuid", &m->nosuid, true},
        {"suid", &m->nosuid, false},    {"nodev", &m->nodev, true},
        {"dev", &m->nodev, false},      {"noexec", &m->noexec, true},
        {"exec", &m->noexec, false},    {"rbind", &m->recursive, true},
        {"bind", &m->recursive, false},
    };
    for (size_t i = 0; i < AW_LEN(known); i++)
        if (str_eq(word, known[i].word)) {
            *known[i].flag = known[i].value;
            return true;
        }
    return false;
}

static bool volume_options(struct box_mount *m, const char *options, const char *text,
                           struct aw_err *err)
{
    _cleanup_strv_ struct strv words = {0};
    if (!opt_split(options, ',', &words, err))
        return false;
    if (strv_has(&words, "ro") && strv_has(&words, "rw"))
        return opt_bad(err, text, "ro and rw contradict each other");
    for (size_t i = 0; i < words.n; i++) {
        const char *w = words.v[i];
        if (flag_word(m, w) || is_ignored(w))
            continue;
        if (is_propagation(w)) {
            if (!set_propagation(m, w, err))
                return false;
        } else if (str_eq(w, "U")) {
            return opt_bad(err, text,
                           "U (give the folder to the container's user) is not done; "
                           "with --userns keep-id the user is yourself");
        } else if (str_eq(w, "O") || str_starts(w, "idmap")) {
            return opt_bad(err, text, "the option %s is not supported", w);
        } else {
            return opt_bad(err, text, "unknown option \"%s\"", w);
        }
    }
    return true;
}

bool box_parse_volume(struct box_options *o, const char *text, struct aw_err *err)
{
    _cleanup_strv_ struct strv part = {0};
    _cleanup_mount_ struct box_mount m = {.kind = BOX_MOUNT_BIND, .recursive = true};
    if (!opt_split(text, ':', &part, err))
        return false;
    if (part.n > 3)
        return opt_bad(err, text, "too many colons; the form is SOURCE:TARGET[:OPTIONS]");
    if (part.n == 1) {
        m.kind = BOX_MOUNT_VOLUME;
        return set_target(&m, part.v[0], text, err) && mount_add(o, &m, err);
    }
    m.create_source = true;
    return set_source(&m, part.v[0], text, err) && set_target(&m, part.v[1], text, err) &&
           (part.n < 3 || volume_options(&m, part.v[2], text, err)) && mount_add(o, &m, err);
}

static bool set_octal(const char *value, uint32_t *ret)
{
    size_t n = strlen(value);
    if (n < 1 || n > 8 || strspn(value, "01234567") != n)
        return false;
    unsigned long v = strtoul(value, NULL, 8);
    if (v > 07777)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool set_id(const char *value, uint32_t *ret)
{
    unsigned long long v;
    if (!str_to_u64(value, 0, UINT32_MAX - 1, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

/* size=, mode=, uid=, gid= of a tmpfs; *known tells whether the key is one of them. */
static bool tmpfs_pair(struct box_mount *m, const char *key, const char *value, bool *known,
                       struct aw_err *err)
{
    *known = true;
    if (str_eq(key, "size")) {
        if (!box_parse_size(value, &m->size, err))
            return false;
        return m->size > 0 || opt_bad(err, value, "a tmpfs of no size holds nothing");
    }
    if (str_eq(key, "mode"))
        return set_octal(value, &m->mode) || opt_bad(err, value, "a mode is octal: 1777");
    if (str_eq(key, "uid") || str_eq(key, "gid")) {
        m->owner = true;
        return set_id(value, key[0] == 'u' ? &m->uid : &m->gid) ||
               opt_bad(err, value, "an owner is a number");
    }
    *known = false;
    return true;
}

static bool tmpfs_word(struct box_mount *m, const char *word, const char *text, struct aw_err *err)
{
    bool known = false;
    const char *equals = strchr(word, '=');
    if (!*word || flag_word(m, word) || is_propagation(word) || str_eq(word, "tmpcopyup") ||
        str_eq(word, "notmpcopyup"))
        return true;
    if (equals) {
        _cleanup_free_ char *key = strndup(word, (size_t)(equals - word));
        if (!key)
            return opt_nomem(err);
        if (!tmpfs_pair(m, key, equals + 1, &known, err))
            return aw_context(err, "%s: %s", text, key);
    }
    return known || opt_bad(err, text, "unknown option \"%s\"", word);
}

bool box_parse_tmpfs(struct box_options *o, const char *text, struct aw_err *err)
{
    _cleanup_strv_ struct strv words = {0};
    _cleanup_free_ char *target = strndup(text, strcspn(text, ":"));
    _cleanup_mount_ struct box_mount m = {
        .kind = BOX_MOUNT_TMPFS, .nosuid = true, .nodev = true, .noexec = true};
    if (!target)
        return opt_nomem(err);
    if (!set_target(&m, target, text, err))
        return false;
    if (text[strlen(target)] && !opt_split(text + strlen(target) + 1, ',', &words, err))
        return false;
    for (size_t i = 0; i < words.n; i++)
        if (!tmpfs_word(&m, words.v[i], text, err))
            return false;
    return mount_add(o, &m, err);
}

/* What one --mount has said so far. */
struct mount_text {
    const char *text;   /* all of it, for messages */
    const char *type;   /* borrowed; NULL: not given */
    const char *source; /* borrowed; NULL: not given */
    bool tmpfs_only;    /* a tmpfs-... key was there */
    bool bind_only;     /* a bind-... key was there */
};

static bool bind_key(struct box_mount *m, struct mount_text *t, const char *key, const char *value,
                     struct aw_err *err)
{
    bool flag;
    t->bind_only = true;
    if (str_eq(key, "bind-propagation")) {
        if (!is_propagation(value))
            return opt_bad(err, t->text, "unknown propagation \"%s\"", value);
        return set_propagation(m, value, err);
    }
    if (str_eq(key, "bind-nonrecursive")) {
        if (!opt_bool(value, &flag))
            return opt_bad(err, t->text, "%s: \"%s\" is neither true nor false", key, value);
        m->recursive = !flag;
        return true;
    }
    if (str_eq(key, "bind-recursive")) {
        if (str_eq(value, "disabled"))
            m->recursive = false;
        else if (!str_eq(value, "enabled") && !str_eq(value, "readonly"))
            return opt_bad(err, t->text, "%s: \"%s\" is not supported", key, value);
        return true;
    }
    return opt_bad(err, t->text, "unknown key \"%s\"", key);
}

/* One key=value (value "" where there was no "=") of a --mount. */
static bool mount_key(struct box_mount *m, struct mount_text *t, const char *key, const char *value,
                      struct aw_err *err)
{
    bool known;
    if (str_eq(key, "type"))
        t->type = value;
    else if (str_eq(key, "source") || str_eq(key, "src"))
        t->source = value;
    else if (str_eq(key, "target") || str_eq(key, "destination") || str_eq(key, "dst"))
        return set_target(m, value, t->text, err);
    else if (str_eq(key, "readonly") || str_eq(key, "ro") || str_eq(key, "rw")) {
        bool on = true;
        if (*value && !opt_bool(value, &on))
            return opt_bad(err, t->text, "%s: \"%s\" is neither true nor false", key, value);
        m->readonly = key[1] == 'w' ? !on : on;
    } else if (str_starts(key, "bind-"))
        return bind_key(m, t, key, value, err);
    else if (str_starts(key, "tmpfs-")) {
        t->tmpfs_only = true;
        if (!tmpfs_pair(m, key + 6, value, &known, err))
            return aw_context(err, "%s: %s", t->text, key);
        return known || opt_bad(err, t->text, "unknown key \"%s\"", key);
    } else if (str_eq(key, "consistency") || str_eq(key, "relabel") || str_eq(key, "volume-nocopy"))
        return true; /* other systems' concerns */
    else if (str_starts(key, "volume-") || str_eq(key, "U") || str_eq(key, "chown") ||
             str_eq(key, "idmap"))
        return opt_bad(err, t->text, "%s is not supported", key);
    else if (*value || !(flag_word(m, key) || str_eq(key, "tmpcopyup")))
        return opt_bad(err, t->text, "unknown key \"%s\"", key);
    return true;
}

static bool mount_finish(struct box_mount *m, const struct mount_text *t, struct aw_err *err)
{
    const char *type = t->type ? t->type : "volume";
    if (!m->target)
        return opt_bad(err, t->text, "target=PATH is missing");
    if (t->tmpfs_only && !str_eq(type, "tmpfs"))
        return opt_bad(err, t->text, "tmpfs-... needs type=tmpfs");
    if (t->bind_only && !str_eq(type, "bind"))
        return opt_bad(err, t->text, "bind-... needs type=bind");
    if (str_eq(type, "bind")) {
        m->kind = BOX_MOUNT_BIND;
        if (!t->source)
            return opt_bad(err, t->text, "source=PATH is missing");
        return set_source(m, t->source, t->text, err);
    }
    if (str_eq(type, "tmpfs")) {
        m->kind = BOX_MOUNT_TMPFS;
        return !t->source || opt_bad(err, t->text, "a tmpfs has no source");
    }
    if (str_eq(type, "volume")) {
        m->kind = BOX_MOUNT_VOLUME;
        if (!t->source || !*t->source)
            return true;
        opt_bad(err, t->text, "there are no named volumes: name a folder by its path");
        return aw_mend(err, "use type=bind,source=./%s", t->source);
    }
    return opt_bad(err, t->text, "unknown type \"%s\"; there are bind, tmpfs and volume", type);
}

bool box_parse_mount(struct box_options *o, const char *text, struct aw_err *err)
{
    _cleanup_strv_ struct strv fields = {0};
    _cleanup_mount_ struct box_mount m = {.recursive = true};
    struct mount_text t = {.text = text};
    if (!opt_split_csv(text, &fields, err))
        return false;
    /* the defaults hang on the type, which may stand anywhere */
    if (strv_has(&fields, "type=tmpfs"))
        m.nosuid = m.nodev = m.noexec = true;
    for (size_t i = 0; i < fields.n; i++) {
        char *value = strchr(fields.v[i], '=');
        if (value)
            *value++ = 0;
        if (!mount_key(&m, &t, fields.v[i], value ? value : "", err))
            return false;
    }
    return mount_finish(&m, &t, err) && mount_add(o, &m, err);
}

static bool is_device_access(const char *s)
{
    return *s && s[strspn(s, "rwm")] == 0;
}

bool box_parse_device(struct box_options *o, const char *text, struct aw_err *err)
{
    _cleanup_strv_ struct strv part = {0};
    const char *access = "rwm";
    if (!opt_split(text, ':', &part, err))
        return false;
    if (part.n > 3)
        return opt_bad(err, text, "too many colons; the form is SOURCE[:TARGET][:rwm]");
    const char *source = part.v[0], *target = source;
    if (part.n == 2 && is_device_access(part.v[1]))
        access = part.v[1];
    else if (part.n >= 2)
        target = part.v[1];
    if (part.n == 3) {
        access = part.v[2];
        if (!is_device_access(access))
            return opt_bad(err, text, "access \"%s\" may only have the letters r, w and m", access);
    }
    if (source[0] != '/' && strchr(source, '='))
        return opt_bad(err, text, "CDI device names are not supported; give a path");
    if (source[0] != '/' || target[0] != '/')
        return opt_bad(err, text, "the paths of a device must be absolute");
    struct box_device d = {.source = strdup(source), .target = strdup(target)};
    struct box_device *more = opt_grow(o->devices, o->n_devices, sizeof(*more));
    if (more)
        o->devices = more;
    if (!more || !d.source || !d.target) {
        free(d.source);
        free(d.target);
        return opt_nomem(err);
    }
    d.readonly = !strchr(access, 'w');
    more[o->n_devices++] = d;
    return true;
}
