/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands, class paths, the catalogue, and files of the user's own formats.
 */
#include "format/format.h"

#include "base/file.h"
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

static const char *const args[] = {"a", "b c", "{file}", NULL}, *const env[] = {"X=1", "Y=", NULL};

/* The words with | between them; or the error. */
static const char *words(const char *command, const char *file)
{
    static char text[4096];
    struct format_verdict v = {.kind = KIND_PYC, .version = "3.11", .main_class = "demo/Hi"};
    struct format_run run = {.file = file, .args = args, .env = env, .root = "/r", .is = &v};
    struct strv list = {0};
    struct aw_err err = AW_ERR_INIT;
    text[0] = 0;
    if (!format_command(command, &run, &list, &err)) {
        snprintf(text, sizeof(text), "%s", err.message);
        return text;
    }
    for (size_t i = 0; i < list.n; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "|" : "", list.v[i]);
    strv_fini(&list);
    return text;
}

TEST(placeholders)
{
    CHECK_STR(words("x", "f"), "x|f|a|b c|{file}");
    CHECK_STR(words("x {file}", "f"), "x|f|a|b c|{file}");
    CHECK_STR(words("x {args} {file}", "f"), "x|a|b c|{file}|f");
    CHECK_STR(words(" x\t--f={file} -- {args}", "f"), "x|--f=f|--|a|b c|{file}");
    CHECK_STR(words("python{version} {file}", "-x.pyc"), "python3.11|./-x.pyc|a|b c|{file}");
    CHECK_STR(words("java -cp {root} {main} {args}", "f"), "java|-cp|/r|demo.Hi|a|b c|{file}");
    CHECK_STR(words("x {env} {file}", "f"), "x|--env|X=1|--env|Y=|f|a|b c|{file}");
}

TEST(quotes)
{
    CHECK_STR(words("'a b' \"c 'd\" e\\ f '{file}'", "f"), "a b|c 'd|e f|{file}|f|a|b c|{file}");
    CHECK_STR(words("x \"{file} y\"", "f"), "x|f y|a|b c|{file}");
    CHECK_STR(words("x ''", "f"), "x||f|a|b c|{file}");
    CHECK_CONTAINS(words("x 'y", "f"), "not closed");
    CHECK_CONTAINS(words("x {fil}", "f"), "no such placeholder");
    CHECK_CONTAINS(words("x --a={args}", "f"), "word of its own");
    CHECK_CONTAINS(words("{file} x", "f"), "first word must be a program");
    CHECK_CONTAINS(words("{root} x", "f"), "first word must be a program");
    CHECK_CONTAINS(words("{args} x", "f"), "first word must be a program");
    CHECK_CONTAINS(words("  ", "f"), "without words");
}

TEST(every_command_of_the_catalogue)
{
    struct aw_err err = AW_ERR_INIT;
    for (enum format_kind k = KIND_NONE; k < KIND_N; k++) {
        const struct format_kind_row *kind = format_kind_at(k);
        CHECK(kind->word && kind->text);
        CHECK((kind->commands[0] == NULL) == (kind->format == FORMAT_N));
        for (const char *const *c = kind->commands; *c; c++)
            CHECK_OK(format_command_check(*c + (**c == '@'), &err), err);
    }
}

TEST(every_format_has_a_rule)
{
    const struct format_rule *r;
    for (enum format_id id = 0; id < FORMAT_N; id++) {
        bool found = false;
        for (size_t i = 0; (r = format_rule_at(i)); i++)
            found |= format_rule_serves(r, id);
        if (!found)
            TEST_FAIL("no rule for %s", format_at(id)->name);
        CHECK_INT(format_find(format_at(id)->name), id);
        CHECK_INT(format_set_parse(format_at(id)->name), FORMAT_BIT(id));
    }
    CHECK_INT(format_find("vax"), FORMAT_N);
    CHECK_INT(format_set_parse("dos+wine"), FORMAT_BIT(FORMAT_DOS) | FORMAT_BIT(FORMAT_WINE));
    CHECK_INT(format_set_parse("dos,,x+"), FORMAT_BIT(FORMAT_DOS));
    CHECK_INT(format_set_parse(""), 0);
}

/* ---- class paths ------------------------------------------------------------------------------
 */

static const char *root_of(const char *file, const char *name)
{
    static char text[4096];
    struct aw_err err = AW_ERR_INIT;
    char *root = NULL;
    bool ok = format_class_root(file, name, &root, &err);
    snprintf(text, sizeof(text), "%s", ok ? root : err.message);
    free(root);
    return text;
}

TEST(class_paths)
{
    char dir[] = "/tmp/archway-class.XXXXXX", want[64], path[128];
    struct aw_err err = AW_ERR_INIT;
    CHECK(mkdtemp(dir) != NULL);
    CHECK(chdir(dir) == 0);
    CHECK_OK(file_mkdirs(AT_FDCWD, "a/demo/deep", 0755, &err), err);
    CHECK_OK(file_replace(AT_FDCWD, "a/demo/deep/Hi.class", "x", 1, 0755, &err), err);
    CHECK_OK(file_replace(AT_FDCWD, "a/Top.class", "x", 1, 0755, &err), err);
    CHECK(symlink("a/demo/deep/Hi.class", "hi") == 0);
    CHECK(symlink("a", "linked") == 0);
    snprintf(want, sizeof(want), "%s/a", dir);
    CHECK_STR(root_of("a/demo/deep/Hi.class", "demo/deep/Hi"), want);
    CHECK_STR(root_of("./a/../a/demo/deep/Hi.class", "demo/deep/Hi"), want);
    CHECK_STR(root_of("hi", "demo/deep/Hi"), want);
    CHECK_STR(root_of("linked/Top.class", "Top"), want);
    CHECK_STR(root_of("a/Top.class", "Top"), want);
    snprintf(path, sizeof(path), "%s/a/demo", dir);
    CHECK_STR(root_of("a/demo/deep/Hi.class", "deep/Hi"), path);
    CHECK_CONTAINS(root_of("a/demo/deep/Hi.class", "other/Hi"), "only as other/Hi.class");
    CHECK_CONTAINS(root_of("a/Top.class", "op"), "only as op.class");
    CHECK(chdir("a/demo/deep") == 0);
    CHECK_STR(root_of("Hi.class", "demo/deep/Hi"), want);
    CHECK(chdir("/") == 0);
    file_remove_tree(AT_FDCWD, dir, NULL);
}

TEST(programs_are_elf_or_scripts)
{
    char dir[] = "/tmp/archway-find.XXXXXX", path[128];
    struct aw_err err = AW_ERR_INIT;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "relative::/none:%s", dir);
    int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    CHECK_OK(file_replace(fd, "script", "#!/bin/sh\n", 10, 0755, &err), err);
    CHECK_OK(file_replace(fd, "plain", "#!/bin/sh\n", 10, 0644, &err), err);
    CHECK_OK(file_replace(fd, "java", "\xca\xfe\xba\xbe....", 8, 0755, &err), err);
    char *found = format_find_program("script", path, -1);
    CHECK(found && strstr(found, "/script"));
    free(found);
    CHECK(!format_find_program("plain", path, -1));
    CHECK(!format_find_program("java", path, -1));
    CHECK(!format_find_program("none", path, -1));
    found = format_find_program("script", "/:/x", fd);
    CHECK_STR(found, "//script");
    free(found);
    close(fd);
    file_remove_tree(AT_FDCWD, dir, NULL);
}

/* ---- the user's formats -----------------------------------------------------------------------
 */

static const char *fault(const char *text)
{
    static char message[1024];
    struct format_users u = {0};
    struct aw_err err = AW_ERR_INIT;
    snprintf(message, sizeof(message), "accepted");
    if (!format_users_parse(text, "F", &u, &err))
        snprintf(message, sizeof(message), "%s", err.message);
    format_users_fini(&u);
    return message;
}

TEST(a_good_file)
{
    struct format_users u = {0};
    struct aw_err err = AW_ERR_INIT;
    CHECK_OK(
        format_users_parse("# c\n\n[lha]\r\n description = An archive \nmagic=-l\\x68\\\\\noffset "
                           "= 2\nmask = \\xff\\xff\\xff\\x00\ncommand = lha {file}\ncommand=l\n"
                           "package = lhasa\ndetector = /bin/true\n[ext]\nextension = foo\n"
                           "command = x\n[java-archive]\ncommand = jre -jar\n",
                           "F", &u, &err),
        err);
    CHECK_INT(u.n, 3);
    CHECK_STR(u.v[0].text, "An archive");
    CHECK_INT(u.v[0].magic_len, 4);
    CHECK_INT(u.v[0].magic[3], '\\');
    CHECK_INT(u.v[0].offset, 2);
    CHECK_INT(u.v[0].commands.n, 2);
    CHECK(!u.v[1].built_in && u.v[2].built_in);
    /* a second file does not change what the first one said */
    CHECK_OK(
        format_users_parse("[lha]\nextension = x\ncommand = y\n[more]\nextension=m\ncommand=m\n",
                           "G", &u, &err),
        err);
    CHECK_INT(u.n, 4);
    CHECK(format_users_find(&u, "lha")->extension == NULL);
    format_users_fini(&u);
}

TEST(faults_are_named)
{
    CHECK_CONTAINS(fault("[x]\nextension = y\n"), "F:1: x has no command");
    CHECK_CONTAINS(fault("[x]\ncommand = y\n[z]\n"), "F:1: x has neither magic nor extension");
    CHECK_CONTAINS(fault("[x]\ncommand = y\nmagic = ab\nextension = q\n"),
                   "has magic and extension");
    CHECK_CONTAINS(fault("command = y\n"), "F:1: a key in front of the first");
    CHECK_CONTAINS(fault("[x]\nwhat = y\n"), "F:2: what: no such key");
    CHECK_CONTAINS(fault("[x]\nnonsense\n"), "neither [name] nor key");
    CHECK_CONTAINS(fault("[X]\n"), "lower case");
    CHECK_CONTAINS(fault("[x\n"), "one name in [ ]");
    CHECK_CONTAINS(fault("[x]\nextension=y\ncommand=z\n[x]\n"),
                   "F:4: [x]: it stands here a second");
    CHECK_CONTAINS(fault("[x]\nmagic = a\\q\n"), "neither \\xNN nor");
    CHECK_CONTAINS(fault("[x]\nmagic = \\x1\n"), "hexadecimal");
    CHECK_CONTAINS(fault("[x]\nmagic =\n"), "no bytes");
    CHECK_CONTAINS(fault("[x]\noffset = 256\n"), "no number from 0 to 255");
    CHECK_CONTAINS(fault("[x]\noffset=254\nmagic=abc\ncommand=y\n"), "behind the first 256");
    CHECK_CONTAINS(fault("[x]\nmagic=abc\nmask=\\xff\ncommand=y\n"),
                   "magic has 3 bytes and mask 1");
    CHECK_CONTAINS(fault("[x]\nmagic=ab\nmask=\\x00\\x00\ncommand=y\n"), "matches every file");
    CHECK_CONTAINS(fault("[x]\nmagic=\\x7fEL\ncommand=y\n"), "every program of this machine");
    CHECK_CONTAINS(fault("[x]\nmagic=#!\ncommand=y\n"), "every script of this machine");
    CHECK_CONTAINS(fault("[x]\nextension=.foo\ncommand=y\n"), "without its dot");
    CHECK_CONTAINS(fault("[x]\nextension=a\ncommand = {file}\n"), "first word must be a program");
    CHECK_CONTAINS(fault("[x]\nextension=a\ncommand = y b{args}\n"), "a word of its own");
    CHECK_CONTAINS(fault("[wasm]\nmagic = ab\n"), "wasm is built in");
    CHECK_CONTAINS(fault("[x]\npackage = a\npackage = b\n"), "a second time");
    CHECK_STR(fault(""), "accepted");
}

TEST_MAIN()
