/* SPDX-License-Identifier: Apache-2.0 */
#include <archway/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool aw_fail(struct aw_err *err, enum aw_code code, int sys_errno, const char *fmt, ...)
{
    if (!err)
        return false;
    err->code = code;
    err->sys_errno = sys_errno;
    err->mend[0] = '\0';

    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->message, sizeof(err->message), fmt, ap);
    va_end(ap);
    if (sys_errno && n >= 0 && (size_t)n < sizeof(err->message))
        snprintf(err->message + n, sizeof(err->message) - (size_t)n, ": %s", strerror(sys_errno));
    return false;
}

bool aw_context(struct aw_err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    char front[sizeof(err->message)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(front, sizeof(front), fmt, ap);
    va_end(ap);

    char whole[sizeof(err->message) * 2];
    snprintf(whole, sizeof(whole), "%s: %s", front, err->message);
    size_t n = strnlen(whole, sizeof(err->message) - 1);
    memcpy(err->message, whole, n);
    err->message[n] = '\0';
    return false;
}

bool aw_mend(struct aw_err *err, const char *fmt, ...)
{
    if (!err)
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->mend, sizeof(err->mend), fmt, ap);
    va_end(ap);
    return false;
}

const char *aw_code_name(enum aw_code code)
{
    switch (code) {
    case AW_OK:
        return "ok";
    case AW_E_ARG:
        return "argument";
    case AW_E_PARSE:
        return "parse";
    case AW_E_NOTFOUND:
        return "not-found";
    case AW_E_EXIST:
        return "exists";
    case AW_E_IO:
        return "io";
    case AW_E_NOMEM:
        return "no-memory";
    case AW_E_PERM:
        return "permission";
    case AW_E_UNSUPPORTED:
        return "unsupported";
    case AW_E_LIMIT:
        return "limit";
    case AW_E_CORRUPT:
        return "corrupt";
    case AW_E_TIMEOUT:
        return "timeout";
    case AW_E_CHILD:
        return "helper-failed";
    case AW_E_CANCELLED:
        return "cancelled";
    case AW_E_IDMAP:
        return "id-map";
    }
    return "unknown";
}

void aw_log(const struct aw_log *log, enum aw_level level, const char *fmt, ...)
{
    if (!log || !log->fn)
        return;
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    log->fn(log->user, level, line);
}
