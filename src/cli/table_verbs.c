/* SPDX-License-Identifier: Apache-2.0
 *
 * Every verb, and what the manual says beside verbs and options. The order is that of
 * `archway help`; verbs of one group stand together.
 */
#include "cli/table.h"

#define CONTAINERS "Containers"
#define IMAGES "Images"
#define RULES "Rules (binfmt_misc)"
#define ARCHWAY "Archway"

const struct cli_exit cli_exits[] = {
    {"0", "it did what it was asked"},
    {"1", "it failed; the message says why"},
    {"2", "the command line is wrong"},
    {"128+N", "it was ended by signal N"},
    {NULL, NULL},
};

static const struct cli_exit exits_run[] = {
    {"125", "Archway itself failed, or the command line is wrong"},
    {"126", "the command exists and cannot be executed"},
    {"127", "the command was not found in the container"},
    {"128+N", "the command was ended by signal N"},
    {"other", "the command's own exit status"},
    {NULL, NULL},
};

static const struct cli_example examples_run[] = {
    {"A shell on another architecture:",
     "archway run -it --platform linux/arm64 debian:trixie bash"},
    {"Build the project in this folder for a 32-bit Arm board, files owned by you:",
     "archway run --platform linux/arm/v7 --userns keep-id -v \"$PWD:/src\" -w /src gcc:14 make"},
    {"Use a program of another architecture in a pipeline:",
     "tar c . | archway run -i --platform riscv64 alpine sha256sum"},
    {"Run what an unpacked root file system holds:", "archway run ./rootfs /bin/sh -c 'uname -m'"},
    {"Reach a server in the container on port 8080 of the host:",
     "archway run -p 8080:80 --platform s390x nginx"},
    {NULL, NULL},
};

static const struct cli_example examples_exec[] = {
    {"A second shell in a running container:", "archway exec -it web sh"},
    {NULL, NULL},
};

static const struct cli_example examples_pull[] = {
    {"Fetch now, run later without network:", "archway pull --platform linux/riscv64 debian:forky"},
    {"Import an archive that another tool wrote:", "archway pull docker-archive:image.tar"},
    {NULL, NULL},
};

static const struct cli_exit exits_which[] = {
    {"0", "the kernel would run FILE"},
    {"1", "it cannot be told, or Archway failed"},
    {"126", "FILE exists and would not run; the message says why"},
    {"127", "there is no FILE"},
    {NULL, NULL},
};

static const struct cli_exit exits_lint[] = {
    {"0", "every rule can be registered; there may be warnings and notes"},
    {"1", "a rule that the kernel or common sense refuses, or a file that cannot be read"},
    {NULL, NULL},
};

static const struct cli_exit exits_doctor[] = {
    {"0", "nothing needs mending; there may be notes"},
    {"1", "a warning or an error was found, after the mends if there were any; a mend failed, or "
          "Archway did"},
    {NULL, NULL},
};

static const struct cli_example examples_which[] = {
    {"Why does this give \"exec format error\"?", "archway which ./program"},
    {"What would a container with this root file system do?",
     "archway which --root ./rootfs /bin/ls"},
    {NULL, NULL},
};

static const struct cli_example examples_lint[] = {
    {"Check the rules of a package:", "archway lint /usr/lib/binfmt.d/*.conf"},
    {"Check a rule before it is registered:", "archway lint ':wine:M::MZ::/usr/bin/wine:'"},
    {NULL, NULL},
};

#define SOURCES                                                                                    \
    "IMAGE is one of:\n\n"                                                                         \
    "  NAME[:TAG][@DIGEST]       from a registry: debian:trixie, quay.io/x/y@sha256:...\n"         \
    "  oci:DIR[:TAG]             an OCI layout folder\n"                                           \
    "  oci-archive:FILE[:TAG]    the same, packed with tar\n"                                      \
    "  docker-archive:FILE[:REF] what docker save and podman save write\n"                         \
    "  containers-storage:NAME   Podman's own store\n"                                             \
    "  PATH                      a root file system: a folder, or a tarball of one\n\n"            \
    "A PATH begins with `/`, `./` or `../`. Registries, mirrors, credentials and signature "       \
    "policy "                                                                                      \
    "are those that skopeo(1) is set up with."

#define WHICH_INSTANCE                                                                             \
    "Run as root it changes the host's rules (binfmt_misc is loaded and mounted where it is "      \
    "not). Within a user namespace, as in `podman unshare archway install`, it changes that "      \
    "namespace's own rules: Linux 6.7 and later have such, and rules of the outer namespace are "  \
    "copied, since they do not count any more."

#define FORMATS                                                                                    \
    "The same for programs that are no ELF files. FORMAT is one of java (classes and archives), "  \
    "dos, wine (Windows), dotnet, wasm, pyc (compiled Python), zipapp, lua, llvm (bitcode), "      \
    "appimage, elc, ape, macho; or `formats`: all that something here runs. Their rules are "      \
    "called `archway-...`, and their interpreter is archway-format, which looks into the file "    \
    "and "                                                                                         \
    "starts what runs it: one magic often stands for several formats (MZ: DOS, Windows, .NET, "    \
    "EFI). What it does not recognise it refuses with one line and status 126. It is static, so "  \
    "the kernel can hold it open; java, wine and the like are looked up by PATH where the "        \
    "program runs, in containers too, which must have them. Rules of others stay; where both "     \
    "match, the newer one wins, and install says so. DOSBox gets no screen: the program's "        \
    "standard input, output and exit status are passed on.\n\n"                                    \
    "Formats of one's own, and other commands for those that are built in, stand in "              \
    "XDG_CONFIG_HOME/archway/formats.conf and /etc/archway/formats.conf:\n\n"                      \
    "  [lha]                           a name for install\n"                                       \
    "  description = an archive\n"                                                                 \
    "  magic = -lh                     or extension = lzh\n"                                       \
    "  offset = 2                      of magic; mask = \\xff\\xff\\x00 hides bits of it\n"        \
    "  detector = /bin/is-lha          looks deeper: status 0, it is one\n"                        \
    "  command = lha-run {file} {args} may stand several times: the first found runs it\n"         \
    "  package = lhasa\n\n"                                                                        \
    "  [dos]                           one that is built in: tried before its own commands\n"      \
    "  command = dosbox {file} -exit   (in a window)"

static const struct cli_example examples_install[] = {
    {"Run arm64 and RISC-V programs on this machine:",
     "sudo archway install linux/arm64 linux/riscv64"},
    {"See what would be done for everything:", "archway install --dry-run all"},
    {"For rootless Podman only:", "podman unshare archway install linux/arm64"},
    {"Run Java, DOS and Windows programs by their names:", "sudo archway install java dos wine"},
    {NULL, NULL},
};

static const struct cli_example examples_register[] = {
    {"Run Java archives:", "sudo archway register ':jar:E::jar::/usr/bin/jexec:'"},
    {NULL, NULL},
};

static const struct cli_example examples_import[] = {
    {"What Debian's packages would have update-binfmts register:",
     "sudo archway import /usr/share/binfmts"},
    {"One of them, to see what would happen:",
     "archway import --dry-run /usr/share/binfmts/qemu-arm"},
    {NULL, NULL},
};

static const struct cli_example examples_export[] = {
    {"Have systemd register today's rules at boot:",
     "archway export | sudo tee /etc/binfmt.d/mine.conf"},
    {"A format file for a package:", "archway export --update-binfmts qemu-arm"},
    {NULL, NULL},
};

const struct cli_verb cli_verbs[CLI_N_VERBS] = {
    [CLI_RUN] =
        {.name = "run",
         .operands = "IMAGE [COMMAND] [ARG...]",
         .group = CONTAINERS,
         .summary = "run a command in a new container, of any architecture",
         .text =
             "Fetches IMAGE if it is not here yet, makes a container of it and runs COMMAND, or "
             "what the image says, in it. No root, no daemon and no set-up are needed: the "
             "container lives in a user namespace of its own, where programs of other "
             "architectures are executed by an emulator that is registered for this container "
             "only.\n\n" SOURCES "\n\n"
             "Options end at IMAGE; what follows belongs to the command. The command gets the "
             "caller's standard output and error, with `-i` also the standard input. Signals go to "
             "it. The container and what it wrote are gone when it ends: keep files with `-v`.",
         .exits = exits_run,
         .examples = examples_run,
         .see_also = "skopeo(1), crun(1), pasta(1), subuid(5), user_namespaces(7)",
         .min = 1,
         .max = 1,
         .command_follows = true,
         .usage_status = 125,
         .fail_status = 125,
         .complete = CLI_COMPLETE_IMAGE,
         .run = cli_verb_run},
    [CLI_EXEC] = {.name = "exec",
                  .operands = "CONTAINER COMMAND [ARG...]",
                  .group = CONTAINERS,
                  .summary = "run a further command in a running container",
                  .text =
                      "CONTAINER is a name that `archway ps` shows. The command has the user, the "
                      "environment and the working directory of the container, unless options say "
                      "otherwise.",
                  .exits = exits_run,
                  .examples = examples_exec,
                  .min = 1,
                  .max = 1,
                  .command_follows = true,
                  .usage_status = 125,
                  .fail_status = 125,
                  .complete = CLI_COMPLETE_CONTAINER,
                  .run = cli_verb_exec},
    [CLI_STOP] = {.name = "stop",
                  .operands = "CONTAINER...",
                  .group = CONTAINERS,
                  .summary = "end running containers",
                  .text = "Sends the container's stop signal, and kills it if it has not ended in "
                          "time. `archway run` then returns with the status that follows from it.",
                  .min = 1,
                  .max = -1,
                  .usage_status = 2,
                  .fail_status = 1,
                  .complete = CLI_COMPLETE_CONTAINER,
                  .run = cli_verb_stop},
    [CLI_PS] = {.name = "ps",
                .operands = "",
                .group = CONTAINERS,
                .summary = "list the running containers",
                .text = "Shows the containers of the calling user. There are no stopped ones: a "
                        "container goes when its command ends.",
                .usage_status = 2,
                .fail_status = 1,
                .run = cli_verb_ps},
    [CLI_PULL] = {.name = "pull",
                  .operands = "IMAGE",
                  .group = IMAGES,
                  .summary = "fetch an image and unpack it",
                  .text = SOURCES
                  "\n\n"
                  "Parts that are in the store already are not fetched again, and an "
                  "interrupted pull goes on where it stopped. The digest of the image is "
                  "printed.",
                  .examples = examples_pull,
                  .see_also = "skopeo(1)",
                  .min = 1,
                  .max = 1,
                  .usage_status = 2,
                  .fail_status = 1,
                  .complete = CLI_COMPLETE_IMAGE,
                  .run = cli_verb_pull},
    [CLI_IMAGES] = {.name = "images",
                    .operands = "",
                    .group = IMAGES,
                    .summary = "list the images in the store",
                    .text = "An image that exists for several platforms has a line for each that "
                            "was fetched.",
                    .usage_status = 2,
                    .fail_status = 1,
                    .run = cli_verb_images},
    [CLI_RMI] = {.name = "rmi",
                 .operands = "IMAGE...",
                 .group = IMAGES,
                 .summary = "remove images from the store",
                 .text = "IMAGE is a name or an id that `archway images` shows. Layers that "
                         "another image or a running container uses stay until they are free.",
                 .min = 1,
                 .max = -1,
                 .usage_status = 2,
                 .fail_status = 1,
                 .complete = CLI_COMPLETE_IMAGE,
                 .run = cli_verb_rmi},
    [CLI_PRUNE] = {.name = "prune",
                   .operands = "",
                   .group = IMAGES,
                   .summary = "remove from the store what nothing uses",
                   .text = "Removes what no image refers to: the remains of interrupted pulls, and "
                           "layers of images that were replaced or removed. With `--all` also "
                           "every image that no running container uses.",
                   .usage_status = 2,
                   .fail_status = 1,
                   .run = cli_verb_prune},
    [CLI_LS] =
        {.name = "ls",
         .operands = "",
         .group = RULES,
         .summary = "list the rules that decide which interpreter runs what",
         .text =
             "Shows the binfmt_misc rules that count for programs started here: those of this "
             "user namespace if it has rules of its own, else those of the namespace around "
             "it, up to the host's. They stand in the order in which the kernel tries them; "
             "the first that matches wins.\n\n"
             "MATCHES is the platform, the extension or the first bytes of the files that the "
             "rule is for. STATE is `enabled`, `disabled`, `off` (binfmt_misc as a whole is "
             "switched off) or `unknown` (a kind that this version does not know). REMARKS "
             "tell of rules that never get their turn, interpreters that are missing or stale, and "
             "rules that capture this machine's own programs.",
         .usage_status = 2,
         .fail_status = 1,
         .run = cli_verb_ls},
    [CLI_SHOW] = {.name = "show",
                  .operands = "NAME...",
                  .group = RULES,
                  .summary = "tell all about rules",
                  .text =
                      "NAME is one that `archway ls` shows. Beside what the kernel tells of the "
                      "rule it prints what its flags mean, the other rules that can match the "
                      "same file, the string that would register it again, and what "
                      "`archway lint` finds.",
                  .min = 1,
                  .max = -1,
                  .usage_status = 2,
                  .fail_status = 1,
                  .complete = CLI_COMPLETE_RULE,
                  .run = cli_verb_show},
    [CLI_WHICH] =
        {.name = "which",
         .operands = "FILE [ARG...]",
         .group = RULES,
         .summary = "tell how the kernel would run a file, or why not",
         .text = "Follows the chain that execve(2) would take, without executing anything: which "
                 "rule matches and which others would, #! lines, flags, the final arguments; or "
                 "the exact reason why it would fail. A FILE without a slash that is not in the "
                 "current folder is looked up on PATH.",
         .exits = exits_which,
         .examples = examples_which,
         .see_also = "execve(2)",
         .min = 1,
         .max = -1,
         .usage_status = 2,
         .fail_status = 1,
         .complete = CLI_COMPLETE_FILE,
         .run = cli_verb_which},
    [CLI_LINT] =
        {.name = "lint",
         .operands = "RULE|FILE...",
         .group = RULES,
         .summary = "check rules before they are registered",
         .text =
             "RULE is a string as it is written to binfmt_misc's `register`; FILE is a "
             "binfmt.d(5) file, a file of Debian's update-binfmts (/usr/share/binfmts, "
             "/var/lib/binfmts), or `-` for standard input. The kernel answers every fault with "
             "the same EINVAL: lint names the fault and its column. It also finds what the "
             "kernel accepts and people regret: rules that capture the machine's own programs, "
             "interpreters that containers cannot use, unsafe credentials, rules in one file "
             "that hide each other.\n\n"
             "Severities are `refuse`, `warn` and `note`.",
         .exits = exits_lint,
         .examples = examples_lint,
         .see_also = "binfmt.d(5)",
         .min = 1,
         .max = -1,
         .usage_status = 2,
         .fail_status = 1,
         .complete = CLI_COMPLETE_FILE,
         .run = cli_verb_lint},
    [CLI_DOCTOR] =
        {.name = "doctor",
         .operands = "",
         .group = RULES,
         .summary = "look for what keeps programs of other platforms from running",
         .text =
             "Looks at the kernel, the mount of binfmt_misc and who may write to it, user "
             "namespaces (it makes one to see), AppArmor and SELinux, subordinate ids, helper "
             "programs, emulators, the rules that count here, and the files that rules are "
             "registered from at the next start. It executes a tiny program of each platform "
             "that a rule is there for, and compares what ran with what is on disk. In each "
             "container engine that is installed (Podman, Docker, nerdctl, containerd, "
             "Buildah) it starts a container of another platform, from a tree that it makes "
             "itself; nothing is fetched, and nothing is left behind.\n\n"
             "Each finding has a severity (`ok`, `note`, `warn`, `error`) and, where something "
             "is wrong, the command that mends it. Nothing is changed, unless `--fix` is "
             "given.\n\n"
             "Run it as the user who has the trouble: ids, namespaces and rootless engines are "
             "looked at with the caller's rights. Under sudo(8) Podman and Buildah are tried as "
             "the user who called it, too.",
         .exits = exits_doctor,
         .see_also = "user_namespaces(7), subuid(5)",
         .usage_status = 2,
         .fail_status = 1,
         .run = cli_verb_doctor},
    [CLI_INSPECT] = {.name = "inspect",
                     .operands = "NAME...",
                     .group = ARCHWAY,
                     .summary = "tell all about images and containers, as JSON",
                     .text =
                         "Prints an array with one object for each NAME: a running container of "
                         "that name, else an image of that name or id.",
                     .min = 1,
                     .max = -1,
                     .usage_status = 2,
                     .fail_status = 1,
                     .complete = CLI_COMPLETE_OBJECT,
                     .run = cli_verb_inspect},
    [CLI_INSTALL] =
        {.name = "install",
         .operands = "[PLATFORM|FORMAT...|all]",
         .group = RULES,
         .summary = "register emulators, so that foreign programs run",
         .text = "Registers a rule in the kernel's binfmt_misc for each PLATFORM "
                 "(`linux/arm64`, `riscv64`, ...; without one, or with `all`, for every "
                 "platform that an emulator is installed for). From then on programs of "
                 "that platform run everywhere: on the host, and in the containers of "
                 "Docker, Podman and others.\n\n" WHICH_INSTANCE "\n\n"
                 "A rule is called `qemu-ARCH`, as other tools expect. Its interpreter is "
                 "opened now (flag F), so it need not exist in containers; after an "
                 "upgrade of the emulator `archway refresh` makes the kernel open the new "
                 "one. A rule of someone else that does the same is kept. A rule is "
                 "replaced without a moment in which there is none. At the end a built-in "
                 "program of each PLATFORM is run: if that does not work, the exit status "
                 "is 1.\n\n" FORMATS "\n\n"
                 "On the host the rules are kept over restarts: by a binfmt.d file and a "
                 "systemd unit, archway-binfmt.service, which also brings them back when "
                 "systemd-binfmt throws all rules away. Where there is no systemd, have "
                 "`archway refresh --force` run at boot; scripts for OpenRC and sysvinit "
                 "are in PREFIX/share/archway/init. Within rootless Podman's namespace "
                 "(`podman unshare archway install`) a unit of the user's registers them "
                 "again at his next login; without systemd, `podman unshare archway "
                 "refresh` does. Any other user namespace ends with its last process, and "
                 "its rules with it.\n\n"
                 "Rules end with the last mount of their binfmt_misc. Where that would be one "
                 "which `install` made in a mount namespace beside the host's (in a privileged "
                 "container, say), the exit status is 1 and the message tells what to do.\n\n"
                 "`archway --install LIST` and `archway --uninstall LIST` (names, platforms, "
                 "globs, with commas) are understood as the image tonistiigi/binfmt does: they "
                 "print a JSON object with `supported` (platforms whose programs were "
                 "executed here and ran) and `emulators` (the rules that are on). Options of "
                 "`archway install` may stand beside them; `--credentials` is what that image "
                 "always sets. The exit status is not 0 if one of them failed.",
         .examples = examples_install,
         .see_also = "binfmt.d(5), systemd-binfmt.service(8)",
         .max = -1,
         .usage_status = 2,
         .fail_status = 1,
         .run = cli_verb_install},
    [CLI_UNINSTALL] = {.name = "uninstall",
                       .operands = "NAME|PLATFORM|FORMAT|GLOB|all...",
                       .group = RULES,
                       .summary = "remove rules that archway registered",
                       .text = "Removes only Archway's own rules, and what keeps them over "
                               "restarts. Programs that run go on. A rule that is for several "
                               "formats stays while one of them is left.",
                       .min = 1,
                       .max = -1,
                       .usage_status = 2,
                       .fail_status = 1,
                       .complete = CLI_COMPLETE_RULE,
                       .run = cli_verb_uninstall},
    [CLI_ENABLE] = {.name = "enable",
                    .operands = "[NAME|PLATFORM|GLOB|all...]",
                    .group = RULES,
                    .summary = "switch rules on",
                    .text = "Rules of others can be switched too; `all` means Archway's own.",
                    .max = -1,
                    .usage_status = 2,
                    .fail_status = 1,
                    .complete = CLI_COMPLETE_RULE,
                    .run = cli_verb_enable},
    [CLI_DISABLE] = {.name = "disable",
                     .operands = "[NAME|PLATFORM|GLOB|all...]",
                     .group = RULES,
                     .summary = "switch rules off, without removing them",
                     .text = "Rules of others can be switched too; `all` means Archway's own. "
                             "`archway enable`, and a restart, switch them on again.",
                     .max = -1,
                     .usage_status = 2,
                     .fail_status = 1,
                     .complete = CLI_COMPLETE_RULE,
                     .run = cli_verb_disable},
    [CLI_REFRESH] = {.name = "refresh",
                     .operands = "[NAME|PLATFORM|GLOB|all...]",
                     .group = RULES,
                     .summary = "repair rules that were lost or have grown stale",
                     .text =
                         "Registers again what Archway registered before and is not there any "
                         "more, and what others registered anew; has the kernel open interpreters "
                         "that were replaced on disk, and puts rules in front that another one "
                         "hides. There is no moment without a rule. Rules that are good are left "
                         "alone, unless `--force` is given; switched off ones stay off.",
                     .max = -1,
                     .usage_status = 2,
                     .fail_status = 1,
                     .run = cli_verb_refresh},
    [CLI_REGISTER] = {.name = "register",
                      .operands = "STRING",
                      .group = RULES,
                      .summary = "register a rule given as the kernel's register string",
                      .text =
                          "STRING is `:name:type:offset:magic:mask:interpreter:flags`. What the "
                          "kernel would refuse is refused with the fault and its column, and so is "
                          "a rule that would capture the host's own programs. `archway uninstall` "
                          "removes the rule again.",
                      .examples = examples_register,
                      .min = 1,
                      .max = 1,
                      .usage_status = 2,
                      .fail_status = 1,
                      .run = cli_verb_register},
    [CLI_IMPORT] =
        {.name = "import",
         .operands = "FILE|DIR...",
         .group = RULES,
         .summary = "register rules from files of systemd and of update-binfmts",
         .text = "FILE is a binfmt.d(5) file, a package's format file for Debian's "
                 "update-binfmts(8) (/usr/share/binfmts), or an entry of its database "
                 "(/var/lib/binfmts): which it is, is seen by what is in it. Of a DIR all files "
                 "are taken, by name, but of binfmt.d's kind those in .conf only. The rules are "
                 "Archway's then: `archway refresh` repairs "
                 "them, `archway uninstall` removes them. The same rule of someone else is kept, "
                 "another one of its name is a failure without `--force`.\n\n"
                 "A rule that breaks the machine is refused, and so is one with a detector, a "
                 "program that update-binfmts asks about each file, which the kernel cannot do; "
                 "`--force` registers the latter without. All other rules are registered, and the "
                 "exit status is 1.",
         .examples = examples_import,
         .see_also = "binfmt.d(5), update-binfmts(8)",
         .min = 1,
         .max = -1,
         .usage_status = 2,
         .fail_status = 1,
         .complete = CLI_COMPLETE_FILE,
         .run = cli_verb_import},
    [CLI_EXPORT] = {.name = "export",
                    .operands = "[NAME|PLATFORM|GLOB|all...]",
                    .group = RULES,
                    .summary = "print rules as a binfmt.d or update-binfmts file",
                    .text = "Prints what is registered, whoever did it, oldest first: "
                            "systemd-binfmt(8) registers it in the same order again.",
                    .examples = examples_export,
                    .see_also = "binfmt.d(5), update-binfmts(8)",
                    .max = -1,
                    .usage_status = 2,
                    .fail_status = 1,
                    .complete = CLI_COMPLETE_RULE,
                    .run = cli_verb_export},
    [CLI_VERIFY] =
        {.name = "verify",
         .operands = "[PLATFORM|FORMAT...|all]",
         .group = RULES,
         .summary = "run a tiny program of each platform, as a proof",
         .text = "The programs are built in and need no files. For each platform it says "
                 "whether they work, how long the start took, by which emulator and whether "
                 "that is the one on disk; or why not, and what mends it. There are programs "
                 "of the formats java, dos, wine and wasm, too. Without an "
                 "operand every one is tried that a rule is there for. The exit status is "
                 "1 if one of them does not work.",
         .max = -1,
         .usage_status = 2,
         .fail_status = 1,
         .run = cli_verb_verify},
    [CLI_VERSION] = {.name = "version",
                     .operands = "",
                     .group = ARCHWAY,
                     .summary = "show the versions of all that takes part",
                     .text = "Beside its own version it lists what a container is made with here: "
                             "the kernel, the OCI runtime, the other helper programs and the "
                             "emulators that are installed.",
                     .usage_status = 2,
                     .fail_status = 1,
                     .run = cli_verb_version},
    [CLI_HELP] = {.name = "help",
                  .operands = "[VERB]",
                  .group = ARCHWAY,
                  .summary = "show the verbs, or the options of one",
                  .text = "`archway VERB --help` is the same as `archway help VERB`. The manual "
                          "page archway-VERB(1) says more.",
                  .max = 1,
                  .usage_status = 2,
                  .fail_status = 1,
                  .complete = CLI_COMPLETE_VERB,
                  .run = cli_verb_help},
};

const struct cli_hint cli_hints[] = {
    {"build", "build images with buildah or podman, then run them: archway run "
              "containers-storage:NAME"},
    {"create", "a container is made and started in one step: archway run IMAGE"},
    {"image", "the verbs are archway images, archway pull, archway rmi, archway inspect"},
    {"kill", "archway stop --signal KILL CONTAINER, or signal the archway run process"},
    {"load", "archives are read in place: archway run docker-archive:FILE"},
    {"login", "credentials are skopeo's: skopeo login REGISTRY"},
    {"logout", "credentials are skopeo's: skopeo logout REGISTRY"},
    {"logs", "a container's output is the output of archway run: redirect it"},
    {"push", "copy images with skopeo copy, or podman push"},
    {"rm", "a container is removed when it ends; images are removed by archway rmi"},
    {"start", "a container is made and started in one step: archway run IMAGE"},
    {NULL, NULL},
};

const struct cli_variable cli_environment[] = {
    {"ARCHWAY_STORAGE", "folder that keeps the images, as --storage"},
    {"XDG_DATA_HOME", "its archway folder keeps the images (~/.local/share)"},
    {"HOME", "where XDG_DATA_HOME is not set; without it the home folder in /etc/passwd"},
    {"XDG_RUNTIME_DIR", "its archway folder keeps what was registered in a user namespace"},
    {"PATH", "where skopeo, crun, runc, pasta, newuidmap and the emulators are looked for"},
    {"NO_COLOR", "no colours if it is set and not empty"},
    {"TERM", "`dumb` means no colours and no progress line"},
    {NULL, NULL},
};

const struct cli_variable cli_files[] = {
    {"/etc/archway/formats.conf", "formats of one's own; see archway-install(1)"},
    {"~/.local/share/archway", "images, unpacked layers"},
    {"/etc/subuid, /etc/subgid", "the ids that a user's containers may have"},
    {"/var/lib/archway/rules.json", "what archway registered on the host"},
    {"/etc/binfmt.d/archway.conf", "the host's rules over restarts, with archway-binfmt.service"},
    {"/etc/containers", "registries, mirrors and signature policy, as skopeo(1) reads them"},
    {NULL, NULL},
};
