/* SPDX-License-Identifier: Apache-2.0
 *
 * Fetching an image into the store with skopeo.
 */
#ifndef IMAGE_FETCH_H
#define IMAGE_FETCH_H

#include "image/store_private.h"

/* Fetch what src names (pin, if not NULL: this digest of a registry's manifest or index instead of
 * the tag's present one) for req->platform, put its blobs into the store and fill in *ret (freed by
 * store_entry_fini), which is not in the index yet. The caller holds the store and the reference's
 * lock. */
bool fetch_image(struct store *s, const struct source *src, const char *pin,
                 const struct image_request *req, struct store_entry *ret, struct aw_err *err);

/* The digest of what src's manifest or index is now. */
bool fetch_digest(struct store *s, const struct source *src, const struct image_request *req,
                  char ret[DIGEST_SIZE], struct aw_err *err);

/* What tells whether a local file has changed: device, inode, size and times of the file (of the
 * index, for a folder), as text; "" for sources that are no files. free(). */
char *fetch_signature(const struct source *src, struct aw_err *err);

#endif
