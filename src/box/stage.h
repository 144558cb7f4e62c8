/* SPDX-License-Identifier: Apache-2.0
 *
 * The holder's private stage: a tmpfs in its own mount namespace that gives everything a short,
 * neutral path (no home folder, no store path), and the container's root, an overlay.
 *
 *   <stage>/layers     the store's unpacked layers for this id map
 *   <stage>/data       the container's writable layer
 *   <stage>/image      a rootfs folder that is used in place
 *   <stage>/v/N        the source of bind mount N
 *   <stage>/o/         links with short names to the layers, for the overlay's options
 *   <stage>/bundle     config.json, rootfs (the overlay)
 *   <stage>/etc        resolv.conf, hosts, hostname
 *   <stage>/state      the OCI runtime's state
 */
#ifndef BOX_STAGE_H
#define BOX_STAGE_H

#include "box/box.h"

/* Sources outside, opened as detached mounts before the stage covers anything. Real root opens them
 * before it enters the user namespace (whose root may not traverse its home), everybody else after.
 */
struct stage_sources {
    int layers; /* the unpacked layers for this id map, or -1 */
    int data;   /* the folder of the writable layer */
    int image;  /* a rootfs folder used in place, or -1 */
    int *binds; /* one for each of opt->mounts (-1: no bind mount) */
    size_t n_binds;
};

struct stage_wanted {
    struct store *store;
    const struct image *img; /* unpacked for map */
    const struct idmap *map;
    const struct box_options *opt; /* its mounts */
    int container_fd;              /* the container's folder */
};

bool stage_sources_open(struct stage_sources *ret, const struct stage_wanted *want,
                        struct aw_err *err);
/* Real root's volumes: give each bind mount the id map of a user namespace, so that root inside is
 * root on the volume (docs/SECURITY.md). File systems that cannot do that keep their ids, with a
 * note. */
void stage_sources_idmap(struct stage_sources *src, int userns_fd, const struct aw_log *log);
void stage_sources_fini(struct stage_sources *src);

struct stage {
    const char *dir; /* where the tmpfs is */
    int fd;          /* of that folder */
    int rootfs_fd;   /* the container's root, once stage_root has made it */
    bool cgroup2;    /* /sys/fs/cgroup is a cgroup2 mount, as the holder sees it */
    bool ram_upper;  /* the writable layer is in memory */
};

/* Make the tmpfs, a /proc for our pid namespace, and the sources' places. Consumes src's
 * descriptors. */
bool stage_init(struct stage *ret, struct stage_sources *src, struct aw_err *err);
/* Mount the container's root from img's layers and the writable layer, which is kept in memory
 * where its file system cannot carry one. */
bool stage_root(struct stage *st, const struct image *img, const struct aw_log *log,
                struct aw_err *err);
/* Empty the writable layer; the container must have ended. */
bool stage_fini(struct stage *st, struct aw_err *err);

#endif
