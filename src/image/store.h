/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: a folder with an OCI image layout (only Archway writes its index), unpacked layers,
 * and the containers that use them. docs/decisions/0003-store.md tells why it is made so.
 *
 *   oci-layout, index.json, blobs/sha256/<hex>   images as fetched
 *   layers/<idmap key>/<24 hex>/diff             a layer unpacked for one id map; its folder is
 * named by the chain id's first digits and published by rename imports/<24 hex>.json rootfs
 * tarballs that are unpacked as a layer containers/<id>/{lock,state.json}            a container;
 * alive while its lock is held staging/<id>/                                work under way; stale
 * when its lock is free store.lock, index.lock, locks/               see store_hold and
 * store_lock_name
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include "image/platform.h"
#include "image/source.h"
#include "ns/idmap.h"

#include "base/util.h"
#include "codec/digest.h"

#include <archway/err.h>

#include <stdint.h>

struct store;

/* Who waits, and how he hears of it and gives up. Every pointer to it may be NULL. */
struct store_wait {
    const struct aw_log *log;      /* progress and notes; may be NULL */
    bool (*cancelled)(void *user); /* true: give up with AW_E_CANCELLED; may be NULL */
    void *user;                    /* passed to cancelled */
};

/* Open the store at path, making it if need be (mode 0700). map is copied: the widest id map of the
 * caller, used where files of foreign ids must be removed. */
struct store *store_open(const char *path, const struct idmap *map, const struct aw_log *log,
                         struct aw_err *err);
/* Also releases what store_hold took. NULL is fine. */
void store_free(struct store *s);

/* The store's folder: image layer_dirs are relative to it. Belongs to the store. */
int store_dir_fd(const struct store *s);
const char *store_path(const struct store *s);

/* Keep blobs and layers from being removed (by rmi and prune, in any process) until store_release
 * or the end of the process. image_obtain takes it and leaves it taken, so that the layers cannot
 * vanish before the caller has registered its container; release it then. Idempotent. */
bool store_hold(struct store *s, const struct store_wait *w, struct aw_err *err);
/* Releases in every copy of the descriptor too (a forked child holds nothing on). */
void store_release(struct store *s);

/* A new folder containers/<id>, with its file "lock" made and flocked (LOCK_EX) before the folder
 * can be seen. *ret_dir_fd is the folder, *ret_lock_fd keeps the container alive: hand it to the
 * process that lives as long as the container. An id in use is AW_E_EXIST. */
bool store_container_new(struct store *s, const char *id, int *ret_dir_fd, int *ret_lock_fd,
                         struct aw_err *err);
/* Remove the folder of a container (in a user namespace where that is needed). */
bool store_container_remove(struct store *s, const char *id, struct aw_err *err);
/* Remove the folders of containers whose lock is free. *ret_n (may be NULL): how many. */
bool store_reap_dead(struct store *s, size_t *ret_n, struct aw_err *err);

/* ---- for the command line ----------------------------------------------------------------------
 */

/* An image in the store, as `archway images` shows it. */
struct store_image {
    char *name;       /* docker.io/library/debian:trixie, oci:/x:y, /home/u/rootfs.tar */
    char *repository; /* name without tag and digest; the whole name when not of a registry */
    char *tag;        /* "trixie", or "<none>" */
    char digest[DIGEST_SIZE]; /* as the source names it (what name@sha256:... takes); "" for a
                                 tarball */
    char id[DIGEST_SIZE];     /* of the config: the image's ID */
    struct platform platform;
    char *created;       /* RFC 3339 time of the config, or "" */
    uint64_t fetched;    /* seconds since 1970 */
    uint64_t size;       /* bytes of its blobs; of the file for a tarball */
    uint64_t unpacked;   /* bytes of its unpacked layers; 0 when none is unpacked */
    size_t n_containers; /* live containers that use it */
};

struct store_images {
    struct store_image *v; /* by name, then platform */
    size_t n;
};

bool store_list(struct store *s, struct store_images *ret, struct aw_err *err);
void store_images_fini(struct store_images *list);

/* One image as a JSON object with Docker's member names (Id, RepoTags, RepoDigests, Created, Os,
 * Architecture, Variant, Size, Config, RootFS) and Archway's (Name, Digest, Fetched, Unpacked).
 * name: as typed, a digest, or an ID or its first digits. platform may be NULL. NULL on failure. */
struct json_object *store_inspect(struct store *s, const char *name,
                                  const struct platform *platform, struct aw_err *err);

struct store_remove_request {
    const char *name;                /* as typed, a digest, or an ID or its first digits */
    const struct platform *platform; /* only this one; NULL: all platforms of that name */
    bool force;                      /* even while a live container uses it (whose layers stay) */
};

/* Remove an image by name. Its blobs and layers go too unless another image, a live container or
 * work under way needs them; what stays is for prune. Adds to ret_removed (may be NULL) a line for
 * each thing removed: "untagged: NAME", "deleted: DIGEST". */
bool store_remove(struct store *s, const struct store_remove_request *req, struct strv *ret_removed,
                  struct aw_err *err);

struct store_pruned {
    uint64_t bytes;    /* freed */
    size_t images;     /* names removed (only with all) */
    size_t blobs;      /* blobs removed */
    size_t layers;     /* unpacked layers removed */
    size_t containers; /* dead containers removed */
    size_t staging;    /* interrupted work removed */
};

/* Remove all that nothing refers to; with all, also images that no live container uses. Waits for
 * pulls and starting containers to finish (w says so and can give up). */
bool store_prune(struct store *s, bool all, const struct store_wait *w, struct store_pruned *ret,
                 struct aw_err *err);

#endif
