/* SPDX-License-Identifier: Apache-2.0
 *
 * What every verb gets: the command line, the environment, where messages go.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/env.h"
#include "cli/out.h"
#include "cli/table.h"

#include "box/box.h"
#include "image/store.h"

struct cli {
    const struct cli_verb *verb; /* NULL when there is none (archway --version) */
    char *const *words;          /* the command line behind the program's name, NULL at its end */
    struct cli_args args;
    struct cli_env env;
    struct cli_out out;
    struct aw_log log; /* hands on to out */
};

/* aw_mend() with a command that has word in it, as a shell has to read it. False. */
bool cli_mend_word(struct aw_err *err, const char *before, const char *word, const char *after);

/* Print the error and its mend; returns the status that the verb fails with (128 + signal after an
 * interruption). */
int cli_fail(struct cli *c, const struct aw_err *err);
/* The same for a wrong command line. */
int cli_fail_usage(struct cli *c, const struct aw_err *err);
/* Print value as JSON, then end as cli_done does; takes value over. */
int cli_print_json(struct cli *c, struct json_object *value);
/* 0 once all of standard output was really written; a full disk or a closed pipe is an error. */
int cli_done(struct cli *c);

/* The store, with the calling user's id map (map may be NULL where it is not wanted). */
struct store *cli_open_store(struct cli *c, struct idmap *map, struct aw_err *err);
static inline void cli_store_free_ptr(struct store **s)
{
    store_free(*s);
}
#define _cleanup_store_ __attribute__((cleanup(cli_store_free_ptr)))

/* What image_obtain needs, from the command line. */
struct image_request cli_image_request(struct cli *c, const char *source);
/* The world as box wants to know it. */
struct box_world cli_box_world(struct cli *c);
/* The object that ps and inspect show for a container. */
struct json_object *cli_container_json(const struct box_info *b);

/* From here on SIGINT, SIGTERM and SIGHUP are noted instead of ending the process at once. */
void cli_interrupt_catch(void);
/* The signal that was noted, or 0. */
int cli_interrupt_signal(void);
/* For image_request.cancelled and store_wait.cancelled. */
bool cli_interrupted(void *unused);

#endif
