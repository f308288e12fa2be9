/* listen.h: HTTP in. libmicrohttpd driven by our own loops: one daemon, one epoll and one thread each, sharing the port
 * (SO_REUSEPORT). A request for a source is verified and split here and handed to the writer; the connection sleeps until the commit.
 * A request for the API is handed to the API's thread. Nothing here blocks.
 *
 * Why our own loop: libmicrohttpd's internal epoll thread stalls when exactly 128, 256, ... connections are ready at once. */
#ifndef MALOTE_LISTEN_LISTEN_H
#define MALOTE_LISTEN_LISTEN_H

#include "base/log.h"
#include "config/config.h"
#include "deliver/guard.h"
#include "journal/journal.h"
#include "metrics/metrics.h"

struct listen;

/* A large body is not kept in memory but handed over in pieces: `api` is called before the first byte (API_FIRST: who is it, and may he?),
 * for each piece, and for the rest (API_LAST). Until the last it sets `more`, or answers: then the rest is read and forgotten. */
enum api_piece { API_WHOLE, API_FIRST, API_MORE, API_LAST };

/* A request and its answer outside the sources: the API and the hub's own pages. */
struct api_exchange {
    struct request request; /* lives until the answer was given */
    struct arena *arena;    /* for the answer too */
    int status;
    slice type;                /* Content-Type; empty: application/json */
    slice body;                /* in `arena` */
    struct header headers[12]; /* further ones, in `arena`, each text with a NUL behind it */
    size_t header_count;
    /* Instead of `body`: file_len bytes from file_from of this descriptor, which is then the listener's to close. 0: none. */
    int file;
    uint64_t file_from, file_len;
    /* Of a body in pieces; request.body is the piece. */
    enum api_piece piece;
    bool more;
    /* What `api` keeps between them; `drop` lets go of it when the exchange ends, however it does. On a listen loop: quick. NULL: nothing. */
    void *kept;
    void (*drop)(struct api_exchange *x);
};

struct listen_options {
    const char *address; /* "127.0.0.1:7070", "[::1]:7070", ":7070" */
    unsigned threads;
    unsigned connections_max;
    struct log *log;
    struct metrics *metrics;
    struct config_box *config;
    struct journal *journal;
    const struct guard *proxies; /* peers whose X-Forwarded-For is believed */
    /* Answers everything that is no source's path. Called on an API thread; may block. False: the answer comes later, by
     * listen_answer; then the exchange may be another thread's already. */
    bool (*api)(struct api_exchange *x, void *ctx);
    /* Is the body of such a request handed over in pieces? Its largest size, else 0. Pure. NULL: never. */
    size_t (*streams)(slice method, slice path);
    void *api_ctx;
    unsigned api_threads;
};

/* Binds and starts. ERR_CONFLICT when the port is taken, ERR_SYNTAX for a bad address. */
MUST_CHECK enum err listen_start(const struct listen_options *options, struct listen **out,
                                 struct why *why);
/* The answer of an exchange for which `api` said false is written in it. Once, from any thread, before listen_stop's grace is over. */
void listen_answer(struct api_exchange *x);
/* Takes no new connections, answers what is under way (at most grace_ms), ends. */
void listen_stop(struct listen *l, int64_t grace_ms);
/* After listen_stop, and after everyone who may still hand something back: the journal, the media threads. */
void listen_free(struct listen *l);
/* The port in use (for ":0"). */
int listen_port(const struct listen *l);

#endif
