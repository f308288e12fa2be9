/* pipeline.h: the map. The way of the data is six functions, in this order; start reading at any of them.
 *
 *   listen ──► verify ──► journal ──► [2xx] ──► interpret ──► route ──► deliver
 *   bytes      source     request +             event →        event →    delivery → attempt(s)
 *              kind says  its events,           records        deliveries
 *              yes/no     one commit
 *
 * Threads: listen loops (1, 2), API threads (everything that is no source's path), the writer (3, 4, 5; the only one that writes),
 * the syncer (3: fsync, then everyone is told), a checkpoint thread beside them, the delivery loop (6), media, which fetches the files
 * of messages, and campaign, which asks for messages to many people. They hand work over through bounded queues only. ARCHITECTURE.md tells why. */
#ifndef MALOTE_PIPELINE_H
#define MALOTE_PIPELINE_H

#include "deliver/deliver.h"
#include "interpret/interpret.h"
#include "journal/journal.h"
#include "listen/exchange.h"
#include "route/route.h"

/* 1 listen: the whole request is there; calls 2 and 3. listen/intake.c */
bool intake_end(struct exchange *x);

/* 2 verify: authentic? then: which events? Both are slots of the source kind, sources/source.h; verify/ holds the schemes. */
typedef enum err pipeline_verify(struct request *r, const struct settings *cfg, int64_t now_ms,
                                 struct arena *arena, struct why *why);
typedef enum err pipeline_split(struct request *r, const struct settings *cfg, struct arena *arena,
                                struct event_list *out, struct why *why);

/* 3 journal: into the writer's queue; the entry's `done` is called after the fsynced commit, and only then 2xx goes out. */
enum err journal_offer(struct journal *j, struct journal_entry *e);

/* 4 interpret: source kind's record changes, applied by records/, and the event's JSON. Calls 5 in the same transaction. */
enum err interpret_event(struct interpret_ctx *ctx, struct request *r, const struct stored_event *e,
                         bool *done, struct why *why);

/* 5 route: one delivery per (destination, key). */
enum err route_event(struct route_ctx *ctx, uint64_t workspace_id, uint64_t source_id,
                     uint64_t event_id, const struct outgoing_event *e, struct why *why);

/* 6 deliver: leased deliveries into the loop: rendered and judged by the destination kind, carried by libcurl, settled by the writer. */
void deliver_hand(struct deliver *d, struct leased *list);

#endif
