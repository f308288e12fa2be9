/* keep.c: one request and its events into the store. */
#include "journal/keep.h"

#include <stdlib.h>

#include "interpret/interpret.h"

enum { MINUTES_FIRST = 64 };

struct keep_minute *keep_minute(struct keep_minutes *m, uint64_t workspace_id, uint64_t source_id,
                                int64_t now_ms)
{
    int64_t minute = now_ms / 60000;
    for (size_t i = 0; i < m->count; i++)
        if (m->at[i].source_id == source_id && m->at[i].minute == minute &&
            m->at[i].workspace_id == workspace_id)
            return &m->at[i];
    if (m->count == m->room) {
        size_t room = m->room ? 2 * m->room : MINUTES_FIRST;
        struct keep_minute *at = realloc(m->at, room * sizeof *at);
        if (!at) return &m->spare;
        m->at = at;
        m->room = room;
    }
    size_t i = m->count++;
    m->at[i] = (struct keep_minute){ .workspace_id = workspace_id,
                                     .source_id = source_id,
                                     .minute = minute };
    return &m->at[i];
}

void keep_free_minutes(struct keep_minutes *m)
{
    free(m->at);
    *m = (struct keep_minutes){ .count = 0 };
}

enum err keep_write_minutes(struct store *s, const struct keep_minutes *m, struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < m->count; i++) {
        const struct keep_minute *n = &m->at[i];
        const int64_t values[] = { (int64_t)n->workspace_id,
                                   (int64_t)n->source_id,
                                   n->minute,
                                   n->requests,
                                   n->events,
                                   n->duplicates,
                                   n->unreadable,
                                   n->done,
                                   n->failed,
                                   n->handed,
                                   n->unclaimed };
        struct stmt *q = store_stmt(s, SQL_JOURNAL_MINUTE_ADD, why);
        for (size_t v = 0; v < ARRAY_LEN(values); v++) stmt_i64(q, (int)v + 1, values[v]);
        rc = stmt_run(q, why);
    }
    return rc;
}

void keep_end_minutes(struct keep_minutes *m, struct metrics *metrics, bool committed)
{
    for (size_t i = 0; committed && i < m->count; i++) {
        const struct keep_minute *n = &m->at[i];
        if (n->done + n->failed == 0) continue;
        struct source_metrics *s = metrics_source(metrics, n->source_id);
        metrics_add(metrics, METRIC_events_done, (uint64_t)n->done);
        metrics_add(metrics, METRIC_events_failed, (uint64_t)n->failed);
        metrics_add(metrics, METRIC_events_handed, (uint64_t)n->handed);
        metrics_add(metrics, METRIC_events_unclaimed, (uint64_t)n->unclaimed);
        atomic_fetch_add_explicit(&s->done, (uint64_t)n->done, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->failed, (uint64_t)n->failed, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->handed, (uint64_t)n->handed, memory_order_relaxed);
        atomic_fetch_add_explicit(&s->unclaimed, (uint64_t)n->unclaimed, memory_order_relaxed);
    }
    m->count = 0;
}

enum err keep_ids_above(struct store *s, struct id_maker *ids, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_JOURNAL_NEWEST_ID, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row && !stmt_col_null(q, 0)) id_above(ids, (uint64_t)stmt_col_i64(q, 0));
    stmt_reset(q);
    return rc;
}

static enum err add_event(struct store *s, const struct journal_entry *e, const struct event *v,
                          uint64_t id, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_JOURNAL_EVENT_ADD, why);
    stmt_i64(q, 1, (int64_t)id);
    stmt_i64(q, 2, (int64_t)e->source->workspace_id);
    stmt_i64(q, 3, (int64_t)e->source->id);
    stmt_i64(q, 4, (int64_t)e->id);
    stmt_text(q, 5, v->type);
    stmt_text(q, 6, v->name);
    stmt_text(q, 7, v->key);
    stmt_text(q, 8, v->locator);
    stmt_i64(q, 9, v->occurred_ms);
    stmt_i64(q, 10, e->request.received_ms);
    return stmt_run(q, why);
}

static enum err add_request(struct store *s, struct journal_entry *e, struct why *why)
{
    const struct request *r = &e->request;
    struct buf headers = buf_in(&e->arena, 4 * HEADER_BYTES_MAX);
    interpret_write_headers(&headers, r->headers, r->header_count);
    struct stmt *q = store_stmt(s, SQL_JOURNAL_REQUEST_ADD, why);
    stmt_i64(q, 1, (int64_t)e->id);
    stmt_i64(q, 2, (int64_t)e->source->workspace_id);
    stmt_i64(q, 3, (int64_t)e->source->id);
    stmt_i64(q, 4, r->received_ms);
    stmt_text(q, 5, r->method);
    stmt_text(q, 6, r->path);
    stmt_text(q, 7, r->query);
    stmt_text(q, 8, buf_ok(&headers) ? buf_slice(&headers) : SLICE("[]"));
    stmt_text(q, 9, r->remote);
    stmt_blob(q, 10, r->body);
    stmt_i64(q, 11, e->fresh);
    stmt_text(q, 12, e->problem);
    return stmt_run(q, why);
}

static enum err set_read(struct store *s, const struct journal_entry *e, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_JOURNAL_REQUEST_READ, why);
    stmt_i64(q, 1, (int64_t)e->source->workspace_id);
    stmt_i64(q, 2, (int64_t)e->id);
    stmt_i64(q, 3, e->fresh);
    return stmt_run(q, why);
}

/* For the day on which a person is erased. */
static enum err add_origin(struct store *s, const struct journal_entry *e, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_JOURNAL_ORIGIN_ADD, why);
    stmt_i64(q, 1, (int64_t)e->source->workspace_id);
    stmt_i64(q, 2, (int64_t)e->id);
    stmt_i64(q, 3, (int64_t)e->origin.workspace_id);
    stmt_i64(q, 4, (int64_t)e->origin.request_id);
    stmt_text(q, 5, e->origin.locator);
    return stmt_run(q, why);
}

enum err keep_entry(struct store *s, struct id_maker *ids, struct known *known,
                    struct keep_minutes *m, struct journal_entry *e, int64_t now_ms,
                    struct why *why)
{
    e->fresh = e->duplicates = 0;
    e->below = id_next(ids, now_ms);
    e->id = e->reread ? e->reread : e->below;
    for (size_t i = 0; i < e->events.count; i++) {
        bool fresh = false;
        uint64_t id = id_next(ids, now_ms);
        enum err rc = known_take(known, s, e->source->workspace_id, e->source->id,
                                 e->events.at[i].key, id, &fresh, why);
        if (rc == OK && fresh) rc = add_event(s, e, &e->events.at[i], id, why);
        if (rc != OK) return rc;
        e->event_ids[i] = fresh ? id : 0;
        e->fresh += fresh;
        e->duplicates += !fresh;
    }
    e->stored = e->fresh > 0 || e->events.count == 0;
    struct keep_minute *n = keep_minute(m, e->source->workspace_id, e->source->id, now_ms);
    n->requests += !e->reread;
    n->events += e->fresh;
    n->duplicates += e->duplicates;
    n->unreadable += e->problem.len > 0;
    if (e->reread) return set_read(s, e, why);
    enum err rc = e->stored ? add_request(s, e, why) : OK;
    return rc == OK && e->stored && e->origin.request_id ? add_origin(s, e, why) : rc;
}
