/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that config.json is put together from; bundle.c calls them in this order.
 */
#ifndef BOX_BUNDLE_PARTS_H
#define BOX_BUNDLE_PARTS_H

#include "box/bundle.h"
#include "box/user.h"
#include "codec/js.h"

/* What all parts need to know. */
struct bundle {
    const struct bundle_input *in;
    struct user user;           /* who the process is, in the container */
    struct user_map map;        /* of the nested user namespace */
    char *workdir;              /* absolute */
    struct json_object *config; /* what becomes config.json */
};

/* Give the caller entries in the container's passwd and group, if these lack his numbers. */
bool bundle_add_caller(const struct bundle *b, struct aw_err *err);
/* config.process. */
bool bundle_process(struct bundle *b, struct aw_err *err);
/* config.mounts, and what they need beneath the root. */
bool bundle_mounts(struct bundle *b, struct aw_err *err);

/* Set NAME=value in env, in the place of an older NAME; NAME alone takes it out. */
bool bundle_env_set(struct strv *env, const char *item);
/* Does env have NAME? Its value or NULL. */
const char *bundle_env_get(const struct strv *env, const char *name);
/* The user object of a process. */
struct json_object *bundle_user(const struct user *u);
/* The capabilities object: set, or for a user other than root only its bounding part. */
struct json_object *bundle_caps(uint64_t set, bool root);

/* Write o as a JSON file. Bytes that are no UTF-8 are refused: one runtime would change them and
 * the other would not start. */
bool bundle_save(struct json_object *o, int dir_fd, const char *name, struct aw_err *err);

/* Make path (absolute, in the container) and what leads to it beneath the root; no link leads
 * out. What is new belongs to owner, ids of the container (NULL: root). */
bool bundle_mkdirs(const struct bundle *b, const char *path, const struct user *owner,
                   struct aw_err *err);
/* Open beneath the container's root; -1 and errno on failure. */
int bundle_open_beneath(int root_fd, const char *path, int flags, mode_t mode);

#endif
