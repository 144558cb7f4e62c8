/* SPDX-License-Identifier: Apache-2.0
 *
 * The userspace matcher: execve(2) on paper.
 *
 * The idea: a walk that holds what the kernel holds: the file at hand, the name it goes by, and the
 * arguments. Each round asks the formats in the kernel's order (rules, #!, native ELF); a rule or a
 * #! line replaces file, name and the arguments' beginning, and the next round begins.
 *
 * Invariants:
 * 1. The rounds' order of checks is the kernel's, so that of two faults the same one is found:
 *    depth, formats, opening the next file, the open program of an O rule.
 * 2. Rules with an extension are compared with the name at hand: an interpreter's own name counts.
 * 3. Interpreters are looked up in the request's root, but those of rules with F, which the kernel
 *    holds open.
 * 4. walk.fd is O_PATH; a file that only may be executed is not read, and the walk says so.
 *
 * Left out: faults that come after the point of no return (a loader that crashes), ETXTBSY, the
 * size of the arguments, security modules.
 */
#include "binfmt/elf.h"
#include "binfmt/script.h"
#include "binfmt/snapshot.h"

#include "base/file.h"
#include "base/util.h"

#include <archway/match.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define DEPTH_MAX 5 /* Linux gives ELOOP when more replacements than this have been made */

struct walk {
    const struct aw_match_request *req;
    struct aw_match *m; /* being filled */
    int fd;     /* the file at hand, O_PATH; -1: unknown (an interpreter held by the kernel) */
    char *name; /* the name it goes by */
    struct strv argv;      /* its arguments */
    bool open_binary;      /* a rule with O was on the way */
    bool handed_over;      /* the program it matched has been put aside for the end */
    char head[BRIEF_HEAD]; /* the file's first AW_RULE_WINDOW bytes, zeros behind its end */
    struct aw_entry taken; /* the one of a snapshot that entry_at gave last */
};

static const char *const why_names[] = {
    [AW_WHY_RUNS] = "runs",
    [AW_WHY_MISSING] = "missing",
    [AW_WHY_NOT_REGULAR] = "not-regular",
    [AW_WHY_NOT_EXECUTABLE] = "not-executable",
    [AW_WHY_NOEXEC] = "noexec",
    [AW_WHY_UNREADABLE] = "unreadable",
    [AW_WHY_INTERPRETER] = "interpreter",
    [AW_WHY_SCRIPT_INTERPRETER] = "script-interpreter",
    [AW_WHY_SCRIPT_EMPTY] = "script-empty",
    [AW_WHY_SCRIPT_LONG] = "script-long",
    [AW_WHY_DEPTH] = "depth",
    [AW_WHY_TWICE] = "twice",
    [AW_WHY_NO_RULE] = "no-rule",
    [AW_WHY_DISABLED] = "disabled",
    [AW_WHY_SWITCHED_OFF] = "switched-off",
    [AW_WHY_NO_FORMAT] = "no-format",
    [AW_WHY_BAD_ELF] = "bad-elf",
    [AW_WHY_LOADER] = "loader",
};

const char *aw_match_why_name(enum aw_match_why why)
{
    return (size_t)why < AW_LEN(why_names) ? why_names[why] : "unknown";
}

/* What one round comes to. */
enum round {
    ROUND_NEXT, /* the walk goes on with another file */
    ROUND_END,  /* it runs, or m->why says why not */
    ROUND_PASS, /* not this format */
    ROUND_BAD,  /* no memory */
};

static enum round AW_PRINTF(4, 5)
    stop(struct walk *w, enum aw_match_why why, int how, const char *fmt, ...)
{
    va_list ap;
    w->m->why = why;
    w->m->sys_errno = how;
    va_start(ap, fmt);
    vsnprintf(w->m->reason, sizeof(w->m->reason), fmt, ap);
    va_end(ap);
    return ROUND_END;
}

/* ---- files ------------------------------------------------------------------------------------
 */

/* Open a path as the kernel would for exec, but O_PATH. -1 and errno. */
static int open_in_root(const struct aw_match_request *req, const char *path)
{
    if (req->rootfd < 0)
        return open(path, O_PATH | O_CLOEXEC);
    if (path[0] == '/' || !path[0])
        return file_openat2(req->rootfd, path, O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
    _cleanup_free_ char *whole = str_printf("%s/%s", req->cwd ? req->cwd : "/", path);
    if (!whole) {
        errno = ENOMEM;
        return -1;
    }
    return file_openat2(req->rootfd, whole, O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
}

/* Would the kernel execute from this file at all? AW_WHY_RUNS if so. */
static enum aw_match_why may_execute(int fd)
{
    struct stat st;
    struct statvfs fs;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return AW_WHY_NOT_REGULAR;
    if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
        return AW_WHY_NOEXEC;
    if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
        return AW_WHY_NOT_EXECUTABLE;
    return AW_WHY_RUNS;
}

static const char *why_text(enum aw_match_why why)
{
    switch (why) {
    case AW_WHY_NOT_REGULAR:
        return "no regular file";
    case AW_WHY_NOEXEC:
        return "on a file system that is mounted noexec";
    default:
        return "not executable for this user";
    }
}

/* Open the next file of the walk. as is what it is ("interpreter"), why how a failure is filed, or
 * AW_WHY_RUNS to keep the file's own reason. False: stop() was called. */
static bool open_next(struct walk *w, const char *path, enum aw_match_why why, const char *as)
{
    /* an empty path is refused from user space only: within the kernel it is the current folder */
    int fd = open_in_root(w->req, path[0] || !why ? path : ".");
    if (fd < 0) {
        int how = errno;
        stop(w, why ? why : AW_WHY_MISSING, how, "%s %s: %s", as, path, strerror(how));
        return false;
    }
    enum aw_match_why refused = may_execute(fd);
    util_close(w->fd);
    w->fd = fd;
    if (refused) {
        stop(w, why ? why : refused, EACCES, "%s %s: %s", as, path, why_text(refused));
        return false;
    }
    return true;
}

static int reopen(int fd)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- steps ------------------------------------------------------------------------------------
 */

static struct aw_match_step *add_step(struct walk *w, enum aw_match_step_kind kind,
                                      const char *next)
{
    AW_BUG_ON(w->m->n_steps >= AW_MATCH_STEPS);
    struct aw_match_step *s = &w->m->steps[w->m->n_steps++];
    s->kind = kind;
    s->path = strdup(w->name);
    s->next = next ? strdup(next) : NULL;
    s->assumed = w->fd < 0;
    return s->path && (s->next || !next) ? s : NULL;
}

/* Put n strings in front of the arguments, after dropping the first of them if drop. */
static bool replace_front(struct walk *w, bool drop, const char *const *front, size_t n)
{
    struct strv v = {0};
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok = ok && strv_add(&v, front[i]);
    for (size_t i = drop; i < w->argv.n; i++)
        ok = ok && strv_add(&v, w->argv.v[i]);
    strv_fini(&w->argv);
    w->argv = v;
    return ok;
}

static bool rename_to(struct walk *w, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return false;
    free(w->name);
    w->name = copy;
    return true;
}

/* The file at hand has been replaced: an O rule's program is put aside, once. */
static enum round replaced(struct walk *w)
{
    if (!w->open_binary)
        return ROUND_NEXT;
    if (w->handed_over)
        return stop(w, AW_WHY_TWICE, ENOEXEC,
                    "%s: interpreters of rules with flag O or C must be programs, and this one "
                    "needs an interpreter itself",
                    w->m->steps[w->m->n_steps - 1].path);
    w->handed_over = true;
    return ROUND_NEXT;
}

static size_t n_entries(const struct walk *w)
{
    return w->req->snapshot ? aw_snapshot_count(w->req->snapshot) : w->req->n_entries;
}

/* Does entry number i match the file at hand, by itself? */
static bool rule_hits(const struct walk *w, size_t i)
{
    const struct aw_match_request *req = w->req;
    if (req->snapshot)
        return brief_matches(snapshot_brief(req->snapshot, i), (const uint8_t *)w->head, w->name);
    const struct aw_entry *e = &req->entries[i];
    return e->known && aw_rule_matches(&e->rule, w->head, AW_RULE_WINDOW, w->name);
}

static bool is_enabled(const struct walk *w, size_t i)
{
    const struct aw_match_request *req = w->req;
    return req->snapshot ? snapshot_brief(req->snapshot, i)->enabled : req->entries[i].enabled;
}

/* NULL: no memory. Good until the next call. */
static const struct aw_entry *entry_at(struct walk *w, size_t i)
{
    if (!w->req->snapshot)
        return &w->req->entries[i];
    return aw_snapshot_entry(w->req->snapshot, i, &w->taken, NULL) ? &w->taken : NULL;
}

static bool list_shadowed(struct walk *w, struct aw_match_step *s)
{
    for (size_t i = s->rule + 1; i < n_entries(w); i++) {
        if (!is_enabled(w, i) || !rule_hits(w, i))
            continue;
        size_t *more = reallocarray(s->shadowed, s->n_shadowed + 1, sizeof(*more));
        if (!more)
            return false;
        s->shadowed = more;
        s->shadowed[s->n_shadowed++] = i;
    }
    return true;
}

/* The interpreter of a rule with F: the caller's knowledge, else the registered path in our own
 * root, else unknown. */
static int open_held(const struct walk *w, const struct aw_entry *e)
{
    int fd = -1;
    if (w->req->open_interpreter)
        fd = w->req->open_interpreter(w->req->user, e);
    return fd >= 0 ? fd : open(e->rule.interpreter, O_PATH | O_CLOEXEC);
}

static enum round try_rules(struct walk *w)
{
    size_t i = 0, n = w->req->enabled ? n_entries(w) : 0;
    while (i < n && !(is_enabled(w, i) && rule_hits(w, i)))
        i++;
    if (i >= n)
        return ROUND_PASS;
    const struct aw_entry *e = entry_at(w, i);
    if (!e)
        return ROUND_BAD;
    const struct aw_rule *r = &e->rule;
    struct aw_match_step *s = add_step(w, AW_STEP_RULE, r->interpreter);
    if (!s)
        return ROUND_BAD;
    s->rule = i;
    if (!list_shadowed(w, s))
        return ROUND_BAD;
    w->m->flags |= r->flags;
    w->open_binary |= (r->flags & AW_RULE_O) != 0;
    const char *front[] = {r->interpreter, w->name};
    bool transparent = (r->flags & AW_RULE_T) != 0;
    if ((!transparent && !replace_front(w, !(r->flags & AW_RULE_P), front, 2)) ||
        !rename_to(w, r->interpreter))
        return ROUND_BAD;
    if (r->flags & AW_RULE_F) {
        util_close(w->fd);
        w->fd = open_held(w, e);
    } else {
        char as[AW_RULE_NAME_MAX + 32];
        snprintf(as, sizeof(as), "rule %s: interpreter", r->name);
        if (!open_next(w, r->interpreter, AW_WHY_INTERPRETER, as))
            return ROUND_END;
    }
    return replaced(w);
}

static enum round try_script(struct walk *w)
{
    struct script line;
    script_parse(w->head, &line);
    switch (line.kind) {
    case SCRIPT_NONE:
        return ROUND_PASS;
    case SCRIPT_EMPTY:
        return stop(w, AW_WHY_SCRIPT_EMPTY, ENOEXEC, "%s: no interpreter after #!", w->name);
    case SCRIPT_LONG:
        return stop(w, AW_WHY_SCRIPT_LONG, ENOEXEC,
                    "%s: the interpreter's path after #! reaches beyond the first %d bytes",
                    w->name, AW_RULE_WINDOW);
    case SCRIPT_OK:
        break;
    }
    struct aw_match_step *s = add_step(w, AW_STEP_SCRIPT, line.name);
    if (!s)
        return ROUND_BAD;
    if (line.has_argument && !(s->argument = strdup(line.argument)))
        return ROUND_BAD;
    const char *with[] = {line.name, line.argument, w->name}, *without[] = {line.name, w->name};
    if (!replace_front(w, true, line.has_argument ? with : without, line.has_argument ? 3 : 2))
        return ROUND_BAD;
    _cleanup_free_ char *as = str_printf("%s: interpreter", w->name);
    if (!as || !rename_to(w, line.name))
        return ROUND_BAD;
    if (!open_next(w, line.name, AW_WHY_SCRIPT_INTERPRETER, as))
        return ROUND_END;
    return replaced(w);
}

/* ---- programs ---------------------------------------------------------------------------------
 */

/* Would one of the host's loaders take it? Fills *ret with what that loader sees; NULL: none. */
static const struct aw_arch *native_arch(int fd, struct elf_info *ret)
{
    const struct aw_arch *arch;
    struct elf_head head;
    if (!elf_head_read(fd, &head))
        return NULL;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++) {
        uint16_t machine = elf_head_machine(&head, arch->big);
        if (!machine || (machine != arch->machine[0] && machine != arch->machine[1]) ||
            !aw_arch_native(arch))
            continue;
        elf_look_as(fd, arch->is64, arch->big, ret);
        if (ret->kind != ELF_NONE)
            return arch;
    }
    return NULL;
}

static enum round check_loader(struct walk *w, const struct elf_info *elf)
{
    _cleanup_free_ char *as = str_printf("%s: loader", w->name);
    _cleanup_free_ char *loader = strdup(elf->loader);
    if (!as || !loader)
        return ROUND_BAD;
    if (!open_next(w, loader, AW_WHY_LOADER, as))
        return ROUND_END;
    _cleanup_close_ int fd = reopen(w->fd);
    struct elf_info inner;
    if (fd >= 0 && !native_arch(fd, &inner))
        return stop(w, AW_WHY_LOADER, ELIBBAD, "%s %s: no program of this machine", as, loader);
    return ROUND_PASS;
}

/* Why nothing took the file. */
static enum round explain_nothing(struct walk *w, const struct aw_arch *arch)
{
    for (size_t i = 0; i < n_entries(w); i++) {
        const struct aw_entry *e = rule_hits(w, i) ? entry_at(w, i) : NULL;
        if (!e)
            continue;
        if (e->enabled)
            return stop(w, AW_WHY_SWITCHED_OFF, ENOEXEC,
                        "%s: rule %s matches, but binfmt_misc is switched off", w->name,
                        e->rule.name);
        w->m->off = i;
        return stop(w, AW_WHY_DISABLED, ENOEXEC, "%s: rule %s matches, but is switched off",
                    w->name, e->rule.name);
    }
    if (arch)
        return stop(w, AW_WHY_NO_RULE, ENOEXEC, "%s: a program for %s, and no rule for it", w->name,
                    arch->name);
    return stop(w, AW_WHY_NO_FORMAT, ENOEXEC, "%s: neither a program nor a script", w->name);
}

static enum round try_native(struct walk *w, int fd)
{
    struct elf_info elf;
    const struct aw_arch *arch = native_arch(fd, &elf);
    w->m->arch = arch ? arch : aw_arch_find_elf(w->head, AW_RULE_WINDOW);
    if (!arch)
        return explain_nothing(w, w->m->arch);
    if (elf.kind == ELF_BROKEN)
        return stop(w, AW_WHY_BAD_ELF, ENOEXEC, "%s: its program headers are broken", w->name);
    if (elf.kind == ELF_DYNAMIC) {
        enum round how = check_loader(w, &elf);
        if (how != ROUND_PASS)
            return how;
    }
    return add_step(w, AW_STEP_NATIVE, NULL) ? ROUND_END : ROUND_BAD;
}

static enum round one_round(struct walk *w, int depth)
{
    if (depth > DEPTH_MAX)
        return stop(w, AW_WHY_DEPTH, ELOOP, "%s: more than %d interpreters one after the other",
                    w->req->path, DEPTH_MAX);
    memset(w->head, 0, sizeof(w->head));
    if (w->fd < 0)
        return add_step(w, AW_STEP_NATIVE, NULL) ? ROUND_END : ROUND_BAD;
    _cleanup_close_ int fd = reopen(w->fd);
    if (fd < 0)
        return stop(w, AW_WHY_UNREADABLE, 0, "%s: may be executed but not read: %s", w->name,
                    strerror(errno));
    if (pread(fd, w->head, AW_RULE_WINDOW, 0) < 0)
        return stop(w, AW_WHY_UNREADABLE, errno, "%s: cannot be read: %s", w->name,
                    strerror(errno));
    enum round how = try_rules(w);
    if (how == ROUND_PASS)
        how = try_script(w);
    return how == ROUND_PASS ? try_native(w, fd) : how;
}

static bool begin(struct walk *w, const struct aw_match_request *req)
{
    static const char *const none[] = {"", NULL};
    const char *const own[] = {req->path, NULL}, *const *argv = req->argv ? req->argv : own;
    if (!argv[0])
        argv = none; /* Linux 5.18 and later put an empty string there */
    bool ok = rename_to(w, req->path);
    for (size_t i = 0; argv[i]; i++)
        ok = ok && strv_add(&w->argv, argv[i]);
    return ok;
}

bool aw_match(const struct aw_match_request *request, struct aw_match *ret, struct aw_err *err)
{
    struct aw_match m;
    memset(&m, 0, sizeof(m));
    struct walk w = {.req = request, .m = &m, .fd = -1};
    enum round how = ROUND_BAD;
    if (begin(&w, request)) {
        how = open_next(&w, request->path, AW_WHY_RUNS, "file") ? ROUND_NEXT : ROUND_END;
        for (int depth = 0; how == ROUND_NEXT; depth++)
            how = one_round(&w, depth);
    }
    util_close(w.fd);
    free(w.name);
    m.argv = w.argv.v;
    if (how == ROUND_BAD) {
        aw_match_fini(&m);
        return aw_fail(err, AW_E_NOMEM, 0, "match %s: no memory", request->path);
    }
    *ret = m;
    return true;
}

void aw_match_fini(struct aw_match *match)
{
    for (size_t i = 0; i < match->n_steps; i++) {
        free(match->steps[i].path);
        free(match->steps[i].next);
        free(match->steps[i].argument);
        free(match->steps[i].shadowed);
    }
    for (char **p = match->argv; p && *p; p++)
        free(*p);
    free(match->argv);
    memset(match, 0, sizeof(*match));
}
