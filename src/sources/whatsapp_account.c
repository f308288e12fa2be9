/* whatsapp_account.c: what a change says of our own end: whose number it is about, and whether it may still send.
 *
 * Meta names the account (WABA) as the entry's id, or in `waba_info` where the entry is the partner's (PARTNER_REMOVED). */
#include "base/time.h"
#include "sources/whatsapp.h"

enum { REASON_MAX = 160 };

/* Those after which nothing more may be sent. A violation is a warning, a ban that is announced is none yet. */
static const struct {
    slice event, reason;
} ends[] = {
    { SLICE_INIT("PARTNER_REMOVED"), SLICE_INIT("the number was disconnected from this app") },
    { SLICE_INIT("ACCOUNT_OFFBOARDED"), SLICE_INIT("the account was offboarded") },
    { SLICE_INIT("ACCOUNT_DELETED"), SLICE_INIT("the account was deleted") },
    { SLICE_INIT("DISABLED_UPDATE"), SLICE_INIT("Meta disabled the account") },
    { SLICE_INIT("ACCOUNT_RESTRICTION"), SLICE_INIT("Meta restricts the account") },
};

static bool is_digits(slice s, size_t max)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len > 0 && s.len <= max;
}

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
    *n =
        (struct own_number){ SLICE("whatsapp"), account, owner, whatsapp_own_number(p, cl->arena) };
    return n;
}

/* A word of Meta's, in capitals: fit to be shown. */
static slice word_of(json *v, const char *key)
{
    slice s = json_get_text(v, key);
    for (size_t i = 0; i < s.len; i++)
        if ((s.ptr[i] < 'A' || s.ptr[i] > 'Z') && (s.ptr[i] < '0' || s.ptr[i] > '9') &&
            s.ptr[i] != '_')
            return (slice){ NULL, 0 };
    return slice_sub(s, 0, REASON_MAX / 2);
}

/* The restriction of sending that lasts longest, and until when (0: not said). False: none that is still in force. */
static bool read_restriction(json *value, int64_t now_ms, slice *what, int64_t *until_ms)
{
    json *list = json_get(value, "restriction_info"), *one;
    size_t i, max;
    bool found = yyjson_arr_size(list) == 0; /* it does not say which: the careful guess */
    *until_ms = 0;
    yyjson_arr_foreach(list, i, max, one)
    {
        slice type = word_of(one, "restriction_type");
        int64_t until = clean_time(json_get(one, "expiration"));
        if (!slice_ends(type, SLICE("_MESSAGING")) || (until > 0 && until <= now_ms)) continue;
        if (found && (*until_ms == 0 || (until > 0 && until <= *until_ms))) continue;
        found = true;
        *what = type;
        *until_ms = until;
    }
    return found;
}

static slice reason_of(slice word, slice event, slice more, int64_t until_ms, struct arena *arena)
{
    char text[TIME_TEXT_MAX];
    return arena_printf(arena, "account: %.*s (%.*s%s%.*s)%s%.*s", SLICE_ARG(word),
                        SLICE_ARG(event), more.len > 0 ? ", " : "", SLICE_ARG(more),
                        until_ms > 0 ? " until " : "",
                        SLICE_ARG(until_ms > 0 ? time_format(until_ms, text) : SLICE("")));
}

struct account_hold *whatsapp_account_hold(const struct whatsapp_place *p, int64_t received_ms,
                                           struct cleaner *cl)
{
    slice event = json_get_text(p->value, "event"), more = { NULL, 0 };
    int64_t until_ms = 0;
    size_t i = 0;
    if (!slice_eq(json_get_text(p->change, "field"), SLICE("account_update"))) return NULL;
    while (i < ARRAY_LEN(ends) && !slice_eq(event, ends[i].event)) i++;
    if (i == ARRAY_LEN(ends)) return NULL;
    if (slice_eq(event, SLICE("ACCOUNT_RESTRICTION")) &&
        !read_restriction(p->value, received_ms, &more, &until_ms))
        return NULL;
    if (slice_eq(event, SLICE("PARTNER_REMOVED")))
        more = word_of(json_get(p->value, "disconnection_info"), "reason");
    if (slice_eq(event, SLICE("DISABLED_UPDATE"))) {
        more = word_of(json_get(p->value, "ban_info"), "waba_ban_state");
        if (slice_eq(more, SLICE("REINSTATE")) || slice_eq(more, SLICE("SCHEDULE_FOR_DISABLE")))
            return NULL;
    }
    struct account_hold *h = arena_new(cl->arena, struct account_hold, 1);
    slice owner = clean_id(cl, json_get(json_get(p->value, "waba_info"), "waba_id")),
          number = clean_id(cl, json_get(p->value, "phone_number"));
    if (owner.len == 0) owner = clean_id(cl, json_get(p->entry, "id"));
    if (slice_starts(number, SLICE("+"))) number = slice_sub(number, 1, number.len);
    slice reason = reason_of(ends[i].reason, event, more, until_ms, cl->arena);
    if (!h || !reason.ptr) {
        cl->full = true;
        return NULL;
    }
    h->who = (struct own_number){ .channel = SLICE("whatsapp"),
                                  .owner = owner,
                                  .number = is_digits(number, 15) ? number : SLICE("") };
    h->reason = reason;
    return h;
}
