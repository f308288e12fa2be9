/* wire.h: HTTP out, over libcurl's multi interface. TLS verified, redirects not followed, no proxies from the environment, private
 * addresses refused by the guard. One thread owns a wire. */
#ifndef MALOTE_DELIVER_WIRE_H
#define MALOTE_DELIVER_WIRE_H

#include "base/arena.h"
#include "deliver/guard.h"
#include "dests/dest.h"
#include "metrics/metrics.h"

struct wire;

/* A body that is read from a file: `before`, `size` bytes of `fd` from its start, `after`. The descriptor stays the caller's, and open
 * until `done`; its position is not used. */
struct wire_file {
    int fd;
    int64_t size;
    slice before, after;
};

/* Signs a request as AWS does (Signature Version 4, by libcurl). A signed call's `outgoing` has x-amz-content-sha256 among its headers;
 * every header it names is signed. */
struct wire_signer {
    char scope[96]; /* "aws:amz:sa-east-1:s3" */
    const char *key, *secret;
};

/* One request under way; embedded in the caller's object, which must stay until `done`. */
struct wire_call {
    struct outgoing out; /* texts live in `arena` */
    struct arena *arena; /* for the reply too */
    int64_t timeout_ms;
    const struct wire_signer *signer; /* NULL: not signed */
    const struct wire_file *file;     /* NULL: the body is out.body */
    /* Sent at most once. Without it libcurl sends a request anew, unasked, when a connection that was kept is cut before an answer,
     * although the other side may have read it. */
    bool once;
    /* NULL, or takes the body of a 200 piece by piece instead of reply.body; false ends the call with an error. */
    bool (*sink)(struct wire_call *call, slice bytes);
    struct reply reply;                   /* valid in `done` */
    void (*done)(struct wire_call *call); /* on the wire's thread, from wire_poll, once */
    void *ctx;
    /* the wire's own */
    struct wire *wire;
    void *easy, *header_list;
    char *body;
    size_t body_len;
    int64_t file_at; /* how much of `file` libcurl has */
    struct dest_header *reply_headers;
    size_t reply_header_count;
    char error[256];
    bool address_refused; /* by the guard */
    unsigned begun;       /* how often libcurl began to send it */
};

MUST_CHECK enum err wire_new(const struct guard *guard, struct metrics *metrics,
                             const char *ca_file, struct wire **out, struct why *why);
/* Ends calls under way without calling `done`. */
void wire_free(struct wire *w);
/* Starts a call. ERR_LIMIT when the arena is full or libcurl refuses; `done` is then not called. */
MUST_CHECK enum err wire_send(struct wire *w, struct wire_call *call);
/* Stops a call; `done` is not called. */
void wire_cancel(struct wire *w, struct wire_call *call);
/* Waits for the network, wire_wake, or timeout_ms, and finishes what ended. */
void wire_poll(struct wire *w, int64_t timeout_ms);
/* Ends a wait; from any thread. */
void wire_wake(struct wire *w);

/* Takes the destination's secrets out of the reply's body. */
void hide_secrets(struct wire_call *call, const struct settings *cfg);

#endif
