/* meta_normalise.h: one customer datum in, the text that the Meta Conversions API expects out.
 *
 * Rules: docs/destinations/meta-capi.md, "Customer data"; vectors:
 * tests/golden/meta/normalisation.json. Pure. */
#ifndef MALOTE_DESTS_META_NORMALISE_H
#define MALOTE_DESTS_META_NORMALISE_H

#include "base/buf.h"

/* The fields that have a normal form; all but currency are hashed. */
enum meta_field {
    META_FIELD_EM,
    META_FIELD_PH,
    META_FIELD_FN,
    META_FIELD_LN,
    META_FIELD_GE,
    META_FIELD_DB,
    META_FIELD_CT,
    META_FIELD_ST,
    META_FIELD_ZP,
    META_FIELD_COUNTRY,
    META_FIELD_EXTERNAL_ID,
    META_FIELD_F5FIRST,
    META_FIELD_F5LAST,
    META_FIELD_FI,
    META_FIELD_DOBD,
    META_FIELD_DOBM,
    META_FIELD_DOBY,
    META_FIELD_CURRENCY,
    META_FIELD_COUNT
};

enum {
    META_NORMALISE_RAW_MAX = 1024
}; /* longest value looked at, in bytes; a longer one is unusable */

enum meta_usable {
    META_ABSENT,   /* nothing but blanks was given */
    META_UNUSABLE, /* something was given, but it is no value of this field: to be dropped */
    META_TEXT,     /* .text is the normal form, to be hashed (currency: to be sent) */
    META_DIGEST,   /* .text is a digest already: never to be hashed again */
};

struct meta_normal {
    enum meta_usable usable;
    slice text; /* empty unless META_TEXT or META_DIGEST; borrows from the work buffer */
};

/* The buffer the functions below work in: one serves for any number of values, since an event has
 * some twenty of them and arenas give nothing back. */
struct buf meta_normalise_work(struct arena *arena);
/* Normalises one raw value into `work`, which is emptied first: out->text lives until the next
 * call. ERR_LIMIT when the arena is full; bad values are no errors, see enum meta_usable. */
MUST_CHECK enum err meta_normalise(enum meta_field field, slice raw, struct buf *work,
                                   struct meta_normal *out);
/* The same, then lower-case hex SHA-256 of the normal form, in the arena of `work`; *out is empty
 * when there is nothing to send. */
MUST_CHECK enum err meta_normalise_hash(enum meta_field field, slice raw, struct buf *work,
                                        slice *out);

/* Other spellings of a place that may be sent, hashed, beside the normal form `text`; empty when
 * there is none. City: the letters a to z alone, which is what the newer of Meta's libraries sends
 * ("sopaulo" beside "sãopaulo"). */
MUST_CHECK enum err meta_normalise_city_ascii(slice text, struct arena *arena, slice *out);
/* Brazilian state: the name for a code ("sp" -> "sãopaulo") and the code for a name, in normal
 * form; empty for neither. */
slice meta_normalise_state_twin(slice text);

/* A visitor's public IPv4 or IPv6 address, alone: no port, blanks or zone, and none that is private
 * or local. */
bool meta_normalise_ip_ok(slice text);

#endif
