/* tokens.h: what differs between the drivers in the schema's text (migrations), and all of it. Why these: SQLite's row number
 * is the 64-bit id itself, so that a table needs no second index; PostgreSQL may be sharded by workspace, so that the workspace
 * must be in every primary key; and a SQLite table of keys alone would else hold each key twice. tests/store/postgres.test.mjs reads this table too: one X(token, SQLite, PostgreSQL) a line. */
#ifndef MALOTE_STORE_TOKENS_H
#define MALOTE_STORE_TOKENS_H

#define STORE_TOKENS(X)                                                                            \
    X("@id@", "id INTEGER PRIMARY KEY", "id BIGINT NOT NULL")                                      \
    X("@pk@", "CHECK (id > 0)", "PRIMARY KEY (workspace_id, id)")                                  \
    X("@by_key@", "WITHOUT ROWID", "")

#endif
