/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BINFMT_HEALTH_SECURITY_H
#define BINFMT_HEALTH_SECURITY_H

#include <stdbool.h>

/* May a confined container execute a file with this SELinux context ("system_u:object_r:bin_t:s0")?
 * By the usual policy: types for programs and libraries, without categories, which stand for one
 * container's own files. */
bool health_context_runs(const char *context);

#endif
