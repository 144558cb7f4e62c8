/* SPDX-License-Identifier: Apache-2.0
 *
 * The table's invariants, so that a row that breaks one is found before a user finds it.
 */
#include "test.h"

#include "cli/parse.h"

#define ROW(o) ((o)-cli_options)

TEST(verbs_are_complete)
{
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        CHECK(v->name && v->operands && v->group && v->summary && v->text && v->run);
        CHECK(v->usage_status == (v->command_follows ? 125 : 2));
        CHECK(v->max < 0 || v->max >= v->min);
        CHECK((v->max == 0) == (*v->operands == 0));
        CHECK(v->summary[strlen(v->summary) - 1] != '.');
        CHECK(cli_find_verb(v->name) == v);
        for (const struct cli_hint *h = cli_hints; h->word; h++)
            CHECK(strcmp(h->word, v->name) != 0);
    }
}

static void check_how(const struct cli_option *o)
{
    bool flag = o->how == CLI_BOOL || o->how == CLI_SET || o->how == CLI_REFUSE;
    if (!o->value && !flag)
        TEST_FAIL("--%s takes no value and is no flag", o->name);
    if (o->value && (o->how == CLI_BOOL || o->how == CLI_SET))
        TEST_FAIL("--%s takes a value and is a flag", o->name);
    if ((o->how == CLI_BOX) != (o->box != NULL))
        TEST_FAIL("--%s: box", o->name);
    if ((o->how == CLI_CALL || o->how == CLI_SET) != (o->call != NULL))
        TEST_FAIL("--%s: call", o->name);
    if (o->how == CLI_REFUSE && !o->more)
        TEST_FAIL("--%s is refused without an alternative", o->name);
    if (o->complete == CLI_COMPLETE_WORDS && !o->words)
        TEST_FAIL("--%s has no words to complete", o->name);
}

TEST(options_are_complete)
{
    for (const struct cli_option *o = cli_options; o->name; o++) {
        CHECK(o->group && o->help && o->verbs);
        if (o->help[strlen(o->help) - 1] == '.')
            TEST_FAIL("--%s: the help text ends in a full stop", o->name);
        check_how(o);
    }
}

/* The row of a verb for the first len bytes of path. */
static const struct cli_json *find_json(size_t verb, const char *path, size_t len)
{
    for (const struct cli_json *j = cli_json; j->path; j++)
        if ((j->verbs >> verb & 1) && strlen(j->path) == len && strncmp(j->path, path, len) == 0)
            return j;
    return NULL;
}

/* What a path's last part hangs on: ".a[].b" on ".a[]", ".a[]" on ".a". */
static size_t parent(const char *path)
{
    size_t n = strlen(path);
    if (n && (path[n - 1] == ']' || path[n - 1] == '}'))
        return n - 2;
    while (n && path[n - 1] != '.')
        n--;
    return n ? n - 1 : 0;
}

TEST(json_is_documented)
{
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        bool option = false;
        for (const struct cli_option *o = cli_options; o->name; o++)
            option |= strcmp(o->name, "json") == 0 && cli_has_option(&cli_verbs[i], o);
        if (option && !find_json(i, "", 0))
            TEST_FAIL("%s --json: no row for the whole", cli_verbs[i].name);
        for (const struct cli_json *j = cli_json; j->path; j++) {
            if (!(j->verbs >> i & 1) || !*j->path)
                continue;
            const struct cli_json *up = find_json(i, j->path, parent(j->path));
            if (!up || up > j)
                TEST_FAIL("%s %s: no row before it for what it is in", cli_verbs[i].name, j->path);
            enum cli_json_type want =
                strchr("]", j->path[strlen(j->path) - 1]) ? CLI_JSON_ARRAY : CLI_JSON_OBJECT;
            if (up->type != want)
                TEST_FAIL("%s %s: its parent is no %s", cli_verbs[i].name, j->path,
                          cli_json_type_name(want));
            CHECK(j->help[strlen(j->help) - 1] != '.' || strstr(j->help, "..."));
        }
    }
}

static bool same_name(const struct cli_option *a, const struct cli_option *b)
{
    return strcmp(a->name, b->name) == 0 || (a->alias && strcmp(a->alias, b->name) == 0) ||
           (b->alias && strcmp(a->name, b->alias) == 0) || (a->letter && a->letter == b->letter);
}

TEST(options_of_a_verb_differ)
{
    for (const struct cli_option *a = cli_options; a->name; a++)
        for (const struct cli_option *b = a + 1; b->name; b++)
            if ((a->verbs & b->verbs & ((UINT64_C(1) << CLI_N_VERBS) - 1)) && same_name(a, b))
                TEST_FAIL("rows %td (--%s) and %td (--%s) clash", ROW(a), a->name, ROW(b), b->name);
}

TEST(distance)
{
    CHECK_INT(cli_distance("", ""), 0);
    CHECK_INT(cli_distance("abc", ""), 3);
    CHECK_INT(cli_distance("platfrom", "platform"), 1);
    CHECK_INT(cli_distance("kitten", "sitting"), 3);
    CHECK_INT(cli_distance("volumes", "volume"), 1);
    char longest[65];
    memset(longest, 'x', 64);
    longest[64] = 0;
    CHECK(cli_distance(longest, "x") == ~0u);
    CHECK_INT(cli_distance(longest + 1, "x"), 62);
}

TEST_MAIN()
