/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing interpreters.
 *
 * emulator_for() is the one function that decides which program runs an architecture: Archway's own
 * engine for the guests that it has, on processors that it was made for; else QEMU user mode,
 * static.
 */
#include "box/emulator.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/spawn.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#elif defined(__s390x__)
#define HOST_MACHINE EM_S390
#elif defined(__powerpc64__)
#define HOST_MACHINE EM_PPC64
#else
#error "the ELF machine of this host is not known here"
#endif

/* Architectures whose programs a container of another one may hold: an arm64 image with armhf
 * tools, an amd64 image with test programs. Those that OCI images are made for. */
static const char *const common[] = {"x86_64",  "i386",  "aarch64",  "arm",        "riscv64",
                                     "ppc64le", "s390x", "mips64el", "loongarch64"};

bool emulator_is_static(int fd, const char *path, struct aw_err *err)
{
    Elf64_Ehdr e;
    ssize_t n = pread(fd, &e, sizeof(e), 0);
    if (n != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) != 0)
        return aw_fail(err, AW_E_ARG, 0, "%s is not an ELF program", path);
    if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != HOST_MACHINE ||
        (e.e_type != ET_EXEC && e.e_type != ET_DYN))
        return aw_fail(err, AW_E_ARG, 0, "%s is not a program for this machine", path);
    if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum > 256)
        return aw_fail(err, AW_E_ARG, 0, "%s has a damaged program header table", path);
    for (unsigned i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        if (pread(fd, &p, sizeof(p), (off_t)(e.e_phoff + i * sizeof(p))) != sizeof(p))
            return aw_fail(err, AW_E_ARG, 0, "%s has a damaged program header table", path);
        if (p.p_type == PT_INTERP)
            return aw_fail(err, AW_E_ARG, 0,
                           "%s is dynamically linked: inside a container its libraries are missing",
                           path);
    }
    return true;
}

bool emulator_check(const char *path, struct aw_err *err)
{
    struct stat st;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "emulator %s", path);
    if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0)
        return aw_fail(err, AW_E_ARG, 0, "emulator %s is not an executable file", path);
    return emulator_is_static(fd, path, err) || aw_context(err, "emulator");
}

/* A static QEMU for the architecture: qemu-NAME-static, else qemu-NAME (Debian 13's are static). */
static char *find_qemu(const struct aw_arch *a, const struct box_world *world)
{
    static const char *const forms[] = {"qemu-%s-static", "qemu-%s"};
    for (size_t i = 0; i < AW_LEN(forms); i++) {
        _cleanup_free_ char *name = str_printf(forms[i], a->name);
        _cleanup_free_ char *own =
            name && world->emulator_dir ? str_printf("%s/%s", world->emulator_dir, name) : NULL;
        const char *tries[] = {own, name};
        for (size_t k = 0; k < AW_LEN(tries); k++) {
            struct aw_err ignored = AW_ERR_INIT;
            _cleanup_free_ char *path = tries[k] ? spawn_find(tries[k], world->path) : NULL;
            if (path && emulator_check(path, &ignored))
                return AW_STEAL(path);
        }
    }
    return NULL;
}

/* The engine's guests; its host floor is x86-64-v3, and AES and PCLMUL, which that does not imply.
 */
static bool engine_serves(const struct aw_arch *a)
{
    return str_eq(a->name, "aarch64") &&
           cpu_has(CPU_AVX2 | CPU_FMA | CPU_BMI2 | CPU_BMI | CPU_AES | CPU_PCLMUL);
}

/* opt: --emulator's word, NULL for auto. */
static char *emulator_for(const struct aw_arch *a, const struct box_world *world, const char *opt)
{
    struct aw_err ignored = AW_ERR_INIT;
    bool want_engine = !opt || str_eq(opt, "auto") || str_eq(opt, "engine");
    if (want_engine && world->engine && engine_serves(a) && emulator_check(world->engine, &ignored))
        return strdup(world->engine);
    return opt && str_eq(opt, "engine") ? NULL : find_qemu(a, world);
}

static bool add(struct emulators *e, const struct aw_arch *a, char *path, struct aw_err *err)
{
    struct emulator *more = realloc(e->v, (e->n + 1) * sizeof(*more));
    if (!more) {
        free(path);
        return aw_fail(err, AW_E_NOMEM, 0, "choose emulators: out of memory");
    }
    e->v = more;
    e->v[e->n++] = (struct emulator){.arch = a, .path = path, .fd = -1};
    return true;
}

static bool name_package(struct aw_err *err)
{
    return aw_mend(err, "sudo apt install qemu-user-static (Debian 13 and later: qemu-user), or "
                        "--emulator PATH");
}

static bool no_engine(const char *text, const struct box_world *world, struct aw_err *err)
{
    if (!world->engine)
        aw_fail(err, AW_E_NOTFOUND, 0, "--emulator engine: archway-engine is not installed");
    else
        aw_fail(err, AW_E_UNSUPPORTED, 0,
                "--emulator engine: it runs arm64 on processors with AVX2, not %s here", text);
    return aw_mend(err, "--emulator auto");
}

char *emulator_find(const struct aw_arch *a, const char *opt, const struct box_world *world,
                    struct aw_err *err)
{
    char *path = emulator_for(a, world, opt);
    if (path)
        return path;
    if (opt && str_eq(opt, "engine")) {
        no_engine(a->oci_arch, world, err);
        return NULL;
    }
    aw_fail(err, AW_E_NOTFOUND, 0, "no emulator for %s: a static qemu-%s was not found",
            a->oci_arch, a->name);
    name_package(err);
    return NULL;
}

static bool none_found(const struct aw_arch *a, const char *text, const char *opt,
                       const struct box_world *world, struct aw_err *err)
{
    if (opt && str_eq(opt, "engine"))
        return no_engine(text, world, err);
    if (opt && !str_eq(opt, "qemu") && !str_eq(opt, "auto"))
        return aw_fail(err, AW_E_ARG, 0,
                       "--emulator: \"%s\" is neither auto, engine, qemu, nor an absolute path",
                       opt);
    aw_fail(err, AW_E_NOTFOUND, 0, "no emulator for %s: a static qemu-%s was not found", text,
            a->name);
    return name_package(err);
}

static bool choose_own(const struct platform *p, const char *opt, const struct box_world *world,
                       struct emulators *ret, struct aw_err *err)
{
    char text[PLATFORM_TEXT];
    platform_format(p, text);
    const struct aw_arch *a = aw_arch_find_oci(p->arch, p->variant);
    if (!a) {
        aw_fail(err, AW_E_UNSUPPORTED, 0, "the image is for %s, an architecture not known here",
                text);
        return aw_mend(err, "choose another image or --platform");
    }
    bool explicit_path = opt && opt[0] == '/';
    ret->native = aw_arch_native(a);
    if (ret->native) {
        /* a rule for the host's own programs would capture the OCI runtime too */
        if (explicit_path)
            aw_log(world->log, AW_LOG_WARN, "--emulator %s is not used: %s runs natively here", opt,
                   text);
        return true;
    }
    if (explicit_path && !emulator_check(opt, err))
        return false;
    bool word = !opt || str_eq(opt, "auto") || str_eq(opt, "engine") || str_eq(opt, "qemu");
    char *path = explicit_path ? strdup(opt) : word ? emulator_for(a, world, opt) : NULL;
    return path ? add(ret, a, path, err) : none_found(a, text, opt, world, err);
}

bool emulators_choose(const struct platform *p, const char *opt_emulator,
                      const struct box_world *world, struct emulators *ret, struct aw_err *err)
{
    struct emulators e = {0};
    if (!str_eq(p->os, "linux"))
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "the image is for %s: only Linux images can run",
                       p->os);
    bool ok = choose_own(p, opt_emulator, world, &e, err);
    for (size_t i = 0; ok && i < AW_LEN(common); i++) {
        const struct aw_arch *a = aw_arch_find(common[i]);
        if (!a || aw_arch_native(a) || (e.n && e.v[0].arch == a))
            continue;
        /* a path is for the image's own; so is the engine, which serves few */
        bool qemu = opt_emulator && str_eq(opt_emulator, "qemu");
        char *path = emulator_for(a, world, qemu ? opt_emulator : NULL);
        ok = !path || add(&e, a, path, err);
    }
    if (!ok) {
        emulators_fini(&e);
        return false;
    }
    *ret = e;
    return true;
}

bool emulators_open(struct emulators *e, struct aw_err *err)
{
    for (size_t i = 0; i < e->n; i++) {
        e->v[i].fd = open(e->v[i].path, O_PATH | O_CLOEXEC);
        if (e->v[i].fd < 0)
            return aw_fail(err, AW_E_IO, errno, "open emulator %s", e->v[i].path);
    }
    return true;
}

void emulators_fini(struct emulators *e)
{
    for (size_t i = 0; i < e->n; i++) {
        free(e->v[i].path);
        util_close(e->v[i].fd);
    }
    free(e->v);
    memset(e, 0, sizeof(*e));
}
