/* whatsapp_judge.c: what an answer of the Graph API means. Decided by `error.code` (most throttles are HTTP 400); the reason is in
 * our own words, since Meta's may repeat a number; Meta's stands in the attempt. */
#include "base/text.h"
#include "dests/whatsapp_cloud.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS,
    PAIR_WAIT_MS = 6000
};
enum { STATUS_WAIT_MS = 2 * MINUTE_MS }; /* a status of what did arrive comes within seconds */

/* First match wins. A PAUSE without a wait: the queue's own, which grows. */
static const struct {
    int first, last;
    enum verdict_kind kind;
    int64_t wait_ms;
    bool alone; /* of this recipient only */
    const char *reason;
} codes[] = {
    { 130429, 130429, VERDICT_PAUSE, 5000, false, "the number's throughput is used up" },
    { 131056, 131056, VERDICT_RETRY, PAIR_WAIT_MS, true, "too many messages to this person" },
    { 4, 4, VERDICT_PAUSE, 0, false, "too many calls of the app" },
    { 80007, 80007, VERDICT_PAUSE, 0, false, "too many calls of the account" },
    { 133016, 133016, VERDICT_PAUSE, HOUR_MS, false, "too many attempts to register the number" },
    { 131048, 131048, VERDICT_PAUSE, HOUR_MS, false,
      "too many messages of this number were blocked or reported" },
    { 131049, 131049, VERDICT_RETRY, DAY_MS, true,
      "Meta keeps this person from more marketing today" },

    { 0, 0, VERDICT_UNAUTHORISED, 0, false, "the access token is refused" },
    { 3, 3, VERDICT_UNAUTHORISED, 0, false, "the app may not do this" },
    { 10, 10, VERDICT_UNAUTHORISED, 0, false, "the access token lacks a permission" },
    { 33, 33, VERDICT_UNAUTHORISED, 0, false, "phone_number_id is wrong or not for this token" },
    { 190, 190, VERDICT_UNAUTHORISED, 0, false, "the access token is refused or has expired" },
    { 200, 299, VERDICT_UNAUTHORISED, 0, false, "the access token lacks a permission" },
    { 368, 368, VERDICT_UNAUTHORISED, 0, false, "Meta blocks the account for its policy" },
    { 131005, 131005, VERDICT_UNAUTHORISED, 0, false, "access denied" },
    { 131031, 131031, VERDICT_UNAUTHORISED, 0, false, "the account is locked" },
    { 131042, 131042, VERDICT_UNAUTHORISED, 0, false, "the account's payment method fails" },
    { 131045, 131045, VERDICT_UNAUTHORISED, 0, false, "the number is not registered rightly" },
    { 133010, 133010, VERDICT_UNAUTHORISED, 0, false, "the number is not registered" },

    { 1, 2, VERDICT_RETRY, 0, false, "Meta failed for a moment" },
    { 131000, 131000, VERDICT_RETRY, 0, false, "Meta failed for a moment" },
    { 131016, 131016, VERDICT_RETRY, 0, false, "the service is overloaded" },
    { 131057, 131057, VERDICT_RETRY, 0, false, "the account is under maintenance" },
    { 133004, 133004, VERDICT_RETRY, 0, false, "the server is not available" },

    { 100, 100, VERDICT_DEAD, 0, false, "Meta refuses a parameter" },
    { 130472, 130472, VERDICT_DEAD, 0, false, "the person is in an experiment of Meta's" },
    { 130497, 130497, VERDICT_DEAD, 0, false, "the account may not message this country" },
    { 131008, 131009, VERDICT_DEAD, 0, false, "a parameter is missing or wrong" },
    { 131021, 131021, VERDICT_DEAD, 0, false, "sender and recipient are the same number" },
    { 131026, 131026, VERDICT_DEAD, 0, false,
      "cannot be delivered: no WhatsApp, an old one, or blocked" },
    { 131030, 131030, VERDICT_DEAD, 0, false, "the number is not on the test number's list" },
    { 131037, 131037, VERDICT_DEAD, 0, false, "the number's display name is not approved" },
    { 131047, 131047, VERDICT_DEAD, 0, false,
      "the 24 hours after the person's last message are over: only a template" },
    { 131050, 131050, VERDICT_DEAD, 0, false, "the person asked for no marketing" },
    { 131051, 131051, VERDICT_DEAD, 0, false, "this type of message is not supported" },
    { 131052, 131053, VERDICT_DEAD, 0, false, "the file cannot be fetched or is not supported" },
    { 132000, 132000, VERDICT_DEAD, 0, false, "the template has another number of parameters" },
    { 132001, 132001, VERDICT_DEAD, 0, false,
      "the template does not exist in this language, or is not approved" },
    { 132015, 132016, VERDICT_DEAD, 0, false, "the template is paused or disabled" },
    { 132000, 132099, VERDICT_DEAD, 0, false, "the template is refused" },
    { 131000, 137999, VERDICT_DEAD, 0, false, "the message is refused" },
};

/* A send has no idempotency key: what may have arrived is repeated only where the settings say so. */
static struct verdict unknown(const struct settings *cfg, const char *what)
{
    if (settings_bool(cfg, WHATSAPP_REPEAT_UNKNOWN))
        return verdict_of(VERDICT_RETRY, STATUS_WAIT_MS, "outcome unknown: %s", what);
    return verdict_of(VERDICT_DEAD, 0,
                      "outcome unknown: %s; it may have arrived, so it is not repeated by itself",
                      what);
}

static struct verdict by_code(int64_t code, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (code < codes[i].first || code > codes[i].last) continue;
        struct verdict v =
            verdict_of(codes[i].kind, codes[i].wait_ms, "code %d: %s", (int)code, codes[i].reason);
        v.alone = codes[i].alone;
        v.refused = true;
        v.pair = code == 131056;
        v.file_gone = code == 131053; /* "media upload error" */
        return v;
    }
    if (status == 401 || status == 403)
        return verdict_of(VERDICT_UNAUTHORISED, 0, "HTTP %d: the access token is refused", status);
    if (status == 429) return verdict_of(VERDICT_PAUSE, 0, "HTTP 429: too many calls");
    struct verdict v = status >= 500 ? verdict_of(VERDICT_RETRY, 0, "HTTP %d: Meta failed", status)
                                     : verdict_of(VERDICT_DEAD, 0, "HTTP %d, code %lld: refused",
                                                  status, (long long)code);
    v.refused = true; /* with a code, or as unavailable: it was not taken */
    return v;
}

/* Accepted: the id by which statuses will speak of it. */
static struct verdict accepted(json *root, const struct settings *cfg)
{
    json *first = yyjson_arr_get(json_get(root, "messages"), 0);
    slice id = json_get_text(first, "id"), state = json_get_text(first, "message_status");
    /* A probe's answer is the number itself; a read mark's says success. */
    if (json_truth(json_get(root, "success")) || json_get_text(root, "display_phone_number").len)
        return verdict_of(VERDICT_DELIVERED, 0, "taken");
    if (id.len == 0 || id.len > REMOTE_ID_MAX) return unknown(cfg, "HTTP 200 without a message id");
    struct verdict v = verdict_of(VERDICT_DELIVERED, 0, "accepted%s",
                                  slice_eq(state, SLICE("held_for_quality_assessment"))
                                      ? ", held for quality assessment"
                                  : slice_eq(state, SLICE("paused")) ? ", paused"
                                                                     : "");
    memcpy(v.remote_id, id.ptr, id.len);
    json *to = yyjson_arr_get(json_get(root, "contacts"), 0);
    slice number = json_get_text(to, "wa_id"), user = json_get_text(to, "user_id");
    if (number.len <= PERSON_ID_MAX && text_is_digits(number))
        memcpy(v.wa_id, number.ptr, number.len);
    if (user.len > 0 && user.len <= PERSON_ID_MAX) memcpy(v.user_id, user.ptr, user.len);
    return v;
}

struct verdict whatsapp_judge(const struct reply *r, size_t count UNUSED,
                              const struct settings *cfg, struct arena *arena)
{
    json *root = NULL;
    int64_t code = -1, subcode = 0;
    if (r->status == 0)
        return r->sent ? unknown(cfg, "no answer")
                       : verdict_of(VERDICT_RETRY, 0, "not sent: %.*s",
                                    SLICE_ARG(slice_sub(r->error, 0, 160)));
    bool readable = json_parse(r->body, arena, &root, NULL) == OK;
    if (r->status >= 200 && r->status < 300)
        return readable ? accepted(root, cfg) : unknown(cfg, "an answer that cannot be read");
    json *error = json_get(root, "error");
    if (!json_i64(json_get(error, "code"), &code) || code < 0) { /* no word of Meta's own */
        if (r->status == 408 || (r->status >= 500 && r->status != 503))
            return unknown(cfg, "a server failed on the way");
        return by_code(-1, r->status);
    }
    if (code == 100 && json_i64(json_get(error, "error_subcode"), &subcode) && subcode == 33)
        code = 33;
    return by_code(code, r->status);
}
