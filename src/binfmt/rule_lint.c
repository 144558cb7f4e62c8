/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding what the kernel accepts and people regret.
 *
 * Each check is one function that adds at most one finding of a kind; aw_rule_lint() runs them all
 * and sorts. What matches the host's own programs is found by trying the rule on headers of every
 * architecture that the host runs itself, as both executable and shared object, with both usual
 * OSABIs, and on the running program.
 */
#include "binfmt/elf.h"

#include "base/util.h"

#include <archway/catalogue.h>
#include <archway/rule.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define INITIAL_USER_NS 0xEFFFFFFDU /* the inode number that Linux gives it */
#define OVERFLOW_ID 65534           /* stands for ids that are not mapped */

struct findings {
    struct aw_lint *v; /* AW_LINT_MAX of them */
    size_t n;          /* in use */
};

static void AW_PRINTF(4, 5) add(struct findings *f, enum aw_lint_kind kind,
                                enum aw_lint_severity severity, const char *fmt, ...)
{
    AW_BUG_ON(f->n >= AW_LINT_MAX);
    struct aw_lint *l = &f->v[f->n++];
    l->kind = kind;
    l->severity = severity;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->message, sizeof(l->message), fmt, ap);
    va_end(ap);
}

static const char *const names[] = {
    [AW_LINT_HOST_ELF] = "host-elf",
    [AW_LINT_SELF] = "matches-itself",
    [AW_LINT_SCRIPTS] = "matches-scripts",
    [AW_LINT_EXTENSION_DOT] = "extension-dot",
    [AW_LINT_RELATIVE] = "relative-interpreter",
    [AW_LINT_NOT_FOUND] = "interpreter-not-found",
    [AW_LINT_NOT_EXECUTABLE] = "interpreter-not-executable",
    [AW_LINT_DYNAMIC] = "interpreter-dynamic",
    [AW_LINT_SCRIPT_INTERPRETER] = "interpreter-script",
    [AW_LINT_NO_F] = "no-f",
    [AW_LINT_CREDENTIALS] = "credentials",
    [AW_LINT_CREDENTIALS_OWNER] = "credentials-owner",
    [AW_LINT_MASKED_MAGIC] = "masked-magic",
    [AW_LINT_MASK_REDUNDANT] = "mask-redundant",
    [AW_LINT_WINDOW_128] = "window-128",
    [AW_LINT_NEEDS_7_3] = "needs-7.3",
    [AW_LINT_NAME_ODD] = "name-odd",
};

const char *aw_lint_name(enum aw_lint_kind kind)
{
    return (size_t)kind < AW_LEN(names) ? names[kind] : "unknown";
}

static bool matches_host(const struct aw_rule *r)
{
    const struct aw_arch *arch;
    uint8_t head[AW_RULE_WINDOW] = {0};
    for (size_t i = 0; (arch = aw_arch_at(i)); i++) {
        if (!aw_arch_native(arch))
            continue;
        for (int form = 0; form < 4 * aw_arch_rules(arch); form++) {
            aw_arch_header(arch, form / 4, form & 1, head);
            head[7] = form & 2 ? 3 : 0;
            if (aw_rule_matches(r, head, AW_ARCH_HEADER, NULL))
                return true;
        }
    }
    _cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t n = self >= 0 ? pread(self, head, sizeof(head), 0) : -1;
    return n > 0 && aw_rule_matches(r, head, (size_t)n, NULL);
}

static void lint_reach(const struct aw_rule *r, struct findings *f)
{
    if (r->type == AW_RULE_EXTENSION) {
        const char *dot = strrchr(r->extension, '.');
        if (dot)
            add(f, AW_LINT_EXTENSION_DOT, AW_LINT_REFUSE,
                "extension \"%.60s\" can never match: Linux compares what follows the last dot of "
                "a path (here that would be \"%.60s\")",
                r->extension, dot + 1);
        return;
    }
    if (matches_host(r))
        add(f, AW_LINT_HOST_ELF, AW_LINT_REFUSE,
            "matches this machine's own programs: every exec would start the interpreter, which "
            "matches too (ELOOP for every command)");
    if (aw_rule_matches(r, "#!/", 3, NULL))
        add(f, AW_LINT_SCRIPTS, AW_LINT_WARN, "matches every #! script");
}

static void lint_magic(const struct aw_rule *r, struct findings *f)
{
    if (r->type != AW_RULE_MAGIC)
        return;
    bool hidden = false, ones = r->has_mask;
    for (uint32_t i = 0; i < r->magic_len && r->has_mask; i++) {
        hidden |= (r->magic[i] & ~r->mask[i]) != 0;
        ones &= r->mask[i] == 0xff;
    }
    if (hidden)
        add(f, AW_LINT_MASKED_MAGIC, AW_LINT_NOTE,
            "the magic has bits that the mask hides: they are never compared");
    if (ones)
        add(f, AW_LINT_MASK_REDUNDANT, AW_LINT_NOTE, "a mask of all ones does nothing");
    else if (r->has_mask && r->mask[r->magic_len - 1] == 0)
        add(f, AW_LINT_MASK_REDUNDANT, AW_LINT_NOTE,
            "the last bytes of the mask are zero: they compare nothing");
    if (r->offset + r->magic_len > 128)
        add(f, AW_LINT_WINDOW_128, AW_LINT_NOTE,
            "reaches beyond 128 bytes: Linux before 5.1 refuses it");
}

static bool in_initial_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/user", &st) == 0 && st.st_ino == INITIAL_USER_NS;
}

/* Could anyone here but root have written it? In a user namespace the files of ids that are not
 * mapped (the host's root among them) seem to belong to nobody; nobody there can write them. */
static bool others_write(const struct stat *st)
{
    bool trusted = st->st_uid == 0 || (st->st_uid == OVERFLOW_ID && !in_initial_namespace());
    return !trusted || (st->st_mode & 022);
}

/* A folder on the way to path that others can put another file into, in ret. In a sticky one
 * (/tmp) they make files, but leave root's alone. */
static bool others_write_way(const char *path, char ret[PATH_MAX])
{
    struct stat st;
    if (!realpath(path, ret))
        return false;
    for (char *slash = strrchr(ret, '/'); slash; slash = slash == ret ? NULL : strrchr(ret, '/')) {
        slash[slash == ret] = 0;
        if (stat(ret, &st) < 0)
            continue;
        bool sticky = (st.st_mode & S_ISVTX) && (st.st_uid == 0 || st.st_uid == OVERFLOW_ID);
        if (!sticky && others_write(&st))
            return true;
    }
    return false;
}

static void lint_flags(const struct aw_rule *r, struct findings *f)
{
    if (r->flags & AW_RULE_T)
        add(f, AW_LINT_NEEDS_7_3, AW_LINT_NOTE, "flag T: Linux before 7.3 refuses it");
    if (r->flags & AW_RULE_C)
        /* in a user namespace the rights end at its id map */
        add(f, AW_LINT_CREDENTIALS, in_initial_namespace() ? AW_LINT_WARN : AW_LINT_NOTE,
            "flag C: for setuid programs the interpreter runs with the owner's rights; on the "
            "host's instance that is root");
    if (!(r->flags & AW_RULE_F))
        add(f, AW_LINT_NO_F, AW_LINT_NOTE,
            "without flag F the interpreter is looked up in each container or chroot");
    if (r->interpreter[0] != '/')
        add(f, AW_LINT_RELATIVE, AW_LINT_WARN,
            r->flags & AW_RULE_F
                ? "relative interpreter: looked up once, in the folder of whoever registers"
                : "relative interpreter: looked up in the current folder of whoever executes");
    for (const char *p = r->name; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 127 || strchr("*?[\\", *p)) {
            add(f, AW_LINT_NAME_ODD, AW_LINT_NOTE,
                "the name has a blank, a control character or a wildcard");
            break;
        }
}

static void lint_file(const struct aw_rule *r, int fd, struct findings *f)
{
    char head[AW_RULE_WINDOW] = {0};
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n > 0 && aw_rule_matches(r, head, (size_t)n, r->interpreter))
        add(f, AW_LINT_SELF, AW_LINT_REFUSE,
            "matches its own interpreter: each use would end in ELOOP");
    if (n > 2 && head[0] == '#' && head[1] == '!') {
        add(f, AW_LINT_SCRIPT_INTERPRETER, AW_LINT_WARN,
            "the interpreter is a script: its own interpreter is looked up in the container");
        return;
    }
    struct elf_info elf;
    elf_look(fd, &elf);
    if (elf.kind == ELF_DYNAMIC)
        add(f, AW_LINT_DYNAMIC, AW_LINT_WARN,
            "the interpreter is dynamically linked: its loader %.100s and its libraries are looked "
            "up in the container",
            elf.loader);
}

/* With F the kernel opens the interpreter at once, and refuses the rule where it cannot; without,
 * it takes the rule, and programs fail later. */
static void unusable(const struct aw_rule *r, enum aw_lint_kind kind, const char *why,
                     struct findings *f)
{
    bool held = (r->flags & AW_RULE_F) != 0;
    add(f, kind, held ? AW_LINT_REFUSE : AW_LINT_WARN, "%sinterpreter %.150s: %s",
        held ? "the kernel cannot open the " : "", r->interpreter, why);
}

static void lint_interpreter(const struct aw_rule *r, struct findings *f)
{
    struct stat st;
    struct statvfs fs;
    _cleanup_close_ int fd = open(r->interpreter, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        unusable(r, AW_LINT_NOT_FOUND, strerror(errno), f);
        return;
    }
    const char *why = !S_ISREG(st.st_mode)   ? "no regular file"
                      : !(st.st_mode & 0111) ? "not executable"
                      : fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOEXEC)
                          ? "on a file system that is mounted noexec"
                          : NULL;
    if (why) {
        unusable(r, AW_LINT_NOT_EXECUTABLE, why, f);
        return;
    }
    if ((r->flags & AW_RULE_C) && others_write(&st))
        add(f, AW_LINT_CREDENTIALS_OWNER, AW_LINT_REFUSE,
            "flag C, and the interpreter can be written by others than root");
    char folder[PATH_MAX];
    if ((r->flags & AW_RULE_C) && !others_write(&st) && others_write_way(r->interpreter, folder))
        add(f, AW_LINT_CREDENTIALS_OWNER, AW_LINT_REFUSE,
            "flag C, and others than root can put another interpreter into %.200s", folder);
    _cleanup_close_ int readable = open(r->interpreter, O_RDONLY | O_CLOEXEC);
    if (readable >= 0)
        lint_file(r, readable, f);
}

size_t aw_rule_lint(const struct aw_rule *rule, bool look, struct aw_lint ret[AW_LINT_MAX])
{
    struct findings f = {.v = ret};
    lint_reach(rule, &f);
    lint_magic(rule, &f);
    lint_flags(rule, &f);
    if (look)
        lint_interpreter(rule, &f);
    else if (aw_rule_matches(rule, NULL, 0, rule->interpreter))
        add(&f, AW_LINT_SELF, AW_LINT_REFUSE,
            "matches its own interpreter's name: each use would end in ELOOP");
    /* worst first, else in the order found: few enough for an insertion sort */
    for (size_t i = 1; i < f.n; i++)
        for (size_t k = i; k > 0 && ret[k - 1].severity < ret[k].severity; k--) {
            struct aw_lint swap = ret[k];
            ret[k] = ret[k - 1];
            ret[k - 1] = swap;
        }
    return f.n;
}
