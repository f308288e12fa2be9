/* media_prune.c: POST /api/media/prune: deletes files of messages by age, and files that nobody means. On the API thread; the same goes by
 * itself once a day (media/retain.c). */
#include "api/routes.h"
#include "base/clock.h"

static enum err prune_all(struct call *c, struct prune_run *run, struct why *why)
{
    struct pruner p = { c->store, c->app->journal, &c->app->depot };
    enum err rc = OK;
    for (bool more = true; rc == OK && more;) rc = prune_old(&p, run, &more, why);
    /* The folder is everybody's: what nobody at all means is for an owner to remove. */
    for (unsigned part = 0; rc == OK && call_is_owner(c) && part < FILES_PARTS; part++)
        rc = prune_orphans(&p, run, part, why);
    if (run->wake) media_wake(c->app->media);
    return rc;
}

void api_media_prune(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct prune_run run = { .workspace_id = c->key.workspace_id };
    enum err rc = call_body(c, false, &body, &why);
    slice age = json_get_text(body, "older_than");
    if (rc == OK && age.len == 0)
        rc = why_set(&why, ERR_SYNTAX, "say how old in `older_than`: \"90d\", or a date");
    if (rc == OK && age.ptr[age.len - 1] >= '0' && age.ptr[age.len - 1] <= '9' &&
        slice_find(age, '-') == age.len) /* "90" would be seconds: too near to days to delete by */
        rc = why_set(&why, ERR_SYNTAX, "`older_than`: say the unit, such as 90d");
    if (rc == OK) rc = call_time(c, age, &run.before_ms, &why);
    run.dry_run = json_truth(json_get(body, "dry_run"));
    if (rc == OK) rc = prune_all(c, &run, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "dry_run", run.dry_run);
    json_put_i64(&c->out, "files", run.files);
    json_put_i64(&c->out, "orphans", run.orphans);
    json_put_i64(&c->out, "bytes", run.bytes);
    json_end_object(&c->out);
    reply_json(c, 200);
}
