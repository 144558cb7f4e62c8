/* SPDX-License-Identifier: Apache-2.0
 *
 * Platform names.
 *
 * One table of architectures by their OCI (Go) names, one of other spellings: those of uname(2),
 * Debian, QEMU and containerd. Normal form: the variant that an architecture's name alone means
 * (arm64/v8, arm/v7 spelled in full, amd64/v1) is dropped, except for arm, where no single one is
 * meant: a bare "arm" is arm/v7, as containerd has it.
 */
#include "image/platform.h"

#include "base/util.h"

#include <ctype.h>
#include <sys/utsname.h>

/* GOARCH where Go has one, else what QEMU calls it. */
static const char *const archs[] = {
    "386",     "amd64",    "arm",       "arm64",       "armbe",    "arm64be",    "riscv32",
    "riscv64", "ppc",      "ppc64",     "ppc64le",     "s390x",    "mips",       "mipsle",
    "mips64",  "mips64le", "loong64",   "sparc",       "sparc64",  "alpha",      "hppa",
    "m68k",    "sh4",      "sh4eb",     "xtensa",      "xtensaeb", "microblaze", "microblazeel",
    "or1k",    "hexagon",  "mips64p32", "mips64p32le",
};

static const struct {
    const char *word;    /* another spelling, lower case */
    const char *arch;    /* the OCI name */
    const char *variant; /* the variant that it implies, or "" */
} aliases[] = {
    {"i386", "386", ""},
    {"i486", "386", ""},
    {"i586", "386", ""},
    {"i686", "386", ""},
    {"x86", "386", ""},
    {"x86_64", "amd64", ""},
    {"x86-64", "amd64", ""},
    {"x64", "amd64", ""},
    {"aarch64", "arm64", ""},
    {"aarch64_be", "arm64be", ""},
    {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},
    {"armv7", "arm", "v7"},
    {"armv8l", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},
    {"armv6", "arm", "v6"},
    {"armv5tel", "arm", "v5"},
    {"armv5", "arm", "v5"},
    {"armeb", "armbe", ""},
    {"powerpc", "ppc", ""},
    {"powerpc64", "ppc64", ""},
    {"powerpc64le", "ppc64le", ""},
    {"ppc64el", "ppc64le", ""},
    {"s390", "s390x", ""},
    {"mipsel", "mipsle", ""},
    {"mips64el", "mips64le", ""},
    {"mipsn32", "mips64p32", ""},
    {"mipsn32el", "mips64p32le", ""},
    {"loongarch64", "loong64", ""},
    {"parisc", "hppa", ""},
};

static const char *const systems[] = {"linux",   "windows", "darwin", "freebsd", "netbsd",
                                      "openbsd", "solaris", "wasip1", "aix"};

static bool is_arch(const char *w)
{
    for (size_t i = 0; i < AW_LEN(archs); i++)
        if (str_eq(w, archs[i]))
            return true;
    return false;
}

static bool is_system(const char *w)
{
    for (size_t i = 0; i < AW_LEN(systems); i++)
        if (str_eq(w, systems[i]))
            return true;
    return false;
}

/* As much of src as fits, in lower case; src may be dst. */
static void copy(char *dst, size_t size, const char *src)
{
    size_t len = strnlen(src, size - 1);
    memmove(dst, src, len);
    dst[len] = '\0';
    for (char *c = dst; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

void platform_set(struct platform *p, const char *os, const char *arch, const char *variant)
{
    char a[sizeof(p->arch)], v[sizeof(p->variant)];
    copy(p->os, sizeof(p->os), os && *os ? os : "linux");
    copy(a, sizeof(a), arch ? arch : "");
    copy(v, sizeof(v), variant ? variant : "");
    for (size_t i = 0; i < AW_LEN(aliases); i++)
        if (str_eq(a, aliases[i].word)) {
            copy(a, sizeof(a), aliases[i].arch);
            if (!*v)
                copy(v, sizeof(v), aliases[i].variant);
            break;
        }
    /* "7" and "v7" are the same */
    if (isdigit((unsigned char)v[0]) && strlen(v) + 1 < sizeof(v)) {
        memmove(v + 1, v, strlen(v) + 1);
        v[0] = 'v';
    }
    if (str_eq(a, "arm") && (!*v || str_eq(v, "v8")))
        copy(v, sizeof(v), "v7");
    if ((str_eq(a, "arm64") && (str_eq(v, "v8") || str_eq(v, "v8.0"))) ||
        (str_eq(a, "amd64") && str_eq(v, "v1")) || str_eq(a, "386"))
        *v = '\0';
    memcpy(p->arch, a, sizeof(a));
    memcpy(p->variant, v, sizeof(v));
}

/* Edit distance, for words shorter than 16 characters. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[17], n = (unsigned)strlen(b);
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

/* The known word that looks most like word; "arm64" when none does. */
static const char *nearest(const char *word)
{
    const char *best = "arm64";
    unsigned least = 3;
    for (size_t i = 0; i < AW_LEN(archs) + AW_LEN(aliases); i++) {
        const char *w = i < AW_LEN(archs) ? archs[i] : aliases[i - AW_LEN(archs)].word;
        unsigned d = distance(word, w);
        if (d < least) {
            least = d;
            best = w;
        }
    }
    return best;
}

/* Do the bytes make a word that may stand between the slashes? */
static bool is_word(const char *w)
{
    return *w && strlen(w) < sizeof(((struct platform *)0)->arch) &&
           strspn(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               strlen(w);
}

bool platform_parse(const char *text, struct platform *ret, struct aw_err *err)
{
    char part[3][16] = {{0}};
    int n = 0;
    for (const char *p = text;; n++) {
        size_t len = strcspn(p, "/");
        if (n == 3 || len >= sizeof(part[0]))
            return aw_fail(err, AW_E_ARG, 0,
                           "platform \"%.60s\" is not OS/ARCH[/VARIANT], such as linux/arm64",
                           text);
        memcpy(part[n], p, len);
        if (!is_word(part[n]))
            return aw_fail(err, AW_E_ARG, 0,
                           "platform \"%.60s\" is not OS/ARCH[/VARIANT], such as linux/arm64",
                           text);
        copy(part[n], sizeof(part[n]), part[n]);
        p += len;
        if (!*p++)
            break;
    }
    n++;
    struct platform p, host;
    platform_set(&p, "linux", part[0], n == 2 ? part[1] : "");
    if (is_system(part[0]) || n == 3) {
        platform_host(&host);
        platform_set(&p, part[0], n > 1 ? part[1] : host.arch,
                     n > 2   ? part[2]
                     : n > 1 ? ""
                             : host.variant);
        if (!is_system(part[0]))
            return aw_fail(err, AW_E_ARG, 0, "platform \"%s\": \"%s\" is no known system", text,
                           part[0]);
    }
    if (!is_arch(p.arch))
        return aw_fail(err, AW_E_ARG, 0,
                       "platform \"%s\": \"%s\" is no known architecture; the nearest is \"%s\"",
                       text, p.arch, nearest(p.arch));
    *ret = p;
    return true;
}

void platform_host(struct platform *ret)
{
    struct utsname u;
    if (uname(&u) < 0)
        AW_BUG_ON(true);
    platform_set(ret, "linux", u.machine, "");
#if defined(__x86_64__)
    /* a process that asked for personality(PER_LINUX32) is told i686 */
    if (str_eq(ret->arch, "386"))
        platform_set(ret, "linux", "amd64", "");
#endif
}

void platform_format(const struct platform *p, char ret[PLATFORM_TEXT])
{
    snprintf(ret, PLATFORM_TEXT, "%s/%s%s%s", p->os, p->arch, *p->variant ? "/" : "", p->variant);
}

/* "v7" is 70, "v8.1" is 81; -1: not of that form. */
static int variant_rank(const struct platform *p)
{
    const char *v = p->variant;
    if (!*v)
        return str_eq(p->arch, "arm64") ? 80 : str_eq(p->arch, "amd64") ? 10 : 0;
    if (v[0] != 'v' || !isdigit((unsigned char)v[1]))
        return -1;
    int rank = (v[1] - '0') * 10;
    if (v[2] == '.' && isdigit((unsigned char)v[3]) && !v[4])
        return rank + v[3] - '0';
    return v[2] ? -1 : rank;
}

int platform_match(const struct platform *want, const struct platform *have)
{
    if (!str_eq(want->os, have->os) || !str_eq(want->arch, have->arch))
        return 0;
    if (str_eq(want->variant, have->variant))
        return 1000;
    int w = variant_rank(want), h = variant_rank(have);
    if (w < 0 || h < 0 || h > w)
        return 0;
    return 1 + h;
}
