/* recipient.c: a recipient of a campaign: the one form it is known by, what it gives the template, and the message to it. */
#include "base/brazil.h"
#include "base/clock.h"
#include "base/id.h"
#include "campaign/campaign.h"
#include "campaign/fill.h"
#include "outbox/outbox.h"
#include "records/apply.h"
#include "records/campaign.h"

enum { DIGITS_MIN = 8, DIGITS_MAX = 15 };

enum err campaign_person_of(slice to, struct arena *arena, slice *person, struct why *why)
{
    struct brazil_phone phone;
    slice given = outbox_recipient(slice_trim(to), arena);
    *person = (slice){ NULL, 0 };
    if (contact_is_user_id(given)) {
        *person = arena_dup(arena, given);
    } else if (brazil_phone(given, &phone, NULL) == OK) { /* with the ninth digit, whichever form */
        *person = arena_dup(arena, brazil_phone_text(&phone));
    } else {
        size_t digits = given.len > 0 ? given.len - 1 : 0;
        bool plain =
            slice_starts(given, SLICE("+")) && digits >= DIGITS_MIN && digits <= DIGITS_MAX;
        for (size_t i = 1; plain && i < given.len; i++)
            plain = given.ptr[i] >= '0' && given.ptr[i] <= '9';
        /* A Brazilian number that is none by the book is a mistake in a list, whatever a chat may hold. */
        if (!plain || slice_starts(given, SLICE("+55")))
            return why_set(why, ERR_SYNTAX, "no valid number: write it with DDD, or +country code");
        *person = arena_dup(arena, given);
    }
    return person->ptr ? OK : why_set(why, ERR_LIMIT, "out of memory");
}

enum err campaign_contact_values(json *fields, json *more, struct arena *arena, slice *person,
                                 slice *data, struct why *why)
{
    static const char *const numbers[] = { "phone", "wa_id", "wa_user_id" };
    static const char *const shown[] = { "name", "first_name", "last_name", "email",
                                         "city", "state",      "wa_name" };
    struct buf b = buf_in(arena, FILL_VALUES_MAX);
    *person = (slice){ NULL, 0 };
    for (size_t i = 0; person->len == 0 && i < ARRAY_LEN(numbers); i++) {
        slice to = contact_text(fields, numbers[i]);
        if (i == 1 && to.len > 0) to = arena_printf(arena, "+%.*s", SLICE_ARG(to));
        if (to.len > 0 && campaign_person_of(to, arena, person, NULL) == ERR_LIMIT)
            return why_set(why, ERR_LIMIT, "out of memory");
    }
    json_begin_object(&b, NULL);
    yyjson_obj_iter it = yyjson_obj_iter_with(more);
    for (json *k; more && (k = yyjson_obj_iter_next(&it));)
        json_put_str(&b, yyjson_get_str(k), json_text(yyjson_obj_iter_get_val(k)));
    for (size_t i = 0; i < ARRAY_LEN(shown); i++)
        if (!json_get(more, shown[i]))
            json_put_opt(
                &b, shown[i],
                slice_sub(fill_value(contact_text(fields, shown[i]), arena), 0, FILL_VALUE_MAX));
    json_end_object(&b);
    *data = buf_slice(&b);
    return buf_ok(&b)
               ? OK
               : why_set(why, ERR_SYNTAX, "its values are more than %d bytes", FILL_VALUES_MAX);
}

enum err campaign_message(json *template, slice category, slice person, json *values,
                          const struct destination *to, struct arena *arena, json **out,
                          slice *missing, struct why *why)
{
    slice text;
    *out = NULL;
    enum err rc = fill_render(template, values, arena, &text, missing, why);
    if (rc != OK) return rc;
    struct buf b = buf_in(arena, OUTBOX_TEXT_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "to", person);
    json_put_str(&b, "type", SLICE("template"));
    json_put_str(&b, "category", category);
    json_put_raw(&b, "template", text);
    json_end_object(&b);
    if (!buf_ok(&b)) return why_set(why, ERR_LIMIT, "the message is too large");
    rc = json_parse(buf_slice(&b), arena, out, why);
    return rc == OK ? to->kind->messages->check(*out, &to->cfg, why) : rc;
}

static enum err add_one(struct store *s, struct id_maker *ids, uint64_t workspace_id,
                        uint64_t campaign_id, const struct campaign_person *p, int64_t now_ms,
                        struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_CAMPAIGN_ADD, why);
    stmt_i64(q, 1, (int64_t)id_next(ids, now_ms));
    stmt_i64(q, 2, (int64_t)workspace_id);
    stmt_i64(q, 3, (int64_t)campaign_id);
    stmt_i64(q, 4, (int64_t)p->contact_id);
    stmt_i64(q, 5, p->reason.len > 0 ? RECIPIENT_SKIPPED : RECIPIENT_WAITING);
    stmt_i64(q, 6, now_ms);
    stmt_text(q, 7, p->person);
    stmt_text(q, 8, p->reason);
    stmt_text(q, 9, p->data);
    return stmt_run(q, why);
}

enum err campaign_add(struct store *s, struct id_maker *ids, uint64_t workspace_id,
                      uint64_t campaign_id, const struct campaign_person *list, size_t count,
                      size_t *added, struct why *why)
{
    bool row = false;
    int64_t now_ms = clock_wall_ms();
    *added = 0;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGN_OPEN, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)campaign_id);
    enum err rc = stmt_step(q, &row, why);
    stmt_reset(q);
    if (rc == OK && !row)
        rc = why_set(why, ERR_CONFLICT, "the campaign has ended: it takes nobody any more");
    for (size_t i = 0; rc == OK && i < count; i++) {
        rc = add_one(s, ids, workspace_id, campaign_id, &list[i], now_ms, why);
        if (rc == OK) *added += store_changes(s) > 0;
    }
    return rc;
}
