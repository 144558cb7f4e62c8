/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/digest.h"

#include "base/util.h"

#include <errno.h>
#include <openssl/sha.h>

/* The plain functions are discouraged since OpenSSL 3.0 in favour of EVP's, which cannot do without
 * every algorithm there is: linked statically 4 MB, with a hundred pages of pointers that each
 * start of the program has to write. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct digest_ctx {
    SHA256_CTX sha; /* libcrypto's state */
};

struct digest_ctx *digest_new(void)
{
    struct digest_ctx *d = malloc(sizeof(*d));
    if (d)
        AW_BUG_ON(SHA256_Init(&d->sha) != 1);
    return d;
}

void digest_update(struct digest_ctx *d, const void *data, size_t len)
{
    AW_BUG_ON(SHA256_Update(&d->sha, data, len) != 1);
}

void digest_finish(struct digest_ctx *d, char ret[DIGEST_SIZE])
{
    unsigned char raw[SHA256_DIGEST_LENGTH];
    AW_BUG_ON(SHA256_Final(raw, &d->sha) != 1);
    memcpy(ret, "sha256:", 7);
    for (size_t i = 0; i < sizeof(raw); i++)
        snprintf(ret + 7 + 2 * i, 3, "%02x", raw[i]);
    digest_free(d);
}

void digest_free(struct digest_ctx *d)
{
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
