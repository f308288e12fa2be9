/* hub.h: what tests need of a hub without its sockets: a temporary folder, a migrated database, a configuration from JSON.
 *
 * Everything aborts (CHECK) when it fails: that is a broken test machine, not a failed test. */
#ifndef MALOTE_TESTS_SUPPORT_HUB_H
#define MALOTE_TESTS_SUPPORT_HUB_H

#include "base/id.h"
#include "config/config.h"
#include "journal/journal.h"

enum { HUB_WORKSPACE = 1 };

struct hub {
    char dir[64], database[128];
    struct store
        *store; /* a writing connection of the test's own; NULL once hub_unlock was called */
    struct id_maker ids;
    struct log log; /* goes nowhere */
    struct metrics metrics;
    struct config_box config;
};

/* Makes the folder and a database with every migration applied; the configuration is empty. */
void hub_open(struct hub *h);
/* Closes the test's connection, so that a journal may hold the only writing one. */
void hub_unlock(struct hub *h);
/* Closes everything and removes the folder. */
void hub_close(struct hub *h);
/* Starts a journal on the hub's database and configuration. */
struct journal *hub_journal(struct hub *h, bool interpret);

/* {"sources":[...],"destinations":[...],"routes":[...]} as `malote apply` takes them, becomes the hub's configuration. Ids are
 * 1, 2, ... within each list. */
void hub_configure(struct hub *h, const char *text);

/* First column of the first row of `sql` as a number; 0 when there is none. On a connection of its own. */
int64_t hub_count(const struct hub *h, const char *sql);
/* The same as text in `arena`. */
slice hub_text(const struct hub *h, const char *sql, struct arena *arena);
/* Runs statements on a connection of its own. */
void hub_run(const struct hub *h, const char *sql);

/* A request of the hub's source number `source_id`, split into its events, ready for journal_offer. */
struct journal_entry *hub_entry(struct hub *h, uint64_t source_id, slice body);

/* For journal_call: *(bool *)pending tells whether an event waits to be interpreted. */
enum err hub_pending(void *pending, struct store *s, struct why *why);

#endif
