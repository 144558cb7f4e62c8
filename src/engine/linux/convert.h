/* SPDX-License-Identifier: Apache-2.0
 *
 * Flags and structures between guest and host: pure functions. Only what differs is here (a64.h).
 */
#ifndef ENGINE_LINUX_CONVERT_H
#define ENGINE_LINUX_CONVERT_H

#include "engine/linux/a64.h"

#include <stddef.h>
#include <stdint.h>

struct stat;
struct semid64_ds;
struct epoll_event;

/* Open flags, both ways: the exchange is its own inverse. Other bits pass. */
uint64_t convert_open_flags(uint64_t flags);
void convert_stat(struct a64_stat *to, const struct stat *from);
void convert_epoll_to_host(struct epoll_event *to, const struct a64_epoll_event *from);
void convert_epoll_to_guest(struct a64_epoll_event *to, const struct epoll_event *from);
void convert_semid_to_host(struct semid64_ds *to, const struct a64_semid_ds *from);
void convert_semid_to_guest(struct a64_semid_ds *to, const struct semid64_ds *from);

#endif
