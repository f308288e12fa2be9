/* kind.h: runs one source kind over one request and prints what came out; for tests and fuzz
 * targets. */
#ifndef MALOTE_TESTS_UNIT_SOURCES_KIND_H
#define MALOTE_TESTS_UNIT_SOURCES_KIND_H

#include "sources/source.h"

enum { KIND_OUTPUT_MAX = 1 << 22 };

/* Settings from JSON text; a mistake in a test's own settings ends the test. */
static inline struct settings kind_settings(const struct source_kind *kind, const char *text,
                                            struct arena *arena)
{
    struct settings cfg;
    struct why why = { 0 };
    json *given = NULL;
    CHECK(json_parse(slice_str(text), arena, &given, &why) == OK);
    CHECK(settings_read(kind->settings, kind->setting_count, given, NULL, arena, &cfg, &why) == OK);
    CHECK(!kind->check || kind->check(&cfg, &why) == OK);
    return cfg;
}

/* What is told of our own end. */
static inline void kind_print_own(struct buf *b, const struct changes *c)
{
    static const char *const facts[] = { "",       "quality", "limit", "name",        "update",
                                         "in_app", "link",    "ban",   "restriction", "deleted" };
    _Static_assert(ARRAY_LEN(facts) == OWN_FACT_COUNT, "every fact has a name");
    const struct own_state *o = c->own_state;
    const struct template_word *t = c->template_word;
    const struct owner_notice *n = c->notice;
    if (c->own_number && c->own_number->in_app) json_put_bool(b, "in_app", true);
    if (o) {
        json_begin_object(b, "own_state");
        json_put_str(b, "owner", o->who.owner);
        json_put_opt(b, "number", o->who.number);
        json_put_opt(b, "account", o->who.account);
        for (size_t i = 0; i < o->fact_count; i++)
            json_put_str(b, facts[o->fact[i].kind], o->fact[i].value);
        if (o->chunk && !o->chunk->declined) json_put_i64(b, "phase", o->chunk->phase);
        if (o->chunk && !o->chunk->declined) json_put_i64(b, "chunk", o->chunk->chunk);
        if (o->chunk)
            json_put_i64(b, o->chunk->declined ? "declined" : "progress", o->chunk->progress);
        json_end_object(b);
    }
    if (t) {
        json_begin_object(b, "template");
        json_put_str(b, "owner", t->owner);
        json_put_str(b, "name", t->name);
        json_put_str(b, "language", t->language);
        json_put_opt(b, "state", t->state);
        json_put_opt(b, "reason", t->reason);
        json_put_opt(b, "quality", t->quality);
        json_put_opt(b, "category", t->category);
        json_end_object(b);
    }
    if (n) {
        json_begin_object(b, "notice");
        json_put_str(b, "alert", n->alert);
        json_put_str(b, "owner", n->who.owner);
        json_put_opt(b, "number", n->who.number);
        json_put_str(b, "reason", n->reason);
        json_end_object(b);
    }
    if (c->share) json_put_raw(b, "share", c->share->part->body);
    if (!c->hold) return;
    json_begin_object(b, "hold");
    json_put_str(b, "owner", c->hold->who.owner);
    json_put_opt(b, "number", c->hold->who.number);
    json_put_str(b, "matter", slice_str(facts[c->hold->matter]));
    json_put_str(b, "reason", c->hold->reason);
    json_put_time(b, "until", c->hold->until_ms);
    json_end_object(b);
}

static inline void kind_print_event(struct buf *b, const struct event *e, const struct changes *c)
{
    json_begin_object(b, NULL);
    json_put_str(b, "type", e->type);
    json_put_opt(b, "name", e->name);
    json_put_str(b, "key", e->key);
    json_put_time(b, "occurred_at", e->occurred_ms);
    if (c->contact) record_json_contact(b, "contact", c->contact, 0);
    if (c->order) record_json_order(b, "order", c->order, 0);
    if (c->subscription) record_json_subscription(b, "subscription", c->subscription, 0);
    if (c->checkout) record_json_checkout(b, "checkout", c->checkout, 0);
    if (c->message) record_json_message(b, "message", c->message, 0);
    if (c->message_status) record_json_message_status(b, "message_status", c->message_status);
    if (c->message_edit) record_json_message_edit(b, "message_edit", c->message_edit);
    if (c->message_reaction)
        record_json_message_reaction(b, "message_reaction", c->message_reaction);
    if (c->hand_over) {
        json_begin_object(b, "hand_over");
        json_put_str(b, "account", c->hand_over->account);
        json_put_str(b, "to", c->hand_over->to);
        json_put_bool(b, "own", c->hand_over->own);
        json_put_raw(b, "body", c->hand_over->body);
        json_put_str(b, "locator", c->hand_over->locator);
        json_end_object(b);
    }
    kind_print_own(b, c);
    if (c->custom.len > 0) json_put_raw(b, "custom", c->custom);
    json_end_object(b);
}

/* Splits and interprets; *out is a JSON array of the events with their changes. */
MUST_CHECK static inline enum err kind_run(const struct source_kind *kind, struct request *r,
                                           const struct settings *cfg, struct arena *arena,
                                           slice *out, struct why *why)
{
    struct event_list list = { 0 };
    struct buf b = buf_in(arena, KIND_OUTPUT_MAX);
    enum err rc = kind->split(r, cfg, arena, &list, why);
    if (rc != OK) return rc;
    json_begin_array(&b, NULL);
    for (size_t i = 0; i < list.count; i++) {
        struct changes changes;
        /* As in the hub: interpreting starts from the stored bytes, not from what split has
         * parsed. */
        struct request again = *r;
        again.json = NULL;
        rc = kind->interpret(&again, &list.at[i], cfg, arena, &changes, why);
        if (rc != OK) return rc;
        kind_print_event(&b, &list.at[i], &changes);
    }
    json_end_array(&b);
    *out = buf_slice(&b);
    return buf_ok(&b) ? OK : ERR_LIMIT;
}

/* Fails every allocation in turn: each gives ERR_LIMIT, never half an event. Returns how many
 * there are, which is the budget. */
static inline uint64_t kind_out_of_memory(const struct source_kind *kind, const char *settings,
                                          const struct request *r)
{
    struct arena keep, a;
    slice want = { NULL, 0 }, out = { NULL, 0 };
    struct request one = *r;
    uint64_t nth = 0;
    enum err rc;
    arena_init(&keep, 1 << 22);
    arena_init(&a, 1 << 22);
    struct settings cfg = kind_settings(kind, settings, &keep);
    CHECK(kind_run(kind, &one, &cfg, &keep, &want, NULL) == OK);
    do {
        arena_reset(&a);
        one = *r;
        arena_fail_nth(++nth);
        rc = kind_run(kind, &one, &cfg, &a, &out, NULL);
        arena_fail_nth(0);
        CHECK(rc == ERR_LIMIT || (rc == OK && slice_eq(out, want)));
    } while (rc != OK);
    arena_free(&a);
    arena_free(&keep);
    return nth;
}

#endif
