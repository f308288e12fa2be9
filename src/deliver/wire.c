/* wire.c: libcurl's multi interface behind four calls. */
#include "deliver/wire.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    REPLY_HEADERS_MAX = 48,
    CONNECT_TIMEOUT_MS = 5000,
    EASY_POOL_MAX = 64,
    STREAM_BYTES_PER_S_MIN = 1024, /* slower than this for so long, and a stream is given up */
    STREAM_SLOW_MAX_S = 30,
    ONCE_IDLE_MAX_S =
        30, /* a connection that was idle longer may be closed just now by the other side */
    REPLY_KEEP_MAX = 64 * 1024
};

struct wire {
    CURLM *multi;
    const struct guard *guard;
    struct metrics *metrics;
    const char *ca_file;
    CURL *pool[EASY_POOL_MAX]; /* idle handles, options kept fresh by curl_easy_reset */
    size_t pooled;
};

enum err wire_new(const struct guard *guard, struct metrics *metrics, const char *ca_file,
                  struct wire **out, struct why *why)
{
    struct wire *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(w->multi = curl_multi_init())) {
        free(w);
        return why_set(why, ERR_IO, "cannot start libcurl");
    }
    w->guard = guard;
    w->metrics = metrics;
    w->ca_file = ca_file;
    curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, 256L);
    *out = w;
    return OK;
}

void wire_free(struct wire *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->pooled; i++) curl_easy_cleanup(w->pool[i]);
    curl_multi_cleanup(w->multi);
    curl_global_cleanup();
    free(w);
}

static curl_socket_t open_guarded(void *ctx, curlsocktype purpose UNUSED,
                                  struct curl_sockaddr *addr)
{
    struct wire_call *call = ctx;
    if (!guard_allows(call->wire->guard, &addr->addr)) {
        metrics_add(call->wire->metrics, METRIC_addresses_refused, 1);
        call->address_refused =
            true; /* libcurl writes its own words over ours: that it could not connect */
        return CURL_SOCKET_BAD;
    }
    return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct wire_call *call = ctx;
    size_t len = size * count, keep = REPLY_KEEP_MAX - call->body_len;
    long status = 0;
    if (call->sink && curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
        status == 200)
        return call->sink(call, slice_of(bytes, len)) ? len : 0;
    if (keep > len) keep = len;
    if (!call->body && !(call->body = arena_alloc(call->arena, REPLY_KEEP_MAX))) return 0;
    memcpy(call->body + call->body_len, bytes, keep);
    call->body_len += keep;
    return len; /* the rest is read and forgotten, so that the connection can be used again */
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx)
{
    struct wire_call *call = ctx;
    slice line = slice_of(bytes, size * count);
    size_t colon = slice_find(line, ':');
    if (slice_starts(line, SLICE("HTTP/")))
        call->reply_header_count = 0; /* 100 Continue came before */
    if (colon == line.len || call->reply_header_count == REPLY_HEADERS_MAX) return line.len;
    if (!call->reply_headers)
        call->reply_headers = arena_new(call->arena, struct dest_header, REPLY_HEADERS_MAX);
    if (!call->reply_headers) return line.len;
    struct dest_header *h = &call->reply_headers[call->reply_header_count];
    h->name = arena_dup(call->arena, slice_trim(slice_sub(line, 0, colon)));
    h->value = arena_dup(call->arena, slice_trim(slice_sub(line, colon + 1, line.len)));
    if (h->name.ptr && h->value.ptr) call->reply_header_count++;
    return line.len;
}

/* Right before a request is sent, also before libcurl sends it anew. */
static int on_begin(void *ctx, char *ip UNUSED, char *own UNUSED, int port UNUSED, int from UNUSED)
{
    struct wire_call *call = ctx;
    return call->begun++ > 0 && call->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- a body from a file ---- */

static int64_t file_len(const struct wire_file *f)
{
    return (int64_t)f->before.len + f->size + (int64_t)f->after.len;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct wire_call *call = ctx;
    const struct wire_file *f = call->file;
    size_t room = size * count, len;
    int64_t at = call->file_at, before = (int64_t)f->before.len;
    if (at < before || at >= before + f->size) {
        slice rest = at < before
                         ? slice_sub(f->before, (size_t)at, f->before.len)
                         : slice_sub(f->after, (size_t)(at - before - f->size), f->after.len);
        len = rest.len < room ? rest.len : room;
        if (len) memcpy(out, rest.ptr, len);
    } else {
        int64_t left = before + f->size - at;
        ssize_t n = pread(f->fd, out, left < (int64_t)room ? (size_t)left : room, at - before);
        if (n <= 0) return CURL_READFUNC_ABORT; /* shorter than it was: never a body with a hole */
        len = (size_t)n;
    }
    call->file_at += (int64_t)len;
    return len;
}

/* A connection that was kept and had died: libcurl sends all of it once more. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct wire_call *call = ctx;
    if (origin != SEEK_SET || offset < 0 || offset > file_len(call->file))
        return CURL_SEEKFUNC_FAIL;
    call->file_at = offset;
    return CURL_SEEKFUNC_OK;
}

static void set_file(CURL *easy, struct wire_call *call)
{
    call->file_at = 0;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, call);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, call);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)file_len(call->file));
}

static bool set_headers(struct wire_call *call)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < call->out.header_count; i++) {
        const struct dest_header *h = &call->out.headers[i];
        slice line =
            arena_printf(call->arena, "%.*s: %.*s", SLICE_ARG(h->name), SLICE_ARG(h->value));
        struct curl_slist *more = line.ptr ? curl_slist_append(list, line.ptr) : NULL;
        if (!more) {
            curl_slist_free_all(list);
            return false;
        }
        list = more;
    }
    /* Bodies are small: no round trip to ask first. Not where the request is signed: libcurl 7.88 signs this line and then leaves it
     * out, which no server takes; and a large file is better asked for. */
    struct curl_slist *no_expect = call->signer ? list : curl_slist_append(list, "Expect:");
    call->header_list = no_expect ? no_expect : list;
    return true;
}

static void set_options(struct wire *w, CURL *easy, struct wire_call *call, const char *url,
                        const char *method)
{
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_guarded);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_begin);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    if (call->once) curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)ONCE_IDLE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->header_list);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (call->sink || call->file) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)STREAM_BYTES_PER_S_MIN);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STREAM_SLOW_MAX_S);
    }
    if (w->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, w->ca_file);
    if (call->signer) {
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, call->signer->scope);
        curl_easy_setopt(easy, CURLOPT_USERNAME, call->signer->key);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, call->signer->secret);
    }
    if (slice_eq(call->out.method, SLICE("GET"))) return;
    if (call->file) {
        set_file(easy, call);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    if (call->out.body.len == 0 && call->signer) return; /* DELETE */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->out.body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->out.body.ptr ? call->out.body.ptr : "");
}

enum err wire_send(struct wire *w, struct wire_call *call)
{
    call->wire = w;
    call->reply = (struct reply){ .status = 0 };
    call->body = NULL;
    call->body_len = call->reply_header_count = 0;
    call->reply_headers = NULL;
    call->header_list = NULL;
    call->error[0] = '\0';
    call->address_refused = false;
    call->begun = 0;
    slice url = arena_dup(call->arena, call->out.url),
          method = arena_dup(call->arena, call->out.method);
    CURL *easy = w->pooled ? w->pool[--w->pooled] : curl_easy_init();
    if (!easy || !url.ptr || !method.ptr || !set_headers(call)) {
        if (easy) curl_easy_cleanup(easy);
        return ERR_LIMIT;
    }
    call->easy = easy;
    set_options(w, easy, call, url.ptr, method.ptr);
    if (curl_multi_add_handle(w->multi, easy) != CURLM_OK) {
        wire_cancel(w, call);
        return ERR_LIMIT;
    }
    metrics_add(w->metrics, METRIC_attempts, 1);
    return OK;
}

static void release(struct wire *w, struct wire_call *call)
{
    curl_multi_remove_handle(w->multi, call->easy);
    curl_slist_free_all(call->header_list);
    call->header_list = NULL;
    if (w->pooled < EASY_POOL_MAX) {
        curl_easy_reset(call->easy);
        w->pool[w->pooled++] = call->easy;
    } else {
        curl_easy_cleanup(call->easy);
    }
    call->easy = NULL;
}

void wire_cancel(struct wire *w, struct wire_call *call)
{
    if (call->easy) release(w, call);
}

static void finish(struct wire *w, struct wire_call *call, CURLcode code)
{
    struct reply *r = &call->reply;
    long status = 0;
    curl_off_t us = 0, started_us = 0, wait_s = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &us);
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &started_us);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &wait_s);
    r->elapsed_ms = us / 1000;
    r->sent = started_us > 0 || call->begun > 1;
    if (code == CURLE_OK) {
        r->status = (int)status;
        r->retry_after_ms = wait_s > 0 && wait_s < 366 * 86400 ? wait_s * 1000 : 0;
        r->headers = call->reply_headers;
        r->header_count = call->reply_header_count;
        r->body = slice_of(call->body, call->body_len);
    } else {
        r->error = call->address_refused
                       ? SLICE("address refused: private or reserved network (MALOTE_ALLOW_NET)")
                   : code == CURLE_ABORTED_BY_CALLBACK && call->begun > 1
                       ? SLICE("the connection was cut before an answer came")
                       : slice_str(call->error[0] ? call->error : curl_easy_strerror(code));
    }
    histogram_add(&w->metrics->attempt, us);
    release(w, call);
    call->done(call);
}

void wire_poll(struct wire *w, int64_t timeout_ms)
{
    int running = 0, left = 0;
    if (timeout_ms > 0) (void)curl_multi_poll(w->multi, NULL, 0, (int)timeout_ms, NULL);
    (void)curl_multi_perform(w->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(w->multi, &left));) {
        if (m->msg != CURLMSG_DONE) continue;
        struct wire_call *call = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(w, call, m->data.result);
    }
}

void wire_wake(struct wire *w) { curl_multi_wakeup(w->multi); }
