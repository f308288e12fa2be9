/* meta_params.h: the parameters of a Conversions API event, as a table, and the writer that walks
 * it.
 *
 * The table is the list of docs/destinations/meta-capi.md: 86 parameters, each with its number, its
 * place in the event and where its data comes from. What has no data is left out; nothing is made
 * up. */
#ifndef MALOTE_DESTS_META_PARAMS_H
#define MALOTE_DESTS_META_PARAMS_H

#include "dests/meta_ad.h"
#include "dests/meta_capi.h"
#include "dests/meta_normalise.h"

enum {
    META_PARAM_COUNT = 86,
    META_PARAM_FROM_MAX = 3,
    META_PARAM_TEXT_MAX = 4000, /* longest text sent, bytes; a longer one is left out */
    META_PARAM_LIST_MAX = 100,  /* most elements of an array */
};

enum meta_place {
    META_IN_EVENT,    /* data[i] */
    META_IN_USER,     /* data[i].user_data */
    META_IN_CUSTOM,   /* data[i].custom_data */
    META_IN_CONTENTS, /* data[i].custom_data.contents[] */
    META_IN_ORIGINAL, /* data[i].original_event_data */
    META_IN_APP,      /* data[i].app_data */
    META_PLACE_COUNT
};

enum meta_type {
    META_TYPE_TEXT,
    META_TYPE_SCALAR, /* a number stays a number, a text a text */
    META_TYPE_NUMBER,
    META_TYPE_WHOLE,
    META_TYPE_BOOL,
    META_TYPE_FLAG, /* 0 or 1 */
    META_TYPE_TEXTS,
    META_TYPE_HASHED,
};

/* One event on its way out. meta_params_read fills it. */
struct meta_event {
    const struct settings *cfg;
    const struct outgoing_event *event;
    struct arena *arena;
    struct buf work; /* for normalising, see meta_normalise_work */
    json *root;      /* the event's JSON */
    json *given;     /* custom.meta: what the sender wants said in Meta's own words; may be NULL */
    slice name, key; /* event_name, event_id */
    slice action_source;
    slice source_url;  /* event_source_url, may be empty */
    struct meta_ad ad; /* messaging events: the click they are credited to */
    int64_t time_ms;   /* when it happened, at most now */
    /* user_data parameters written: bit (number - 12); META_IDENTIFIER_OTHER for unnumbered ones */
    uint64_t identifiers;
    bool full; /* the arena ran out on the way */
};
#define META_IDENTIFIER_OTHER (UINT64_C(1) << 63)

struct meta_param {
    uint8_t number; /* 1..86; 0 = one that is sent but not counted */
    const char *name;
    uint8_t place; /* enum meta_place */
    uint8_t type;  /* enum meta_type */
    uint8_t field; /* META_TYPE_HASHED: enum meta_field */
    bool plain;    /* custom.<name> counts as well as custom.meta.<name> */
    /* JSON Pointers into the event's JSON (contents: into the item) */
    const char *from[META_PARAM_FROM_MAX];
    const char *const *choices; /* the only texts that are sent; NULL: any */
    /* Writes the parameter itself; NULL: as type, from and custom say. */
    void (*put)(struct meta_event *m, const struct meta_param *p, struct buf *b);
};

extern const struct meta_param meta_params[META_PARAM_COUNT];
extern const char *const meta_params_action_sources[]; /* NULL-terminated */

/* Reads the event: JSON, action source, URL, time. `name` and `key` are Meta's event name and the
 * event_id, borrowed. ERR_SYNTAX when the JSON cannot be read, ERR_LIMIT when the arena is full. */
MUST_CHECK enum err meta_params_read(struct meta_event *m, const struct settings *cfg,
                                     const struct outgoing_event *event, slice name, slice key,
                                     int64_t now_ms, struct arena *arena, struct why *why);
/* Writes the event as one JSON object and sets m->identifiers. ERR_LIMIT when arena or buffer are
 * full. */
MUST_CHECK enum err meta_params_write(struct meta_event *m, struct buf *b);
/* Sets m->identifiers as far as is needed to know whether they suffice; writes rubbish into scratch. */
MUST_CHECK enum err meta_params_identify(struct meta_event *m, struct buf *scratch);
/* Do the identifiers written suffice? Meta refuses some combinations (docs, "Minimum
 * identifiers"). */
bool meta_params_identified(const struct meta_event *m);

/* An event that Meta made of a WhatsApp conversation by itself: what it is worth is Meta's own word (custom.meta.value), for
 * there is no order to take it from. Nobody else's event may say so of a Purchase. */
bool meta_params_is_automatic(const struct meta_event *m);
/* Does it say what it is worth: a number and a currency? */
bool meta_params_has_own_money(struct meta_event *m);

/* For the computed parameters: what custom gives for p; NULL when nothing. */
json *meta_params_given(const struct meta_event *m, const struct meta_param *p);
/* Writes v as p's type says, or nothing when it does not fit. */
void meta_params_put(const struct meta_param *p, json *v, struct buf *b);
/* The row of a place by its name; NULL when there is none. */
const struct meta_param *meta_params_find(enum meta_place place, slice name);

#endif
