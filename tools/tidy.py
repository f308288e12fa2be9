#!/usr/bin/env python3
"""The house rules that a machine can check: tidy.py ROOT LIBMALOTE.A

Files of at most 600 lines, functions of at most 70, a header comment naming the file, no calls that trust a terminator, no mutable
globals, public symbols that start with their file's, their folder's or their type's name. What is older than a rule stands in tools/tidy.allow, one
"rule path[:name] [figure]" a line; that list may only shrink: an entry that is no longer needed is an error too.
"""
import pathlib
import re
import subprocess
import sys

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
# They need a terminating NUL, which bytes from outside do not have, or tell no error from a value.
BANNED = re.compile(r"\b(strlen|strtok|strtok_r|sscanf|atoi|atol|atoll|strtol|sprintf|vsprintf|strcpy|stpcpy|strncpy|strcat|strncat|gets)\s*\(")
SIGNATURE = re.compile(r"^[A-Za-z_][^;={}]*\b([A-Za-z_]\w*)\(")
VARIABLE = re.compile(r"^(?:static |extern )?(?:_Thread_local |_Atomic )?(?:struct |enum |union )?\w+ (?:\*+ ?)?(\w+)(?:\[[^]]*\])*(?: =.*|;)$")
LOCAL_STATIC = re.compile(r"^\s+static (?!const\b|inline\b)(?!.*\bconst (?:\w+ )?\w+(?:\[|;| =))(?!.*\*const )(.*?)(\w+)(?:\[[^]]*\])*(?: =.*|;.*)$")

root = pathlib.Path(sys.argv[1])
offences = {}  # (rule, where) -> figure or None, with the message
messages = {}


def offend(rule, where, message, figure=None):
    offences[rule, where] = figure
    messages[rule, where] = message


def strip(text):
    """Comments and strings blanked, lines kept."""
    keep = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', keep, text, flags=re.S)


def functions(lines):
    """(name, lines, from the signature to the closing brace)"""
    start = name = None
    for i, line in enumerate(lines):
        if line and not line[0].isspace() and line[0] not in "{}#/":
            found = SIGNATURE.match(line)
            if found:
                start, name = i, found.group(1)
        elif line.rstrip() == "}" and start is not None:
            yield name, i - start + 1
            start = None


def check_file(path, is_src):
    text = path.read_text(encoding="utf-8")
    where = str(path.relative_to(root))
    count = text.count("\n")
    if count > FILE_LINES_MAX:
        offend("file-lines", where, "%d lines, at most %d" % (count, FILE_LINES_MAX), count)
    if not text.startswith("/* %s:" % path.name):
        offend("header", where, "the first line must be /* %s: what it is" % path.name)
    lines = strip(text).split("\n")
    if not is_src:  # a test's function is mostly its table
        return
    for name, length in functions(lines):
        if length > FUNCTION_LINES_MAX:
            offend("function-lines", "%s:%s" % (where, name), "%d lines, at most %d" % (length, FUNCTION_LINES_MAX), length)
    for i, line in enumerate(lines, 1):
        for call in BANNED.findall(line):
            offend("banned", "%s:%s" % (where, call), "line %d calls %s" % (i, call))
        if "const" not in line and not line.startswith(("typedef", "extern")):
            found = VARIABLE.match(line)
            if found and path.suffix == ".c":
                offend("global", "%s:%s" % (where, found.group(1)), "line %d: a mutable global" % i)
        found = LOCAL_STATIC.match(line) if path.suffix == ".c" else None
        if found and "(" not in found.group(1):
            offend("global", "%s:%s" % (where, found.group(2)), "line %d: a mutable static" % i)


def check_symbols(archive):
    """A symbol's first words are a file of its folder, the folder, or a type declared in some header. Members are named
    src_<folder>_<file>.c.o by Meson."""
    headers = list((root / "src").rglob("*.h"))
    types = {t for h in headers for t in re.findall(r"^(?:struct|enum) (\w+)(?: \{|;)", h.read_text(encoding="utf-8"), re.M)}
    member = None
    known = {str(p.relative_to(root)).replace("/", "_") + ".o": p for p in (root / "src").rglob("*.c")}
    out = subprocess.run(["nm", "-g", "--defined-only", archive], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        if line.endswith(":"):
            member = known.get(line[:-1].rsplit("/")[-1])  # a thin archive gives paths
        fields = line.split()
        if not member or len(fields) != 3 or fields[1] in "Uw" or fields[2].startswith("__"):
            continue
        symbol, stem, folder = fields[2], member.stem, member.parent.name
        names = types | {stem, folder, folder.rstrip("s")} | {h.stem for h in headers if h.parent == member.parent}
        if not any(symbol == n or symbol.startswith(n + "_") for n in names):
            offend("symbol", "%s:%s" % (member.relative_to(root), symbol), "a public symbol starts with %s_" % stem)


for folder in ("src", "tests"):
    for path in sorted((root / folder).rglob("*.[ch]")):
        check_file(path, folder == "src")
check_symbols(sys.argv[2])

allowed = {}
for line in (root / "tools/tidy.allow").read_text(encoding="utf-8").splitlines():
    words = line.split("#")[0].split()
    if words:
        allowed[words[0], words[1]] = int(words[2]) if len(words) > 2 else None

bad = 0
for key in sorted(offences):
    figure = offences[key]
    if key in allowed and (figure is None or allowed[key] is None or figure <= allowed[key]):
        continue
    print("%s: %s: %s" % (key[1], key[0], messages[key]))
    bad += 1
for key in sorted(set(allowed) - set(offences)):
    print("tools/tidy.allow: %s %s is no longer needed: take it out" % key)
    bad += 1
sys.exit(1 if bad else 0)
