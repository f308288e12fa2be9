#!/usr/bin/env python3
"""Turns .sql files into C: sqlgen.py OUT_H OUT_C FILE.sql...
or prints them, for tests: sqlgen.py --json FILE.sql...

A file under migrations/ is one numbered migration ("0001_first.sql"). Any other holds statements, each after a line
"-- name: journal_event_insert", which becomes SQL_JOURNAL_EVENT_INSERT. Other comment lines are dropped.
"""
import json
import os
import re
import sys

as_json = sys.argv[1] == "--json"
files = sys.argv[2 if as_json else 3:]
statements, migrations = [], []
for path in files:
    text = open(path, encoding="utf-8").read()
    if os.path.basename(os.path.dirname(path)) == "migrations":
        number, name = re.fullmatch(r"(\d{4})_(\w+)\.sql", os.path.basename(path)).groups()
        body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
        migrations.append((int(number), name, body))
        continue
    name = None
    for line in text.splitlines():
        found = re.fullmatch(r"-- name: ([a-z0-9_]+)", line)
        if found:
            name = found.group(1)
            statements.append([name, os.path.basename(path), ""])
        elif name and not line.lstrip().startswith("--"):
            statements[-1][2] += line + "\n"
names = [s[0] for s in statements]
double = {n for n in names if names.count(n) > 1}
if double:
    sys.exit("sqlgen: defined twice: " + ", ".join(sorted(double)))
migrations.sort()
if [m[0] for m in migrations] != list(range(1, len(migrations) + 1)):
    sys.exit("sqlgen: migrations must be numbered 1, 2, 3, ... without gaps")
if as_json:
    print(json.dumps({"migrations": [{"name": "%04d_%s" % (n, name), "text": t} for n, name, t in migrations],
                      "statements": [{"name": n, "file": f, "text": t.strip().rstrip(";")} for n, f, t in statements]}))
    sys.exit()
out_h, out_c = sys.argv[1], sys.argv[2]


def c_text(text):
    return "\n    ".join('"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in text.strip().splitlines())


with open(out_h, "w", encoding="utf-8") as h:
    h.write("/* Made by tools/sqlgen.py from the .sql files; do not edit. */\n#ifndef MALOTE_SQL_H\n#define MALOTE_SQL_H\n\nenum sql {\n")
    h.writelines("    SQL_%s,\n" % n.upper() for n in names)
    h.write("    SQL_COUNT\n};\n\nstruct sql_text {\n    const char *name, *text;\n};\n")
    h.write("struct sql_migration {\n    int number;\n    const char *name, *text;\n};\n")
    h.write("extern const struct sql_text sql_text[SQL_COUNT];\nextern const struct sql_migration sql_migrations[];\n")
    h.write("enum { SQL_MIGRATION_COUNT = %d };\n\n#endif\n" % len(migrations))
with open(out_c, "w", encoding="utf-8") as c:
    c.write('/* Made by tools/sqlgen.py from the .sql files; do not edit. */\n#include "sql.h"\n\nconst struct sql_text sql_text[SQL_COUNT] = {\n')
    c.writelines('    { "%s",\n    %s },\n' % (n, c_text(t.strip().rstrip(";"))) for n, _, t in statements)
    c.write("};\n\nconst struct sql_migration sql_migrations[] = {\n")
    c.writelines('    { %d, "%s",\n    %s },\n' % (n, name, c_text(t)) for n, name, t in migrations)
    c.write("};\n")
