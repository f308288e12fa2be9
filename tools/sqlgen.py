#!/usr/bin/env python3
"""Turns .sql files into C: sqlgen.py OUT_H OUT_C FILE.sql...
or prints them, for tests: sqlgen.py --json FILE.sql...

A file under migrations/ is one numbered migration ("0001_first.sql"). Any other holds statements, each after a line
"-- name: journal_event_insert", which becomes SQL_JOURNAL_EVENT_INSERT. Other comment lines are dropped. What several statements of a file
have in common stands once, after "-- part: message_row" before the first of them, and they say @message_row@.

What no words say to both databases is written twice: "0004_search.sqlite.sql" and "0004_search.postgres.sql";
"-- name: messages_search (sqlite)" and "(postgres)". --json prints PostgreSQL's.
"""
import json
import os
import re
import sys

DIALECTS = ("sqlite", "postgres")
as_json = sys.argv[1] == "--json"
files = sys.argv[2 if as_json else 3:]


class Texts:
    """What is said under a name, per dialect, in the order of first appearance."""

    def __init__(self):
        self.by_name = {}

    def add(self, name, dialect, file):
        own = self.by_name.setdefault(name, {})
        for one in (dialect,) if dialect else DIALECTS:
            if one in own:
                sys.exit("sqlgen: defined twice: " + name)
            own[one] = ""
        return own, (dialect,) if dialect else DIALECTS

    def check(self):
        for name, own in self.by_name.items():
            for one in DIALECTS:
                if one not in own:
                    sys.exit("sqlgen: %s: there is nothing for %s" % (name, one))


statements, migrations, file_of = Texts(), Texts(), {}
for path in files:
    text = open(path, encoding="utf-8").read()
    base = os.path.basename(path)
    if os.path.basename(os.path.dirname(path)) == "migrations":
        number, name, dialect = re.fullmatch(r"(\d{4})_(\w+?)(?:\.(sqlite|postgres))?\.sql", base).groups()
        own, dialects = migrations.add((int(number), name), dialect, base)
        body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
        own.update((one, body) for one in dialects)
        continue
    own, parts = None, {}
    for line in text.splitlines():
        part = re.fullmatch(r"-- part: ([a-z0-9_]+)", line)
        if part:
            own, dialects = parts, (part.group(1),)
            own[part.group(1)] = ""
            continue
        found = re.fullmatch(r"-- name: ([a-z0-9_]+)(?: \((sqlite|postgres)\))?", line)
        if found:
            own, dialects = statements.add(found.group(1), found.group(2), base)
            file_of[found.group(1)] = base
        elif own is not None and not line.lstrip().startswith("--"):
            line = re.sub(r"@([a-z0-9_]+)@", lambda token: parts[token.group(1)].strip(), line)
            for one in dialects:
                own[one] += line + "\n"
statements.check()
migrations.check()
ordered = sorted(migrations.by_name)
if [m[0] for m in ordered] != list(range(1, len(ordered) + 1)):
    sys.exit("sqlgen: migrations must be numbered 1, 2, 3, ... without gaps")
if as_json:
    print(json.dumps({"migrations": [{"name": "%04d_%s" % m, "text": migrations.by_name[m]["postgres"]} for m in ordered],
                      "statements": [{"name": n, "file": file_of[n], "text": own["postgres"].strip().rstrip(";")}
                                     for n, own in statements.by_name.items()]}))
    sys.exit()
out_h, out_c = sys.argv[1], sys.argv[2]


def c_text(text):
    return "\n    ".join('"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in text.strip().splitlines())


def c_texts(own):
    return "{ " + ",\n    ".join(c_text(own[one].strip().rstrip(";")) for one in DIALECTS) + " }"


with open(out_h, "w", encoding="utf-8") as h:
    h.write("/* Made by tools/sqlgen.py from the .sql files; do not edit. */\n#ifndef MALOTE_SQL_H\n#define MALOTE_SQL_H\n\nenum sql {\n")
    h.writelines("    SQL_%s,\n" % n.upper() for n in statements.by_name)
    h.write("    SQL_COUNT\n};\n\n/* Of what a store speaks. */\nenum sql_dialect {\n")
    h.writelines("    SQL_IN_%s,\n" % one.upper() for one in DIALECTS)
    h.write("    SQL_DIALECT_COUNT\n};\n\nstruct sql_text {\n    const char *name, *text[SQL_DIALECT_COUNT];\n};\n")
    h.write("struct sql_migration {\n    int number;\n    const char *name, *text[SQL_DIALECT_COUNT];\n};\n")
    h.write("extern const struct sql_text sql_text[SQL_COUNT];\nextern const struct sql_migration sql_migrations[];\n")
    h.write("enum { SQL_MIGRATION_COUNT = %d };\n\n#endif\n" % len(ordered))
with open(out_c, "w", encoding="utf-8") as c:
    c.write('/* Made by tools/sqlgen.py from the .sql files; do not edit. */\n#include "sql.h"\n\nconst struct sql_text sql_text[SQL_COUNT] = {\n')
    c.writelines('    { "%s",\n    %s },\n' % (n, c_texts(own)) for n, own in statements.by_name.items())
    c.write("};\n\nconst struct sql_migration sql_migrations[] = {\n")
    c.writelines('    { %d, "%s",\n    %s },\n' % (m + (c_texts(migrations.by_name[m]),)) for m in ordered)
    c.write("};\n")
