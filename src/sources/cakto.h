/* cakto.h: what cakto.c and cakto_sample.c share. Not for others: the kind's only public name is
 * source_cakto. */
#ifndef MALOTE_SOURCES_CAKTO_H
#define MALOTE_SOURCES_CAKTO_H

#include "sources/source.h"

enum cakto_setting {
    SET_SECRET,
    SET_TOLERANCE,
    SET_SIGNED_ONLY,
    SET_RENEWALS_BY_PERIOD,
    SET_PRODUCTS,
    SET_COUNT
};

/* Which of the order's dates says when the event happened. */
enum cakto_when {
    WHEN_RECEIVED,
    WHEN_CREATED,
    WHEN_PAID,
    WHEN_REFUNDED,
    WHEN_CHARGEBACK,
    WHEN_CANCELLED
};

/* What a word means. Words are matched exactly: "subscription_late_recovered" is not late. */
struct cakto_word {
    slice word, type;
    bool cart;       /* the shape of an abandoned cart, not of an order */
    bool per_period; /* may happen again to the same order: the period is part of the key */
    enum order_status order;
    enum subscription_status subscription;
    enum cakto_when when;
};

/* The row of an event's exact word; NULL for a word that is not known. "" is the commonest one. */
const struct cakto_word *cakto_find(slice word);

/* The `sample` slot of the kind. */
MUST_CHECK enum err cakto_sample(slice name, const struct settings *cfg, int64_t now_ms,
                                 uint64_t nonce, struct arena *arena, struct sample *out,
                                 struct why *why);

#endif
