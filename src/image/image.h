/* SPDX-License-Identifier: Apache-2.0
 *
 * What the modules above (box, cli) see of images: ask for one, get its config and its unpacked
 * layers. How images are named is in source.h, platforms in platform.h, the store in store.h,
 * unpacking in layer.h.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/util.h"
#include "codec/digest.h"
#include "image/platform.h"
#include "ns/idmap.h"

#include <archway/err.h>

#include <stdint.h>

struct store; /* store.h */

/* The execution part of an OCI or Docker image config. */
struct image_config {
    struct strv env;        /* NAME=value */
    struct strv entrypoint; /* may be empty */
    struct strv cmd;        /* may be empty */
    struct strv volumes;    /* absolute paths in the image that want a volume of their own */
    struct strv ports;      /* "80/tcp" */
    char *user;             /* "", "name", "uid", "user:group"; never NULL */
    char *workdir;          /* "" or a path; never NULL */
    char *stop_signal;      /* "" or a name or number; never NULL */
};

struct image_layer {
    char digest[DIGEST_SIZE];   /* of the blob as stored (compressed or not); "" for an imported
                                   tarball */
    char diff_id[DIGEST_SIZE];  /* of the uncompressed tar */
    char chain_id[DIGEST_SIZE]; /* of this layer upon those below (OCI image-spec, "ChainID") */
    char *media_type;           /* of the blob */
    uint64_t size;              /* bytes of the blob */
    char *file;                 /* imported tarball: its absolute path; else NULL */
};

struct image {
    char *name; /* how it is shown: docker.io/library/debian:trixie, oci:/x:y, /rootfs */
    char digest[DIGEST_SIZE];        /* of the manifest in the store; "" for a rootfs */
    char config_digest[DIGEST_SIZE]; /* what `images` shows as ID; "" for a rootfs directory */
    struct platform platform; /* of the image; for a rootfs found by looking at its programs */
    struct image_config config;
    struct image_layer *layers; /* bottom first; none for a rootfs directory */
    size_t n_layers;
    int rootfs_fd;          /* a rootfs directory that is used in place (O_PATH), or -1 */
    struct strv layer_dirs; /* after image_unpack: one folder a layer, bottom first, relative
                               to the store's folder (store_dir_fd) */
};

enum image_pull {
    IMAGE_PULL_MISSING, /* fetch when the store does not have it */
    IMAGE_PULL_ALWAYS,  /* ask the source each time; blobs that are here are not fetched again */
    IMAGE_PULL_NEVER,   /* only the store */
};

struct image_request {
    const char *source; /* what the user typed */
    const struct platform
        *platform; /* NULL: the host's where the image has it, else its only one */
    enum image_pull pull;
    bool insecure;            /* --tls-verify=false: a registry without TLS, or with a certificate
                                 that nobody vouches for, will do */
    const struct aw_log *log; /* progress and notes; may be NULL */
    bool (*cancelled)(void *user); /* true: stop, leave nothing half-done; may be NULL */
    void *user;                    /* passed to cancelled */
};

/* Find or fetch. On success *ret must be freed by image_fini, and the store is held (store_hold):
 * release it when the container is registered, or close the store. */
bool image_obtain(struct store *s, const struct image_request *req, struct image *ret,
                  struct aw_err *err);

/* Make sure that every layer of img is unpacked for map (in its user namespace), and fill in
 * img->layer_dirs. Safe beside other processes doing the same. Fast when all is there: no fork, no
 * file read but one stat a layer. */
bool image_unpack(struct store *s, struct image *img, const struct idmap *map,
                  const struct image_request *req, struct aw_err *err);

void image_fini(struct image *img);

#endif
