/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of archway doctor.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/rules.h"

#include <archway/health.h>

/* Start a container of another platform in each engine that is installed, from a tree with nothing
 * but a built-in program in it, and say whether it runs. Nothing is fetched; what is made is
 * removed again. engines gets an object for each. */
void doctor_engines(struct cli *c, struct aw_findings *f, const struct cli_rules *r,
                    struct json_object *engines);

/* Formats beyond ELF that rules are there for: is what runs them? */
void doctor_formats(struct cli *c, struct aw_findings *f, const struct cli_rules *r);

/* Do (with --dry-run: show) the safe mends of what was found; mends gets an object for each. */
void doctor_fix(struct cli *c, const struct aw_findings *f, struct json_object *mends);

#endif
