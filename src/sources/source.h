/* source.h: what a source kind is. One file per kind in this folder, one `static const struct source_kind`, one line in
 * plugins.c: that is all it takes to add one.
 *
 * Every slot is pure: bytes, settings and times in, results out; no socket, store, clock or malloc. All run on whichever thread
 * calls them and must not keep pointers. Results live in the arena passed in, or borrow from the request. */
#ifndef MALOTE_SOURCES_SOURCE_H
#define MALOTE_SOURCES_SOURCE_H

#include "config/settings.h"
#include "records/records.h"

enum { SOURCE_ABI = 1 };
enum {
    EVENTS_PER_REQUEST_MAX = 32768, /* more than 4 MiB of WhatsApp's history can hold */
    EVENT_KEY_MAX = 255,
    EVENT_TYPE_MAX = 64
};

struct header {
    slice name, value;
};

/* A request as it came in. `json` is a cache for request_json; start it NULL. */
struct request {
    slice method, path, query;    /* query without '?' , undecoded */
    const struct header *headers; /* names compared without case */
    size_t header_count;
    slice body;   /* verbatim */
    slice remote; /* address of the peer, text */
    int64_t received_ms;
    json *json;
};

/* Value of the first header `name`; .ptr NULL when absent. */
slice request_header(const struct request *r, slice name);
/* How often header `name` occurs. */
size_t request_header_count(const struct request *r, slice name);
/* All of a request, copied into `arena`, with no JSON in it; false: it is full. */
bool request_copy(const struct request *r, struct arena *a, struct request *out);
/* The body as JSON, as json_parse_lenient reads it; parsed once, then cached in r->json. */
MUST_CHECK enum err request_json(struct request *r, struct arena *arena, json **root,
                                 struct why *why);
/* True when Content-Type is `type` (parameters after ';' ignored, no case). */
bool request_is_type(const struct request *r, slice type);

/* Did it come by POST /api/events? Then the peer, and what its headers say of a browser, are the caller's own: nobody's visitor. */
bool request_is_relayed(const struct request *r);

/* Is it a type of the hub's own events ("malote.alert")? No other source may make such. */
bool event_is_own(slice type);
/* Is it a message that POST /api/messages was asked to send ("message.outgoing")? It goes to the destination it names. */
bool event_is_message(slice type);
/* Is it of long ago, told now ("history.message")? */
bool event_is_history(slice type);

/* One thing that happened, found in a request. */
struct event {
    slice type; /* "order.paid", ours; 1..EVENT_TYPE_MAX bytes of [a-z0-9_.] */
    slice name; /* the platform's own word, verbatim; "" when it has none */
    slice
        key; /* unique per source: the dedupe key; 1..EVENT_KEY_MAX bytes of UTF-8 (event_key makes one) */
    slice
        locator; /* JSON Pointer to the part of the body that is this event; "" = the whole body */
    int64_t
        occurred_ms; /* when it happened, by the platform's word; 0: the time of receipt is taken */
};

struct event_list {
    struct event *at; /* room for EVENTS_PER_REQUEST_MAX, grown in the arena */
    size_t count, cap;
};

/* Appends a zeroed event; NULL when the list or the arena is full. */
struct event *event_list_add(struct event_list *list, struct arena *arena);

/* A dedupe key out of parts, "a:b:c", in `arena`. Longer than EVENT_KEY_MAX: the tail is replaced by a SHA-256 of the whole, so
 * that two keys stay two. Control characters become '_'. .ptr NULL when the arena is full. */
slice event_key(struct arena *arena, const slice *parts, size_t count);

/* What the platform makes of an answer other than 2xx. */
enum overload {
    OVERLOAD_REFUSE, /* it sends again after 5xx: answer 503 + Retry-After */
    OVERLOAD_CUT, /* it takes any answer as delivered: wait for room, then cut the connection without an answer */
};

/* A correctly signed sample for `malote send`; everything in the arena. */
struct sample {
    slice query; /* "" for none */
    struct header headers[8];
    size_t header_count;
    slice body;
};

/* How the files of a kind's messages are fetched: a link is asked for, then the bytes behind it. Pure, like everything here; media/
 * drives it. */
struct media_link {
    slice url;
    slice sha256; /* 64 lower-case hex digits; empty: not said */
    int64_t size; /* bytes; 0: not said */
};
struct outgoing;
struct reply;
struct source_media {
    int64_t link_ms; /* how long a link is good for */
    int64_t keep_ms; /* how long the platform keeps a file; 0: not known */
    /* Most bytes of a file of this kind ("image"). */
    int64_t (*size_max)(slice kind);
    /* The request for a link to file `id` of our number `account`. ERR_MISSING: the source lacks a setting for it. */
    enum err (*ask)(slice account, slice id, const struct settings *cfg, struct arena *arena,
                    struct outgoing *out, struct why *why);
    /* A reply of status 200 to it. ERR_SYNTAX: it holds no link. */
    enum err (*link)(const struct reply *r, struct arena *arena, struct media_link *out,
                     struct why *why);
    /* The request for the bytes. ERR_DENIED: the link leads to a host that the token must not be sent to. */
    enum err (*fetch)(slice url, const struct settings *cfg, struct arena *arena,
                      struct outgoing *out, struct why *why);
};

struct source_kind {
    const char *name;  /* "cakto": the word in files, API, metrics */
    uint16_t abi;      /* SOURCE_ABI */
    const char *title; /* "Cakto" */
    const struct setting *settings;
    size_t setting_count;
    enum overload overload;
    size_t body_max;       /* bytes of a body, unless its setting says else; 0: BODY_MAX_DEFAULT */
    enum origin_rank rank; /* whose word its contact fields are */
    bool
        builtin; /* the hub's own: each workspace has one source of it, without a path or settings, and nobody makes or changes it */
    bool cors;   /* browsers post to it: preflights are answered by cors_origin */

    /* Further checks of the settings that one table cannot say. NULL: none. */
    enum err (*check)(const struct settings *cfg, struct why *why);

    /* The same for what is given now, not for what a store of before already holds: that must load. NULL: none. */
    enum err (*check_given)(const struct settings *cfg, struct why *why);

    /* Does nothing but the path prove the sender, with these settings? Then the path must be unguessable. NULL: never. */
    bool (*path_is_secret)(const struct settings *cfg);

    /* Is the request authentic? OK, or ERR_DENIED (answered 401; `why` is logged, the sender is not told which check failed).
     * Works on the raw bytes, in constant time, and never falls back to a weaker check when a stronger one is present and
     * wrong. now_ms is the wall clock. */
    enum err (*verify)(struct request *r, const struct settings *cfg, int64_t now_ms,
                       struct arena *arena, struct why *why);

    /* Finds the events of an authentic request. OK with 0..n events (0: a ping or a test, counted as nothing);
     * ERR_SYNTAX or ERR_LIMIT: cannot be read; the request is kept and shown with `why`, and acknowledged. */
    enum err (*split)(struct request *r, const struct settings *cfg, struct arena *arena,
                      struct event_list *out, struct why *why);

    /* Turns one event of the stored request into record changes. The same input gives the same output, always.
     * ERR_SYNTAX: the event is kept as failed with `why` and can be replayed. */
    enum err (*interpret)(struct request *r, const struct event *e, const struct settings *cfg,
                          struct arena *arena, struct changes *out, struct why *why);

    /* The verification call a platform makes by GET; NULL: it makes none. OK with *answer echoed as text/plain, ERR_DENIED
     * (`why` is for the log), or ERR_SYNTAX: it is no such call, whatever the token; `why` is told to who asks. */
    enum err (*handshake)(struct request *r, const struct settings *cfg, struct arena *arena,
                          slice *answer, struct why *why);

    /* Origin header -> may a browser of that origin post? Only with `cors`. */
    bool (*cors_origin)(const struct settings *cfg, slice origin);

    /* NULL: its messages have no files. */
    const struct source_media *media;

    /* A signed sample of the platform's own event `name` ("" = the commonest). ERR_MISSING for a name it does not know (why lists
     * those it does). NULL: `malote send` needs --body. */
    enum err (*sample)(slice name, const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                       struct arena *arena, struct sample *out, struct why *why);
};

#endif
