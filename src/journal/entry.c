/* entry.c: a request on its way to the writer, whichever way it came in: made, read, answered. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "journal/journal.h"

struct journal_entry *journal_entry_new(struct config *config, const struct source *source)
{
    struct journal_entry *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->config = config_share(config);
    e->source = source;
    e->overload = source->kind->overload;
    arena_init(&e->arena, source->body_max * REQUEST_ARENA_FACTOR + REQUEST_ARENA_BASE);
    return e;
}

void journal_entry_free(struct journal_entry *e)
{
    if (!e) return;
    arena_free(&e->arena);
    config_release(e->config);
    free(e);
}

void journal_entry_free_list(struct journal_entry *e)
{
    for (struct journal_entry *next; e; e = next) {
        next = e->next;
        journal_entry_free(e);
    }
}

/* Makes the entry's events complete: times, keys, bounds. */
static void finish_events(struct journal_entry *e)
{
    for (size_t i = 0; i < e->events.count; i++) {
        struct event *v = &e->events.at[i];
        CHECK(v->key.len > 0 && v->key.len <= EVENT_KEY_MAX && v->type.len > 0 &&
              v->type.len <= EVENT_TYPE_MAX);
        if (v->occurred_ms <= 0) v->occurred_ms = e->request.received_ms;
        v->name = slice_sub(v->name, 0, EVENT_TYPE_MAX);
    }
}

enum err journal_entry_read(struct journal_entry *e, struct log *log, struct why *why)
{
    struct why reason = { .code = OK };
    enum err rc =
        e->source->kind->split(&e->request, &e->source->cfg, &e->arena, &e->events, &reason);
    if (rc != OK) {
        e->events.count = 0;
        e->problem = arena_dup(&e->arena, slice_str(reason.text));
        if (e->problem.len == 0) e->problem = SLICE("cannot be read");
        LOG(log, LOG_WARN, "request.unreadable", log_str("source", e->source->name),
            log_why(&reason));
    }
    finish_events(e);
    e->event_ids = arena_new(&e->arena, uint64_t, e->events.count ? e->events.count : 1);
    if (!e->event_ids) return why_set(why, ERR_LIMIT, "the request is too large to be handled");
    e->offered_us = clock_mono_us();
    return OK;
}

struct journal_receipt journal_receipt_of(const struct journal_entry *e)
{
    return (struct journal_receipt){ e->id, e->fresh, e->duplicates };
}

slice journal_receipt_text(struct journal_receipt r, char out[JOURNAL_RECEIPT_MAX])
{
    char id[ID_TEXT_MAX];
    int len = snprintf(out, JOURNAL_RECEIPT_MAX,
                       "{\"received\":true,\"request\":\"%s\",\"events\":%u,\"duplicates\":%u}",
                       id_text(ID_REQUEST, r.request, id).ptr, r.events, r.duplicates);
    CHECK(len > 0 && len < JOURNAL_RECEIPT_MAX);
    return slice_of(out, (size_t)len);
}
