/* id.h: 64-bit, time-ordered ids and their printed form.
 *
 * Bits, high to low: 0, 41 of milliseconds since 2024-01-01 UTC (until 2093), 8 of node, 14 of sequence. Printed as a prefix and 13
 * Crockford base32 digits ("evt_01h2xcejqtf2n"), lower case; digits sort as the ids do. */
#ifndef MALOTE_BASE_ID_H
#define MALOTE_BASE_ID_H

#include <stdatomic.h>

#include "base/err.h"
#include "base/slice.h"

enum id_kind {
    ID_WORKSPACE,
    ID_SOURCE,
    ID_REQUEST,
    ID_EVENT,
    ID_CONTACT,
    ID_ORDER,
    ID_SUBSCRIPTION,
    ID_CHECKOUT,
    ID_ROUTE,
    ID_DESTINATION,
    ID_DELIVERY,
    ID_ATTEMPT,
    ID_KEY,
    ID_MESSAGE,
    ID_CONVERSATION,
    ID_TICKET,
    ID_MEDIA,
    ID_CAMPAIGN,
    ID_RECIPIENT,
    ID_NUMBER,
    ID_TEMPLATE,
    ID_KIND_COUNT
};
enum { ID_TEXT_MAX = 24 };

/* Makes ids; shared by all threads of a node. */
struct id_maker {
    _Atomic uint64_t last;
    uint8_t node;
};

/* The next id: at or after now_ms, above every id this maker gave before (a clock that steps back does no harm). Thread-safe. */
uint64_t id_next(struct id_maker *m, int64_t now_ms);
/* From now on only ids above `id`. At start, with the newest stored one: the clock may have stepped back while nobody ran. */
void id_above(struct id_maker *m, uint64_t id);
/* The millisecond an id was made in. */
int64_t id_ms(uint64_t id);
/* The lowest id of a millisecond: for "since" filters; the greatest there is for times behind all ids. */
uint64_t id_at(int64_t unix_ms);

/* "evt_…" into out; returns it. */
slice id_text(enum id_kind kind, uint64_t id, char out[ID_TEXT_MAX]);
/* Reads it back; the prefix must be of `kind`. ERR_SYNTAX else. */
MUST_CHECK enum err id_parse(enum id_kind kind, slice text, uint64_t *id);

#endif
