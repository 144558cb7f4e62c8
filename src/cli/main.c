/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: parse, set up, call the verb. Nothing but main is here, so that tests can link the
 * rest.
 */
#include "cli/cli.h"
#include "cli/compat.h"
#include "cli/doc.h"
#include "cli/parse.h"

#include <fcntl.h>
#include <signal.h>

/* Standard descriptors that the caller closed would be given to the next file opened. */
static void fill_standard_fds(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
            _exit(125);
}

/* A caller who ignores SIGCHLD hands that on, and nobody could wait for helpers then. */
static void want_children(void)
{
    signal(SIGCHLD, SIG_DFL);
}

static int dispatch(struct cli *c)
{
    if (c->args.show_version) {
        puts("archway " ARCHWAY_VERSION);
        return cli_done(c);
    }
    if (c->args.help || !c->verb) {
        /* without a verb the summary is an answer only when it was asked for */
        FILE *out = c->args.help ? stdout : stderr;
        if (c->verb)
            cli_doc_help(out, c->verb);
        else
            cli_doc_overview(out);
        return c->args.help ? cli_done(c) : 2;
    }
    return c->verb->run(c);
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    struct aw_err err = AW_ERR_INIT;
    int status;
    fill_standard_fds();
    want_children();
    c.words = argv + (argc > 0);
    cli_args_init(&c.args);
    cli_env_init(&c.env);
    c.args.box.caller_env = c.env.all;
    bool color = !c.env.no_color && c.env.term && !str_eq(c.env.term, "dumb");
    c.log = (struct aw_log){.fn = cli_out_log, .user = &c.out};
    if (argc > 1 && str_starts(argv[1], "__")) {
        status = cli_doc_hidden(&c, argc, argv);
    } else if (cli_compat_meant(argc, argv)) {
        cli_out_init(&c.out, true, false, color);
        status = cli_compat(&c, argc, argv);
    } else {
        bool good = cli_parse(argc, argv, &c.args, &c.verb, &err);
        cli_out_init(&c.out, c.args.quiet, c.args.debug, color);
        status = good ? dispatch(&c) : cli_fail_usage(&c, &err);
    }
    cli_out_clear(&c.out);
    cli_args_fini(&c.args);
    cli_env_fini(&c.env);
    return status;
}
