/* wal_vfs.h: a VFS that gathers the small writes of a write-ahead log into one. */
#ifndef MALOTE_STORE_WAL_VFS_H
#define MALOTE_STORE_WAL_VFS_H

#include <sqlite3.h>

/* Fills *out with a VFS over the present default one, under `name`. The caller registers it for as long as it opens files and
 * keeps it as long as they are open. Only for connections with synchronous=FULL. */
void wal_vfs_make(sqlite3_vfs *out, const char *name);

#endif
