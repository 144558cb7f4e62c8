/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/digest.h"

#include "base/util.h"

#include <errno.h>
#include <openssl/evp.h>

struct digest_ctx {
    EVP_MD_CTX *md; /* libcrypto's state */
};

struct digest_ctx *digest_new(void)
{
    struct digest_ctx *d = calloc(1, sizeof(*d));
    if (!d)
        return NULL;
    d->md = EVP_MD_CTX_new();
    if (!d->md || EVP_DigestInit_ex(d->md, EVP_sha256(), NULL) != 1) {
        digest_free(d);
        return NULL;
    }
    return d;
}

void digest_update(struct digest_ctx *d, const void *data, size_t len)
{
    AW_BUG_ON(EVP_DigestUpdate(d->md, data, len) != 1);
}

void digest_finish(struct digest_ctx *d, char ret[DIGEST_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    AW_BUG_ON(EVP_DigestFinal_ex(d->md, raw, &n) != 1 || n != 32);
    memcpy(ret, "sha256:", 7);
    for (unsigned i = 0; i < 32; i++)
        snprintf(ret + 7 + 2 * i, 3, "%02x", raw[i]);
    digest_free(d);
}

void digest_free(struct digest_ctx *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->md);
    free(d);
}

void digest_of(const void *data, size_t len, char ret[DIGEST_SIZE])
{
    struct digest_ctx *d = digest_new();
    AW_BUG_ON(!d);
    digest_update(d, data, len);
    digest_finish(d, ret);
}

bool digest_of_fd(int fd, char ret[DIGEST_SIZE], uint64_t *ret_size, struct aw_err *err)
{
    struct digest_ctx *d = digest_new();
    _cleanup_free_ char *chunk = malloc(1 << 18);
    off_t at = 0;
    if (!d || !chunk) {
        digest_free(d);
        return aw_fail(err, AW_E_NOMEM, 0, "hash: out of memory");
    }
    for (;;) {
        ssize_t n = pread(fd, chunk, 1 << 18, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            digest_free(d);
            return aw_fail(err, AW_E_IO, errno, "hash: read");
        }
        if (n == 0)
            break;
        digest_update(d, chunk, (size_t)n);
        at += n;
    }
    digest_finish(d, ret);
    if (ret_size)
        *ret_size = (uint64_t)at;
    return true;
}

bool digest_valid(const char *s)
{
    return str_starts(s, "sha256:") && strspn(s + 7, "0123456789abcdef") == DIGEST_HEX &&
           s[DIGEST_SIZE - 1] == '\0';
}
