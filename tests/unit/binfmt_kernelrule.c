/* SPDX-License-Identifier: Apache-2.0
 *
 * The register string's parser against the running kernel: systematic and random strings are given
 * to both, and verdict, errno and the rule as read back must be the same. BINFMT_MUTATIONS sets how
 * many random ones (100000), BINFMT_SEED where they begin.
 */
#include "binfmt_ns.h"

#include "base/util.h"

#include <sys/stat.h>

static struct aw_instance *inst;
static bool kernel_has_t;
static unsigned long long seed = 1;

static unsigned draw(unsigned below)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % below;
}

static unsigned count_of(const char *variable, unsigned otherwise)
{
    const char *text = getenv(variable);
    return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void show(const char *text, size_t len)
{
    printf("# string of %zu bytes: ", len);
    for (size_t i = 0; i < len; i++)
        printf(text[i] > ' ' && text[i] < 127 && text[i] != '\\' ? "%c" : "\\x%02x",
               (unsigned char)text[i]);
    printf("\n");
}

/* The errno of opening an interpreter for F; 0: it can be opened. */
static int held_errno(const char *path)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int how = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                      faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0
                  ? 0
                  : EACCES;
    close(fd);
    return how;
}

/* Have the flags, which follow the last delimiter but one newline, this letter? Only for strings
 * that are right but for their name. */
static bool asks_for(const char *text, size_t len, char letter)
{
    if (len && text[len - 1] == '\n')
        len--;
    while (len && text[len - 1] != text[0])
        if (text[--len] == letter)
            return true;
    return false;
}

/* What the linter thinks of it: "" if the kernel shall take it, else the fault's name. */
static const char *lint_verdict(const struct aw_rule *rule, bool parsed,
                                const struct aw_rule_fault *fault)
{
    struct aw_lint found[AW_LINT_MAX];
    if (!parsed)
        return aw_rule_fault_name(fault->kind);
    for (size_t i = 0, n = aw_rule_lint(rule, true, found); i < n; i++) {
        /* the others are about what the kernel takes and people regret */
        bool file = found[i].kind == AW_LINT_NOT_FOUND || found[i].kind == AW_LINT_NOT_EXECUTABLE;
        if ((file && found[i].severity == AW_LINT_REFUSE) ||
            (found[i].kind == AW_LINT_NEEDS_7_3 && !kernel_has_t)) {
            CHECK(found[i].message[0]);
            return aw_lint_name(found[i].kind);
        }
    }
    return "";
}

/* How often each fault was named, by its name. */
static struct {
    const char *name; /* constant */
    unsigned times;
} named[64];

static void count_name(const char *name)
{
    size_t i = 0;
    while (named[i].name && !str_eq(named[i].name, name))
        i++;
    CHECK(i + 1 < AW_LEN(named));
    named[i].name = name;
    named[i].times++;
}

static int write_rule(const char *text, size_t len)
{
    int fd = openat(aw_instance_fd(inst), "register", O_WRONLY | O_CLOEXEC);
    int how = write(fd, text, len) == (ssize_t)len ? 0 : errno;
    close(fd);
    return how;
}

/* The kernel took it: what it holds must be what we read. */
static void same_rule(const struct aw_rule *rule, const char *text, size_t len)
{
    struct aw_entry e;
    struct aw_err err = AW_ERR_INIT;
    bool ok = aw_instance_read(inst, rule->name, &e, &err);
    bool newlines = strchr(rule->interpreter, '\n') || strchr(rule->extension, '\n');
    if (!ok || (!newlines && !aw_rule_equal(&e.rule, rule))) {
        show(text, len);
        TEST_FAIL("read back differs: %s", ok ? "another rule" : err.message);
    }
    CHECK_OK(aw_instance_remove(inst, rule->name, &err), err);
}

static void compare(const char *text, size_t len)
{
    struct aw_rule rule;
    struct aw_rule_fault fault;
    struct aw_err err = AW_ERR_INIT;
    bool ok = aw_rule_parse(text, len, &rule, &fault, &err);
    int want = ok ? 0 : fault.sys_errno, got = len ? write_rule(text, len) : EINVAL;
    if (ok && (rule.flags & AW_RULE_T) && !kernel_has_t)
        want = EINVAL;
    else if (ok && (rule.flags & AW_RULE_F))
        want = held_errno(rule.interpreter);
    /* flags are read, and the interpreter is opened, before the name is looked up */
    bool name_fault = !ok && want != EINVAL;
    if (name_fault && asks_for(text, len, 'T') && !kernel_has_t)
        want = EINVAL;
    else if (name_fault && got != want && asks_for(text, len, 'F'))
        want = got;
    if (got != want) {
        show(text, len);
        TEST_FAIL("the kernel says %d (%s), we say %d (%s; %s)", got, strerror(got), want,
                  strerror(want), err.message);
    }
    const char *name = lint_verdict(&rule, ok, &fault);
    if ((got == 0) != (name[0] == 0) || str_eq(name, "unknown") || (!ok && !err.message[0])) {
        show(text, len);
        TEST_FAIL("the kernel says %d (%s), the linter \"%s\"", got, strerror(got), name);
    }
    if (got)
        count_name(name);
    if (!ok && (fault.column < 1 || fault.column > (int)len + 1)) {
        show(text, len);
        TEST_FAIL("column %d of a string of %zu", fault.column, len);
    }
    if (got == 0)
        same_rule(&rule, text, len);
}
#define COMPARE(literal) compare((literal), sizeof(literal) - 1)

static void begin(void)
{
    inst = ns_instance();
    kernel_has_t = write_rule(":probe:E::abc::/bin/true:T", 26) == 0;
    aw_instance_clear(inst, NULL);
}

/* One of each fault, and of each oddity that is none. */
TEST(each_fault)
{
    begin();
    char text[2200];
    compare("", 0);
    for (size_t len = 8; len <= 12; len++)
        compare(":a:E::b::c:P", len);
    for (int n = 1800; n <= 1930; n++) {
        int len = snprintf(text, sizeof(text), ":n:M::abc::/%0*d:", n, 7);
        compare(text, (size_t)len);
        text[len] = '\n';
        compare(text, (size_t)len + 1);
    }
    static const int sizes[] = {1, 254, 255, 256, 257, 300};
    for (size_t i = 0; i < AW_LEN(sizes); i++) {
        static const char *const forms[] = {
            ":%0*d:M::abc::/bin/true:", ":%0*d:M::abc::/bin/true:F", ":%0*d:M::abc::/missing:F",
            ":n:M::%0*d::/bin/true:",   ":n:M:1:%0*d::/bin/true:",   ":n:E::%0*d::/bin/true:",
            ":n:E::abc::/bin/%0*d:F",   ":n:M:%0*d:abc::/bin/true:"};
        for (size_t k = 0; k < AW_LEN(forms); k++)
            compare(text, (size_t)snprintf(text, sizeof(text), forms[k], sizes[i], 7));
    }
    static const char *const names[] = {"",   ".",        "..", "...",      "a/b",
                                        "/",  " ",        "*",  "register", "status",
                                        "\n", "\xc3\xa9", "-1", "a\\x41"};
    static const char *const offsets[] = {"+5",
                                          "007",
                                          "-1",
                                          "-0",
                                          "+-0",
                                          "0x10",
                                          " 1",
                                          "1 ",
                                          "",
                                          "+",
                                          "-",
                                          "5\n",
                                          "\n",
                                          "5\n\n",
                                          "253",
                                          "254",
                                          "2147483647",
                                          "2147483648",
                                          "1e1",
                                          "-+0",
                                          "++1",
                                          "4294967296",
                                          "18446744073709551616",
                                          "-2147483649"};
    for (size_t i = 0; i < AW_LEN(names); i++)
        compare(text, (size_t)snprintf(text, sizeof(text), ":%s:M::abc::/bin/true:", names[i]));
    for (size_t i = 0; i < AW_LEN(offsets); i++) {
        compare(text, (size_t)snprintf(text, sizeof(text), ":n:M:%s:abc::/bin/true:", offsets[i]));
        compare(text, (size_t)snprintf(text, sizeof(text), ":n:E:%s:abc::/bin/true:", offsets[i]));
    }
}

TEST(each_fault_of_magic_and_flags)
{
    begin();
    char text[600];
    static const char *const magics[] = {
        "a",           "\\x00",  "\\",    "\\\\",       "\\x",     "\\x4",
        "\\x4g",       "\\X41",  "\\x41", "\\\\x41",    "\\\\x4",  "\\\\\\x41",
        "\\\\\\\\x41", "\\n",    "\\101", "\\x41\\x42", "\\x4\\1", "x41",
        "\\x41\\",     "\\x41x", "",      "\\xfF\xff"};
    for (size_t i = 0; i < AW_LEN(magics); i++)
        for (size_t k = 0; k < AW_LEN(magics); k++)
            compare(text, (size_t)snprintf(text, sizeof(text), ":n:M::%s:%s:/bin/true:", magics[i],
                                           magics[k]));
    static const char *const flags[] = {
        "P",  "O",  "C",  "F", "PP", "POCF", "FCOP", "p", "PX", "XP",   "P\n",   "\n",  "\n\n",
        "P ", " P", "P:", ":", "T",  "TP",   "PT",   "L", "D",  "P\nO", "TTOCF", "\r\n"};
    static const char *const files[] = {"/bin/true",  "/missing",  "/etc", "/etc/passwd",
                                        "true",       "",          "/",    "/etc/passwd/x",
                                        "/bin/true/", " /bin/true"};
    for (size_t i = 0; i < AW_LEN(flags); i++)
        for (size_t k = 0; k < AW_LEN(files); k++)
            for (int e = 0; e < 2; e++)
                compare(text, (size_t)snprintf(text, sizeof(text), ":n:%s::abc::%s:%s",
                                               e ? "E" : "M", files[k], flags[i]));
    static const char *const exts[] = {"a", "tar.gz", ".a", "a/b", "/", ".", "A b", "\\x41", "\n"};
    for (size_t i = 0; i < AW_LEN(exts); i++)
        compare(text, (size_t)snprintf(text, sizeof(text), ":n:E::%s::/bin/true:P", exts[i]));
    COMPARE(":n:m::abc::/bin/true:");
    COMPARE(":n:B::abc::/bin/true:");
    COMPARE(":n:ME::abc::/bin/true:");
    COMPARE(":n:::abc::/bin/true:");
    COMPARE(":a\0b:M::abc::/bin/true:");
    COMPARE(":n:M:\0:abc::/bin/true:");
    COMPARE(":n:M::a\0c:\xff:/bin/true:");
    COMPARE(":n:M::a\0c:\0\xff:/bin/true:");
    COMPARE(":n:M::\0bc::/bin/true:");
    COMPARE(":n:M::abc::/bin\0/true:");
    COMPARE(":n:E:\0:abc::/bin/true:");
    COMPARE(":n:E::a\0c::/bin/true:");
    COMPARE(":n:E::abc:\0:/bin/true:");
    COMPARE(":n:M::abc::/bin/true:P\0");
}

static const struct {
    const char *text; /* with ':' for the delimiter */
    size_t len;
} seeds[] = {
#define SEED(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
    SEED(":qemu:M:4:\\x7fE\\x4c\\x46:\\xff\\xff\\xff\\x00:/bin/true:POC"),
    SEED(":n:M::abc::/bin/true:F\n"),
    SEED(":n:M:0:ab\\xFf\\\\:\\xff\xf0\\x01\\\\:/etc/passwd:OF"),
    SEED(":jar:E:x:jar:y:/bin/true:P"),
    SEED(":j:E::tar.gz::bin/x:\n"),
    SEED(":register:M:+12:\\x41::/missing:FC"),
    SEED(":T:M::a::/bin/true:TO"),
};

/* Every byte as delimiter, and every byte at every place. */
TEST(each_byte_everywhere)
{
    begin();
    char text[256];
    for (size_t s = 0; s < AW_LEN(seeds); s++) {
        for (int byte = 0; byte < 256; byte++) {
            for (size_t i = 0; i < seeds[s].len; i++)
                text[i] = seeds[s].text[i] == ':' ? (char)byte : seeds[s].text[i];
            compare(text, seeds[s].len);
            text[seeds[s].len] = '\n';
            compare(text, seeds[s].len + 1);
        }
        for (size_t i = 0; i < seeds[s].len; i++)
            for (int byte = 0; byte < 256; byte++) {
                memcpy(text, seeds[s].text, seeds[s].len);
                text[i] = (char)byte;
                compare(text, seeds[s].len);
            }
        for (size_t len = 0; len < seeds[s].len; len++)
            compare(seeds[s].text, len);
    }
}

/* Change text of *len bytes (at most 2000) in one way. */
static void mutate(char *text, size_t *len)
{
    static const char spice[] = ":\\x/\n0F+-.MPT ";
    size_t at = draw((unsigned)*len), span = 1 + draw(draw(4) ? 4 : 60);
    if (span > *len - at)
        span = *len - at;
    switch (draw(6)) {
    case 0: /* another byte */
        text[at] = (char)draw(256);
        break;
    case 1: /* a byte with a meaning */
        text[at] = spice[draw(sizeof(spice))];
        break;
    case 2: /* insert one */
        if (*len < 1990) {
            memmove(text + at + 1, text + at, *len - at);
            text[at] = draw(2) ? spice[draw(sizeof(spice))] : (char)draw(256);
            ++*len;
        }
        break;
    case 3: /* drop some */
        if (*len > span) {
            memmove(text + at, text + at + span, *len - at - span);
            *len -= span;
        }
        break;
    case 4: /* double some */
        if (*len + span < 1990) {
            memmove(text + at + span, text + at, *len - at);
            *len += span;
        }
        break;
    case 5: { /* another delimiter */
        char from = text[0], to = draw(2) ? spice[draw(sizeof(spice))] : (char)draw(256);
        for (size_t i = 0; i < *len; i++)
            if (text[i] == from)
                text[i] = to;
        break;
    }
    }
}

TEST(random_strings)
{
    begin();
    char text[2048];
    unsigned n = count_of("BINFMT_MUTATIONS", 100000), accepted = 0;
    seed = count_of("BINFMT_SEED", 1);
    for (unsigned i = 0; i < n; i++) {
        unsigned s = draw(AW_LEN(seeds));
        size_t len = seeds[s].len;
        memcpy(text, seeds[s].text, len);
        for (unsigned k = 0, times = 1 + draw(4); k < times; k++)
            mutate(text, &len);
        compare(text, len);
        accepted += aw_rule_parse(text, len, &(struct aw_rule){0}, NULL, NULL);
    }
    printf("# %u strings, %u of them accepted\n", n, accepted);
    CHECK(accepted > n / 20 && accepted < n * 9 / 10);
}

/* Each fault that there is was met above, and named. */
TEST(every_fault_was_named)
{
    test_each_fault();
    test_each_fault_of_magic_and_flags();
    test_each_byte_everywhere();
    for (int kind = AW_FAULT_NONE + 1; kind <= AW_FAULT_FLAG_CONFLICT; kind++) {
        const char *name = aw_rule_fault_name((enum aw_rule_fault_kind)kind);
        size_t i = 0;
        while (named[i].name && !str_eq(named[i].name, name))
            i++;
        if (!named[i].name)
            TEST_FAIL("%s was never met", name);
        printf("# %7u %s\n", named[i].times, name);
    }
}

TEST_MAIN()
