/* SPDX-License-Identifier: Apache-2.0
 *
 * Platforms as containerd normalises them: os/arch[/variant].
 */
#ifndef IMAGE_PLATFORM_H
#define IMAGE_PLATFORM_H

#include <archway/err.h>

struct platform {
    char os[16];      /* "linux" */
    char arch[16];    /* OCI (Go) name: "arm64", "amd64", "386", "arm", "riscv64", ... */
    char variant[16]; /* "v7", "v8", ...; "" where the default is meant (arm64/v8 is arm64) */
};

/* Parse and normalise "linux/arm64", "arm64", "aarch64", "linux/arm/v7", "armhf", "x86_64", "i686",
 * ... A part alone is an architecture if it is known as one, else an OS. An unknown word is
 * AW_E_ARG, with the nearest known in the message. */
bool platform_parse(const char *text, struct platform *ret, struct aw_err *err);
/* Normalise what an image says of itself; unknown architectures are kept as they are. */
void platform_set(struct platform *p, const char *os, const char *arch, const char *variant);
/* The machine that we run on. */
void platform_host(struct platform *ret);
/* "linux/arm/v7" into ret. */
#define PLATFORM_TEXT 52
void platform_format(const struct platform *p, char ret[PLATFORM_TEXT]);
/* How well have serves want: 0 not at all, higher is better (exact variant first, then lower
 * variants of the same architecture: arm/v7 is served by v7, v6, v5). */
int platform_match(const struct platform *want, const struct platform *have);

#endif
