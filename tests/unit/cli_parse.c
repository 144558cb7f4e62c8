/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cli/parse.h"

static struct cli_args args;
static const struct cli_verb *verb;
static struct aw_err err;

#define WORDS 16

/* Parse the blank-separated words of line. */
static bool parse(const char *line)
{
    static char text[512];
    char *argv[WORDS + 2] = {"archway"}, *save = NULL;
    int argc = 1;
    cli_args_fini(&args);
    cli_args_init(&args);
    err = (struct aw_err)AW_ERR_INIT;
    verb = NULL;
    snprintf(text, sizeof(text), "%s", line);
    for (char *w = strtok_r(text, " ", &save); w && argc <= WORDS; w = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(w, "EMPTY") == 0 ? "" : w;
    return cli_parse(argc, argv, &args, &verb, &err);
}

#define PARSE(line)                                                                                \
    do {                                                                                           \
        if (!parse(line))                                                                          \
            TEST_FAIL("%s: %s", line, err.message);                                                \
    } while (0)
#define REFUSE(line, why)                                                                          \
    do {                                                                                           \
        if (parse(line))                                                                           \
            TEST_FAIL("%s: want it refused", line);                                                \
        CHECK_CONTAINS(err.message, why);                                                          \
    } while (0)

TEST(options_end_at_the_image)
{
    PARSE("run -it image ls -l --color");
    CHECK(args.box.interactive && args.box.tty);
    CHECK_INT(args.operands.n, 1);
    CHECK_STR(args.operands.v[0], "image");
    CHECK_INT(args.box.command.n, 3);
    CHECK_STR(args.box.command.v[1], "-l");
    CHECK_STR(args.box.command.v[2], "--color");
}

TEST(a_double_dash_ends_options)
{
    PARSE("run -t -- image -- -x");
    CHECK_STR(args.operands.v[0], "image");
    CHECK_INT(args.box.command.n, 2);
    CHECK_STR(args.box.command.v[0], "--");
    PARSE("rmi -- -odd-name");
    CHECK_STR(args.operands.v[0], "-odd-name");
}

TEST(values_in_all_spellings)
{
    static const char *const lines[] = {"run -w /x i",        "run -w=/x i",        "run -w/x i",
                                        "run --workdir /x i", "run --workdir=/x i", "run -iw /x i",
                                        "run -iw/x i"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        PARSE(lines[i]);
        CHECK_STR(args.box.workdir, "/x");
        CHECK_STR(args.operands.v[0], "i");
    }
    PARSE("run -e A=1 -eB=2 --env=C=3 i");
    CHECK_INT(args.box.env.n, 3);
    CHECK_STR(args.box.env.v[1], "B=2");
    CHECK_STR(args.box.env.v[2], "C=3");
}

TEST(flags_can_be_false)
{
    PARSE("run -i --interactive=false --tty=true --read-only=1 --init=0 i");
    CHECK(!args.box.interactive && args.box.tty && args.box.read_only && !args.box.init);
    PARSE("run -i=false i");
    CHECK(!args.box.interactive);
    REFUSE("run --tty=maybe i", "neither true nor false");
    REFUSE("run --rm=false i", "--rm");
    PARSE("run --rm --tls-verify=false i");
    CHECK(args.insecure);
}

TEST(other_verbs_take_options_anywhere)
{
    PARSE("rmi a --force b");
    CHECK(args.force);
    CHECK_INT(args.operands.n, 2);
}

TEST(own_options_before_the_verb)
{
    PARSE("--debug --storage /s images --json");
    CHECK(args.debug && args.json);
    CHECK_STR(args.storage, "/s");
    CHECK_STR(verb->name, "images");
    PARSE("-h");
    CHECK(args.help && !verb);
    REFUSE("--json images", "--json");
}

TEST(help_needs_no_operands)
{
    PARSE("run --help");
    CHECK(args.help);
    PARSE("pull -h");
    CHECK(args.help);
    PARSE("run -h box image");
    CHECK_STR(args.box.hostname, "box");
}

TEST(unknown_options_get_a_guess)
{
    REFUSE("run --platfrom x i", "did you mean --platform?");
    REFUSE("run --vol a:b i", "did you mean --volume?");
    REFUSE("pull --cap-add x i", "belongs to archway run");
    REFUSE("run --zzzzzzzz i", "unknown option --zzzzzzzz");
    REFUSE("run -Z i", "unknown option -Z");
    REFUSE("run -iZ i", "unknown option -Z in -iZ");
    CHECK_STR(err.mend, "archway help run");
}

TEST(unknown_verbs_get_a_guess)
{
    REFUSE("rnu i", "did you mean archway run?");
    REFUSE("login x", "no archway login");
    CHECK_CONTAINS(err.mend, "skopeo login");
    REFUSE("xyzzy", "no archway xyzzy");
}

TEST(operands_are_counted)
{
    REFUSE("run", "IMAGE is missing");
    REFUSE("run -t", "IMAGE is missing");
    REFUSE("pull a b", "one argument too many: \"b\"");
    REFUSE("images a", "one argument too many");
    REFUSE("run -w", "needs a value");
}

TEST(what_cannot_be_is_refused_with_advice)
{
    REFUSE("run --privileged i", "privileges");
    CHECK_CONTAINS(err.mend, "--cap-add");
    REFUSE("run -d i", "background");
    REFUSE("run --restart always i", "--restart");
}

TEST(checked_values)
{
    REFUSE("run -w x i", "absolute");
    REFUSE("run --pull often i", "always, missing or never");
    PARSE("run --pull=always i");
    CHECK_INT(args.pull, IMAGE_PULL_ALWAYS);
    REFUSE("run --name -x i", "name");
    REFUSE("run --hostname a_b/c i", "host name");
    REFUSE("run --dns one.one i", "IP address");
    PARSE("run --dns 1.1.1.1 --dns ::1 --add-host a:10.0.0.1 --add-host b:[::1] i");
    CHECK_STR(args.box.add_hosts.v[1], "b:::1");
    REFUSE("run --add-host a:b i", "IP address");
    PARSE("run --add-host a=10.0.0.1 --add-host b=2001:db8::7 i");
    CHECK_STR(args.box.add_hosts.v[0], "a:10.0.0.1");
    CHECK_STR(args.box.add_hosts.v[1], "b:2001:db8::7");
    REFUSE("run --add-host =10.0.0.1 i", "NAME:ADDRESS");
    REFUSE("run --stop-signal SIGNOPE i", "signal");
    PARSE("run --stop-signal sigint i");
    PARSE("stop --signal KILL --time 3 x");
    CHECK_INT(args.signal, 9);
    CHECK_INT(args.stop_seconds, 3);
    REFUSE("run --emulator box i", "slash");
    REFUSE("run --emulator /no/such/file i", "/no/such/file");
    REFUSE("run --pids-limit -2 i", "-2");
    PARSE("run --pids-limit -1 -m 1g i");
    CHECK_INT(args.box.memory, 1u << 30);
    PARSE("run --platform arm64 i");
    CHECK(args.has_platform);
    CHECK_STR(args.platform.arch, "arm64");
    REFUSE("run --platform linux/vax i", "vax");
    REFUSE("inspect --type thing x", "image or container");
}

TEST(entry_points)
{
    PARSE("run --entrypoint EMPTY i");
    CHECK(args.box.entrypoint_given);
    CHECK_INT(args.box.entrypoint.n, 0);
    PARSE("run --entrypoint [\"a\",\"-b\"] i");
    CHECK_INT(args.box.entrypoint.n, 2);
    CHECK_STR(args.box.entrypoint.v[1], "-b");
    REFUSE("run --entrypoint [1] i", "entry point");
    REFUSE("run --entrypoint [\"a\" i", "entry point");
    PARSE("run --entrypoint sh i");
    CHECK_STR(args.box.entrypoint.v[0], "sh");
}

TEST_MAIN()
