/* adopt.c: what a folder without a bucket has kept, or a process that was killed before it moved a file into the cache, is carried up
 * (once more: the same bytes under the same key). At the start of the media thread. */
#include <string.h>

#include "base/clock.h"
#include "media/fetcher.h"

enum { ADOPT_STEP = 200 }; /* files in one transaction */

struct adoption {
    struct journal *journal;
    char hash[ADOPT_STEP][FILES_HASH_LEN];
    size_t count;
};

static enum err adopt_run(void *ctx, struct store *s, struct why *why)
{
    const struct adoption *a = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < a->count; i++) {
        struct stmt *q = store_stmt(s, SQL_MEDIA_CARRY_AGAIN, why);
        stmt_text(q, 1, slice_of(a->hash[i], FILES_HASH_LEN));
        stmt_i64(q, 2, clock_wall_ms());
        rc = stmt_run(q, why);
    }
    return rc;
}

static enum err step(struct adoption *a, struct why *why)
{
    enum err rc = a->count ? journal_call(a->journal, adopt_run, a, why) : OK;
    a->count = 0;
    return rc;
}

static enum err see_kept(void *ctx, const struct files_entry *e, struct why *why)
{
    struct adoption *a = ctx;
    memcpy(a->hash[a->count++], e->hash.ptr, FILES_HASH_LEN);
    return a->count == ADOPT_STEP ? step(a, why) : OK;
}

void adopt_folder(struct media_fetcher *m)
{
    struct why why = { .code = OK };
    struct adoption a = { .journal = m->journal };
    enum err rc = files_each(&m->o.depot->kept, clock_wall_ms(), see_kept, &a, &why);
    if (rc == OK) rc = step(&a, &why);
    if (rc != OK) LOG(m->o.log, LOG_ERROR, "media.not_adopted", log_why(&why));
}
