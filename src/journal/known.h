/* known.h: which (source, key) were ever stored. "Once in" is decided here, on the writer thread.
 *
 * Keys come in random order, so a unique index over them would dirty a page of its own for each event, in the very commit that a
 * sender waits for. Instead the events table is the log and the table `known_keys` is its index, written behind:
 *
 *   key of an event with id <= the mark "known"   in known_keys
 *   every younger one                             in memory: `fresh` takes them, `merging` is on its way into known_keys
 *
 * When `fresh` is full it becomes `merging`, and from then on each turn carries more of it over than it takes in, in the order of
 * known_keys, many neighbours to a page. The mark moves in the same commit as the last of them. A start reads the younger
 * events back, so that nothing depends on the memory. A store that others write to must take no key on trust of this process's
 * memory: `memory_max` 0 puts every key into known_keys at once.
 *
 * A key is known by the first 128 bits of a SHA-256 over workspace, source and key: in ten million events two different ones are
 * taken for the same with a chance of one in 10^25. Retention that deletes an event deletes its row here. */
#ifndef MALOTE_JOURNAL_KNOWN_H
#define MALOTE_JOURNAL_KNOWN_H

#include "base/log.h"
#include "store/store.h"

enum { KNOWN_MEMORY_MAX = 192 * 1024 }; /* keys in `fresh`, and as many in `merging`: 6 MiB each */

struct known;

/* Reads the keys of events younger than the mark; merges in transactions of its own when there are many. On the writer's connection,
 * outside a transaction. database: what filter.c reads from; NULL: without a filter. */
MUST_CHECK enum err known_open(struct store *s, const char *database, struct log *log,
                               size_t memory_max, struct known **out, struct why *why);
void known_close(struct known *k);

/* Begin of a turn, before any known_take. */
void known_begin(struct known *k);
/* Takes the key for the event with this id, higher than all before. *fresh: it was not known. Within the turn's transaction. */
MUST_CHECK enum err known_take(struct known *k, struct store *s, uint64_t workspace_id,
                               uint64_t source_id, slice key, uint64_t event_id, bool *fresh,
                               struct why *why);
/* The key's row, whatever is in memory: its event is about to lose the text of it (a person in it is erased). */
MUST_CHECK enum err known_keep(struct store *s, uint64_t workspace_id, uint64_t source_id,
                               slice key, struct why *why);
/* Carries keys over into known_keys: the turn's share. Within the turn's transaction, after its last known_take. */
MUST_CHECK enum err known_merge(struct known *k, struct store *s, struct why *why);
/* End of the turn: committed, or nothing of it happened. */
void known_end(struct known *k, bool committed);

#endif
