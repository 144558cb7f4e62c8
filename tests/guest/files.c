// SPDX-License-Identifier: Apache-2.0
// Files: structures and flags that differ between the architectures, positions, locks, folders.
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/xattr.h>

static char dir[] = "/tmp/guest-files.XXXXXX";

static void flags(void)
{
    CHECK(symlink("file", "link") == 0 && mkdir("folder", 0700) == 0);
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0);
    CHECK(open("file", O_RDWR | O_CREAT | O_EXCL, 0640) == -1 && errno == EEXIST);
    CHECK(open("link", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    CHECK(open("file", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    int d = open("folder", O_RDONLY | O_DIRECTORY);
    CHECK(d >= 0 && open("folder", O_WRONLY) == -1 && errno == EISDIR);
    int p = open("link", O_PATH | O_NOFOLLOW);
    char to[16] = "";
    CHECK(p >= 0 && readlinkat(p, "", to, sizeof to) == 4 && strcmp(to, "file") == 0);
    int a = open("file", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
    CHECK((fcntl(a, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW)) ==
          (O_WRONLY | O_APPEND | O_NONBLOCK));
    CHECK(fcntl(a, F_GETFD) == FD_CLOEXEC && fcntl(a, F_SETFL, O_APPEND) == 0 &&
          (fcntl(a, F_GETFL) & O_NONBLOCK) == 0);
    CHECK(write(a, "12345", 5) == 5 && pwrite(fd, "x", 1, 1) == 1);
    char text[8] = "";
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, 8) == 5 && strcmp(text, "1x345") == 0);
    int tmp = open(".", O_TMPFILE | O_RDWR, 0600);
    CHECK(tmp >= 0 || errno == EOPNOTSUPP);
    CHECK(syscall(SYS_openat, AT_FDCWD, "file", 1 << 30) >= 0 || errno == EINVAL);
}

static void stats(void)
{
    struct stat s, l;
    struct statx x;
    struct statfs f;
    CHECK(stat("file", &s) == 0 && S_ISREG(s.st_mode) && (s.st_mode & 07777) == 0640 &&
          s.st_size == 5);
    CHECK(s.st_nlink == 1 && s.st_uid == geteuid() && s.st_gid == getegid() &&
          s.st_blksize == 4096);
    CHECK(s.st_mtim.tv_sec > 1500000000 && s.st_mtim.tv_nsec < 1000000000);
    CHECK(lstat("link", &l) == 0 && S_ISLNK(l.st_mode) && l.st_size == 4 && l.st_ino != s.st_ino);
    CHECK(statx(AT_FDCWD, "file", 0, STATX_ALL, &x) == 0 && x.stx_ino == s.st_ino &&
          x.stx_size == 5);
    struct timespec times[2] = {{1000000000, 1}, {1100000000, 999999999}};
    CHECK(utimensat(AT_FDCWD, "file", times, 0) == 0 && stat("file", &s) == 0);
    CHECK(s.st_atim.tv_sec == 1000000000 && s.st_mtim.tv_nsec == 999999999);
    CHECK(stat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode) && s.st_rdev == 0x103);
    CHECK(statfs(".", &f) == 0 && f.f_bsize >= 512 && f.f_namelen >= 64);
    CHECK(truncate("file", 5000) == 0 && stat("file", &s) == 0 && s.st_size == 5000);
    CHECK(faccessat(AT_FDCWD, "file", R_OK, 0) == 0 && access("none", F_OK) == -1 &&
          errno == ENOENT);
    struct sysinfo info;
    CHECK(sysinfo(&info) == 0 && info.totalram > 0 && info.mem_unit > 0);
}

static void locks(void)
{
    int fd = open("file", O_RDWR), status;
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20}, g;
    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        g = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1};
        int bad = fcntl(fd, F_GETLK, &g) != 0 || g.l_type != F_WRLCK || g.l_pid != parent ||
                  g.l_start != 10 || g.l_len != 20;
        bad |= fcntl(fd, F_SETLK, &l) != -1 || (errno != EAGAIN && errno != EACCES);
        _exit(bad);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    int other = open("file", O_RDWR);
    CHECK(flock(other, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK);
}

static void folders(void)
{
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "folder/%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    DIR *d = opendir("folder");
    int files = 0, sum = 0;
    struct dirent *e;
    while ((e = readdir(d))) {
        files += e->d_type == DT_REG;
        sum += atoi(e->d_name);
    }
    EQUAL(files, 300);
    EQUAL(sum, 300 * 299 / 2);
    closedir(d);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "folder/%d", i);
        CHECK(unlink(name) == 0);
    }
    CHECK(rename("folder", "other") == 0 && rmdir("folder") == -1 && errno == ENOENT &&
          rmdir("other") == 0);
    CHECK(link("file", "hard") == 0 && unlink("hard") == 0);
    char cwd[64];
    CHECK(getcwd(cwd, sizeof cwd) && strstr(cwd, "guest-files"));
    CHECK(umask(027) != 027 && umask(022) == 027);
}

int main(void)
{
    CHECK(mkdtemp(dir) && chdir(dir) == 0);
    flags();
    stats();
    locks();
    folders();
    CHECK(unlink("file") == 0 && unlink("link") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
    errno = 0;
    CHECK(syscall(1234) == -1 && errno == ENOSYS);
    return guest_done();
}
