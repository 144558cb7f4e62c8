/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "image/oci.h"

#include "base/buf.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D "sha256:" HEX
#define CONFIG "\"config\":{\"mediaType\":\"" OCI_MT_CONFIG "\",\"digest\":\"" D "\",\"size\":10}"
#define LAYER                                                                                      \
    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"" D               \
    "\",\"size\":5}"
#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MT_MANIFEST "\"," CONFIG ",\"layers\":[" LAYER "]" \
    "}"

TEST(a_manifest)
{
    struct oci_manifest m;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(oci_parse_manifest(MANIFEST, strlen(MANIFEST), &m, &err), err);
    CHECK_INT(m.n_layers, 1);
    CHECK_INT(m.layers[0].size, 5);
    CHECK_STR(m.layers[0].digest, D);
    CHECK_INT(m.layers[0].foreign, false);
    CHECK_STR(m.config.digest, D);
    oci_manifest_fini(&m);
}

/* What Docker's schema 2 calls the same things, and a layer that may be elsewhere. */
TEST(a_docker_manifest)
{
    const char *text =
        "{\"schemaVersion\":2,\"mediaType\":\"application/"
        "vnd.docker.distribution.manifest.v2+json\","
        "\"config\":{\"mediaType\":\"application/"
        "vnd.docker.container.image.v1+json\",\"digest\":\"" D
        "\",\"size\":1},\"layers\":[{\"mediaType\":\"application/"
        "vnd.docker.image.rootfs.foreign.diff."
        "tar.gzip\",\"digest\":\"" D "\",\"size\":5,\"urls\":[\"https://example.com/x\"]}]}";
    struct oci_manifest m;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(oci_parse_manifest(text, strlen(text), &m, &err), err);
    CHECK(m.layers[0].foreign);
    oci_manifest_fini(&m);
}

#define MT_LAYER "application/vnd.oci.image.layer.v1.tar+gzip"
#define WITH_LAYER(mt, digest, size)                                                               \
    "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"" mt "\",\"digest\":\"" digest   \
    "\",\"size\":" size "}]}"
#define WITH_CONFIG(mt)                                                                            \
    "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" mt "\",\"digest\":\"" D                    \
    "\",\"size\":1},\"layers\":[" LAYER "]}"

static const struct {
    const char *text, *why;
    enum aw_code code;
} bad[] = {
    {"[]", "no JSON object", AW_E_PARSE},
    {"{", "ends in the middle", AW_E_PARSE},
    {"{}", "is no image", AW_E_UNSUPPORTED},
    {"{\"schemaVersion\":3,\"layers\":[]}", "schema version 3", AW_E_UNSUPPORTED},
    {"{\"schemaVersion\":2,\"mediaType\":\"text/html\",\"layers\":[]}", "text/html",
     AW_E_UNSUPPORTED},
    {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "of an index and of a manifest",
     AW_E_PARSE},
    {"{\"schemaVersion\":2,\"manifests\":[]," CONFIG "}", "of an index and of a manifest",
     AW_E_PARSE},
    {"{\"schemaVersion\":2,\"mediaType\":\"" OCI_MT_MANIFEST "\",\"manifests\":[]}", "is no image",
     AW_E_UNSUPPORTED},
    {"{\"schemaVersion\":2,\"manifests\":[]}", "it is an index", AW_E_PARSE},
    {"{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1", AW_E_PARSE},
    {"{\"schemaVersion\":2,\"layers\":[" LAYER "]}", "no config", AW_E_PARSE},
    {"{\"schemaVersion\":2," CONFIG "}", "no layers", AW_E_PARSE},
    {"{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", "not an array", AW_E_PARSE},
    {"{\"schemaVersion\":2," CONFIG ",\"layers\":[1]}", "layer 1", AW_E_PARSE},
    {WITH_CONFIG("application/vnd.cncf.helm.config.v1+json"), "artifact of type", AW_E_UNSUPPORTED},
    {WITH_CONFIG("application/vnd.oci.empty.v1+json"), "artifact of type", AW_E_UNSUPPORTED},
    {WITH_LAYER("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", D, "1"), "encrypted",
     AW_E_UNSUPPORTED},
    {WITH_LAYER("application/octet-stream", D, "1"), "octet-stream", AW_E_UNSUPPORTED},
    {WITH_LAYER(MT_LAYER, "sha256:../../../../etc/passwd", "1"), "not valid", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, "sha256:" HEX "0", "1"), "not valid", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, "", "1"), "not valid", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, D "\\u0000", "1"), "NUL", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, "sha512:" HEX HEX, "1"), "only kind", AW_E_UNSUPPORTED},
    {WITH_LAYER(MT_LAYER, D, "-1"), "negative", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, D, "1.5"), "whole number", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, D, "null"), "no size", AW_E_PARSE},
    {WITH_LAYER(MT_LAYER, D, "99999999999999"), "at most", AW_E_LIMIT},
    {WITH_LAYER(MT_LAYER, D, "18446744073709551615"), "no size", AW_E_PARSE},
};

TEST(bad_manifests_are_refused)
{
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct oci_manifest m;
        struct aw_err err = AW_ERR_INIT;
        if (oci_parse_manifest(bad[i].text, strlen(bad[i].text), &m, &err))
            TEST_FAIL("accepted: %s", bad[i].text);
        CHECK_CONTAINS(err.message, bad[i].why);
        CHECK_INT(err.code, bad[i].code);
    }
}

TEST(too_much)
{
    struct buf b = {0};
    struct oci_manifest m;
    struct oci_index x;
    struct aw_err err = AW_ERR_INIT;
    buf_adds(&b, "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER);
    for (int i = 0; i < OCI_MAX_LAYERS; i++)
        buf_adds(&b, "," LAYER);
    buf_adds(&b, "]}");
    CHECK(!oci_parse_manifest(buf_str(&b), b.len, &m, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    CHECK_CONTAINS(err.message, "501 layers");
    buf_fini(&b);
    buf_adds(&b, "{\"schemaVersion\":2,\"manifests\":[" LAYER);
    for (int i = 0; i < OCI_MAX_INDEX; i++)
        buf_adds(&b, "," LAYER);
    buf_adds(&b, "]}");
    CHECK(!oci_parse_index(buf_str(&b), b.len, &x, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    buf_fini(&b);
    /* nested until the stack would be gone */
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, '[');
    CHECK(!oci_parse_index(buf_str(&b), b.len, &x, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    for (int i = 0; i < 5 << 20; i += 64)
        buf_adds(&b, "                                                                ");
    CHECK(!oci_parse_index(buf_str(&b), b.len, &x, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    CHECK_CONTAINS(err.message, "4 MiB");
    buf_fini(&b);
}

#define ENTRY(os, arch, variant)                                                                   \
    "{\"mediaType\":\"" OCI_MT_MANIFEST "\",\"digest\":\"" D                                       \
    "\",\"size\":7,\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch                       \
    "\",\"variant\":\"" variant "\"}}"
#define INDEX(entries)                                                                             \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MT_INDEX "\",\"manifests\":[" entries "]}"

static void load_index(const char *text, struct oci_index *x)
{
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(oci_parse_index(text, strlen(text), x, &err), err);
}

TEST(choosing_a_platform)
{
    struct oci_index x;
    struct aw_err err = AW_ERR_INIT;
    struct platform want;
    load_index(INDEX(ENTRY("linux", "arm", "v6") "," ENTRY("linux", "arm", "v7") "," ENTRY(
                   "linux", "arm64", "v8") "," ENTRY("unknown", "unknown", "")),
               &x);
    CHECK_INT(x.n, 3);
    CHECK_INT(x.n_skipped, 1);
    CHECK_OK(platform_parse("arm/v7", &want, &err), err);
    CHECK(oci_choose(&x, &want, "x", &err) == &x.v[1]);
    CHECK_OK(platform_parse("arm/v6", &want, &err), err);
    CHECK(oci_choose(&x, &want, "x", &err) == &x.v[0]);
    CHECK_OK(platform_parse("aarch64", &want, &err), err);
    CHECK(oci_choose(&x, &want, "x", &err) == &x.v[2]);
    CHECK_OK(platform_parse("s390x", &want, &err), err);
    CHECK(!oci_choose(&x, &want, "x", &err));
    CHECK_INT(err.code, AW_E_NOTFOUND);
    CHECK_CONTAINS(err.message, "linux/arm/v6, linux/arm/v7, linux/arm64");
    CHECK_CONTAINS(err.mend, "--platform");
    oci_index_fini(&x);
}

TEST(the_only_one_is_taken)
{
    struct oci_index x;
    struct aw_err err = AW_ERR_INIT;
    struct platform want;
    load_index(INDEX(ENTRY("linux", "s390x", "") "," ENTRY("unknown", "unknown", "")), &x);
    CHECK(oci_choose(&x, NULL, "x", &err) == &x.v[0]);
    CHECK_OK(platform_parse("arm64", &want, &err), err);
    CHECK(!oci_choose(&x, &want, "x", &err));
    oci_index_fini(&x);
    load_index(INDEX(LAYER), &x); /* no manifest at all */
    CHECK_INT(x.n, 0);
    CHECK(!oci_choose(&x, NULL, "x", &err));
    CHECK_CONTAINS(err.message, "no image that can be run");
    oci_index_fini(&x);
    load_index(INDEX(""), &x);
    CHECK_INT(x.n, 0);
    oci_index_fini(&x);
}

TEST(a_config)
{
    const char *text =
        "{\"os\":\"linux\",\"architecture\":\"aarch64\",\"created\":\"2026-01-01T00:00:00Z\","
        "\"config\":{\"Env\":[\"A=b\",\"broken\",\"=x\",\"C=\"],\"Cmd\":[\"/bin/sh\",\"-c\"],"
        "\"Entrypoint\":null,\"User\":\"1:2\",\"WorkingDir\":\"/w\",\"Volumes\":{\"/data\":{}},"
        "\"ExposedPorts\":{\"80/tcp\":{}},\"StopSignal\":\"SIGINT\"},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D "\"]}}";
    struct oci_config c;
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(oci_parse_config(text, strlen(text), &c, &err), err);
    CHECK_STR(c.platform.arch, "arm64");
    CHECK_INT(c.config.env.n, 2);
    CHECK_STR(c.config.env.v[1], "C=");
    CHECK_INT(c.config.cmd.n, 2);
    CHECK_INT(c.config.entrypoint.n, 0);
    CHECK_STR(c.config.user, "1:2");
    CHECK_STR(c.config.workdir, "/w");
    CHECK_STR(c.config.volumes.v[0], "/data");
    CHECK_STR(c.config.ports.v[0], "80/tcp");
    CHECK_STR(c.config.stop_signal, "SIGINT");
    CHECK_STR(c.diff_ids.v[0], D);
    oci_config_fini(&c);
    /* Docker writes "config": null for an image without one */
    text = "{\"config\":null,\"rootfs\":{\"diff_ids\":[]}}";
    CHECK_OK(oci_parse_config(text, strlen(text), &c, &err), err);
    CHECK_STR(c.config.user, "");
    oci_config_fini(&c);
}

TEST(bad_configs_are_refused)
{
    static const char *const texts[] = {
        "{}",
        "{\"rootfs\":{\"diff_ids\":[\"sha256:../x\"]}}",
        "{\"rootfs\":{\"diff_ids\":\"x\"}}",
        "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Cmd\":\"/bin/sh\"}}",
        "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Env\":[1]}}",
        "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"User\":\"a\\u0000b\"}}",
        "{\"rootfs\":{\"diff_ids\":[]},\"os\":{}}",
    };
    for (size_t i = 0; i < AW_LEN(texts); i++) {
        struct oci_config c;
        struct aw_err err = AW_ERR_INIT;
        if (oci_parse_config(texts[i], strlen(texts[i]), &c, &err))
            TEST_FAIL("accepted: %s", texts[i]);
        CHECK_INT(err.code, AW_E_PARSE);
    }
}

TEST(chain_ids)
{
    char id[DIGEST_SIZE];
    oci_chain_id(NULL, D, id);
    CHECK_STR(id, D);
    /* printf '%s %s' D D | sha256sum */
    oci_chain_id(id, D, id);
    CHECK_STR(id, "sha256:ccdf9b58ee7087c8f4415f1c3e98945bf64a4cd9920de109ec94d64947636830");
}

TEST_MAIN()
