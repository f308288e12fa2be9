/* wal_vfs.h: a VFS that gathers the small writes of a write-ahead log into one, and lets another thread sync the log. */
#ifndef MALOTE_STORE_WAL_VFS_H
#define MALOTE_STORE_WAL_VFS_H

#include <sqlite3.h>
#include <stdbool.h>

struct wal_vfs {
    sqlite3_vfs base; /* what is registered */
    sqlite3_vfs *system;
    bool defer; /* commits are written and not synced; of the connection's own thread */
};

/* Fills *out with a VFS over the present default one, under `name`. The caller registers it for as long as it opens files and
 * keeps it as long as they are open. Only for connections with synchronous=FULL. */
void wal_vfs_make(struct wal_vfs *out, const char *name);

/* A handle of its own on db's write-ahead log, for one thread; `db` must have read or written something already. SQLite's result
 * code. Locks are no matter: SQLite locks the database and its index, never the log. */
int wal_vfs_log_open(sqlite3 *db, sqlite3_file **out);
/* Everything written to the log so far, by whatever handle, onto the disk. */
int wal_vfs_log_sync(sqlite3_file *log);
void wal_vfs_log_close(sqlite3_file *log);
/* After a sync that failed, when the system may have dropped what it could not write: writes all of db's log anew and syncs it, then the
 * database's pages that the log names. Those too, since SQLite counts what a checkpoint copied in part as done without a sync, and
 * would never copy it again. On the thread that writes, while no checkpoint runs. */
int wal_vfs_log_rewrite(sqlite3 *db);

#endif
