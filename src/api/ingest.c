/* ingest.c: a request handed over with an API key instead of the platform's signature: imports, bridges, what a queue holds. But for
 * the signature it goes the way of any request (journal/entry.c), and is answered alike: after it is on disk.
 *
 * Limits: the key's rate, not the source's; of the two largest bodies, the API's and the source's, the smaller one. */
#include "api/routes.h"
#include "base/clock.h"

/* For whom is it? False: the answer is written. */
static bool find_source(struct call *c, const struct config *config, const struct source **out)
{
    slice name = call_query(c, "source");
    const struct source *s = config_source_by_name(config, c->key.workspace_id, name);
    if (name.len == 0) {
        reply_error(c, 400, "source_required",
                    "say whose body it is: POST /api/events?source=NAME; `malote sources` lists "
                    "the names");
        return false;
    }
    if (!s || !s->enabled || s->kind->builtin) { /* what the hub says of itself, nobody else says */
        reply_error(c, 404, "not_found", "there is no source \"%.*s\", or it is disabled",
                    SLICE_ARG(slice_sub(name, 0, NAME_MAX_BYTES)));
        return false;
    }
    size_t bytes = c->x->request.body.len;
    if (bytes == 0) {
        reply_error(c, 400, "body_required",
                    "the body is empty: send what the platform would send to %.*s",
                    SLICE_ARG(s->name));
        return false;
    }
    if (bytes > s->body_max) {
        reply_error(c, 413, "too_large", "the body may have %zu bytes for this source",
                    s->body_max);
        return false;
    }
    *out = s;
    return true;
}

/* ERR_LIMIT too large, ERR_BUSY no room, ERR_IO not stored. */
static enum err hand_over(struct call *c, struct config *config, const struct source *s,
                          struct journal_receipt *out, struct why *why)
{
    struct journal_entry *e = journal_entry_new(config, s);
    CHECK(e);
    /* The exchange ends with its answer, the entry goes on to be interpreted: it needs its own. */
    e->overload = OVERLOAD_REFUSE; /* whoever holds a key understands an answer */
    enum err rc = request_copy(&c->x->request, &e->arena, &e->request)
                      ? journal_entry_read(e, &c->app->log, why)
                      : why_set(why, ERR_LIMIT, "the request is too large to be handled");
    if (rc == OK) return journal_enter(c->app->journal, e, out, why);
    journal_entry_free(e);
    return rc;
}

void api_ingest(struct call *c)
{
    struct why why;
    struct journal_receipt receipt;
    const struct source *s = NULL;
    char text[JOURNAL_RECEIPT_MAX];
    struct config *config = config_hold(&c->app->config);
    enum err rc = OK;
    bool good = find_source(c, config, &s);
    if (good) rc = hand_over(c, config, s, &receipt, &why);
    config_release(config);
    if (!good) return;
    if (rc == OK) {
        buf_add(&c->out, journal_receipt_text(receipt, text));
        reply_json(c, 200);
        return;
    }
    if (rc == ERR_BUSY || rc == ERR_IO) {
        metrics_add(&c->app->metrics, METRIC_requests_overload, 1);
        reply_put_header(c, "Retry-After", arena_printf(c->x->arena, "%d", (int)OVERLOAD_RETRY_S));
    }
    if (rc == ERR_BUSY)
        reply_error(c, 503, "overloaded", "%s", why.text);
    else
        reply_err(c, rc, &why);
}
