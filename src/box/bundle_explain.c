/* SPDX-License-Identifier: Apache-2.0
 *
 * What crun's and runc's words mean: Docker's exit statuses and messages.
 */
#include "box/bundle.h"
#include "codec/js.h"

#define EXIT_FAILED 125
#define EXIT_NOT_EXEC 126
#define EXIT_NOT_FOUND 127

/* Borrowed message of the last error in the log. Lines that are no JSON are messages themselves. */
static char *last_message(const char *text)
{
    static const char prefix[] = "runc create failed: ";
    _cleanup_free_ char *copy = strdup(text), *best = NULL;
    char *rest = copy;
    if (!copy)
        return NULL;
    for (char *line; (line = strsep(&rest, "\n"));) {
        const char *message = line, *level = "error";
        if (line[strspn(line, " \t\r")] == 0)
            continue;
        _cleanup_js_ struct json_object *o =
            line[0] == '{' ? js_parse(line, strlen(line), "log", NULL) : NULL;
        if (o &&
            (!js_get_string(o, "msg", &message, NULL) || !js_get_string(o, "level", &level, NULL)))
            continue;
        if (str_eq(level, "warning") || str_eq(level, "info") || str_eq(level, "debug"))
            continue;
        free(best);
        best = strdup(str_starts(message, prefix) ? message + sizeof(prefix) - 1 : message);
    }
    return AW_STEAL(best);
}

static bool has_any(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strstr(text, *words))
            return true;
    return false;
}

int bundle_explain(const char *text, const char *program, struct aw_err *err)
{
    /* words of crun 1.8.1 to 1.2x and runc 1.1 and 1.2, see docs/decisions/0004-runtime.md */
    static const char *const exec_words[] = {
        "executable file", "open executable", "exec: \"", "exec container process", "exec /", NULL};
    static const char *const missing[] = {"not found in $PATH", "o such file or directory", NULL};
    static const char *const denied[] = {"ermission denied", "peration not permitted",
                                         "xec format error", "is a directory", NULL};
    _cleanup_free_ char *message = last_message(text);
    if (!message) {
        aw_fail(err, AW_E_CHILD, 0, "the runtime failed without a word");
        return EXIT_FAILED;
    }
    if (has_any(message, exec_words) && has_any(message, missing)) {
        aw_fail(err, AW_E_NOTFOUND, 0, "exec: \"%s\": executable file not found in the container",
                program);
        return EXIT_NOT_FOUND;
    }
    if (has_any(message, exec_words) && has_any(message, denied)) {
        aw_fail(err, AW_E_PERM, 0, "exec: \"%s\": %s", program,
                strstr(message, "xec format error") ? "exec format error" : "permission denied");
        return EXIT_NOT_EXEC;
    }
    aw_fail(err, AW_E_CHILD, 0, "%s", message);
    return EXIT_FAILED;
}
