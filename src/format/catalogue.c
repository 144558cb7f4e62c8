/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue of formats: what can be installed, what files there are, what runs them, and what
 * the kernel can tell of them. Data; a new format is a row in each table and a decider.
 */
#include "format/format.h"

/* clang-format off */
static const struct format_row formats[FORMAT_N] = {
    [FORMAT_JAVA] = {"java", "Java classes and archives"},
    [FORMAT_ZIPAPP] = {"zipapp", "Python applications in a zip"},
    [FORMAT_DOS] = {"dos", "DOS programs"},
    [FORMAT_WINE] = {"wine", "Windows programs"},
    [FORMAT_DOTNET] = {"dotnet", ".NET assemblies"},
    [FORMAT_APE] = {"ape", "programs for every system at once"},
    [FORMAT_MACHO] = {"macho", "macOS programs"},
    [FORMAT_WASM] = {"wasm", "WebAssembly modules and components"},
    [FORMAT_PYC] = {"pyc", "compiled Python"},
    [FORMAT_LLVM] = {"llvm", "LLVM bitcode"},
    [FORMAT_LUA] = {"lua", "compiled Lua"},
    [FORMAT_APPIMAGE] = {"appimage", "AppImages"},
    [FORMAT_ELC] = {"elc", "compiled Emacs Lisp"},
};

static const struct format_kind_row kinds[KIND_N] = {
    [KIND_NONE] = {"none", "nothing that runs", FORMAT_N, NULL, {NULL}},
    [KIND_JAVA_CLASS] = {"java-class", "a Java class", FORMAT_JAVA, "default-jre-headless",
        {"java -cp {root} {main} {args}"}},
    [KIND_JAR] = {"java-archive", "a Java archive", FORMAT_JAVA, "default-jre-headless",
        {"java -jar {file} {args}"}},
    [KIND_ZIPAPP] = {"python-zipapp", "a Python application", FORMAT_ZIPAPP, "python3",
        {"python3 {file} {args}"}},
    [KIND_DOS_EXE] = {"dos-exe", "a DOS program", FORMAT_DOS, "dosbox",
        {"emu2 {file} {args}", "@dosbox {file} {args}", "@dosbox-x {file} {args}"}},
    [KIND_DOS_COM] = {"dos-com", "a DOS program without a header", FORMAT_DOS, "dosbox",
        {"emu2 {file} {args}", "@dosbox {file} {args}", "@dosbox-x {file} {args}"}},
    [KIND_WIN16] = {"windows-16", "a 16-bit Windows program", FORMAT_WINE, "wine",
        {"wine {file} {args}"}},
    [KIND_PE_CONSOLE] = {"windows-console", "a Windows console program", FORMAT_WINE, "wine",
        {"wine {file} {args}", "wine-stable {file} {args}", "wine64 {file} {args}"}},
    [KIND_PE_GUI] = {"windows-gui", "a Windows program with windows", FORMAT_WINE, "wine",
        {"wine {file} {args}", "wine-stable {file} {args}", "wine64 {file} {args}"}},
    [KIND_DOTNET_FRAMEWORK] = {"dotnet-framework", "a .NET Framework program", FORMAT_DOTNET, "mono-runtime",
        {"mono {file} {args}", "wine {file} {args}"}},
    [KIND_DOTNET_CORE] = {"dotnet-core", "a .NET program", FORMAT_DOTNET, NULL,
        {"dotnet {file} {args}", "mono {file} {args}"}},
    [KIND_APE] = {"ape", "a program for every system at once", FORMAT_APE, "dash",
        {"ape {file} {args}", "sh {file} {args}"}},
    [KIND_MACHO] = {"macos", "a macOS program", FORMAT_MACHO, NULL, {"darling shell {file} {args}"}},
    [KIND_WASM_MODULE] = {"wasm-module", "a WebAssembly module", FORMAT_WASM, "nodejs",
        {"wasmtime run --dir=. {env} {file} {args}", "wasmer run --dir=. {env} {file} -- {args}",
         "wasmedge --dir .:. {env} {file} {args}", "node --no-warnings -e {wasi} -- {file} {args}"}},
    [KIND_WASM_COMPONENT] = {"wasm-component", "a WebAssembly component", FORMAT_WASM, NULL,
        {"wasmtime run --dir=. {env} {file} {args}"}},
    [KIND_PYC] = {"python-compiled", "compiled Python", FORMAT_PYC, "python3",
        {"python{version} {file} {args}", "python3 {file} {args}"}},
    [KIND_LLVM] = {"llvm-bitcode", "LLVM bitcode", FORMAT_LLVM, "llvm",
        {"lli {file} {args}", "lli-22 {file} {args}", "lli-21 {file} {args}", "lli-20 {file} {args}",
         "lli-19 {file} {args}", "lli-18 {file} {args}", "lli-17 {file} {args}", "lli-16 {file} {args}",
         "lli-15 {file} {args}", "lli-14 {file} {args}"}},
    [KIND_LUA] = {"lua-compiled", "compiled Lua", FORMAT_LUA, "lua5.4",
        {"lua{version} {file} {args}", "lua {file} {args}"}},
    [KIND_LUAJIT] = {"luajit-compiled", "compiled Lua of LuaJIT", FORMAT_LUA, "luajit",
        {"luajit {file} {args}"}},
    [KIND_APPIMAGE] = {"appimage", "an AppImage", FORMAT_APPIMAGE, NULL,
        {"appimage-run {file} {args}", "AppImageLauncher {file} {args}"}},
    [KIND_ELC] = {"emacs-lisp-compiled", "compiled Emacs Lisp", FORMAT_ELC, "emacs-nox",
        {"emacs --script {file} {args}"}},
    [KIND_SCRIPT] = {"script", "a script", FORMAT_N, NULL, {NULL}},
    [KIND_ELF] = {"elf", "an ELF program", FORMAT_N, NULL, {NULL}},
};

#define ONE(id) {id, FORMAT_N, FORMAT_N, FORMAT_N}
static const struct format_rule rules[] = {
    {.name = "archway-class", .formats = {FORMAT_JAVA, FORMAT_MACHO, FORMAT_N, FORMAT_N},
     .len = 4, .magic = {0xca, 0xfe, 0xba, 0xbe}},
    {.name = "archway-zip", .formats = {FORMAT_JAVA, FORMAT_ZIPAPP, FORMAT_N, FORMAT_N},
     .len = 4, .magic = {'P', 'K', 3, 4}},
    {.name = "archway-mz", .formats = {FORMAT_DOS, FORMAT_WINE, FORMAT_DOTNET, FORMAT_APE},
     .implied = FORMAT_BIT(FORMAT_APE), .len = 2, .magic = {'M', 'Z'}},
    {.name = "archway-ape", .formats = ONE(FORMAT_APE), .len = 8, .magic = {'j', 'a', 'r', 't', 's', 'r', '=', '\''}},
    {.name = "archway-com", .formats = ONE(FORMAT_DOS), .extension = "com"},
    {.name = "archway-com-upper", .formats = ONE(FORMAT_DOS), .extension = "COM"},
    {.name = "archway-macho", .formats = ONE(FORMAT_MACHO), .len = 4, .magic = {0xce, 0xfa, 0xed, 0xfe},
     .mask = {0xfe, 0xff, 0xff, 0xff}},
    {.name = "archway-wasm", .formats = ONE(FORMAT_WASM), .len = 4, .magic = {0, 'a', 's', 'm'}},
    /* version numbers 3072 to 4095, and all of Python 2.7's */
    {.name = "archway-pyc", .formats = ONE(FORMAT_PYC), .offset = 1, .len = 3, .magic = {0x0c, '\r', '\n'},
     .mask = {0xfc, 0xff, 0xff}},
    {.name = "archway-pyc2", .formats = ONE(FORMAT_PYC), .offset = 1, .len = 3, .magic = {0xf2, '\r', '\n'},
     .mask = {0xfe, 0xff, 0xff}},
    {.name = "archway-bitcode", .formats = ONE(FORMAT_LLVM), .len = 4, .magic = {'B', 'C', 0xc0, 0xde}},
    {.name = "archway-bitcode-wrapped", .formats = ONE(FORMAT_LLVM), .len = 4, .magic = {0xde, 0xc0, 0x17, 0x0b}},
    {.name = "archway-lua", .formats = ONE(FORMAT_LUA), .len = 4, .magic = {0x1b, 'L', 'u', 'a'}},
    {.name = "archway-luajit", .formats = ONE(FORMAT_LUA), .len = 3, .magic = {0x1b, 'L', 'J'}},
    {.name = "archway-appimage", .formats = ONE(FORMAT_APPIMAGE), .len = 11,
     .magic = {0x7f, 'E', 'L', 'F', 0, 0, 0, 0, 'A', 'I', 0},
     .mask = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xfc}},
    {.name = "archway-elc", .formats = ONE(FORMAT_ELC), .len = 4, .magic = {';', 'E', 'L', 'C'}},
};
/* clang-format on */

const struct format_kind_row *format_kind_at(enum format_kind kind)
{
    AW_BUG_ON((size_t)kind >= KIND_N);
    return &kinds[kind];
}

const struct format_row *format_at(enum format_id id)
{
    AW_BUG_ON((size_t)id >= FORMAT_N);
    return &formats[id];
}

const struct format_rule *format_rule_at(size_t index)
{
    return index < AW_LEN(rules) ? &rules[index] : NULL;
}

enum format_id format_find(const char *name)
{
    enum format_id id = 0;
    while (id < FORMAT_N && !str_eq(formats[id].name, name))
        id++;
    return id;
}

bool format_rule_serves(const struct format_rule *rule, enum format_id id)
{
    for (size_t i = 0; i < FORMAT_RULE_FORMATS; i++)
        if (rule->formats[i] == id && id != FORMAT_N)
            return true;
    return false;
}

unsigned format_set_parse(const char *text)
{
    unsigned set = 0;
    while (*text) {
        size_t n = strcspn(text, "+,");
        for (enum format_id id = 0; id < FORMAT_N; id++)
            if (strlen(formats[id].name) == n && strncmp(formats[id].name, text, n) == 0)
                set |= FORMAT_BIT(id);
        text += n + (text[n] != 0);
    }
    return set;
}
