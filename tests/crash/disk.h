/* disk.h: a disk in memory, as an SQLite VFS, that can lose its power and can be full.
 *
 * Fault model. A write is in memory (the drive's or the system's) until the file is synced. At a power cut each unsynced write is
 * kept or lost on its own, in pieces of 512 bytes, in any combination; a file that was never synced may be gone altogether. Bytes
 * that were not written are never harmed (SQLITE_IOCAP_POWERSAFE_OVERWRITE, as SQLite assumes of real disks by default).
 * Connections of one process lock each other out as they do on a real file. Not modelled: damage to synced data, a deletion that
 * comes back. */
#ifndef MALOTE_TESTS_CRASH_DISK_H
#define MALOTE_TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers the disk as SQLite's default VFS; call once. */
void disk_install(void);
/* An empty disk, sound and with power. `seed` decides what a cut keeps. */
void disk_reset(uint64_t seed);
/* The power goes at the nth write, sync or truncation from now (1 = the next; 0 = not): that one and all after it fail. */
void disk_cut_after(uint64_t operations);
bool disk_is_cut(void);
/* Power again: what was not synced is kept or lost by chance. No connection may be open. */
void disk_restart(void);
/* Syncs from now on do nothing but say that they did: proves that a test notices. */
void disk_lie(bool lie);
/* The nth sync from now fails, once, and forgets: what was written to its file since the sync before reads as if it were there, and
 * reaches the disk only if it is written again (as Linux treats pages that it could not write). Each handle that was open is told
 * once, by its next sync. 0 = none. */
void disk_fail_sync(uint64_t nth);
/* Writes that would let all files together grow beyond so many bytes give SQLITE_FULL; 0 = no limit. From any thread. */
void disk_limit(uint64_t bytes);
/* Bytes in all files. */
uint64_t disk_used(void);

/* The generator behind the cuts (splitmix64), for tests that want the same seed to do everything. */
uint64_t disk_random(uint64_t *state);

#endif
