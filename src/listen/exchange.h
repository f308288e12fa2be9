/* exchange.h: one request and its answer on their way through a listen loop; shared by listen.c, intake.c and answer.c only. */
#ifndef MALOTE_LISTEN_EXCHANGE_H
#define MALOTE_LISTEN_EXCHANGE_H

#include <microhttpd.h>

#include "listen/limiter.h"
#include "listen/listen.h"

enum stage {
    STAGE_HEADERS, /* the request line is known */
    STAGE_BODY,    /* admitted: the body is coming in */
    STAGE_ANSWER,  /* the answer is known */
    STAGE_CUT,     /* no answer: the connection is closed */
};

enum { ANSWER_TEXT_MAX = 512, ANSWER_HEADERS_MAX = 6 };

_Static_assert((int)ANSWER_TEXT_MAX >= (int)JOURNAL_RECEIPT_MAX, "a receipt is an answer");

struct listen_loop;

/* One TCP connection; lives in the loop's list for its time limits. */
struct peer {
    struct peer *next, **link;
    int fd;
    int64_t deadline_ms; /* monotonic; of whatever it is doing now */
    char address[48];    /* text; of the client behind a trusted proxy it is in the exchange */
    struct sockaddr_storage sockaddr;
};

struct exchange {
    struct exchange *next; /* in the loop's completed or waiting-for-room list */
    struct listen_loop *loop;
    struct MHD_Connection *connection; /* NULL, as the peer: it is gone */
    struct peer *peer;
    bool waiting; /* away, without the connection being suspended; the loop's alone */
    enum stage stage;
    struct arena arena; /* of the exchange until an entry takes over */
    slice uri;          /* raw request target */
    struct config *config;
    const struct source *source; /* NULL: for the API */
    struct journal_entry *entry; /* source's; the writer's while away */
    struct api_exchange api;
    char *body;
    size_t body_len, body_cap, body_max;
    bool method_known, has_length;
    bool streamed, asking; /* body in pieces; away before the first byte */
    size_t streamed_len;   /* bytes of the body that came so far */
    int64_t away_since_ms, stream_by_ms;
    /* the answer */
    int status;
    slice answer, type;
    size_t header_count;
    const char *header_name[ANSWER_HEADERS_MAX];
    /* from here on not zeroed when it is made */
    char text[ANSWER_TEXT_MAX];
    char header_value[ANSWER_HEADERS_MAX][160];
};

struct listen_loop {
    struct listen *owner;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool started;
    int epoll, event;
    pthread_mutex_t lock;
    struct exchange *completed;         /* under lock; newest first */
    struct exchange *room, **room_tail; /* waiting for room in the journal, oldest first */
    struct peer *peers;
    uint32_t away;    /* exchanges that are somebody else's */
    uint32_t waiting; /* those of them whose connections are not suspended */
    bool moved; /* something happened since the last MHD_run, or in it: there may be more at once */
    int64_t swept_ms, room_ms;
};

struct listen {
    struct listen_options o;
    struct listen_loop *loops;
    int port;
    _Atomic bool stopping;
    int64_t stop_by_ms;
    struct limiter limiter;      /* requests of a source */
    struct limiter denied_lines; /* log lines about its denied requests */
    /* the API's queue */
    pthread_mutex_t api_lock;
    pthread_cond_t api_wake;
    struct exchange *api_head, **api_tail;
    size_t api_count;
    bool api_stop;
    pthread_t *api_thread;
    unsigned api_started;
};

/* listen.c: hands an exchange back to its loop, from any thread; the loop (of exchange_wake's ctx) looks for it when it is woken. */
void exchange_push(struct exchange *x);
void exchange_wake(void *loop);
/* listen.c: gives the exchange to the API's threads; false when their queue is full. */
bool exchange_to_api(struct exchange *x);

/* intake.c: decides on a request by its headers (x->stage becomes BODY or ANSWER), then on the whole of it. */
void intake_headers(struct exchange *x, const char *method, const char *version);
void intake_body(struct exchange *x, const char *bytes, size_t len);
/* Of a body in pieces: takes what fits into the piece; returns how much. True in *full: it is to be handed over now. */
size_t intake_piece(struct exchange *x, const char *bytes, size_t len, bool *full);
/* Hands the API a piece of such a body; false: x->stage is ANSWER. */
bool intake_hand(struct exchange *x, enum api_piece piece);
/* True: the exchange went to another thread or waits for room, and comes back by exchange_push or intake_retry; until then nobody
 * here may look into it. False: x->stage is ANSWER or CUT. */
bool intake_end(struct exchange *x);
/* Tries again for an exchange that waits for room; the result as above. */
bool intake_retry(struct exchange *x, int64_t now_ms);

/* answer.c */
void answer_error(struct exchange *x, int status, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
void answer_header(struct exchange *x, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Hands the answer to libmicrohttpd. */
enum MHD_Result answer_queue(struct exchange *x);

#endif
