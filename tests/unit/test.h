/* SPDX-License-Identifier: Apache-2.0
 *
 * The unit tests' harness: a test file defines functions with TEST(name) and ends with TEST_MAIN().
 * Output is TAP; a failed check prints got and want and ends that test (not the program).
 */
#ifndef TEST_H
#define TEST_H

#include <archway/err.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*fn)(void);
    struct test_case *next;
};

static struct test_case *test_list, **test_tail = &test_list;
static jmp_buf test_escape;

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    __attribute__((constructor)) static void test_register_##id(void)                              \
    {                                                                                              \
        static struct test_case c = {.name = #id, .fn = test_##id};                                \
        *test_tail = &c;                                                                           \
        test_tail = &c.next;                                                                       \
    }                                                                                              \
    static void test_##id(void)

#define TEST_FAIL(...)                                                                             \
    do {                                                                                           \
        printf("# %s:%d: ", __FILE__, __LINE__);                                                   \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        longjmp(test_escape, 1);                                                                   \
    } while (0)

/* End this test as skipped; say why. */
#define TEST_SKIP(why)                                                                             \
    do {                                                                                           \
        test_skip_reason = (why);                                                                  \
        longjmp(test_escape, 2);                                                                   \
    } while (0)
static const char *test_skip_reason = "";

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            TEST_FAIL("want true: %s", #cond);                                                     \
    } while (0)

/* A call that takes an error: prints the error when it fails. */
#define CHECK_OK(call, err)                                                                        \
    do {                                                                                           \
        if (!(call))                                                                               \
            TEST_FAIL("%s: %s", #call, (err).message);                                             \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long g_ = (long long)(got), w_ = (long long)(want);                                   \
        if (g_ != w_)                                                                              \
            TEST_FAIL("%s: got %lld, want %lld", #got, g_, w_);                                    \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *g_ = (got), *w_ = (want);                                                      \
        if (!g_ || !w_ || strcmp(g_, w_) != 0)                                                     \
            TEST_FAIL("%s: got \"%s\", want \"%s\"", #got, g_ ? g_ : "(null)",                     \
                      w_ ? w_ : "(null)");                                                         \
    } while (0)

#define CHECK_CONTAINS(got, want)                                                                  \
    do {                                                                                           \
        const char *g_ = (got), *w_ = (want);                                                      \
        if (!g_ || !strstr(g_, w_))                                                                \
            TEST_FAIL("%s: got \"%s\", want it to contain \"%s\"", #got, g_ ? g_ : "(null)", w_);  \
    } while (0)

/* One case: 0 passed, 1 failed, 2 skipped. Alone in a function, so that longjmp clobbers nothing.
 */
static int __attribute__((noinline)) test_run_one(const struct test_case *c)
{
    int how = setjmp(test_escape);
    if (how == 0)
        c->fn();
    return how;
}

static int test_main(int argc, char **argv)
{
    static const char *const words[] = {"ok", "not ok", "ok"};
    int n = 0, bad = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (const struct test_case *c = test_list; c; c = c->next) {
        if (argc > 1 && strcmp(argv[1], c->name) != 0)
            continue;
        int how = test_run_one(c);
        printf("%s %d - %s%s%s\n", words[how], ++n, c->name, how == 2 ? " # SKIP " : "",
               how == 2 ? test_skip_reason : "");
        bad += how == 1;
    }
    printf("1..%d\n", n);
    return bad != 0;
}

#define TEST_MAIN()                                                                                \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return test_main(argc, argv);                                                              \
    }

#endif
