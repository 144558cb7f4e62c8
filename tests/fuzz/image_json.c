/* SPDX-License-Identifier: Apache-2.0
 *
 * Index, manifest and config of an image. What is accepted must keep oci.c's promises.
 */
#include "image/oci.h"

#include "base/util.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void one_index(const char *text, size_t len)
{
    struct oci_index x;
    struct aw_err err = AW_ERR_INIT;
    if (!oci_parse_index(text, len, &x, &err)) {
        AW_BUG_ON(err.code == AW_OK || !*err.message);
        return;
    }
    for (size_t i = 0; i < x.n; i++)
        AW_BUG_ON(!digest_valid(x.v[i].digest) || x.v[i].size > OCI_MAX_JSON);
    const struct oci_descriptor *d = oci_choose(&x, NULL, "x", &err);
    AW_BUG_ON(d && (d < x.v || d >= x.v + x.n));
    oci_index_fini(&x);
}

static void one_manifest(const char *text, size_t len)
{
    struct oci_manifest m;
    if (!oci_parse_manifest(text, len, &m, NULL))
        return;
    AW_BUG_ON(m.n_layers == 0 || m.n_layers > OCI_MAX_LAYERS || !digest_valid(m.config.digest));
    for (size_t i = 0; i < m.n_layers; i++)
        AW_BUG_ON(!digest_valid(m.layers[i].digest) || m.layers[i].size > OCI_MAX_BLOB);
    oci_manifest_fini(&m);
}

static void one_config(const char *text, size_t len)
{
    struct oci_config c;
    if (!oci_parse_config(text, len, &c, NULL))
        return;
    AW_BUG_ON(!c.config.user || !c.config.workdir || !c.config.stop_signal || !c.created);
    for (size_t i = 0; i < c.diff_ids.n; i++)
        AW_BUG_ON(!digest_valid(c.diff_ids.v[i]));
    for (size_t i = 0; i < c.config.env.n; i++)
        AW_BUG_ON(!strchr(c.config.env.v[i], '='));
    oci_config_fini(&c);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    enum oci_kind kind;
    oci_kind_of((const char *)data, size, &kind, NULL);
    one_index((const char *)data, size);
    one_manifest((const char *)data, size);
    one_config((const char *)data, size);
    return 0;
}
