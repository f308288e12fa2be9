/* listen.c: sockets, loops and time limits around libmicrohttpd. */
#include "listen/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "listen/exchange.h"

enum {
    LISTEN_BACKLOG = 1024,
    SWEEP_MS = 250,
    ROOM_POLL_MS = 10,
    WAIT_MAX_MS = 500,
    /* An exchange that is away need not have its connection suspended. libmicrohttpd takes a suspended one out of its epoll set and
     * puts it back: with the read in vain that follows, three system calls, a fifth of all that a request costs on this thread. One
     * that is merely not answered yet it asks about again in every MHD_run; as long as there are few, that costs less. */
    WAITING_MAX = 128,
    WAITING_POLL_MS =
        1, /* its MHD_get_timeout says "at once" while one waits so: it cannot tell whether there is more to do */
    API_QUEUE_MAX = 512
};

/* ---- handing exchanges back ---- */

void exchange_push(struct exchange *x)
{
    struct listen_loop *loop = x->loop;
    pthread_mutex_lock(&loop->lock);
    x->next = loop->completed;
    loop->completed = x;
    pthread_mutex_unlock(&loop->lock);
}

void exchange_wake(void *ctx)
{
    const struct listen_loop *loop = ctx;
    uint64_t one = 1;
    (void)!write(loop->event, &one, sizeof one);
}

static void exchange_complete(struct exchange *x)
{
    struct listen_loop *loop = x->loop; /* the exchange is the loop's from the push on */
    exchange_push(x);
    exchange_wake(loop);
}

static void exchange_free(struct exchange *x)
{
    journal_entry_free(x->entry);
    config_release(x->config);
    if (x->api.file) close(x->api.file); /* the answer never went out */
    if (x->api.drop) x->api.drop(&x->api);
    arena_free(&x->arena);
    free(x);
}

/* It is the loop's again, and its connection goes on. */
static void come_back(struct listen_loop *loop, struct exchange *x)
{
    loop->away--;
    if (!x->waiting) {
        MHD_resume_connection(x->connection);
        return;
    }
    x->waiting = false;
    loop->waiting--;
    loop->moved = true;
    if (!x->connection) exchange_free(x); /* the client left meanwhile */
}

static void take_completed(struct listen_loop *loop, int64_t now_ms)
{
    pthread_mutex_lock(&loop->lock);
    struct exchange *list = loop->completed;
    loop->completed = NULL;
    pthread_mutex_unlock(&loop->lock);
    for (struct exchange *x = list, *next; x; x = next) {
        next = x->next;
        if (x->stage == STAGE_BODY) /* in pieces: the next one is the client's turn */
            x->peer->deadline_ms = now_ms + BODY_TIME_MAX_MS < x->stream_by_ms
                                       ? now_ms + BODY_TIME_MAX_MS
                                       : x->stream_by_ms;
        come_back(loop, x);
    }
}

static void retry_room(struct listen_loop *loop, int64_t now_ms)
{
    if (!loop->room || now_ms - loop->room_ms < ROOM_POLL_MS) return;
    loop->room_ms = now_ms;
    struct exchange *list = loop->room;
    loop->room = NULL;
    loop->room_tail = &loop->room;
    for (struct exchange *x = list, *next; x; x = next) {
        next = x->next;
        if (!intake_retry(x, now_ms)) come_back(loop, x);
    }
}

/* ---- the API's threads ---- */

bool exchange_to_api(struct exchange *x)
{
    struct listen *l = x->loop->owner;
    pthread_mutex_lock(&l->api_lock);
    bool room = l->api_count < API_QUEUE_MAX && !l->api_stop;
    if (room) {
        x->next = NULL;
        *l->api_tail = x;
        l->api_tail = &x->next;
        l->api_count++;
        pthread_cond_signal(&l->api_wake);
    }
    pthread_mutex_unlock(&l->api_lock);
    return room;
}

static void *api_thread(void *arg)
{
    struct listen *l = arg;
    for (;;) {
        pthread_mutex_lock(&l->api_lock);
        while (!l->api_head && !l->api_stop) pthread_cond_wait(&l->api_wake, &l->api_lock);
        struct exchange *x = l->api_head;
        if (x) {
            l->api_head = x->next;
            if (!l->api_head) l->api_tail = &l->api_head;
            l->api_count--;
        }
        pthread_mutex_unlock(&l->api_lock);
        if (!x) return NULL;
        if (l->o.api(&x->api, l->o.api_ctx)) listen_answer(&x->api);
    }
}

void listen_answer(struct api_exchange *api)
{
    struct exchange *x = (struct exchange *)(void *)((char *)api - offsetof(struct exchange, api));
    if (api->more) { /* of a body in pieces */
        api->more = false;
        x->body_len = 0;
        exchange_complete(x);
        return;
    }
    x->status = api->status;
    x->answer = api->body;
    x->type = api->type;
    x->stage = STAGE_ANSWER;
    exchange_complete(x);
}

/* ---- libmicrohttpd's callbacks, all on the loop's thread ---- */

static void on_peer(void *ctx, struct MHD_Connection *connection, void **socket_ctx,
                    enum MHD_ConnectionNotificationCode what)
{
    struct listen_loop *loop = ctx;
    struct peer *p = *socket_ctx;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (!p) return;
        *p->link = p->next;
        if (p->next) p->next->link = p->link;
        free(p);
        atomic_fetch_sub_explicit(&loop->owner->o.metrics->connections, 1, memory_order_relaxed);
        return;
    }
    p = calloc(1, sizeof *p);
    if (!p) return; /* its first request finds no peer and is refused */
    *socket_ctx = p;
    p->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    p->deadline_ms = clock_mono_ms() + HEADER_TIME_MAX_MS;
    const struct sockaddr *sa =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    memcpy(&p->sockaddr, sa,
           sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    const void *addr =
        sa->sa_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
    (void)inet_ntop(sa->sa_family, addr, p->address, sizeof p->address);
    p->next = loop->peers;
    p->link = &loop->peers;
    if (p->next) p->next->link = &p->next;
    loop->peers = p;
    atomic_fetch_add_explicit(&loop->owner->o.metrics->connections, 1, memory_order_relaxed);
}

/* The request line is there: the earliest moment, with the target as it was sent. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *connection)
{
    struct listen_loop *loop = ctx;
    size_t len = strlen(uri);
    struct exchange *x = malloc(sizeof *x + len + 1);
    if (!x) return NULL;
    memset(x, 0, offsetof(struct exchange, text));
    x->uri = slice_of(memcpy(x + 1, uri, len + 1), len);
    x->loop = loop;
    x->connection = connection;
    x->peer =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (x->peer) x->peer->deadline_ms = clock_mono_ms() + HEADER_TIME_MAX_MS;
    return x;
}

/* The exchange was handed away: until it comes back nothing of it may be read here. */
static enum MHD_Result sleep_away(struct listen_loop *loop, struct MHD_Connection *connection,
                                  struct peer *peer)
{
    peer->deadline_ms = INT64_MAX; /* it is our turn */
    loop->away++;
    MHD_suspend_connection(connection); /* it is resumed by this thread: never before */
    return MHD_YES;
}

/* The whole request is there. */
static enum MHD_Result on_end(struct exchange *x)
{
    struct peer *peer = x->peer;
    struct listen_loop *loop = x->loop;
    struct MHD_Connection *connection = x->connection;
    bool waits = x->source && loop->waiting < WAITING_MAX;
    x->waiting = waits;
    if (intake_end(x)) {
        if (!waits) return sleep_away(loop, connection, peer);
        peer->deadline_ms = INT64_MAX;
        loop->away++;
        loop->waiting++;
        return MHD_YES;
    }
    x->waiting = false;
    peer->deadline_ms = clock_mono_ms() + BODY_TIME_MAX_MS; /* for reading the answer */
    return x->stage == STAGE_CUT ? MHD_NO : answer_queue(x);
}

static enum MHD_Result on_piece(struct exchange *x, const char *bytes, size_t *len)
{
    struct peer *peer = x->peer;
    struct listen_loop *loop = x->loop;
    struct MHD_Connection *connection = x->connection;
    bool full;
    *len -= intake_piece(x, bytes, *len, &full);
    return full && intake_hand(x, API_MORE) ? sleep_away(loop, connection, peer) : MHD_YES;
}

static enum MHD_Result on_head(struct exchange *x, const char *method, const char *version)
{
    struct peer *peer = x->peer;
    struct listen_loop *loop = x->loop;
    struct MHD_Connection *connection = x->connection;
    x->method_known = true;
    intake_headers(x, method, version);
    peer->deadline_ms = clock_mono_ms() + BODY_TIME_MAX_MS;
    if (x->stage == STAGE_BODY && x->streamed) { /* may he? then only let the body come */
        x->asking = true;
        if (intake_hand(x, API_FIRST)) return sleep_away(loop, connection, peer);
        x->asking = false;
    }
    return x->stage == STAGE_ANSWER ? answer_queue(x) : MHD_YES;
}

static enum MHD_Result on_request(void *ctx UNUSED, struct MHD_Connection *connection UNUSED,
                                  const char *url UNUSED, const char *method, const char *version,
                                  const char *bytes, size_t *len, void **cls)
{
    struct exchange *x = *cls;
    if (!x || !x->peer) return MHD_NO; /* no memory */
    if (x->waiting) return MHD_YES;
    x->loop->moved = true;
    if (x->stage == STAGE_CUT) return MHD_NO;
    /* What is not the writer's yet is cut off, so that its sender sends it again: connections that are kept alive would bring new
     * requests as long as they are answered, and libmicrohttpd aborts when it is stopped while one is suspended. */
    if (x->stage != STAGE_ANSWER && atomic_load(&x->loop->owner->stopping)) return MHD_NO;
    if (!x->method_known) return on_head(x, method, version);
    if (x->asking) { /* back from there; libmicrohttpd asks about the headers once more */
        x->asking = false;
        return x->stage == STAGE_ANSWER ? answer_queue(x) : MHD_YES;
    }
    if (*len > 0 && x->streamed) return on_piece(x, bytes, len);
    if (*len > 0) {
        intake_body(x, bytes, *len);
        *len = 0;
        return MHD_YES; /* an answer decided on here goes out when the body has ended */
    }
    return on_end(x);
}

static void on_completed(void *ctx, struct MHD_Connection *connection UNUSED, void **cls,
                         enum MHD_RequestTerminationCode why UNUSED)
{
    struct listen_loop *loop = ctx;
    struct exchange *x = *cls;
    if (!x) return;
    *cls = NULL;
    loop->moved = true;
    if (x->peer) x->peer->deadline_ms = clock_mono_ms() + IDLE_TIME_MAX_S * 1000;
    x->connection = NULL;
    x->peer = NULL;
    if (!x->waiting) exchange_free(x); /* else come_back */
}

/* ---- the loop ---- */

/* Cuts connections whose time is up: the end is noticed by libmicrohttpd as if the client had gone. */
static void sweep(struct listen_loop *loop, int64_t now_ms)
{
    if (now_ms - loop->swept_ms < SWEEP_MS) return;
    loop->swept_ms = now_ms;
    for (struct peer *p = loop->peers; p; p = p->next) {
        if (p->deadline_ms > now_ms) continue;
        p->deadline_ms = INT64_MAX;
        metrics_add(loop->owner->o.metrics, METRIC_connections_cut, 1);
        (void)shutdown(p->fd, SHUT_RDWR);
    }
}

static int wait_ms(struct listen_loop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms = WAIT_MAX_MS;
    if (loop->waiting > 0) return loop->moved ? 0 : WAITING_POLL_MS;
    if (MHD_get_timeout(loop->daemon, &ms) != MHD_YES || ms > WAIT_MAX_MS) ms = WAIT_MAX_MS;
    if (loop->room && ms > ROOM_POLL_MS) ms = ROOM_POLL_MS;
    return (int)ms;
}

static void *loop_thread(void *arg)
{
    struct listen_loop *loop = arg;
    bool quiet = false;
    for (;;) {
        struct epoll_event ready[2];
        uint64_t times;
        int count = epoll_wait(loop->epoll, ready, 2, wait_ms(loop));
        for (int i = 0; i < count; i++)
            if (ready[i].data.fd == loop->event) (void)!read(loop->event, &times, sizeof times);
        int64_t now_ms = clock_mono_ms();
        take_completed(loop, now_ms);
        retry_room(loop, now_ms);
        loop->moved = false;
        (void)MHD_run(loop->daemon);
        sweep(loop, now_ms);
        if (!atomic_load(&loop->owner->stopping)) continue;
        if (!quiet) {
            int fd = MHD_quiesce_daemon(loop->daemon);
            if (fd >= 0) close(fd);
            quiet = true;
        }
        if (loop->away == 0 || now_ms > loop->owner->stop_by_ms) return NULL;
    }
}

/* ---- start and stop ---- */

static enum err resolve(const char *address, struct addrinfo **out, struct why *why)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    if (!colon || (size_t)(colon - address) >= sizeof host)
        return why_set(why, ERR_SYNTAX, "listen address \"%s\": write host:port", address);
    size_t len = (size_t)(colon - address);
    memcpy(host, address, len);
    host[len] = '\0';
    char *from = host;
    if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        from++;
    }
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE };
    int rc = getaddrinfo(*from ? from : NULL, colon + 1, &hints, out);
    return rc == 0
               ? OK
               : why_set(why, ERR_SYNTAX, "listen address \"%s\": %s", address, gai_strerror(rc));
}

static enum err bind_socket(const char *address, const struct addrinfo *at, int port, int *fd,
                            int *bound, struct why *why)
{
    struct sockaddr_storage sa;
    socklen_t len = at->ai_addrlen;
    memcpy(&sa, at->ai_addr, len);
    in_port_t *place = sa.ss_family == AF_INET6 ? &((struct sockaddr_in6 *)(void *)&sa)->sin6_port
                                                : &((struct sockaddr_in *)(void *)&sa)->sin_port;
    if (port) *place = htons((uint16_t)port);
    int one = 1;
    *fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0) return why_set(why, ERR_IO, "socket: %s", strerror(errno));
    (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (port) (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    int rc = bind(*fd, (struct sockaddr *)&sa, len);
    if (rc == 0) rc = listen(*fd, LISTEN_BACKLOG);
    if (rc == 0) rc = getsockname(*fd, (struct sockaddr *)&sa, &len);
    if (rc == 0) {
        *bound = ntohs(*place);
        return OK;
    }
    int error = errno;
    close(*fd);
    if (error == EADDRINUSE)
        return why_set(why, ERR_CONFLICT,
                       "%s is taken by another program: choose another with --listen", address);
    return why_set(why, ERR_IO, "cannot listen on %s: %s", address, strerror(error));
}

static enum err loop_open(struct listen_loop *loop, int fd, struct why *why)
{
    loop->room_tail = &loop->room;
    pthread_mutex_init(&loop->lock, NULL);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned connections = loop->owner->o.connections_max / loop->owner->o.threads;
    loop->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, loop,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        0u, MHD_OPTION_NOTIFY_CONNECTION, on_peer, loop, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        loop, MHD_OPTION_URI_LOG_CALLBACK, on_uri, loop, MHD_OPTION_END);
    if (!loop->daemon) {
        close(fd);
        return why_set(why, ERR_IO, "cannot start the HTTP server");
    }
    struct epoll_event web = { .events = EPOLLIN },
                       own = { .events = EPOLLIN, .data.fd = loop->event };
    int web_fd = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    bool good = epoll_ctl(loop->epoll, EPOLL_CTL_ADD, web_fd, &web) == 0 &&
                epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->event, &own) == 0;
    if (!good) return why_set(why, ERR_IO, "cannot start a listen loop");
    enum err rc = thread_start(&loop->thread, "listen", loop_thread, loop, why);
    loop->started = rc == OK;
    return rc;
}

static enum err open_loops(struct listen *l, const struct addrinfo *at, struct why *why)
{
    int first = -1, rest = -1;
    enum err rc = bind_socket(l->o.address, at, 0, &first, &l->port,
                              why); /* without SO_REUSEPORT: a taken port shows */
    if (rc != OK) return rc;
    if (l->o.threads > 1) { /* the port is ours; now bind it again, sharable */
        close(first);
        rc = bind_socket(l->o.address, at, l->port, &first, &l->port, why);
    }
    for (unsigned i = 0; rc == OK && i < l->o.threads; i++) {
        l->loops[i].owner = l;
        if (i > 0) rc = bind_socket(l->o.address, at, l->port, &rest, &l->port, why);
        if (rc == OK) rc = loop_open(&l->loops[i], i == 0 ? first : rest, why);
    }
    return rc;
}

enum err listen_start(const struct listen_options *options, struct listen **out, struct why *why)
{
    *out = NULL;
    struct listen *l = calloc(1, sizeof *l);
    if (!l) return why_set(why, ERR_LIMIT, "out of memory");
    l->o = *options;
    l->loops = calloc(options->threads, sizeof *l->loops);
    l->api_thread = calloc(options->api_threads, sizeof *l->api_thread);
    CHECK(l->loops && l->api_thread);
    l->api_tail = &l->api_head;
    limiter_init(&l->limiter);
    limiter_init(&l->denied_lines);
    pthread_mutex_init(&l->api_lock, NULL);
    pthread_cond_init(&l->api_wake, NULL);
    struct addrinfo *at = NULL;
    enum err rc = resolve(options->address, &at, why);
    if (rc == OK) rc = open_loops(l, at, why);
    if (at) freeaddrinfo(at);
    for (unsigned i = 0; rc == OK && i < options->api_threads; i++) {
        rc = thread_start(&l->api_thread[i], "api", api_thread, l, why);
        if (rc == OK) l->api_started++;
    }
    if (rc == OK) {
        *out = l;
        return OK;
    }
    listen_stop(l, 0);
    listen_free(l);
    return rc;
}

void listen_stop(struct listen *l, int64_t grace_ms)
{
    if (!l) return;
    l->stop_by_ms = clock_mono_ms() + grace_ms;
    atomic_store(&l->stopping, true);
    for (unsigned i = 0; i < l->o.threads; i++) {
        struct listen_loop *loop = &l->loops[i];
        uint64_t one = 1;
        if (loop->started) (void)!write(loop->event, &one, sizeof one);
        if (loop->started) pthread_join(loop->thread, NULL);
    }
    pthread_mutex_lock(&l->api_lock);
    l->api_stop = true;
    pthread_cond_broadcast(&l->api_wake);
    pthread_mutex_unlock(&l->api_lock);
    for (unsigned i = 0; i < l->api_started; i++) pthread_join(l->api_thread[i], NULL);
    for (unsigned i = 0; i < l->o.threads; i++) {
        struct listen_loop *loop = &l->loops[i];
        if (!loop->daemon) continue;
        take_completed(loop, clock_mono_ms());
        (void)MHD_run(loop->daemon);
        MHD_stop_daemon(loop->daemon);
        close(loop->epoll);
    }
}

void listen_free(struct listen *l)
{
    if (!l) return;
    for (unsigned i = 0; i < l->o.threads; i++) {
        struct listen_loop *loop = &l->loops[i];
        if (!loop->room_tail) continue;        /* never opened */
        take_completed(loop, clock_mono_ms()); /* whose clients did not wait */
        for (struct exchange *x; (x = loop->room);) {
            loop->room = x->next;
            exchange_free(x);
        }
        close(loop->event);
        pthread_mutex_destroy(&loop->lock);
    }
    free(l->loops);
    free(l->api_thread);
    free(l);
}

int listen_port(const struct listen *l) { return l->port; }
