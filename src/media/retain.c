/* retain.c: once a day files past MALOTE_MEDIA_KEEP go, and bytes that nobody means; first at the start, or an hour later if files are kept
 * for good. A step in each turn of the media
 * thread, so that what is under way goes on in between. */
#include "base/clock.h"
#include "media/fetcher.h"

enum { HOUR_MS = 60 * 60 * 1000, DAY_MS = 24 * HOUR_MS, STEP_WAIT_MS = 50 };

/* A way through is over, or cannot go on. */
static void rest(struct retain *r, int64_t wait_ms)
{
    *r = (struct retain){ .next_ms = clock_mono_ms() + wait_ms };
}

void retain_start(struct media_fetcher *m) { rest(&m->retain, m->o.keep_ms > 0 ? 0 : HOUR_MS); }

int64_t retain_turn(struct media_fetcher *m)
{
    struct retain *r = &m->retain;
    struct pruner p = { m->reader, m->journal, m->o.depot };
    struct why why;
    bool more = false;
    int64_t left_ms = r->next_ms - clock_mono_ms();
    if (left_ms > 0) return left_ms;
    bool by_age = m->o.keep_ms > 0 && !r->aged;
    if (by_age && r->run.before_ms == 0) r->run.before_ms = clock_wall_ms() - m->o.keep_ms;
    enum err rc =
        by_age ? prune_old(&p, &r->run, &more, &why) : prune_orphans(&p, &r->run, r->part++, &why);
    if (by_age) r->aged = !more;
    if (rc != OK) /* one bad file keeps nothing else from being looked at */
        LOG(m->o.log, LOG_ERROR, "media.not_pruned", log_why(&why));
    if (r->run.wake) atomic_store(&m->woken, true);
    r->run.wake = false;
    if (r->part < FILES_PARTS) return STEP_WAIT_MS;
    if (r->run.files + r->run.orphans > 0)
        LOG(m->o.log, LOG_INFO, "media.pruned", log_int("files", r->run.files),
            log_int("orphans", r->run.orphans), log_int("bytes", r->run.bytes));
    rest(r, DAY_MS);
    return DAY_MS;
}
