/* alert.c: a destination that takes nothing more: the hold into the store, and an event of the hub's own source that tells of it.
 *
 * Way: batch.c -> [alert.c] -> writer: hold and event in one transaction -> interpret -> route, as any event.
 * One event for one hold: of many requests refused at once, the first one's hold counts (settle_hold). One for an outage: lane_verdict.
 * No alerts without end: such a hold ends by a person's hand alone, so an alert that puts its own destination on hold raises one more and
 * then waits there, held like the rest; and failing alerts never open a breaker loudly (lane_verdict).
 * What came with an event (interpret/hold.h, records/notice.h) is a notice in the store until its alert is there, too.
 * A commit that fails is tried again each second: the alert is as durable as the hold. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "deliver/loop.h"
#include "interpret/hold.h"
#include "outbox/outbox.h"
#include "records/notice.h"

enum { ALERT_AGAIN_MS = 1000, NOTICE_ARENA_MAX = 16 * 1024 };

struct alert_job {
    struct journal_job job;
    struct alert_job *next;
    struct deliver *loop;
    uint64_t workspace_id, destination_id;
    int64_t at_ms;
    bool hold;
    bool notices, more; /* the alert of a notice; there was one: there may be more */
    bool reload;        /* destinations were changed in the store */
    char reason[WHY_TEXT_MAX];
    struct journal_entry *entry; /* NULL: no memory for it; the hold counts more */
};

static struct journal_entry *entry_of(const struct alert_job *a, struct config *config,
                                      const struct destination *to, const char *alert)
{
    const struct outbox_alert what = {
        .alert = slice_str(alert), .to = to, .reason = slice_str(a->reason), .at_ms = a->at_ms
    };
    struct journal_entry *e = outbox_alert(config, a->loop->o.log, &what);
    if (!e) LOG(a->loop->o.log, LOG_ERROR, "alert.lost", log_str("destination", to->name));
    return e;
}

static struct journal_entry *entry_of_notice(const struct alert_job *a, struct config *config,
                                             const struct notice *n)
{
    const struct destination *to = config_destination_by_id(config, n->destination_id);
    const struct outbox_alert what = { .alert = n->alert,
                                       .workspace_id = n->workspace_id,
                                       .to = to,
                                       .event_id = n->event_id,
                                       .account = n->owner,
                                       .number = n->number,
                                       .reason = n->reason,
                                       .at_ms = n->at_ms };
    if (n->destination_id && !to) return NULL; /* it was deleted meanwhile */
    struct journal_entry *e = outbox_alert(config, a->loop->o.log, &what);
    if (!e) LOG(a->loop->o.log, LOG_ERROR, "alert.lost", log_str("alert", n->alert));
    return e;
}

/* One notice; before it, what it may be about is brought up to date. Its entry is made here, where the row is read. */
static enum err notice_run(struct journal_job *job, struct store *store, struct why *why)
{
    struct alert_job *a = (struct alert_job *)(void *)job;
    struct notice n;
    struct arena arena;
    struct config *config = config_hold(a->loop->o.config);
    journal_entry_free(a->entry); /* of a commit that failed */
    a->entry = job->entry = NULL;
    arena_init(&arena, NOTICE_ARENA_MAX);
    enum err rc = hold_expire(store, a->loop->o.ids, a->loop->o.log, config, clock_wall_ms(), why);
    if (rc == OK) rc = notice_take(store, &arena, &n, &a->more, why);
    if (rc == OK && a->more) job->entry = a->entry = entry_of_notice(a, config, &n);
    if (rc == OK && a->more && n.destination_id) a->reload = true;
    arena_free(&arena);
    config_release(config);
    return rc;
}

static void job_free(struct alert_job *a)
{
    journal_entry_free(a->entry);
    free(a);
}

static enum err alert_run(struct journal_job *job, struct store *store, struct why *why)
{
    struct alert_job *a = (struct alert_job *)(void *)job;
    bool fresh = true;
    enum err rc = a->hold ? settle_hold(store, a->workspace_id, a->destination_id,
                                        slice_str(a->reason), a->at_ms, &fresh, why)
                          : OK;
    job->entry = rc == OK && fresh ? a->entry : NULL;
    return rc;
}

static void alert_done(struct journal_job *job, enum err rc, const struct why *why)
{
    struct alert_job *a = (struct alert_job *)(void *)job;
    struct deliver *d = a->loop;
    if (rc != OK) {
        LOG(d->o.log, LOG_ERROR, "alert.failed", log_why(why));
        pthread_mutex_lock(&d->lock);
        a->next = d->alerts;
        d->alerts = a;
        pthread_mutex_unlock(&d->lock);
        return;
    }
    if (job->entry) a->entry = NULL; /* the journal's now */
    if (a->reload) d->o.reload(d->o.ctx);
    if (a->notices && a->more) {
        a->reload = false;
        a->job.entry = NULL;
        journal_post(d->journal, &a->job);
        return;
    }
    job_free(a);
}

void deliver_notices(struct deliver *d, bool changed)
{
    struct alert_job *a = calloc(1, sizeof *a);
    if (!a) return; /* they stand: the next one, or the next start, tells of them */
    *a = (struct alert_job){ .job = { .run = notice_run, .done = alert_done },
                             .loop = d,
                             .notices = true,
                             .reload = changed };
    journal_post(d->journal, &a->job);
}

void deliver_hold(struct deliver *d, struct config *config, const struct destination *to,
                  const char *reason)
{
    LOG(d->o.log, LOG_ERROR, "destination.held", log_str("destination", to->name),
        log_cstr("why", reason));
    alert_held(d, config, to, reason, clock_wall_ms());
}

static void tell(struct deliver *d, struct config *config, const struct destination *to, bool hold,
                 const char *reason, int64_t now_ms)
{
    struct alert_job *a = calloc(1, sizeof *a);
    if (!a) return; /* of a hold: the next refusal tries again */
    *a = (struct alert_job){ .job = { .run = alert_run, .done = alert_done },
                             .loop = d,
                             .workspace_id = to->workspace_id,
                             .destination_id = to->id,
                             .at_ms = now_ms,
                             .hold = hold,
                             .reload = hold };
    (void)snprintf(a->reason, sizeof a->reason, "%s%.*s", hold ? "unauthorised: " : "", 200,
                   reason);
    a->entry = entry_of(a, config, to, hold ? "destination_held" : "destination_broken");
    journal_post(d->journal, &a->job);
}

void alert_held(struct deliver *d, struct config *config, const struct destination *to,
                const char *reason, int64_t now_ms)
{
    tell(d, config, to, true, reason, now_ms);
}

void alert_broken(struct deliver *d, struct config *config, const struct destination *to,
                  const char *reason, int64_t now_ms)
{
    tell(d, config, to, false, reason, now_ms);
}

void alert_again(struct deliver *d)
{
    if (clock_mono_ms() < d->alerts_after_ms) return;
    d->alerts_after_ms = clock_mono_ms() + ALERT_AGAIN_MS;
    pthread_mutex_lock(&d->lock);
    struct alert_job *list = d->alerts;
    d->alerts = NULL;
    pthread_mutex_unlock(&d->lock);
    for (struct alert_job *a = list, *next; a; a = next) {
        next = a->next;
        journal_post(d->journal, &a->job);
    }
}

void alert_forget(struct deliver *d)
{
    for (struct alert_job *a = d->alerts, *next; a; a = next) {
        next = a->next;
        job_free(a);
    }
    d->alerts = NULL;
}
