/* meta_judge.c: what an answer of the Graph API means for the deliveries of a request.
 *
 * Judged by code and subcode, never by `type` or text: "OAuthException" stands for throttling and
 * bad parameters alike, and texts are localised. HTTP 400 covers nearly everything. The table is
 * docs/destinations/meta-capi.md, "Answers". */
#include "dests/meta_capi.h"

#include <stdio.h>

#include "base/text.h"

enum {
    PAUSE_MS_MIN = 60 * 1000, /* a rate limit without a time of its own; the queue doubles it */
    PAUSE_MS_MAX = 24 * 60 * 60 * 1000, /* no answer may stop a destination for longer */
    REASON_TEXT_MAX = 110,              /* bytes of Meta's own words in a reason */
    SECRET_WORD_MIN =
        25, /* a word of so many letters and digits is a token or a digest, not prose */
    PHONE_DIGITS = 8,
    USED_PCT_MAX = 100,
};

enum answer {
    ANSWER_TRANSIENT,
    ANSWER_RATE,
    ANSWER_AUTH,
    ANSWER_PERMANENT,
    ANSWER_BLOCKED,
    ANSWER_UNKNOWN
};

enum { ANY_SUBCODE = -1 };

/* First match wins. */
static const struct {
    int64_t first, last, subcode;
    enum answer answer;
} codes[] = {
    { 190, 190, ANY_SUBCODE, ANSWER_AUTH },      { 102, 102, ANY_SUBCODE, ANSWER_AUTH },
    { 3, 3, ANY_SUBCODE, ANSWER_AUTH },          { 10, 10, ANY_SUBCODE, ANSWER_AUTH },
    { 200, 299, ANY_SUBCODE, ANSWER_AUTH },      { 100, 100, 33, ANSWER_AUTH },
    { 2635, 2635, ANY_SUBCODE, ANSWER_AUTH },    { 4, 4, ANY_SUBCODE, ANSWER_RATE },
    { 17, 17, ANY_SUBCODE, ANSWER_RATE },        { 32, 32, ANY_SUBCODE, ANSWER_RATE },
    { 341, 341, ANY_SUBCODE, ANSWER_RATE },      { 613, 613, ANY_SUBCODE, ANSWER_RATE },
    { 80000, 80014, ANY_SUBCODE, ANSWER_RATE },  { 1, 2, ANY_SUBCODE, ANSWER_TRANSIENT },
    { 100, 100, ANY_SUBCODE, ANSWER_PERMANENT }, { 2500, 2500, ANY_SUBCODE, ANSWER_PERMANENT },
    { 368, 368, ANY_SUBCODE, ANSWER_BLOCKED },
};

static enum answer answer_of_status(int status)
{
    if (status == 429) return ANSWER_RATE;
    if (status == 401 || status == 403) return ANSWER_AUTH;
    if (status == 408 || status >= 500) return ANSWER_TRANSIENT;
    return ANSWER_UNKNOWN;
}

static enum answer answer_of(int64_t code, int64_t subcode, bool transient, int status)
{
    enum answer answer = ANSWER_UNKNOWN;
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(codes) && !known; i++) {
        known = code >= codes[i].first && code <= codes[i].last &&
                (codes[i].subcode == ANY_SUBCODE || codes[i].subcode == subcode);
        if (known) answer = codes[i].answer;
    }
    /* is_transient wins over the table but for credentials; a rate limit is transient by nature and
     * waits the longer way, which costs no attempt: events must not run out of attempts because the
     * app is throttled. */
    if (answer == ANSWER_AUTH || answer == ANSWER_RATE) return answer;
    if (transient) return ANSWER_TRANSIENT;
    return known ? answer : answer_of_status(status);
}

/* ---- Meta's words, fit to be shown ---- */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '|';
}

/* Answers repeat what was sent: addresses, phone numbers, digests, even tokens. */
static bool is_private(slice word, const struct settings *cfg)
{
    size_t letters = 0, digits = 0;
    if (slice_find(word, '@') < word.len) return true;
    slice secrets[] = { settings_text(cfg, META_ACCESS_TOKEN),
                        settings_text(cfg, META_APP_SECRET) };
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        if (secrets[i].len > 0 && slice_find_slice(word, secrets[i]) < word.len) return true;
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < word.len; i++) {
        bool digit = word.ptr[i] >= '0' && word.ptr[i] <= '9';
        run = is_word(word.ptr[i]) ? run + 1 : 0;
        if (run > longest) longest = run;
        digits += digit;
        letters += is_word(word.ptr[i]) && !digit;
    }
    bool phone = word.ptr[0] == '+' && digits >= PHONE_DIGITS;
    return phone || (longest >= SECRET_WORD_MIN && digits > 0 && letters > 0);
}

/* One line without control characters, private words replaced, cut between characters. */
static slice shown(slice text, const struct settings *cfg, struct arena *arena)
{
    struct buf out = buf_in(arena, 2 * REASON_TEXT_MAX);
    slice word;
    while (out.len < REASON_TEXT_MAX && slice_cut(&text, ' ', &word)) {
        if (word.len == 0) continue;
        if (out.len > 0) buf_byte(&out, ' ');
        if (is_private(word, cfg)) {
            buf_add(&out, SLICE("[hidden]"));
            continue;
        }
        for (size_t step; word.len > 0 && out.len < REASON_TEXT_MAX;
             word = slice_sub(word, step, word.len)) {
            uint32_t code = text_utf8_get(word, &step);
            if (code < 0x20 || code == 0x7f || (code == 0xfffd && step == 1))
                buf_byte(&out, '?');
            else
                buf_add(&out, slice_sub(word, 0, step));
        }
    }
    return buf_slice(&out);
}

static slice words_of(json *error, const struct settings *cfg, struct arena *arena)
{
    slice text = json_str(json_get(error, "error_user_msg"));
    if (text.len == 0) text = json_str(json_get(error, "message"));
    return shown(text, cfg, arena);
}

/* ---- limits ---- */

/* What the usage headers say; from outside like the body. */
struct usage {
    int64_t regain_minutes; /* longest estimate of when calls are taken again; 0: none */
    int64_t used_pct;       /* most of what is used up of any limit, 0..USED_PCT_MAX */
};

/* Counts of calls, of time and of processor time, each in percent of its limit. */
static void add_used(struct usage *u, json *entry)
{
    static const char *const names[] = { "call_count", "total_time", "total_cputime" };
    int64_t pct;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!json_i64(json_get(entry, names[i]), &pct) || pct <= u->used_pct) continue;
        u->used_pct = pct < USED_PCT_MAX ? pct : USED_PCT_MAX;
    }
}

static void add_regain(struct usage *u, json *entry)
{
    int64_t minutes;
    bool given = json_i64(json_get(entry, "estimated_time_to_regain_access"), &minutes);
    if (given && minutes > u->regain_minutes && minutes <= PAUSE_MS_MAX / PAUSE_MS_MIN)
        u->regain_minutes = minutes;
}

/* X-App-Usage is one such entry; X-Business-Use-Case-Usage is {"<id>":[entry, ...]}, and an entry may
 * bring estimated_time_to_regain_access in minutes. Which entry our calls count for is not told: the
 * worst of them is taken. */
static struct usage usage_of(const struct reply *r, struct arena *arena)
{
    struct usage u = { 0, 0 };
    json *root, *key, *entry;
    slice app = reply_header(r, SLICE("X-App-Usage")),
          business = reply_header(r, SLICE("X-Business-Use-Case-Usage"));
    if (app.len > 0 && json_parse(app, arena, &root, NULL) == OK) add_used(&u, root);
    if (business.len == 0 || json_parse(business, arena, &root, NULL) != OK) return u;
    yyjson_obj_iter it = yyjson_obj_iter_with(root);
    while ((key = yyjson_obj_iter_next(&it))) {
        size_t i, count;
        yyjson_arr_foreach(yyjson_obj_iter_get_val(key), i, count, entry)
        {
            add_used(&u, entry);
            add_regain(&u, entry);
        }
    }
    return u;
}

static int64_t pause_ms(const struct reply *r, struct arena *arena)
{
    int64_t ms = usage_of(r, arena).regain_minutes * 60 * 1000;
    if (r->retry_after_ms > ms) ms = r->retry_after_ms;
    if (ms < PAUSE_MS_MIN) ms = PAUSE_MS_MIN;
    return ms < PAUSE_MS_MAX ? ms : PAUSE_MS_MAX;
}

/* ---- verdicts ---- */

static struct verdict verdict_of_answer(enum answer answer, const struct reply *r, size_t count,
                                        slice what, struct arena *arena)
{
    switch (answer) {
    case ANSWER_TRANSIENT:
        return verdict_of(VERDICT_RETRY, r->retry_after_ms, "Meta has a passing fault: %.*s",
                          SLICE_ARG(what));
    case ANSWER_RATE:
        return verdict_of(VERDICT_PAUSE, pause_ms(r, arena), "Meta asks for fewer calls: %.*s",
                          SLICE_ARG(what));
    case ANSWER_AUTH:
        return verdict_of(VERDICT_UNAUTHORISED, 0, "Meta refuses token, dataset or version: %.*s",
                          SLICE_ARG(what));
    case ANSWER_BLOCKED:
        return verdict_of(VERDICT_UNAUTHORISED, 0, "Meta has blocked the account: %.*s",
                          SLICE_ARG(what));
    case ANSWER_PERMANENT:
    case ANSWER_UNKNOWN: break;
    }
    return verdict_of(count > 1 ? VERDICT_SPLIT : VERDICT_DEAD, 0, "Meta refuses the event: %.*s",
                      SLICE_ARG(what));
}

/* fbtrace_id, by which Meta's support finds the call: a short ASCII word, or it is not shown. */
static slice trace_of(json *v, const struct settings *cfg)
{
    enum { TRACE_MAX = 28 };
    slice trace = json_str(json_get(v, "fbtrace_id"));
    for (size_t i = 0; i < trace.len; i++)
        if (!is_word(trace.ptr[i])) return SLICE("-");
    return trace.len > 0 && trace.len <= TRACE_MAX && !is_private(trace, cfg) ? trace : SLICE("-");
}

static struct verdict judge_error(const struct reply *r, json *error, size_t count,
                                  const struct settings *cfg, struct arena *arena)
{
    int64_t code = 0, subcode = 0;
    slice words = words_of(error, cfg, arena);
    if (!json_i64(json_get(error, "code"), &code)) code = 0;
    if (!json_i64(json_get(error, "error_subcode"), &subcode)) subcode = 0;
    char what[WHY_TEXT_MAX];
    /* Without the trace id, which is in the attempt's reply: equal reasons must be counted as equal. */
    (void)snprintf(what, sizeof what, "%lld/%lld %.*s (HTTP %d)", (long long)code,
                   (long long)subcode, SLICE_ARG(words), r->status);
    return verdict_of_answer(
        answer_of(code, subcode, json_truth(json_get(error, "is_transient")), r->status), r, count,
        slice_str(what), arena);
}

/* Without JSON it was no answer of the Graph API but of something on the way. */
static struct verdict judge_no_json(const struct reply *r, size_t count, struct arena *arena)
{
    char what[WHY_TEXT_MAX];
    (void)snprintf(what, sizeof what, "HTTP %d, and the body is no JSON object", r->status);
    enum answer answer = answer_of_status(r->status);
    if (answer == ANSWER_UNKNOWN) answer = ANSWER_TRANSIENT;
    return verdict_of_answer(answer, r, count, slice_str(what), arena);
}

/* Events are taken all or none; a smaller number is a fault to look into, and sending again is
 * safe: the event_ids are the same. */
static struct verdict judge_success(json *root, size_t count, const struct settings *cfg,
                                    struct arena *arena)
{
    int64_t received;
    if (!json_i64(json_get(root, "events_received"), &received)) {
        slice id = json_get_text(
            root, "id"); /* the read-only test of the credentials asks for the dataset itself */
        if (id.len > 0 && slice_eq(id, settings_text(cfg, META_PIXEL_ID)))
            return verdict_of(VERDICT_DELIVERED, 0, "the dataset can be read with this token");
        return verdict_of(VERDICT_RETRY, 0, "Meta's answer does not say how many events it took");
    }
    if (received != (int64_t)count)
        return verdict_of(count > 1 ? VERDICT_SPLIT : VERDICT_RETRY, 0,
                          "Meta took %lld of %zu events", (long long)received, count);
    json *first = yyjson_arr_get_first(json_get(root, "messages"));
    if (json_str(first).len == 0) {
        slice trace = trace_of(root, cfg);
        return verdict_of(VERDICT_DELIVERED, 0, "events_received %zu, trace %.*s", count,
                          SLICE_ARG(trace));
    }
    slice warning = shown(json_str(first), cfg, arena);
    return verdict_of(VERDICT_DELIVERED, 0, "taken, with a warning: %.*s", SLICE_ARG(warning));
}

static struct verdict judge_reply(const struct reply *r, size_t count, const struct settings *cfg,
                                  struct arena *arena)
{
    json *root;
    if (r->status == 0) {
        slice words = shown(r->error, cfg, arena);
        return verdict_of(VERDICT_RETRY, 0, "no answer: %.*s", SLICE_ARG(words));
    }
    if (json_parse(r->body, arena, &root, NULL) != OK || !yyjson_is_obj(root))
        return judge_no_json(r, count, arena);
    json *error = json_get(root, "error");
    if (error) return judge_error(r, error, count, cfg, arena);
    if (r->status >= 200 && r->status <= 299) return judge_success(root, count, cfg, arena);
    return judge_error(r, NULL, count, cfg, arena);
}

struct verdict meta_judge(const struct reply *r, size_t count, const struct settings *cfg,
                          struct arena *arena)
{
    struct verdict v = judge_reply(r, count, cfg, arena);
    v.used_pct = (unsigned)usage_of(r, arena).used_pct;
    return v;
}
