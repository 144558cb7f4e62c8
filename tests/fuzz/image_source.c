/* SPDX-License-Identifier: Apache-2.0
 *
 * Image references and platforms: what is accepted must print and parse again to the same.
 */
#include "image/platform.h"
#include "image/source.h"

#include "base/util.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool same(const char *a, const char *b)
{
    return a && b ? str_eq(a, b) : a == b;
}

static void one_source(const char *text)
{
    struct source a, b;
    struct aw_err err = AW_ERR_INIT;
    if (!source_parse(text, &a, &err)) {
        AW_BUG_ON(err.code == AW_OK || !*err.message);
        return;
    }
    AW_BUG_ON(!source_parse(a.name, &b, &err));
    AW_BUG_ON(a.kind != b.kind || !same(a.domain, b.domain) || !same(a.path, b.path));
    AW_BUG_ON(!same(a.tag, b.tag) || !str_eq(a.digest, b.digest) || !same(a.name, b.name));
    AW_BUG_ON(*a.digest && !digest_valid(a.digest));
    if (a.kind != SOURCE_PATH) {
        _cleanup_free_ char *arg = source_skopeo(&a, NULL);
        AW_BUG_ON(arg && *arg == '-');
    }
    source_fini(&a);
    source_fini(&b);
}

static void one_platform(const char *text)
{
    struct platform a, b;
    struct aw_err err = AW_ERR_INIT;
    char t[PLATFORM_TEXT], u[PLATFORM_TEXT];
    if (!platform_parse(text, &a, &err))
        return;
    platform_format(&a, t);
    AW_BUG_ON(!platform_parse(t, &b, &err));
    platform_format(&b, u);
    AW_BUG_ON(!str_eq(t, u) || platform_match(&a, &b) <= 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *)data, size);
    if (text) {
        one_source(text);
        one_platform(text);
    }
    return 0;
}
