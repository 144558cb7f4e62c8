/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON documents of OCI and Docker images: index (manifest list), manifest, config. All come
 * from strangers: every parser here has limits and names what it refuses.
 */
#ifndef IMAGE_OCI_H
#define IMAGE_OCI_H

#include "image/image.h"
#include "image/platform.h"

#include "base/util.h"
#include "codec/digest.h"

#include <archway/err.h>

#include <stdint.h>

#define OCI_MAX_INDEX 1024         /* entries of an index */
#define OCI_MAX_LAYERS 500         /* overlayfs takes at most 500 lower folders */
#define OCI_MAX_BLOB (64ULL << 30) /* bytes of a layer's blob */
#define OCI_MAX_JSON (4ULL << 20)  /* bytes of a manifest or config */

#define OCI_MT_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MT_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_MT_CONFIG "application/vnd.oci.image.config.v1+json"

enum oci_kind {
    OCI_INDEX,    /* an OCI index or a Docker manifest list */
    OCI_MANIFEST, /* an OCI or Docker schema 2 manifest */
    OCI_SCHEMA1,  /* a Docker schema 1 manifest, which skopeo can still convert */
};

/* What a document says it is, or looks like. One that could be two things is refused. */
bool oci_kind_of(const char *text, size_t len, enum oci_kind *ret, struct aw_err *err);

struct oci_descriptor {
    char *media_type;         /* never NULL; may be "" in an index */
    char digest[DIGEST_SIZE]; /* valid */
    uint64_t size;            /* bytes */
    bool has_platform;        /* platform is set */
    struct platform platform; /* in an index */
    bool foreign;             /* a layer that may not be distributed: maybe at other places only */
};

struct oci_index {
    struct oci_descriptor
        *v; /* image manifests only: attestations and nested indexes are left out */
    size_t n;
    size_t n_skipped; /* entries left out */
};
bool oci_parse_index(const char *text, size_t len, struct oci_index *ret, struct aw_err *err);
void oci_index_fini(struct oci_index *x);

/* Which of x's manifests serves want (NULL: the host, else the only one). name is for messages. On
 * failure the message lists what there is. */
const struct oci_descriptor *oci_choose(const struct oci_index *x, const struct platform *want,
                                        const char *name, struct aw_err *err);

struct oci_manifest {
    char *media_type;             /* what it says it is, or "" */
    struct oci_descriptor config; /* of an image: artifacts are refused */
    struct oci_descriptor *layers;
    size_t n_layers;
};
bool oci_parse_manifest(const char *text, size_t len, struct oci_manifest *ret, struct aw_err *err);
void oci_manifest_fini(struct oci_manifest *m);

struct oci_config {
    struct platform platform;   /* normalised */
    char *created;              /* RFC 3339 as it stands there, or "" */
    struct image_config config; /* the execution part */
    struct strv diff_ids;       /* valid digests, bottom first */
};
bool oci_parse_config(const char *text, size_t len, struct oci_config *ret, struct aw_err *err);
void oci_config_fini(struct oci_config *c);
void image_config_fini(struct image_config *c);

/* The chain id of diff_id upon the chain below (NULL or "": the bottom layer). */
void oci_chain_id(const char *below, const char *diff_id, char ret[DIGEST_SIZE]);

#endif
