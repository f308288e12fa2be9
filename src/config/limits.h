/* limits.h: the maxima that more than one stage must agree on. Those of one file stand in that file. */
#ifndef MALOTE_CONFIG_LIMITS_H
#define MALOTE_CONFIG_LIMITS_H

enum {
    /* way in */
    SECRET_PATH_MIN =
        20, /* characters of one part of a path that is the only proof: over 100 random bits */
    BODY_MAX_DEFAULT = 1024 * 1024, /* bytes of a request's body, settable per source */
    BODY_MAX_HIGHEST = 16 * 1024 * 1024,
    HEADERS_MAX = 64, /* header lines of a request */
    /* Request line and headers together. libmicrohttpd zeroes so much memory for each request, and half of it again: with 16 KiB an
     * eighth of the listen loop's time. */
    HEADER_BYTES_MAX = 8 * 1024,
    REQUEST_ARENA_FACTOR = 6, /* arena of a request: body_max times this, plus REQUEST_ARENA_BASE */
    REQUEST_ARENA_BASE = 256 * 1024,
    CONNECTIONS_MAX_DEFAULT = 4096,
    HEADER_TIME_MAX_MS = 10 * 1000, /* until the headers are complete */
    BODY_TIME_MAX_MS = 30 * 1000,   /* until the body is complete */
    IDLE_TIME_MAX_S = 60,           /* keep-alive */
    STREAM_PIECE_BYTES =
        256 * 1024, /* of a body that goes to disk as it comes; each within BODY_TIME_MAX_MS */
    STREAM_TIME_MAX_MS = 10 * 60 * 1000, /* until such a body is complete */

    /* journal */
    JOURNAL_QUEUE_MAX = 8192, /* requests waiting for the writer */
    JOURNAL_QUEUE_BYTES_MAX = 64 * 1024 * 1024,
    JOURNAL_BATCH_MAX = 1024, /* requests in one commit */
    OVERLOAD_RETRY_S = 2,     /* Retry-After of a 503 */
    ROOM_WAIT_MAX_MS = 5000,  /* OVERLOAD_CUT: wait for room so long, then cut the connection */

    /* interpret */
    INTERPRET_QUEUE_MAX =
        4096, /* committed requests kept in memory for it; beyond, read back from the store */
    INTERPRET_QUEUE_BYTES_MAX = 16 * 1024 * 1024,
    INTERPRET_ARENA_MAX = 8 * 1024 * 1024,
    INTERPRET_HANDED_BYTES_MAX =
        16 * 1024 * 1024, /* of requests handed to other sources in one turn */

    /* deliver */
    LEASED_MAX = 8192, /* deliveries in memory */
    LEASED_BORN_MAX =
        LEASED_MAX /
        2, /* ... of which new ones at once: a burst for one destination leaves room for others' claims */
    LEASE_MS = 5 * 60 * 1000,
    RETRIES_MAX = 32,
    REPLY_BODY_MAX = 64 * 1024,
    ATTEMPT_TEXT_MAX = 16 * 1024, /* of a request or reply kept with an attempt */

    /* api */
    API_BODY_MAX = 1024 * 1024,
    UPLOAD_BYTES_MAX = 100 * 1024 * 1024, /* a file to be sent: the largest that WhatsApp takes */
    UPLOADS_MAX = 16,                     /* at once */
    UPLOADS_SHARE_MAX = 12,               /* of one workspace, while there are others */
    PAGE_MAX = 200,
    PAGE_DEFAULT = 50,
    NAME_MAX_BYTES = 64,
};

#endif
