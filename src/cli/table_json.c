/* SPDX-License-Identifier: Apache-2.0
 *
 * What each verb prints with --json: one row a value. The manual pages have a section made from it,
 * and tests/cli/json.sh holds every verb's output against it: a key that is not here fails, and one
 * that is always to be there and is not.
 *
 * Keys are added, never renamed or given another type. What does not apply is absent, never null.
 *
 * A path is made of `.key`, `[]` for the elements of an array, `{}` for the values of an object
 * whose keys are names of things. Parents stand before their children.
 */
#include "cli/table.h"

#define CHANGE                                                                                     \
    (CLI_V(INSTALL) | CLI_V(UNINSTALL) | CLI_V(ENABLE) | CLI_V(DISABLE) | CLI_V(REFRESH) |         \
     CLI_V(REGISTER) | CLI_V(IMPORT))
#define INSTANCE                                                                                   \
    "`host`; `own`: it belongs to this user namespace's root; `outer`: to one around it"
#define SEVERITY "`refuse`, `warn` or `note`"

/* What `ls` and `show` have of a rule, below the path p. */
#define RULE_ROWS(verb, p)                                                                         \
    {CLI_V(verb), p, CLI_JSON_OBJECT, NULL,                                                        \
     "a rule, in the order in which the kernel tries them"},                                       \
        {CLI_V(verb), p ".name", CLI_JSON_STRING, NULL, "of the entry"},                           \
        {CLI_V(verb), p ".state", CLI_JSON_STRING, NULL,                                           \
         "`enabled`, `disabled`, `off` (binfmt_misc as a whole is) or `unknown`"},                 \
        {CLI_V(verb), p ".platforms", CLI_JSON_STRINGS, NULL, "what it is for, as `linux/arm64`"}, \
        {CLI_V(verb), p ".type", CLI_JSON_STRING, NULL, "`magic`, `extension` or `unknown`"},      \
        {CLI_V(verb), p ".offset", CLI_JSON_NUMBER, "of type magic", "where it stands in a file"}, \
        {CLI_V(verb), p ".magic", CLI_JSON_STRING, "of type magic", "hexadecimal"},                \
        {CLI_V(verb), p ".mask", CLI_JSON_STRING, "of type magic, with a mask", "hexadecimal"},    \
        {CLI_V(verb), p ".extension", CLI_JSON_STRING, "of type extension", "without the dot"},    \
        {CLI_V(verb), p ".interpreter", CLI_JSON_STRING, NULL, "path, as registered"},             \
        {CLI_V(verb), p ".interpreter_file", CLI_JSON_STRING, NULL,                                \
         "`found`, `missing`, `not-executable`; with flag F `held`, `stale` (the file has other "  \
         "contents now) or `held-gone` (it is not there any more)"},                               \
        {CLI_V(verb), p ".flags", CLI_JSON_STRING, NULL, "letters"},                               \
        {CLI_V(verb), p ".owner", CLI_JSON_STRING, NULL, "`archway` or `other`"},                  \
        {CLI_V(verb), p ".digest", CLI_JSON_STRING,                                                \
         "of Archway's rules with flag F, as registered by it",                                    \
         "of the interpreter's contents when it was registered"},                                  \
        {CLI_V(verb), p ".shadowed_by", CLI_JSON_STRING, "if it never gets its turn",              \
         "name of the rule that does"},                                                            \
    {                                                                                              \
        CLI_V(verb), p ".captures_native", CLI_JSON_BOOL, NULL,                                    \
            "it matches this machine's own programs"                                               \
    }

const struct cli_json cli_json[] = {
    /* ---- rules ---- */
    {CLI_V(LS), "", CLI_JSON_OBJECT, NULL, "all"},
    {CLI_V(LS), ".instance", CLI_JSON_OBJECT, NULL, "the binfmt_misc that counts here"},
    {CLI_V(LS), ".instance.whose", CLI_JSON_STRING, NULL, INSTANCE},
    {CLI_V(LS), ".instance.enabled", CLI_JSON_BOOL, NULL, "it is switched on"},
    {CLI_V(LS), ".rules", CLI_JSON_ARRAY, NULL, "its rules"},
    RULE_ROWS(LS, ".rules[]"),

    {CLI_V(SHOW), "", CLI_JSON_ARRAY, NULL, "one object for each NAME"},
    RULE_ROWS(SHOW, "[]"),
    {CLI_V(SHOW), "[].register", CLI_JSON_STRING, "if the type is known",
     "the string that registers it"},
    {CLI_V(SHOW), "[].overlaps", CLI_JSON_STRINGS, "if the type is known",
     "rules that can match the same file"},
    {CLI_V(SHOW), "[].findings", CLI_JSON_ARRAY, "if the type is known",
     "what `archway lint` says"},
    {CLI_V(SHOW), "[].findings[]", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(SHOW), "[].findings[].kind", CLI_JSON_STRING, NULL, "a stable word"},
    {CLI_V(SHOW), "[].findings[].severity", CLI_JSON_STRING, NULL, SEVERITY},
    {CLI_V(SHOW), "[].findings[].message", CLI_JSON_STRING, NULL, "in words"},

    {CLI_V(WHICH), "", CLI_JSON_OBJECT, NULL, "all"},
    {CLI_V(WHICH), ".path", CLI_JSON_STRING, NULL, "of the file"},
    {CLI_V(WHICH), ".platform", CLI_JSON_STRING, "of a program", "what it is for"},
    {CLI_V(WHICH), ".instance", CLI_JSON_OBJECT, "where there is one",
     "the binfmt_misc that counts here"},
    {CLI_V(WHICH), ".instance.whose", CLI_JSON_STRING, NULL, INSTANCE},
    {CLI_V(WHICH), ".instance.enabled", CLI_JSON_BOOL, NULL, "it is switched on"},
    {CLI_V(WHICH), ".runs", CLI_JSON_BOOL, NULL, "the kernel would run it"},
    {CLI_V(WHICH), ".why", CLI_JSON_STRING, NULL,
     "`runs`, `missing`, `not-executable`, `noexec`, `no-rule`, `disabled`, `switched-off`, "
     "`interpreter`, `format`, ..."},
    {CLI_V(WHICH), ".format", CLI_JSON_OBJECT, "of formats beyond ELF", "what archway-format says"},
    {CLI_V(WHICH), ".format.kind", CLI_JSON_STRING, NULL, "what the file is; `none`: not known"},
    {CLI_V(WHICH), ".format.text", CLI_JSON_STRING, "if it is known", "the same in words"},
    {CLI_V(WHICH), ".format.install", CLI_JSON_STRING, "if it is known",
     "its name for `archway install`"},
    {CLI_V(WHICH), ".format.version", CLI_JSON_STRING, "if it needs one", "of the interpreter"},
    {CLI_V(WHICH), ".format.interpreter", CLI_JSON_STRING, "if it is there", "path"},
    {CLI_V(WHICH), ".format.argv", CLI_JSON_STRINGS, "if it would run", "the final arguments"},
    {CLI_V(WHICH), ".format.reason", CLI_JSON_STRING, "if not", "why"},
    {CLI_V(WHICH), ".format.package", CLI_JSON_STRING, "if one is missing", "what to install"},
    {CLI_V(WHICH), ".errno", CLI_JSON_STRING, "if it would not run", "what execve(2) gives"},
    {CLI_V(WHICH), ".reason", CLI_JSON_STRING, "if it would not run", "why, in words"},
    {CLI_V(WHICH), ".steps", CLI_JSON_ARRAY, NULL, "the chain"},
    {CLI_V(WHICH), ".steps[]", CLI_JSON_OBJECT, NULL, "one file of it"},
    {CLI_V(WHICH), ".steps[].kind", CLI_JSON_STRING, NULL, "`rule`, `script` or `native`"},
    {CLI_V(WHICH), ".steps[].path", CLI_JSON_STRING, NULL, "of the file, as the kernel names it"},
    {CLI_V(WHICH), ".steps[].interpreter", CLI_JSON_STRING, "but for the last", "path"},
    {CLI_V(WHICH), ".steps[].argument", CLI_JSON_STRING, "if the #! line has one", "it"},
    {CLI_V(WHICH), ".steps[].rule", CLI_JSON_STRING, "of kind rule", "name"},
    {CLI_V(WHICH), ".steps[].flags", CLI_JSON_STRING, "of kind rule", "letters"},
    {CLI_V(WHICH), ".steps[].shadowed", CLI_JSON_STRINGS, "of kind rule",
     "rules that match too and are not asked"},
    {CLI_V(WHICH), ".steps[].assumed", CLI_JSON_BOOL, "of kind native",
     "the file was not seen: only the kernel holds it"},
    {CLI_V(WHICH), ".argv", CLI_JSON_STRINGS, "if it would run", "the final arguments"},
    {CLI_V(WHICH), ".credentials", CLI_JSON_STRING, "of a setuid or setgid program",
     "whether these bits count"},
    {CLI_V(WHICH), ".missing_loader", CLI_JSON_STRING,
     "of a foreign program whose loader is missing",
     "the loader, which its emulator will look for"},

    {CLI_V(LINT), "", CLI_JSON_ARRAY, NULL, "one object for each rule"},
    {CLI_V(LINT), "[]", CLI_JSON_OBJECT, NULL, "a rule"},
    {CLI_V(LINT), "[].where", CLI_JSON_STRING, NULL, "`FILE:LINE`, or `rule`"},
    {CLI_V(LINT), "[].format", CLI_JSON_STRING, NULL,
     "`binfmt.d` (a register string), `update-binfmts` or `update-binfmts-database`"},
    {CLI_V(LINT), "[].valid", CLI_JSON_BOOL, NULL, "the kernel would take it"},
    {CLI_V(LINT), "[].name", CLI_JSON_STRING, "if it is valid", "of the rule"},
    {CLI_V(LINT), "[].register", CLI_JSON_STRING, "if it is valid", "the string that registers it"},
    {CLI_V(LINT), "[].column", CLI_JSON_NUMBER, "of a fault in a register string", "from 1"},
    {CLI_V(LINT), "[].findings", CLI_JSON_ARRAY, NULL, "what is wrong or doubtful"},
    {CLI_V(LINT), "[].findings[]", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(LINT), "[].findings[].kind", CLI_JSON_STRING, NULL, "a stable word"},
    {CLI_V(LINT), "[].findings[].severity", CLI_JSON_STRING, NULL, SEVERITY},
    {CLI_V(LINT), "[].findings[].message", CLI_JSON_STRING, NULL, "in words"},

    {CLI_V(DOCTOR), "", CLI_JSON_OBJECT, NULL, "all"},
    {CLI_V(DOCTOR), ".worst", CLI_JSON_STRING, NULL, "`ok`, `note`, `warn` or `error`"},
    {CLI_V(DOCTOR), ".findings", CLI_JSON_ARRAY, NULL, "what was found, after the mends"},
    {CLI_V(DOCTOR), ".findings[]", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(DOCTOR), ".findings[].kind", CLI_JSON_STRING, NULL, "a stable word"},
    {CLI_V(DOCTOR), ".findings[].severity", CLI_JSON_STRING, NULL, "as `worst`"},
    {CLI_V(DOCTOR), ".findings[].message", CLI_JSON_STRING, NULL, "object and cause, in words"},
    {CLI_V(DOCTOR), ".findings[].mend", CLI_JSON_STRING, "if there is something to do",
     "the command that mends it"},
    {CLI_V(DOCTOR), ".findings[].safe", CLI_JSON_BOOL, NULL, "`--fix` would run it"},
    {CLI_V(DOCTOR), ".engines", CLI_JSON_ARRAY, NULL,
     "container engines that were tried; empty with `--quick`"},
    {CLI_V(DOCTOR), ".engines[]", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(DOCTOR), ".engines[].name", CLI_JSON_STRING, NULL,
     "`podman`, `docker`, `nerdctl`, `ctr` or `buildah`"},
    {CLI_V(DOCTOR), ".engines[].path", CLI_JSON_STRING, NULL, "of its program"},
    {CLI_V(DOCTOR), ".engines[].mode", CLI_JSON_STRING, "of engines without a daemon",
     "`root` or `rootless`"},
    {CLI_V(DOCTOR), ".engines[].platform", CLI_JSON_STRING, NULL, "of the container"},
    {CLI_V(DOCTOR), ".engines[].foreign", CLI_JSON_STRING, NULL,
     "`runs`, `fails` or `not-tried` (its daemon does not answer)"},
    {CLI_V(DOCTOR), ".engines[].native", CLI_JSON_STRING, "if foreign fails",
     "the same of a container for this machine"},
    {CLI_V(DOCTOR), ".engines[].message", CLI_JSON_STRING, "if foreign does not run",
     "what the engine said"},
    {CLI_V(DOCTOR), ".mends", CLI_JSON_ARRAY, "with `--fix` or `--dry-run`", "safe mends"},
    {CLI_V(DOCTOR), ".mends[]", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(DOCTOR), ".mends[].command", CLI_JSON_STRING, NULL, "what is run"},
    {CLI_V(DOCTOR), ".mends[].mends", CLI_JSON_STRING, NULL, "kinds of findings, with commas"},
    {CLI_V(DOCTOR), ".mends[].result", CLI_JSON_STRING, NULL,
     "`done`, `failed` or `not-run` (with `--dry-run`)"},
    {CLI_V(DOCTOR), ".mends[].message", CLI_JSON_STRING, "if it failed", "why"},

    /* ---- changes ---- */
    {CHANGE, "", CLI_JSON_OBJECT, NULL, "all"},
    {CHANGE, ".instance", CLI_JSON_STRING, NULL, "`host` or `user-namespace`"},
    {CHANGE, ".dry_run", CLI_JSON_BOOL, NULL, "nothing was changed"},
    {CHANGE, ".before", CLI_JSON_ARRAY, NULL, "what was done first"},
    {CHANGE, ".before[]", CLI_JSON_OBJECT, NULL, "one step"},
    {CHANGE, ".before[].action", CLI_JSON_STRING, NULL, "`mount` or `copy` (an outer rule)"},
    {CHANGE, ".before[].name", CLI_JSON_STRING, NULL, "mount point or rule"},
    {CHANGE, ".before[].why", CLI_JSON_STRING, "if there is more to say", "in words"},
    {CHANGE, ".steps", CLI_JSON_ARRAY, NULL, "what was done, in order"},
    {CHANGE, ".steps[]", CLI_JSON_OBJECT, NULL, "one step"},
    {CHANGE, ".steps[].action", CLI_JSON_STRING, NULL,
     "`keep`, `register`, `remove`, `enable`, `disable` or `forget` (a record)"},
    {CHANGE, ".steps[].name", CLI_JSON_STRING, NULL, "of the rule"},
    {CHANGE, ".steps[].platform", CLI_JSON_STRING, "of register, for a platform", "it"},
    {CHANGE, ".steps[].interpreter", CLI_JSON_STRING, "of register", "path"},
    {CHANGE, ".steps[].flags", CLI_JSON_STRING, "of register", "letters"},
    {CHANGE, ".steps[].rule", CLI_JSON_STRING, "of register", "the register string"},
    {CHANGE, ".steps[].persist", CLI_JSON_BOOL, "of register", "it is kept over restarts"},
    {CHANGE, ".steps[].why", CLI_JSON_STRING, "if there is more to say", "in words"},
    {CHANGE, ".steps[].done", CLI_JSON_BOOL, NULL, "it was done"},
    {CHANGE, ".error", CLI_JSON_OBJECT, "after a failure", "the first one"},
    {CHANGE, ".error.code", CLI_JSON_STRING, NULL, "a stable word"},
    {CHANGE, ".error.message", CLI_JSON_STRING, NULL, "in words"},
    {CHANGE, ".error.mend", CLI_JSON_STRING, NULL, "the command that mends it, or empty"},

    {CLI_V(EXPORT), "", CLI_JSON_ARRAY, NULL, "the rules, oldest first"},
    {CLI_V(EXPORT), "[]", CLI_JSON_OBJECT, NULL, "a rule"},
    {CLI_V(EXPORT), "[].name", CLI_JSON_STRING, NULL, "of the entry"},
    {CLI_V(EXPORT), "[].text", CLI_JSON_STRING, NULL,
     "register string, or with `--update-binfmts` the format file"},

    {CLI_V(VERIFY), "", CLI_JSON_ARRAY, NULL,
     "one object for each platform and each kind of a format"},
    {CLI_V(VERIFY), "[]", CLI_JSON_OBJECT, NULL, "a platform, or a kind"},
    {CLI_V(VERIFY), "[].platform", CLI_JSON_STRING, "of a platform", "as `linux/arm64`"},
    {CLI_V(VERIFY), "[].format", CLI_JSON_STRING, "of a format", "its name"},
    {CLI_V(VERIFY), "[].kind", CLI_JSON_STRING, "of a format", "`java-class`, `dos-exe`, ..."},
    {CLI_V(VERIFY), "[].works", CLI_JSON_BOOL, NULL, "its program ran"},
    {CLI_V(VERIFY), "[].start_us", CLI_JSON_NUMBER, "of a platform that works",
     "microseconds until its first word"},
    {CLI_V(VERIFY), "[].ms", CLI_JSON_NUMBER, "of a format that works",
     "milliseconds until its end"},
    {CLI_V(VERIFY), "[].why", CLI_JSON_STRING, "if it does not", "in words"},
    {CLI_V(VERIFY), "[].mend", CLI_JSON_STRING, "if it does not and something helps", "command"},
    {CLI_V(VERIFY), "[].rule", CLI_JSON_STRING, "if there is one", "that takes its programs"},
    {CLI_V(VERIFY), "[].interpreter", CLI_JSON_STRING, "if there is a rule", "path"},
    {CLI_V(VERIFY), "[].state", CLI_JSON_STRING, "if it can be told",
     "`fresh`, `stale` (what ran is not what is on disk), `gone` or `replaced`"},
    {CLI_V(VERIFY), "[].dev", CLI_JSON_NUMBER, "if it can be told", "device of the file that ran"},
    {CLI_V(VERIFY), "[].ino", CLI_JSON_NUMBER, "if it can be told", "inode of the file that ran"},
    {CLI_V(VERIFY), "[].digest", CLI_JSON_STRING, "if it can be told",
     "of the contents of the file that ran"},

    /* ---- containers and images ---- */
    {CLI_V(PS), "", CLI_JSON_ARRAY, NULL, "the running containers"},
    {CLI_V(PS), "[]", CLI_JSON_OBJECT, NULL, "a container"},
    {CLI_V(INSPECT), "", CLI_JSON_ARRAY, NULL, "one object for each NAME"},
    {CLI_V(INSPECT), "[]", CLI_JSON_OBJECT, NULL,
     "a container, with the keys that `archway ps --json` has, or an image"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].id", CLI_JSON_STRING, "of a container", "hexadecimal"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].name", CLI_JSON_STRING, "of a container", "given or made up"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].image", CLI_JSON_STRING, "of a container", "as it was named"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].platform", CLI_JSON_STRING, "of a container", "of its image"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].command", CLI_JSON_STRING, "of a container", "its words"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].emulator", CLI_JSON_STRING, "of a container",
     "path; empty if it needs none"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].pid", CLI_JSON_NUMBER, "of a container",
     "of its first process; 0 while it starts"},
    {CLI_V(PS) | CLI_V(INSPECT), "[].started", CLI_JSON_NUMBER, "of a container",
     "seconds since 1970"},

    {CLI_V(PULL), "", CLI_JSON_OBJECT, NULL, "the image"},
    {CLI_V(PULL), ".name", CLI_JSON_STRING, NULL, "in full"},
    {CLI_V(PULL), ".digest", CLI_JSON_STRING, NULL, "of its manifest; empty for a tree"},
    {CLI_V(PULL), ".id", CLI_JSON_STRING, NULL, "digest of its configuration"},
    {CLI_V(PULL), ".platform", CLI_JSON_STRING, NULL, "as `linux/arm64`"},
    {CLI_V(PULL), ".layers", CLI_JSON_NUMBER, NULL, "how many"},

    {CLI_V(IMAGES), "", CLI_JSON_ARRAY, NULL, "the images"},
    {CLI_V(IMAGES), "[]", CLI_JSON_OBJECT, NULL, "a name with a platform"},
    {CLI_V(IMAGES), "[].name", CLI_JSON_STRING, NULL, "in full"},
    {CLI_V(IMAGES), "[].repository", CLI_JSON_STRING, NULL, "the name without the tag"},
    {CLI_V(IMAGES), "[].tag", CLI_JSON_STRING, NULL, "or `<none>`"},
    {CLI_V(IMAGES), "[].digest", CLI_JSON_STRING, NULL, "of its manifest; empty for a tree"},
    {CLI_V(IMAGES), "[].id", CLI_JSON_STRING, NULL, "digest of its configuration"},
    {CLI_V(IMAGES), "[].platform", CLI_JSON_STRING, NULL, "as `linux/arm64`"},
    {CLI_V(IMAGES), "[].created", CLI_JSON_STRING, NULL, "time by RFC 3339, or empty"},
    {CLI_V(IMAGES), "[].fetched", CLI_JSON_NUMBER, NULL, "seconds since 1970"},
    {CLI_V(IMAGES), "[].size", CLI_JSON_NUMBER, NULL, "bytes as fetched"},
    {CLI_V(IMAGES), "[].unpacked", CLI_JSON_NUMBER, NULL, "bytes on disk"},
    {CLI_V(IMAGES), "[].containers", CLI_JSON_NUMBER, NULL, "that use it now"},

    {CLI_V(PRUNE), "", CLI_JSON_OBJECT, NULL, "how many were removed"},
    {CLI_V(PRUNE), ".bytes", CLI_JSON_NUMBER, NULL, "on disk, in all"},
    {CLI_V(PRUNE), ".images", CLI_JSON_NUMBER, NULL, "names"},
    {CLI_V(PRUNE), ".blobs", CLI_JSON_NUMBER, NULL, "files of images"},
    {CLI_V(PRUNE), ".layers", CLI_JSON_NUMBER, NULL, "unpacked ones"},
    {CLI_V(PRUNE), ".containers", CLI_JSON_NUMBER, NULL, "remains of killed ones"},
    {CLI_V(PRUNE), ".staging", CLI_JSON_NUMBER, NULL, "remains of interrupted pulls"},

    {CLI_V(INSPECT), "[].Id", CLI_JSON_STRING, "of an image", "digest of its configuration"},
    {CLI_V(INSPECT), "[].Name", CLI_JSON_STRING, "of an image", "in full"},
    {CLI_V(INSPECT), "[].RepoTags", CLI_JSON_STRINGS, "of an image", "all its names"},
    {CLI_V(INSPECT), "[].RepoDigests", CLI_JSON_STRINGS, "of an image", "names with digests"},
    {CLI_V(INSPECT), "[].Digest", CLI_JSON_STRING, "of an image", "as the source has it"},
    {CLI_V(INSPECT), "[].ManifestDigest", CLI_JSON_STRING, "of an image", "in the store"},
    {CLI_V(INSPECT), "[].IndexDigest", CLI_JSON_STRING, "of an image of several platforms",
     "of its index"},
    {CLI_V(INSPECT), "[].Os", CLI_JSON_STRING, "of an image", "`linux`"},
    {CLI_V(INSPECT), "[].Architecture", CLI_JSON_STRING, "of an image", "as `arm64`"},
    {CLI_V(INSPECT), "[].Variant", CLI_JSON_STRING, "of an image that has one", "as `v7`"},
    {CLI_V(INSPECT), "[].Created", CLI_JSON_STRING, "of an image that tells", "time by RFC 3339"},
    {CLI_V(INSPECT), "[].Fetched", CLI_JSON_NUMBER, "of an image", "seconds since 1970"},
    {CLI_V(INSPECT), "[].Size", CLI_JSON_NUMBER, "of an image", "bytes as fetched"},
    {CLI_V(INSPECT), "[].Unpacked", CLI_JSON_NUMBER, "of an image", "bytes on disk"},
    {CLI_V(INSPECT), "[].Containers", CLI_JSON_NUMBER, "of an image", "that use it now"},
    {CLI_V(INSPECT), "[].Config", CLI_JSON_FREE, "of an image",
     "the configuration's part for running it, as the image has it"},
    {CLI_V(INSPECT), "[].RootFS", CLI_JSON_OBJECT, "of an image", "what it consists of"},
    {CLI_V(INSPECT), "[].RootFS.Type", CLI_JSON_STRING, NULL, "`layers`"},
    {CLI_V(INSPECT), "[].RootFS.Layers", CLI_JSON_STRINGS, NULL, "digests, unpacked"},

    /* ---- archway ---- */
    {CLI_V(VERSION), "", CLI_JSON_OBJECT, NULL, "all"},
    {CLI_V(VERSION), ".version", CLI_JSON_STRING, NULL, "of Archway"},
    {CLI_V(VERSION), ".kernel", CLI_JSON_STRING, NULL, "its release"},
    {CLI_V(VERSION), ".platform", CLI_JSON_STRING, NULL, "of this machine"},
    {CLI_V(VERSION), ".ids", CLI_JSON_OBJECT, NULL, "what containers can have here"},
    {CLI_V(VERSION), ".ids.users", CLI_JSON_NUMBER, NULL, "user ids"},
    {CLI_V(VERSION), ".ids.groups", CLI_JSON_NUMBER, NULL, "group ids"},
    {CLI_V(VERSION), ".ids.why", CLI_JSON_STRING, "if it is one only", "why"},
    {CLI_V(VERSION), ".helpers", CLI_JSON_OBJECT, NULL, "helper programs, by name"},
    {CLI_V(VERSION), ".helpers{}", CLI_JSON_OBJECT, NULL, "one of them"},
    {CLI_V(VERSION), ".helpers{}.found", CLI_JSON_BOOL, NULL, "it is installed"},
    {CLI_V(VERSION), ".helpers{}.path", CLI_JSON_STRING, "if it is", "where"},
    {CLI_V(VERSION), ".helpers{}.version", CLI_JSON_STRING, "if it tells", "its first line"},
    {CLI_V(VERSION), ".emulators", CLI_JSON_STRINGS, NULL, "paths"},
    {0, NULL, CLI_JSON_FREE, NULL, NULL},
};

const char *cli_json_type_name(enum cli_json_type type)
{
    static const char *const names[] = {"object", "array",   "string", "array of strings",
                                        "number", "boolean", "any"};
    return names[type];
}
