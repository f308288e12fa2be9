/* whatsapp_own.c: what a change tells of our own end beside whether it may send: how a number does, how far its history has come, what
 * became of a template, and what the owner must hear of. */
#include "sources/whatsapp.h"

enum { WORD_MAX = 80, TEMPLATE_MAX = 256, LANGUAGE_MAX = 16, PHASE_MAX = 9 };

slice whatsapp_word(json *v, const char *key)
{
    slice s = json_get_text(v, key);
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 'A' || s.ptr[i] > 'Z') && (s.ptr[i] < '0' || s.ptr[i] > '9') &&
            s.ptr[i] != '_')
            return (slice){ NULL, 0 };
    return slice_sub(s, 0, WORD_MAX);
}

static slice first_word(json *v, const char *const *keys, size_t count)
{
    slice s = { NULL, 0 };
    for (size_t i = 0; s.len == 0 && i < count; i++) s = whatsapp_word(v, keys[i]);
    return s;
}

/* ---- numbers ---- */

static void add_fact(struct own_state *o, enum own_fact_kind kind, slice value)
{
    if (value.len == 0) return;
    CHECK(o->fact_count < OWN_FACTS_MAX);
    o->fact[o->fact_count++] = (struct own_fact){ .kind = kind, .value = value };
}

static void read_quality(const struct whatsapp_place *p, struct cleaner *cl UNUSED,
                         struct own_state *o)
{
    static const char *const limits[] = { "max_daily_conversations_per_business", "current_limit" };
    add_fact(o, OWN_QUALITY, whatsapp_word(p->value, "event"));
    add_fact(o, OWN_LIMIT, first_word(p->value, limits, ARRAY_LEN(limits)));
}

static void read_capability(const struct whatsapp_place *p, struct cleaner *cl UNUSED,
                            struct own_state *o)
{
    static const char *const limits[] = { "max_daily_conversations_per_business",
                                          "max_daily_conversation_per_phone" };
    add_fact(o, OWN_LIMIT, first_word(p->value, limits, ARRAY_LEN(limits)));
}

static void read_update(const struct whatsapp_place *p, struct cleaner *cl UNUSED,
                        struct own_state *o)
{
    slice event = whatsapp_word(p->value, "event");
    add_fact(o, OWN_UPDATE, event);
    bool coexists =
        slice_eq(event, SLICE("ACCOUNT_OFFBOARDED")) ||
        slice_eq(event, SLICE("ACCOUNT_RECONNECTED")) ||
        (slice_eq(event, SLICE("PARTNER_REMOVED")) && json_get(p->value, "disconnection_info"));
    if (coexists) add_fact(o, OWN_IN_APP, event);
}

static void read_name(const struct whatsapp_place *p, struct cleaner *cl, struct own_state *o)
{
    if (slice_eq(json_get_text(p->value, "decision"), SLICE("APPROVED")))
        add_fact(o, OWN_NAME, clean_value(cl, json_get(p->value, "requested_verified_name")));
}

static struct own_state *new_state(const struct whatsapp_place *p, struct cleaner *cl)
{
    struct own_state *o = arena_new(cl->arena, struct own_state, 1);
    if (o)
        o->who = whatsapp_account_named(p, cl);
    else
        cl->full = true;
    return o;
}

static void read_chunk(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    struct own_chunk *c = arena_new(cl->arena, struct own_chunk, 1);
    json *about = json_get(p->item, "metadata"),
         *error = yyjson_arr_get_first(json_get(p->item, "errors"));
    struct own_state *o = out->own_number ? new_state(p, cl) : NULL;
    if (!c || cl->full) {
        cl->full = true;
        return;
    }
    if (!o) return; /* it names no number */
    c->declined = error != NULL;
    bool whole = error ? json_i64(json_get(error, "code"), &c->progress) && c->progress > 0
                       : json_i64(json_get(about, "phase"), &c->phase) &&
                             json_i64(json_get(about, "chunk_order"), &c->chunk) &&
                             json_i64(json_get(about, "progress"), &c->progress);
    if (!error)
        whole = whole && c->phase >= 0 && c->phase <= PHASE_MAX && c->chunk >= 0 &&
                c->chunk <= OWN_CHUNK_MAX && c->progress >= 0 && c->progress <= 100;
    if (!whole) return;
    o->who.account = out->own_number->account;
    o->chunk = c;
    out->own_state = o;
}

/* ---- templates ---- */

static void read_template(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    static const char *const qualities[] = { "new_quality_score" };
    static const char *const categories[] = { "new_category", "message_template_category" };
    struct template_word *t = arena_new(cl->arena, struct template_word, 1);
    if (!t) {
        cl->full = true;
        return;
    }
    slice owner = clean_id(cl, json_get(p->entry, "id")),
          name = clean_value(cl, json_get(p->value, "message_template_name")),
          language = clean_id(cl, json_get(p->value, "message_template_language"));
    if (owner.len == 0 || name.len == 0 || name.len > TEMPLATE_MAX || language.len == 0 ||
        language.len > LANGUAGE_MAX)
        return;
    *t = (struct template_word){ .channel = SLICE("whatsapp"),
                                 .owner = owner,
                                 .name = name,
                                 .language = template_language(language, cl->arena),
                                 .state = whatsapp_word(p->value, "event"),
                                 .reason = whatsapp_word(p->value, "reason"),
                                 .quality = first_word(p->value, qualities, ARRAY_LEN(qualities)),
                                 .category =
                                     first_word(p->value, categories, ARRAY_LEN(categories)) };
    if (slice_eq(t->reason, SLICE("NONE"))) t->reason = (slice){ NULL, 0 };
    if (t->language.len == 0) cl->full = true;
    if (t->state.len + t->quality.len + t->category.len > 0) out->template_word = t;
}

/* ---- what the owner must hear of ---- */

static void add_notice(const struct whatsapp_place *p, slice alert, slice what, struct cleaner *cl,
                       struct changes *out)
{
    struct owner_notice *n = arena_new(cl->arena, struct owner_notice, 1);
    slice field = json_get_text(p->change, "field");
    slice reason = arena_printf(cl->arena, "%.*s%s%.*s", SLICE_ARG(slice_sub(field, 0, WORD_MAX)),
                                what.len > 0 ? ": " : "", SLICE_ARG(what));
    if (!n || !reason.ptr) {
        cl->full = true;
        return;
    }
    *n = (struct owner_notice){ .alert = alert,
                                .who = whatsapp_account_named(p, cl),
                                .reason = reason };
    out->notice = n;
}

static void read_alert(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    slice what = whatsapp_word(json_get(p->value, "alert_info"), "alert_type");
    if (what.len == 0) what = whatsapp_word(p->value, "alert_type");
    add_notice(p, SLICE("account_alert"), what, cl, out);
}

static void read_violation(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    if (!slice_eq(json_get_text(p->value, "event"), SLICE("ACCOUNT_VIOLATION"))) return;
    slice type = whatsapp_word(json_get(p->value, "violation_info"), "violation_type");
    slice what = arena_printf(cl->arena, "ACCOUNT_VIOLATION%s%.*s", type.len > 0 ? ", " : "",
                              SLICE_ARG(type));
    add_notice(p, SLICE("account_violation"), what, cl, out);
}

/* ---- by field ---- */

void whatsapp_own_read(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out)
{
    static const struct {
        slice field;
        void (*read)(const struct whatsapp_place *p, struct cleaner *cl, struct own_state *o);
    } states[] = {
        { SLICE_INIT("phone_number_quality_update"), read_quality },
        { SLICE_INIT("business_capability_update"), read_capability },
        { SLICE_INIT("phone_number_name_update"), read_name },
        { SLICE_INIT("account_update"), read_update },
    };
    slice field = json_get_text(p->change, "field");
    if (p->part == WA_CHUNK) read_chunk(p, cl, out);
    if (p->part != WA_WHOLE || !p->value) return;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (!slice_eq(field, states[i].field)) continue;
        struct own_state *o = new_state(p, cl);
        if (!o) return;
        states[i].read(p, cl, o);
        if (o->fact_count > 0) out->own_state = o;
    }
    if (slice_eq(field, SLICE("message_template_status_update")) ||
        slice_eq(field, SLICE("message_template_quality_update")) ||
        slice_eq(field, SLICE("template_category_update")))
        read_template(p, cl, out);
    if (slice_eq(field, SLICE("security")))
        add_notice(p, SLICE("account_security"), whatsapp_word(p->value, "event"), cl, out);
    if (slice_eq(field, SLICE("account_alerts"))) read_alert(p, cl, out);
    if (slice_eq(field, SLICE("account_update"))) read_violation(p, cl, out);
}
