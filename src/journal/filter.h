/* filter.h: "certainly new?" for nearly every key, out of memory: a Bloom filter over known_keys.
 *
 * A key that is looked for is nearly always a new one, and in ten million keys nearly every look needs a page from the file. The
 * filter says no for certain or "perhaps"; only then is the table asked. It is 8 MiB, whatever there is: at ten million keys one new key in
 * fifteen or so is asked for in vain, at a hundred million nearly all of them, as if there were no filter.
 *
 * One cache line holds all bits of a key (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007). */
#ifndef MALOTE_JOURNAL_FILTER_H
#define MALOTE_JOURNAL_FILTER_H

#include "base/log.h"

struct filter;

/* An empty filter. A thread of its own reads what is in known_keys into it; until it is through, filter_is_new says no to
 * everything. NULL when there is no memory or no thread: then there is no filter, and that is fine. */
struct filter *filter_start(const char *database, struct log *log);
/* Ends the thread, if it still reads, and frees all. */
void filter_stop(struct filter *f);

enum { FILTER_KEY_BYTES = 16 };

/* key: a hash. Both on the writer's thread; NULL is an absent filter. Every key stored from filter_start on must be added. */
void filter_add(struct filter *f, const uint8_t key[FILTER_KEY_BYTES]);
bool filter_is_new(const struct filter *f, const uint8_t key[FILTER_KEY_BYTES]);

#endif
