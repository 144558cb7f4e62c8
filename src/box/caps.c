/* SPDX-License-Identifier: Apache-2.0 */
#include "box/caps.h"

#include <strings.h>

static const char *const names[CAPS_COUNT] = {
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
};

static const char *const defaults[] = {
    "AUDIT_WRITE", "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",       "MKNOD",
    "NET_RAW",     "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT", "NET_BIND_SERVICE",
};

const char *caps_name(unsigned number)
{
    return number < CAPS_COUNT ? names[number] : NULL;
}

int caps_number(const char *name)
{
    if (strncasecmp(name, "CAP_", 4) == 0)
        name += 4;
    for (int i = 0; i < CAPS_COUNT; i++)
        if (strcasecmp(name, names[i]) == 0)
            return i;
    return -1;
}

uint64_t caps_default(void)
{
    uint64_t set = 0;
    for (size_t i = 0; i < AW_LEN(defaults); i++)
        set |= UINT64_C(1) << caps_number(defaults[i]);
    return set;
}

static uint64_t set_of(const struct strv *list)
{
    uint64_t set = 0;
    for (size_t i = 0; i < list->n; i++) {
        int n = caps_number(list->v[i]);
        if (n >= 0)
            set |= UINT64_C(1) << n;
    }
    return set;
}

uint64_t caps_compute(const struct strv *add, const struct strv *drop)
{
    if (strv_has(add, "ALL"))
        return CAPS_ALL & ~set_of(drop);
    if (strv_has(drop, "ALL"))
        return set_of(add);
    return (caps_default() & ~set_of(drop)) | set_of(add);
}
