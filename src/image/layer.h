/* SPDX-License-Identifier: Apache-2.0
 *
 * Applying one layer blob (OCI or Docker, any compression) or a rootfs tarball to a folder.
 *
 * What comes out is a folder for overlayfs with userxattr: a whiteout is a character device 0:0, an
 * opaque folder has user.overlay.opaque=y. The source is read once: its digest, its diff_id and the
 * files come from the same bytes, and nothing of the result may be used before layer_apply returned
 * true. Everything in the source is taken to be hostile.
 *
 * Call it in a process of its own that is root of the user namespace of job->map: for the time of
 * the call it changes the process's umask, and it starts a thread. On failure dest holds a part of
 * the layer and should be removed.
 *
 * The result depends on the lower layers (folders that the layer does not name but puts files in,
 * hard links to lower files, whiteouts): keep it under the chain id, not under the diff_id alone.
 */
#ifndef IMAGE_LAYER_H
#define IMAGE_LAYER_H

#include "codec/digest.h"
#include "ns/idmap.h"

#include <archway/err.h>

#include <stdint.h>

struct layer_source {
    int blob_fd;         /* read from its present position to its end; may be a pipe */
    const char *digest;  /* expected, of the bytes of blob_fd; NULL: unknown (tarball) */
    uint64_t size;       /* expected bytes of blob_fd; UINT64_MAX: unknown */
    const char *diff_id; /* expected, of the uncompressed tar; NULL: unknown (tarball) */
    const char *name;    /* how messages call it */
};

struct layer_dest {
    int fd;               /* an empty folder, opened O_RDONLY or O_PATH */
    const int *lower_fds; /* the unpacked layers below, bottom first, O_RDONLY or O_PATH */
    size_t n_lowers;      /* how many; 0 for a base layer */
};

struct layer_limits {
    uint64_t bytes;   /* uncompressed, and copied up from lower layers */
    uint64_t entries; /* in the archive */
    unsigned ratio;   /* uncompressed : compressed, judged after the first 64 MiB */
};

/* 64 GiB, 2 million entries, 1000 : 1. */
void layer_default_limits(struct layer_limits *ret);

struct layer_job {
    const struct layer_limits *limits; /* NULL: the default ones */
    const struct idmap *map;           /* of the namespace we run in; NULL: ids are not judged */
    const struct aw_log *log;          /* progress and notes; may be NULL */
};

struct layer_result {
    char diff_id[DIGEST_SIZE]; /* of the uncompressed tar */
    char digest[DIGEST_SIZE];  /* of the blob */
    uint64_t bytes;            /* of the uncompressed tar */
    uint64_t entries;          /* in the archive */
    unsigned skipped_devices;  /* device nodes that were left out */
};

/* Errors name the layer, the entry and the reason. Wrong digest, size or diff_id: AW_E_CORRUPT with
 * both values. Not a tar, a broken one, or an entry that is refused: AW_E_PARSE. A limit, or a full
 * disk: AW_E_LIMIT. An id outside the map: AW_E_PERM, with what mends it. */
bool layer_apply(const struct layer_source *src, const struct layer_dest *dest,
                 const struct layer_job *job, struct layer_result *ret, struct aw_err *err);

#endif
