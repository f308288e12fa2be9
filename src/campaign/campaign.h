/* campaign.h: the campaign thread: hands recipients out, one message each, at the campaign's pace and never far ahead of what goes out.
 *
 * Way: api/campaigns.c writes campaigns and recipients -> [campaign] -> one message.outgoing event each (outbox/), in one transaction
 * with the recipient's new state -> interpret, route, deliver; what becomes of it: records/campaign.h.
 * So a kill at any moment hands nobody out twice and skips nobody: either both are on disk or neither. Thread: "campaign"; it sleeps until
 * something is due, or somebody calls campaign_wake or campaign_settled. */
#ifndef MALOTE_CAMPAIGN_CAMPAIGN_H
#define MALOTE_CAMPAIGN_CAMPAIGN_H

#include "journal/journal.h"

enum {
    CAMPAIGN_PER_MINUTE_MAX = 6000,
    CAMPAIGN_PER_MINUTE_DEFAULT = 60,
    CAMPAIGN_REPLY_HOURS_DEFAULT = 72,
    CAMPAIGN_REPLY_HOURS_MAX = 720,
    CAMPAIGN_AHEAD_MS = 2000, /* of the pace: so much may wait to be sent */
    CAMPAIGN_AHEAD_MIN = 2,
    CAMPAIGN_GIVE_UP = 20,   /* refused in a row, for one reason */
    CAMPAIGN_STEP_ROWS = 200 /* rows one call of the writer adds or changes */
};

struct campaigner;

struct campaign_options {
    const char *database;
    struct log *log;
    struct metrics *metrics;
    struct id_maker *ids;
    struct config_box *config;
};

/* As media/: make, start with the writer, stop before the journal, free after it. */
MUST_CHECK enum err campaign_new(const struct campaign_options *options, struct campaigner **out,
                                 struct why *why);
MUST_CHECK enum err campaign_start(struct campaigner *c, struct journal *journal, struct why *why);
/* A campaign or the configuration was changed. Any thread, cheap. */
void campaign_wake(struct campaigner *c);
/* Deliveries were settled: wakes only when one is waited for. Any thread, cheap. */
void campaign_settled(struct campaigner *c);
void campaign_stop(struct campaigner *c);
void campaign_free(struct campaigner *c);

/* How many of a campaign may be queued at once. Pure. */
int64_t campaign_ahead(int64_t per_minute);
/* How many are due: `next_us` is when the first is; a pause is not made up for, but for one second's worth. Pure. */
int64_t campaign_due(int64_t per_minute, int64_t next_us, int64_t now_us);
/* The pace that holds: the campaign's, or the destination's when that is less. Pure. */
int64_t campaign_pace(int64_t per_minute, const struct destination *to);
/* Why nothing can go out now; NULL: it can. `to` NULL: it was deleted. Pure. */
const char *campaign_waits_for(const struct destination *to);

/* May its template (JSON text) be sent by what is known? ERR_DENIED with the reason: its channel said no. On any connection. */
MUST_CHECK enum err campaign_template_check(struct store *s, const struct destination *to,
                                            slice template, struct arena *arena, struct why *why);

/* One recipient to be added. */
struct campaign_person {
    slice person, data, reason; /* reason not empty: to be skipped */
    uint64_t contact_id;
};
/* Adds recipients, on the writer: *added of them were new. ERR_CONFLICT when the campaign takes none any more. */
MUST_CHECK enum err campaign_add(struct store *s, struct id_maker *ids, uint64_t workspace_id,
                                 uint64_t campaign_id, const struct campaign_person *list,
                                 size_t count, size_t *added, struct why *why);
/* The one form of a number or user id that a recipient is known by. ERR_SYNTAX: it is none. In `arena`. */
MUST_CHECK enum err campaign_person_of(slice to, struct arena *arena, slice *person,
                                       struct why *why);
/* What a contact (its stored fields, parsed) gives a template: *person by its number or user id, *data its values. Empty person: it
 * has neither. */
MUST_CHECK enum err campaign_contact_values(json *fields, json *more, struct arena *arena,
                                            slice *person, slice *data, struct why *why);
/* The message to `person`: the template filled, checked by the destination's kind. ERR_SYNTAX: why not (and *missing, or empty). */
MUST_CHECK enum err campaign_message(json *template, slice category, slice person, json *values,
                                     const struct destination *to, struct arena *arena, json **out,
                                     slice *missing, struct why *why);

/* ---- segment.c: who of the contacts ---- */

struct campaign_segment {
    slice city, state, product; /* folded; empty: any */
    int64_t order_status;   /* ORDER_NONE: no order asked for, unless product or since says so */
    int64_t order_since_ms; /* 0: any time */
    bool order;             /* some order is asked for */
    int64_t wrote_since_ms, silent_since_ms; /* wrote since then; did not */
};
/* Reads {"order":{"status","since","product"},"city","state","wrote_since","not_wrote_since"}; times as ISO 8601 or back from now_ms. */
MUST_CHECK enum err campaign_segment_read(json *v, int64_t now_ms, struct arena *arena,
                                          struct campaign_segment *out, struct why *why);
/* As JSON text with the times as they stand, for the store. */
slice campaign_segment_text(const struct campaign_segment *s, struct arena *arena);
/* Is the contact of it? Reads orders and conversations on `s`. */
MUST_CHECK enum err campaign_segment_has(const struct campaign_segment *g, struct store *s,
                                         uint64_t workspace_id, uint64_t contact_id, json *fields,
                                         struct arena *arena, bool *has, struct why *why);

#endif
