/* whatsapp_account.c: what a change says of our own end: whose number it is about, and whether it may still send.
 *
 * Meta names the account (WABA) as the entry's id, or in `waba_info` where the entry is the partner's (PARTNER_REMOVED). */
#include "base/text.h"
#include "base/time.h"
#include "sources/whatsapp.h"

/* Those after which nothing more may be sent, and those that undo them: of the same matter alone. A violation is a warning, a ban that
 * is announced is none yet. */
static const struct {
    slice event, reason; /* reason empty: it is over */
    enum own_fact_kind matter;
} ends[] = {
    { SLICE_INIT("PARTNER_REMOVED"), SLICE_INIT("the number was disconnected from this app"),
      OWN_LINK },
    { SLICE_INIT("ACCOUNT_OFFBOARDED"), SLICE_INIT("the account was offboarded"), OWN_LINK },
    { SLICE_INIT("PARTNER_ADDED"), SLICE_INIT(""), OWN_LINK },
    { SLICE_INIT("ACCOUNT_RECONNECTED"), SLICE_INIT(""), OWN_LINK },
    { SLICE_INIT("ACCOUNT_DELETED"), SLICE_INIT("the account was deleted"), OWN_DELETED },
    { SLICE_INIT("DISABLED_UPDATE"), SLICE_INIT("Meta disabled the account"), OWN_BAN },
    { SLICE_INIT("ACCOUNT_RESTRICTION"), SLICE_INIT("Meta restricts the account"),
      OWN_RESTRICTION },
};

enum { NUMBER_DIGITS_MAX = 15 }; /* E.164 */

static bool is_digits(slice s, size_t max) { return s.len <= max && text_is_digits(s); }

slice whatsapp_account_of(const struct whatsapp_place *p)
{
    slice named = json_get_text(json_get(p->value, "waba_info"), "waba_id");
    return named.len > 0 ? named : json_get_text(p->entry, "id");
}

struct own_number *whatsapp_account_number(const struct whatsapp_place *p, struct cleaner *cl)
{
    slice owner = clean_id(cl, json_get(p->entry, "id")),
          account = clean_id(cl, json_get(json_get(p->value, "metadata"), "phone_number_id"));
    if (!is_digits(owner, CLEAN_ID_MAX) || !is_digits(account, CLEAN_ID_MAX)) return NULL;
    struct own_number *n = arena_new(cl->arena, struct own_number, 1);
    if (!n) {
        cl->full = true;
        return NULL;
    }
    slice number = whatsapp_own_number(p, cl->arena);
    *n = (struct own_number){ .channel = SLICE("whatsapp"),
                              .account = account,
                              .owner = owner,
                              .number = number.len <= NUMBER_DIGITS_MAX ? number : SLICE("") };
    /* Only a number that is used in the app has these (coexistence). */
    n->in_app =
        p->part == WA_ECHO || p->part == WA_HISTORY || p->part == WA_CHUNK || p->part == WA_SYNC;
    return n;
}

/* The account and, where it is said, the one number of it that an account's update is about. */
struct own_number whatsapp_account_named(const struct whatsapp_place *p, struct cleaner *cl)
{
    slice owner = clean_id(cl, json_get(json_get(p->value, "waba_info"), "waba_id")),
          number = clean_id(cl, json_get(p->value, "phone_number"));
    if (owner.len == 0) owner = clean_id(cl, json_get(p->entry, "id"));
    if (number.len == 0) number = clean_id(cl, json_get(p->value, "display_phone_number"));
    number = whatsapp_digits(number, cl->arena);
    if (!number.ptr) cl->full = true;
    return (struct own_number){ .channel = SLICE("whatsapp"),
                                .owner = owner,
                                .number = number.len <= NUMBER_DIGITS_MAX ? number : SLICE("") };
}

/* The restriction of sending that lasts longest, and until when (0: not said). False: it is of other things than sending. */
static bool read_restriction(json *value, slice *what, int64_t *until_ms)
{
    json *list = json_get(value, "restriction_info"), *one;
    size_t i, max;
    bool all = yyjson_arr_size(list) == 0; /* it does not say which: the careful guess */
    bool found = false;
    *until_ms = 0;
    yyjson_arr_foreach(list, i, max, one)
    {
        slice type = whatsapp_word(one, "restriction_type");
        int64_t until = clean_time(json_get(one, "expiration"));
        if (!slice_ends(type, SLICE("_MESSAGING"))) continue;
        if (found && (*until_ms == 0 || (until > 0 && until <= *until_ms))) continue;
        found = true;
        *what = type;
        *until_ms = until;
    }
    return found || all;
}

static slice reason_of(slice word, slice event, slice more, int64_t until_ms, struct arena *arena)
{
    char text[TIME_TEXT_MAX];
    return arena_printf(arena, "account: %.*s (%.*s%s%.*s)%s%.*s", SLICE_ARG(word),
                        SLICE_ARG(event), more.len > 0 ? ", " : "", SLICE_ARG(more),
                        until_ms > 0 ? " until " : "",
                        SLICE_ARG(until_ms > 0 ? time_format(until_ms, text) : SLICE("")));
}

/* Which of them, and what it says beside its name; false: it is about something else. */
static bool read_end(const struct whatsapp_place *p, slice event, size_t *at, slice *more,
                     int64_t *until_ms, bool *over)
{
    size_t i = 0;
    if (!slice_eq(json_get_text(p->change, "field"), SLICE("account_update"))) return false;
    while (i < ARRAY_LEN(ends) && !slice_eq(event, ends[i].event)) i++;
    if (i == ARRAY_LEN(ends)) return false;
    *at = i;
    *over = ends[i].reason.len == 0;
    if (slice_eq(event, SLICE("ACCOUNT_RESTRICTION")) &&
        !read_restriction(p->value, more, until_ms))
        return false;
    if (slice_eq(event, SLICE("PARTNER_REMOVED")))
        *more = whatsapp_word(json_get(p->value, "disconnection_info"), "reason");
    if (slice_eq(event, SLICE("DISABLED_UPDATE"))) {
        *more = whatsapp_word(json_get(p->value, "ban_info"), "waba_ban_state");
        if (slice_eq(*more, SLICE("SCHEDULE_FOR_DISABLE"))) return false;
        *over = slice_eq(*more, SLICE("REINSTATE"));
    }
    return true;
}

struct account_hold *whatsapp_account_hold(const struct whatsapp_place *p, struct cleaner *cl)
{
    slice event = json_get_text(p->value, "event"), more = { NULL, 0 };
    int64_t until_ms = 0;
    size_t i = 0;
    bool over = false;
    if (!read_end(p, event, &i, &more, &until_ms, &over)) return NULL;
    struct account_hold *h = arena_new(cl->arena, struct account_hold, 1);
    slice reason = over ? SLICE("") : reason_of(ends[i].reason, event, more, until_ms, cl->arena);
    if (!h || !reason.ptr) {
        cl->full = true;
        return NULL;
    }
    *h = (struct account_hold){ .who = whatsapp_account_named(p, cl),
                                .matter = ends[i].matter,
                                .reason = reason,
                                .word = ends[i].event,
                                .until_ms = over ? 0 : until_ms };
    return h;
}
