/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "codec/digest.h"
#include "codec/js.h"

static struct json_object *parse(const char *s, struct aw_err *err)
{
    return js_parse(s, strlen(s), "test", err);
}

TEST(accepts_one_value)
{
    struct aw_err err = AW_ERR_INIT;
    struct json_object *o = parse(" {\"a\":\"x\",\"n\":5,\"l\":[\"p\",\"q\"]} \n", &err);
    CHECK_OK(o != NULL, err);
    const char *a = NULL, *none = "kept";
    uint64_t n = 0;
    struct strv l = {0};
    CHECK_OK(js_get_string(o, "a", &a, &err), err);
    CHECK_OK(js_get_string(o, "zz", &none, &err), err);
    CHECK_OK(js_get_u64(o, "n", &n, &err), err);
    CHECK_OK(js_get_strv(o, "l", &l, &err), err);
    CHECK_STR(a, "x");
    CHECK_STR(none, "kept");
    CHECK_INT(n, 5);
    CHECK_INT(l.n, 2);
    CHECK(!js_get_string(o, "n", &a, &err));
    CHECK_CONTAINS(err.message, "\"n\" is not a string");
    strv_fini(&l);
    json_object_put(o);
}

TEST(refuses_what_is_not_json)
{
    static const char *bad[] = {"",     "{",  "{\"a\":}", "{} x", "null", "{\"a\":\"\xff\"}",
                                "[1,2", "nul"};
    for (size_t i = 0; i < AW_LEN(bad); i++) {
        struct aw_err err = AW_ERR_INIT;
        if (parse(bad[i], &err))
            TEST_FAIL("accepted %s", bad[i]);
        CHECK(err.code == AW_E_PARSE);
    }
}

TEST(refuses_depth_and_nul)
{
    struct aw_err err = AW_ERR_INIT;
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    CHECK(!parse(deep, &err));
    CHECK_INT(err.code, AW_E_LIMIT);
    struct json_object *o = parse("{\"a\":\"x\\u0000y\"}", &err);
    const char *a = NULL;
    CHECK(o && !js_get_string(o, "a", &a, &err));
    json_object_put(o);
}

TEST(digest_of_known_text)
{
    char d[DIGEST_SIZE];
    digest_of("abc", 3, d);
    CHECK_STR(d, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest_valid(d));
    CHECK(!digest_valid("sha256:abc"));
    d[20] = 'G';
    CHECK(!digest_valid(d));
}

TEST_MAIN()
