/* SPDX-License-Identifier: Apache-2.0
 *
 * Which program runs what: --emulator's words, for the image's own platform and for others.
 */
#include "test.h"

#include "box/emulator.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What passes for a static program of this machine. */
static void make_program(const char *path)
{
    const Elf64_Ehdr *own;
    Elf64_Ehdr e = {.e_type = ET_EXEC, .e_phentsize = sizeof(Elf64_Phdr)};
    unsigned char head[sizeof(*own)];
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(read(self, head, sizeof(head)) == (ssize_t)sizeof(head));
    own = (const Elf64_Ehdr *)(const void *)head;
    memcpy(e.e_ident, own->e_ident, sizeof(e.e_ident));
    e.e_machine = own->e_machine;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    CHECK(write(fd, &e, sizeof(e)) == (ssize_t)sizeof(e));
    close(fd);
    close(self);
}

static bool uses(const struct emulators *e, const char *path)
{
    for (size_t i = 0; i < e->n; i++)
        if (str_eq(e->v[i].path, path))
            return true;
    return false;
}

TEST(the_words_hold_for_all_platforms)
{
    char dir[] = "/tmp/box_emulator.XXXXXX", engine[64], qemu[64];
    struct aw_err err = AW_ERR_INIT;
    struct emulators e;
    CHECK(mkdtemp(dir));
    snprintf(engine, sizeof(engine), "%s/archway-engine", dir);
    snprintf(qemu, sizeof(qemu), "%s/qemu-aarch64-static", dir);
    make_program(engine);
    make_program(qemu);
    const struct box_world world = {.emulator_dir = dir, .engine = engine};
    static const char *const images[] = {"amd64", "arm64", "arm"};
    for (size_t i = 0; i < AW_LEN(images); i++) {
        struct platform p = {.os = "linux"};
        snprintf(p.arch, sizeof(p.arch), "%s", images[i]);
        err = (struct aw_err)AW_ERR_INIT;
        if (emulators_choose(&p, "qemu", &world, &e, &err)) {
            CHECK(uses(&e, qemu) && !uses(&e, engine));
            emulators_fini(&e);
        } else {
            CHECK_INT(err.code, AW_E_NOTFOUND); /* arm, where this machine has no QEMU for it */
        }
        if (emulators_choose(&p, NULL, &world, &e, &err)) {
            CHECK(uses(&e, qemu) != uses(&e, engine));
            emulators_fini(&e);
        }
    }
    CHECK(unlink(engine) == 0 && unlink(qemu) == 0 && rmdir(dir) == 0);
}

TEST_MAIN()
