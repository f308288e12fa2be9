/* send.c: posts a correctly signed sample to one of our own sources, over HTTP like the platform would. The secret stays here. */
#include <curl/curl.h>

#include "api/routes.h"
#include "base/clock.h"
#include "crypto/hash.h"

enum { SEND_TIMEOUT_MS = 15000, SEND_REPLY_MAX = 64 * 1024 };

struct send_reply {
    struct buf body;
};

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct send_reply *r = ctx;
    buf_add(&r->body, slice_of(bytes, size * count));
    return size * count;
}

/* The hub's own address as seen from here: a wildcard becomes loopback. */
static slice own_url(struct call *c, const struct source *s, slice query)
{
    slice listen = slice_str(c->app->o.listen);
    size_t colon = listen.len;
    while (colon > 0 && listen.ptr[colon - 1] != ':') colon--;
    slice host = slice_sub(listen, 0, colon ? colon - 1 : 0);
    if (host.len == 0 || slice_eq(host, SLICE("0.0.0.0"))) host = SLICE("127.0.0.1");
    if (slice_eq(host, SLICE("[::]"))) host = SLICE("[::1]");
    return arena_printf(c->x->arena, "http://%.*s:%d%.*s%s%.*s", SLICE_ARG(host),
                        listen_port(c->app->listen), SLICE_ARG(s->path), query.len ? "?" : "",
                        SLICE_ARG(query));
}

static enum err post(struct call *c, const struct source *s, const struct sample *sample,
                     struct send_reply *reply, long *status, struct why *why)
{
    slice url = own_url(c, s, sample->query);
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = NULL;
    if (!easy || !url.ptr) {
        curl_easy_cleanup(easy);
        return why_set(why, ERR_IO, "cannot start libcurl");
    }
    for (size_t i = 0; i < sample->header_count; i++) {
        slice line = arena_printf(c->x->arena, "%.*s: %.*s", SLICE_ARG(sample->headers[i].name),
                                  SLICE_ARG(sample->headers[i].value));
        if (line.ptr) headers = curl_slist_append(headers, line.ptr);
    }
    curl_easy_setopt(easy, CURLOPT_URL, url.ptr);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)SEND_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sample->body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, sample->body.ptr);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return code == CURLE_OK ? OK
                            : why_set(why, ERR_REMOTE, "the hub did not answer itself: %s",
                                      curl_easy_strerror(code));
}

void api_send(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct sample sample = { .query = { NULL, 0 } };
    struct send_reply reply = { buf_in(c->x->arena, SEND_REPLY_MAX) };
    long status = 0;
    uint64_t nonce;
    hash_random(&nonce, sizeof nonce);
    struct config *config = config_hold(&c->app->config);
    const struct source *s = config_source_by_name(config, c->key.workspace_id, c->param[0]);
    enum err rc = call_body(c, true, &body, &why);
    if (rc == OK && !s)
        rc = why_set(&why, ERR_MISSING, "there is no source \"%.*s\"",
                     SLICE_ARG(slice_sub(c->param[0], 0, NAME_MAX_BYTES)));
    if (rc == OK && !s->kind->sample)
        rc = why_set(&why, ERR_MISSING, "a source of kind %s has no samples", s->kind->name);
    if (rc == OK)
        rc = s->kind->sample(json_get_text(body, "event"), &s->cfg, clock_wall_ms(), nonce,
                             c->x->arena, &sample, &why);
    if (rc == OK) rc = post(c, s, &sample, &reply, &status, &why);
    if (rc == OK) {
        json_begin_object(&c->out, NULL);
        json_put_i64(&c->out, "status", status);
        json_put_str(&c->out, "path", s->path);
        json *answer = NULL;
        if (json_parse(buf_slice(&reply.body), c->x->arena, &answer, NULL) == OK)
            json_put_raw(&c->out, "answer", buf_slice(&reply.body));
        json_end_object(&c->out);
    }
    config_release(config);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
