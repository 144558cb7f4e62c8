/* SPDX-License-Identifier: Apache-2.0
 *
 * `archway --install LIST` and `--uninstall LIST`: the command line of the image tonistiigi/binfmt,
 * so that a CI step needs another image's name and nothing else.
 */
#ifndef CLI_COMPAT_H
#define CLI_COMPAT_H

#include "cli/cli.h"

/* Is this that command line? */
bool cli_compat_meant(int argc, char **argv);
/* Do what it says, then print what runs here as that program does. Returns the exit status. */
int cli_compat(struct cli *c, int argc, char **argv);

#endif
