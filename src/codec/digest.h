/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 and OCI digests ("sha256:<64 hex>"), on libcrypto.
 */
#ifndef CODEC_DIGEST_H
#define CODEC_DIGEST_H

#include <archway/err.h>

#include <stddef.h>
#include <stdint.h>

#define DIGEST_HEX 64            /* hex digits of a SHA-256 */
#define DIGEST_SIZE (7 + 64 + 1) /* "sha256:" + hex + NUL */

struct digest_ctx; /* a running hash */

struct digest_ctx *digest_new(void); /* NULL: no memory */
void digest_update(struct digest_ctx *d, const void *data, size_t len);
/* "sha256:…" of all that was added, and free d. */
void digest_finish(struct digest_ctx *d, char ret[DIGEST_SIZE]);
void digest_free(struct digest_ctx *d); /* NULL is fine */

/* At once. */
void digest_of(const void *data, size_t len, char ret[DIGEST_SIZE]);
/* Of a whole file from its beginning (pread: the position is left alone); *ret_size may be NULL. */
bool digest_of_fd(int fd, char ret[DIGEST_SIZE], uint64_t *ret_size, struct aw_err *err);
/* "sha256:" and exactly 64 lower-case hex digits. */
bool digest_valid(const char *s);
/* The hex part of a valid digest. */
static inline const char *digest_hex(const char *digest)
{
    return digest + 7;
}

#endif
