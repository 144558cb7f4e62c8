/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an image comes from: the text that a user typed, taken apart and put into one canonical
 * form.
 *
 * The order in which a text is understood (first match counts):
 *  1. "docker://NAME", "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]",
 * "docker-archive:FILE[:NAME[:TAG]]", "containers-storage:REF", "docker-daemon:REF", "dir:DIR";
 *  2. a path: it begins with "/", "./" or "../", or is "." or "..": a rootfs folder or tarball;
 *  3. the name of an existing regular file that ends as a tarball does (".tar", ".tar.xz", ".tgz",
 *     ...): a rootfs tarball (source_find only);
 *  4. a registry reference, with Docker's defaults: debian is docker.io/library/debian:latest.
 */
#ifndef IMAGE_SOURCE_H
#define IMAGE_SOURCE_H

#include "codec/digest.h"

#include <archway/err.h>

enum source_kind {
    SOURCE_REGISTRY,       /* docker://: a registry */
    SOURCE_OCI,            /* oci:DIR[:TAG] */
    SOURCE_OCI_ARCHIVE,    /* oci-archive:FILE[:TAG] */
    SOURCE_DOCKER_ARCHIVE, /* docker-archive:FILE[:REF] */
    SOURCE_STORAGE,        /* containers-storage:REF (podman, buildah) */
    SOURCE_DAEMON,         /* docker-daemon:REF */
    SOURCE_DIR,            /* dir:DIR, skopeo's own folder format */
    SOURCE_PATH,           /* a rootfs folder or tarball; which of them only the file tells */
};

struct source {
    enum source_kind kind;
    char *domain;             /* registry: "docker.io", "localhost:5000"; else NULL */
    char *path;               /* registry: "library/debian"; file kinds: the path; else the REF */
    char *tag;                /* registry: the tag or NULL where a digest is given; file kinds: what
                                 stands behind the path, or NULL */
    char digest[DIGEST_SIZE]; /* registry: "sha256:..." or "" */
    char *name;               /* canonical text: source_parse gives the same source again */
};

/* Take text apart; looks at no file. *ret must be freed by source_fini. */
bool source_parse(const char *text, struct source *ret, struct aw_err *err);
/* The same with rule 3, paths made absolute, and a check that a named file or folder exists. */
bool source_find(const char *text, struct source *ret, struct aw_err *err);
/* How skopeo names it ("docker://docker.io/library/debian:latest"); digest, if not NULL, pins a
 * registry's manifest. NULL when out of memory. Not for SOURCE_PATH. */
char *source_skopeo(const struct source *src, const char *digest);
/* "docker.io/library/debian" of a registry's, else the whole name; free(). */
char *source_repository(const struct source *src);
/* True for the kinds that are files of this machine: path names them. */
bool source_is_file(const struct source *src);
void source_fini(struct source *src);

#endif
