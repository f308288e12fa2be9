/* collect.c: contacts into a campaign's recipients: STEP contacts are read on the thread's reading connection, those of the segment are
 * added by the writer together with how far it came, so that a kill loses nothing and takes nobody twice. */
#include "campaign/loop.h"
#include "base/clock.h"

enum { COLLECT_CONTACTS = 500, COLLECT_BYTES = 24 * 1024 * 1024 /* of the look's arena */ };

struct collect {
    struct campaigner *owner;
    const struct campaign *campaign;
    struct campaign_person *people;
    size_t count;
    uint64_t after;
    bool last;
};

static enum err collect_run(void *ctx, struct store *s, struct why *why)
{
    struct collect *k = ctx;
    size_t added = 0;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGN_SEGMENT_STEP, why);
    stmt_i64(q, 1, (int64_t)k->campaign->workspace_id);
    stmt_i64(q, 2, (int64_t)k->campaign->id);
    stmt_i64(q, 3, (int64_t)k->after);
    stmt_i64(q, 4, k->last);
    enum err rc = stmt_run(q, why);
    if (rc != OK || store_changes(s) == 0) return rc; /* cancelled meanwhile */
    return k->count == 0 ? OK
                         : campaign_add(s, k->owner->o.ids, k->campaign->workspace_id,
                                        k->campaign->id, k->people, k->count, &added, why);
}

/* Takes the contact of a row into the step, if it is one of the segment. */
static enum err look(struct collect *k, const struct campaign_segment *g, json *template,
                     const struct destination *to, uint64_t id, slice text, struct why *why)
{
    struct campaigner *c = k->owner;
    json *fields = NULL, *values = NULL, *message = NULL;
    bool has = false;
    slice missing;
    struct why reason = { .code = OK };
    enum err rc = json_parse(text, &c->arena, &fields, why);
    if (rc == OK)
        rc = campaign_segment_has(g, c->reader, k->campaign->workspace_id, id, fields, &c->arena,
                                  &has, why);
    if (rc != OK || !has) return rc;
    struct campaign_person *p = &k->people[k->count];
    *p = (struct campaign_person){ .contact_id = id };
    rc = campaign_contact_values(fields, NULL, &c->arena, &p->person, &p->data, why);
    if (rc == OK && p->person.len == 0) { /* known all the same, so that it is counted */
        char own[ID_TEXT_MAX];
        p->person = arena_dup(&c->arena, id_text(ID_CONTACT, id, own));
        p->reason = SLICE("no valid number");
    } else if (rc == OK && (rc = json_parse(p->data, &c->arena, &values, why)) == OK &&
               campaign_message(template, k->campaign->category, p->person, values, to, &c->arena,
                                &message, &missing, &reason) != OK) {
        p->reason = arena_dup(&c->arena, slice_str(reason.text));
    }
    k->count += rc == OK;
    return rc;
}

enum err campaign_collect(struct campaigner *c, const struct campaign *m,
                          const struct destination *to, bool *more, struct why *why)
{
    struct campaign_segment g;
    json *segment = NULL, *template = NULL;
    struct collect k = { .owner = c, .campaign = m, .after = m->segment_after };
    size_t seen = 0;
    bool row = true;
    k.people = arena_new(&c->arena, struct campaign_person, COLLECT_CONTACTS);
    enum err rc = k.people ? json_parse(m->segment, &c->arena, &segment, why)
                           : why_set(why, ERR_LIMIT, "out of memory");
    if (rc == OK) rc = json_parse(m->template, &c->arena, &template, why);
    if (rc == OK) rc = campaign_segment_read(segment, clock_wall_ms(), &c->arena, &g, why);
    if (rc != OK) return rc;
    struct stmt *q = store_stmt(c->reader, SQL_CAMPAIGN_SEGMENT_CONTACTS, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)k.after);
    stmt_i64(q, 3, COLLECT_CONTACTS);
    while (k.count < CAMPAIGN_STEP_ROWS && c->arena.used < COLLECT_BYTES &&
           (rc = stmt_step(q, &row, why)) == OK && row) {
        k.after = (uint64_t)stmt_col_i64(q, 0);
        seen++;
        rc = look(&k, &g, template, to, k.after, stmt_col_text(q, 1), why);
        if (rc != OK) break;
    }
    stmt_reset(q);
    k.last = rc == OK && !row && seen < COLLECT_CONTACTS;
    *more = !k.last;
    return rc == OK ? journal_call(c->journal, collect_run, &k, why) : rc;
}
