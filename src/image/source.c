/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking apart what a user typed as IMAGE.
 *
 * Registry references follow the grammar of the distribution project's "reference" documentation
 * (domain, path, tag, digest) with Docker's defaults filled in. The canonical name is what stands
 * in the store's index, so two spellings of the same image meet there.
 *
 * Invariants:
 * 1. source_parse(src.name) gives src again.
 * 2. All is UTF-8. No part holds a blank, a control character or a NUL, none begins with "-" (they
 *    become arguments of skopeo), and a digest that is set is valid.
 *
 * Left out: short-name aliases of registries.conf; "debian" always means Docker's.
 */
#include "image/source.h"

#include "base/util.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#define MAX_NAME 255  /* of domain and path together, as the distribution specification has it */
#define MAX_TEXT 4096 /* of anything that is typed */

static const struct {
    enum source_kind kind;
    const char *prefix;
} transports[] = {
    {SOURCE_REGISTRY, "docker://"},
    {SOURCE_OCI, "oci:"},
    {SOURCE_OCI_ARCHIVE, "oci-archive:"},
    {SOURCE_DOCKER_ARCHIVE, "docker-archive:"},
    {SOURCE_STORAGE, "containers-storage:"},
    {SOURCE_DAEMON, "docker-daemon:"},
    {SOURCE_DIR, "dir:"},
};

static const char *prefix_of(enum source_kind kind)
{
    for (size_t i = 0; i < AW_LEN(transports); i++)
        if (transports[i].kind == kind)
            return transports[i].prefix;
    return "";
}

bool source_is_file(const struct source *src)
{
    return src->kind == SOURCE_OCI || src->kind == SOURCE_OCI_ARCHIVE ||
           src->kind == SOURCE_DOCKER_ARCHIVE || src->kind == SOURCE_DIR ||
           src->kind == SOURCE_PATH;
}

void source_fini(struct source *src)
{
    free(src->domain);
    free(src->path);
    free(src->tag);
    free(src->name);
    *src = (struct source){0};
}

static bool no_memory(struct aw_err *err)
{
    return aw_fail(err, AW_E_NOMEM, 0, "image name: out of memory");
}

/* ---- registry references -----------------------------------------------------------------------
 */

static bool lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Port digits behind the host; host labels of letters, digits and inner hyphens; or [IPv6]. */
static bool is_domain(const char *d)
{
    if (*d == '[') {
        size_t n = strspn(d + 1, "0123456789abcdefABCDEF:");
        d += 1 + n;
        if (n == 0 || *d++ != ']')
            return false;
    } else {
        for (;;) {
            size_t n = 0;
            while (isalnum((unsigned char)d[n]) || (d[n] == '-' && n > 0))
                n++;
            if (n == 0 || d[n - 1] == '-')
                return false;
            d += n;
            if (*d != '.')
                break;
            d++;
        }
    }
    if (*d == '\0')
        return true;
    return *d == ':' && isdigit((unsigned char)d[1]) && strlen(d + 1) <= 5 &&
           strspn(d + 1, "0123456789") == strlen(d + 1);
}

/* Components of [a-z0-9]+ joined by one '.', one or two '_', or any number of '-'. */
static bool is_repo_path(const char *p)
{
    for (;;) {
        if (!lower_alnum(*p))
            return false;
        while (lower_alnum(*p))
            p++;
        if (*p == '\0')
            return true;
        if (*p == '/' || *p == '.')
            p++;
        else if (*p == '_')
            p += p[1] == '_' ? 2 : 1;
        else if (*p == '-')
            p += strspn(p, "-");
        else
            return false;
    }
}

static bool is_tag(const char *t)
{
    size_t n = strlen(t);
    if (n == 0 || n > 128 || *t == '.' || *t == '-')
        return false;
    for (; *t; t++)
        if (!isalnum((unsigned char)*t) && !strchr("_.-", *t))
            return false;
    return true;
}

static bool refuse(struct aw_err *err, const char *text, const char *why)
{
    return aw_fail(err, AW_E_ARG, 0, "\"%.200s\" is no image name: %s", text, why);
}

/* Cut "@DIGEST" off name into ret. */
static bool cut_digest(const char *text, char *name, char ret[DIGEST_SIZE], struct aw_err *err)
{
    char *at = strchr(name, '@');
    if (!at)
        return true;
    *at++ = '\0';
    if (digest_valid(at)) {
        memcpy(ret, at, DIGEST_SIZE);
        return true;
    }
    if (!str_starts(at, "sha256:") && strchr(at, ':'))
        return aw_fail(err, AW_E_UNSUPPORTED, 0,
                       "\"%.200s\": digests other than sha256 are not supported", text);
    return refuse(err, text, "behind \"@\" must stand sha256: and 64 hexadecimal digits");
}

/* Cut ":TAG" off the last component of name; *ret_tag points into name or is NULL. */
static bool cut_tag(const char *text, char *name, const char **ret_tag, struct aw_err *err)
{
    char *slash = strrchr(name, '/'), *colon = strchr(slash ? slash : name, ':');
    *ret_tag = NULL;
    if (!colon)
        return true;
    *colon = '\0';
    *ret_tag = colon + 1;
    if (!is_tag(colon + 1))
        return refuse(err, text,
                      "a tag is 1 to 128 letters, digits, \"_\", \".\" or \"-\", and begins with "
                      "none of the last two");
    return true;
}

/* Why a repository path is refused, with a proposal where only the case is wrong. */
static bool refuse_path(const char *text, const char *path, struct aw_err *err)
{
    char low[MAX_NAME + 1];
    size_t i = 0;
    for (; path[i] && i < MAX_NAME; i++)
        low[i] = (char)tolower((unsigned char)path[i]);
    low[i] = '\0';
    if (*path == '\0')
        return refuse(err, text, "it has no name");
    if (!is_repo_path(low))
        return refuse(err, text,
                      "a name is lower-case letters and digits, with \".\", \"_\", \"-\" or \"/\" "
                      "between them; a folder or file is given as ./NAME");
    refuse(err, text, "a repository's name must be lower case");
    return aw_mend(err, "write \"%s\"", low);
}

/* Split name at its first slash if the part before it is a host: has a dot or a colon, is
 * "localhost", or has upper case (which no repository has). Returns the path part. */
static char *split_domain(char *name, const char **ret_domain)
{
    char *slash = strchr(name, '/');
    *ret_domain = "docker.io";
    if (!slash)
        return name;
    *slash = '\0';
    bool upper = false;
    for (const char *c = name; *c; c++)
        upper |= isupper((unsigned char)*c) != 0;
    if (strpbrk(name, ".:") || upper || str_eq(name, "localhost")) {
        *ret_domain = str_eq(name, "index.docker.io") ? "docker.io" : name;
        return slash + 1;
    }
    *slash = '/';
    return name;
}

static bool parse_registry(const char *text, const char *rest, struct source *src,
                           struct aw_err *err)
{
    _cleanup_free_ char *name = strdup(rest);
    const char *tag, *domain;
    if (!name)
        return no_memory(err);
    if (!cut_digest(text, name, src->digest, err) || !cut_tag(text, name, &tag, err))
        return false;
    if (strlen(name) == DIGEST_HEX && strspn(name, "0123456789abcdef") == DIGEST_HEX)
        return refuse(err, text, "64 hexadecimal digits are an image's ID, and none here has it");
    char *path = split_domain(name, &domain);
    if (!is_domain(domain))
        return refuse(err, text, "what stands before the first \"/\" is no host name");
    bool official = str_eq(domain, "docker.io") && !strchr(path, '/');
    if (!is_repo_path(path))
        return refuse_path(text, path, err);
    src->domain = strdup(domain);
    src->path = str_printf("%s%s", official ? "library/" : "", path);
    if (!src->domain || !src->path)
        return no_memory(err);
    if (strlen(src->domain) + 1 + strlen(src->path) > MAX_NAME)
        return refuse(err, text, "it is longer than 255 characters");
    /* with a digest the tag says nothing: Docker and Podman drop it too */
    if (!*src->digest && !(src->tag = strdup(tag ? tag : "latest")))
        return no_memory(err);
    src->name = *src->digest ? str_printf("%s/%s@%s", src->domain, src->path, src->digest)
                             : str_printf("%s/%s:%s", src->domain, src->path, src->tag);
    return src->name ? true : no_memory(err);
}

/* ---- the other kinds ---------------------------------------------------------------------------
 */

/* "/a/./b//c" as "/a/b/c"; "..", which a symbolic link may bend, stays. */
static char *tidy_path(const char *path)
{
    char *out = malloc(strlen(path) + 2), *o = out;
    if (!out)
        return NULL;
    if (*path == '/')
        *o++ = '/';
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n > 0 && !(n == 1 && *path == '.')) {
            if (o > out && o[-1] != '/')
                *o++ = '/';
            memcpy(o, path, n);
            o += n;
        }
        path += n;
        path += strspn(path, "/");
    }
    if (o == out)
        *o++ = '.';
    *o = '\0';
    return out;
}

/* Put name together from kind, path and tag. */
static bool name_file(struct source *src, struct aw_err *err)
{
    free(src->name);
    if (src->kind == SOURCE_PATH)
        src->name = str_printf(
            "%s%s", src->path[0] == '/' || str_starts(src->path, "../") ? "" : "./", src->path);
    else
        src->name = str_printf("%s%s%s%s", prefix_of(src->kind), src->path, src->tag ? ":" : "",
                               src->tag ? src->tag : "");
    return src->name ? true : no_memory(err);
}

/* What may stand behind the path of an archive or layout. skopeo takes it as it is. */
static bool is_file_ref(const char *r)
{
    return isalnum((unsigned char)*r) && strlen(r) <= MAX_NAME + 140 &&
           strspn(r, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@+") ==
               strlen(r);
}

static bool parse_file(const char *text, const char *rest, struct source *src, struct aw_err *err)
{
    _cleanup_free_ char *path = strdup(rest);
    if (!path)
        return no_memory(err);
    char *colon = src->kind == SOURCE_DIR || src->kind == SOURCE_PATH ? NULL : strchr(path, ':');
    if (colon) {
        *colon++ = '\0';
        if (!is_file_ref(colon))
            return refuse(err, text,
                          "behind the last \":\" must stand a tag (and a path with a "
                          "colon in it cannot be used)");
        if (!(src->tag = strdup(colon)))
            return no_memory(err);
    }
    if (!*path)
        return refuse(err, text, "it has no path");
    if (!(src->path = tidy_path(path)))
        return no_memory(err);
    return name_file(src, err);
}

static bool parse_ref(const char *text, const char *rest, struct source *src, struct aw_err *err)
{
    /* podman's IDs, short names and digests, and "[driver@root]name": skopeo judges them */
    if (!*rest || strlen(rest) > 1024 || *rest == '-')
        return refuse(err, text, "it has no name");
    src->path = strdup(rest);
    src->name = str_printf("%s%s", prefix_of(src->kind), rest);
    return src->path && src->name ? true : no_memory(err);
}

static bool parse_kind(const char *text, const char *rest, struct source *src, struct aw_err *err)
{
    switch (src->kind) {
    case SOURCE_REGISTRY:
        return parse_registry(text, rest, src, err);
    case SOURCE_STORAGE:
    case SOURCE_DAEMON:
        return parse_ref(text, rest, src, err);
    default:
        return parse_file(text, rest, src, err);
    }
}

static bool looks_like_path(const char *text)
{
    return *text == '/' || str_starts(text, "./") || str_starts(text, "../") || str_eq(text, ".") ||
           str_eq(text, "..");
}

bool source_parse(const char *text, struct source *ret, struct aw_err *err)
{
    struct source src = {.kind = SOURCE_REGISTRY};
    const char *rest = text;
    if (!*text)
        return aw_fail(err, AW_E_ARG, 0, "the image's name is empty");
    if (strlen(text) > MAX_TEXT)
        return refuse(err, text, "it is longer than 4096 characters");
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse(err, text, "it holds a control character");
    if (!str_is_utf8(text))
        return refuse(err, text, "it is not UTF-8, and the store's notes are");
    if (looks_like_path(text))
        src.kind = SOURCE_PATH;
    else
        for (size_t i = 0; i < AW_LEN(transports); i++)
            if (str_starts(text, transports[i].prefix)) {
                src.kind = transports[i].kind;
                rest = text + strlen(transports[i].prefix);
            }
    if (!parse_kind(text, rest, &src, err)) {
        source_fini(&src);
        return false;
    }
    *ret = src;
    return true;
}

/* Where a path leads may have what could not have been typed: the store must read it back. */
static bool check_real(const struct source *src, const char *text, struct aw_err *err)
{
    struct source again;
    if (source_parse(src->name, &again, err)) {
        source_fini(&again);
        return true;
    }
    aw_context(err, "image %.200s", text);
    return aw_mend(err, "rename the folders on the way, or move it to another one");
}

static bool is_tarball_name(const char *text)
{
    static const char *const ends[] = {".tar",     ".tar.gz",  ".tar.xz", ".tar.zst",
                                       ".tar.bz2", ".tar.lz4", ".tgz",    ".txz"};
    for (size_t i = 0; i < AW_LEN(ends); i++)
        if (str_ends(text, ends[i]))
            return true;
    return false;
}

bool source_find(const char *text, struct source *ret, struct aw_err *err)
{
    struct source src = {0};
    struct stat st;
    if (is_tarball_name(text) && !strchr(text, ':') && stat(text, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        _cleanup_free_ char *path = looks_like_path(text) ? strdup(text) : str_printf("./%s", text);
        if (!path)
            return no_memory(err);
        if (!source_parse(path, &src, err))
            return false;
    } else if (!source_parse(text, &src, err)) {
        return false;
    }
    if (source_is_file(&src)) {
        /* the same image from another working folder must have the same name */
        char *real = realpath(src.path, NULL);
        if (!real) {
            aw_fail(err, errno == ENOENT || errno == ENOTDIR ? AW_E_NOTFOUND : AW_E_IO, errno,
                    "image %s", text);
            source_fini(&src);
            return false;
        }
        free(src.path);
        src.path = real;
        if (!name_file(&src, err) ||
            (src.kind != SOURCE_PATH && strchr(real, ':') &&
             !refuse(err, text, "its absolute path has a colon in it, which cannot be used")) ||
            !check_real(&src, text, err)) {
            source_fini(&src);
            return false;
        }
    }
    *ret = src;
    return true;
}

char *source_skopeo(const struct source *src, const char *digest)
{
    AW_BUG_ON(src->kind == SOURCE_PATH);
    if (src->kind != SOURCE_REGISTRY)
        return strdup(src->name);
    if (digest)
        return str_printf("docker://%s/%s@%s", src->domain, src->path, digest);
    return str_printf("docker://%s", src->name);
}

char *source_repository(const struct source *src)
{
    if (src->kind != SOURCE_REGISTRY)
        return strdup(src->name);
    return str_printf("%s/%s", src->domain, src->path);
}
