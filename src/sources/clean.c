/* clean.c: values from outside made fit for records. */
#include "sources/clean.h"

#include <arpa/inet.h>

#include "base/brazil.h"
#include "base/money.h"
#include "base/text.h"
#include "base/time.h"
#include "sources/source.h"

static void *take(struct cleaner *cl, size_t bytes)
{
    void *p = arena_alloc(cl->arena, bytes);
    if (!p) cl->full = true;
    return p;
}

enum err clean_end(const struct cleaner *cl, struct why *why)
{
    return cl->full ? why_set(why, ERR_LIMIT, "the event needs more memory than one event may use")
                    : OK;
}

/* Printable ASCII needs no cleaning and no copy: the commonest case by far. */
static bool is_clean(slice in)
{
    for (size_t i = 0; i < in.len; i++)
        if ((unsigned char)in.ptr[i] - 0x20u >= 0x5fu) return false;
    return true;
}

slice clean_text(struct cleaner *cl, slice in)
{
    in = slice_trim(in);
    if (in.len == 0 || in.len > CLEAN_TEXT_MAX) return (slice){ NULL, 0 };
    if (is_clean(in)) return in;
    bool utf8 = text_utf8_valid(in);
    char *out = take(cl, utf8 ? in.len : 2 * in.len);
    size_t n = 0;
    if (!out) return (slice){ NULL, 0 };
    for (size_t i = 0, step; i < in.len; i += step) {
        uint32_t code = (unsigned char)in.ptr[i];
        step = 1;
        if (utf8) code = text_utf8_get(slice_sub(in, i, in.len), &step);
        if (code == '\t' || code == '\n' || code == '\r') code = ' ';
        if (code < 0x20 || (code >= 0x7f && code < 0xa0)) continue;
        n += text_utf8_put(code, out + n);
    }
    return slice_trim(slice_of(out, n));
}

slice clean_value(struct cleaner *cl, json *v) { return clean_text(cl, json_text(v)); }

/* A character in it could not be read: two that differ may look alike, so that it tells nobody and nothing apart. */
static bool is_mended(slice text)
{
    return slice_find_slice(text, SLICE("\xef\xbf\xbd")) < text.len;
}

slice clean_id(struct cleaner *cl, json *v)
{
    slice id = clean_value(cl, v);
    return id.len <= CLEAN_ID_MAX && !is_mended(id) ? id : (slice){ NULL, 0 };
}

int64_t clean_time(json *v)
{
    int64_t ms = 0;
    return time_parse(json_text(v), &ms, NULL, NULL) == OK && ms > 0 ? ms : 0;
}

int64_t clean_money(json *v)
{
    int64_t cents = 0;
    return money_from_json(v, &cents, NULL) == OK ? cents : -1;
}

int64_t clean_count(json *v, int64_t max)
{
    int64_t n = 0;
    return json_i64(v, &n) && n >= 1 && n <= max ? n : 0;
}

slice clean_json(struct cleaner *cl, json *v)
{
    if (!v) return (slice){ NULL, 0 };
    slice in = json_print(v, cl->arena);
    char *out = in.ptr ? take(cl, in.len + 1) : NULL;
    if (!out) {
        cl->full = true;
        return (slice){ NULL, 0 };
    }
    size_t n = 0;
    for (size_t i = 0, step; i < in.len; i += step) {
        step = in.ptr[i] == '\\' ? 2 : 1;
        if (slice_starts(slice_sub(in, i, in.len), SLICE("\\u0000"))) {
            step = 6;
            continue;
        }
        memcpy(out + n, in.ptr + i, step); /* the printer never ends on a lone backslash */
        n += step;
    }
    return slice_of(out, n);
}

/* ---- contact fields ---- */

/* Words that people and platforms use for a few values; compared without case and accents. */
struct word {
    slice from, to;
};
#define WORD(from, to)                                                                             \
    {                                                                                              \
        SLICE_INIT(from), SLICE_INIT(to)                                                           \
    }

static const struct word gender_words[] = {
    WORD("f", "f"), WORD("female", "f"), WORD("feminino", "f"),  WORD("mulher", "f"),
    WORD("m", "m"), WORD("male", "m"),   WORD("masculino", "m"), WORD("homem", "m"),
};
static const struct word consent_words[] = {
    WORD("granted", "granted"), WORD("true", "granted"),  WORD("1", "granted"),
    WORD("yes", "granted"),     WORD("sim", "granted"),   WORD("on", "granted"),
    WORD("aceito", "granted"),  WORD("denied", "denied"), WORD("false", "denied"),
    WORD("0", "denied"),        WORD("no", "denied"),     WORD("nao", "denied"),
    WORD("off", "denied"),
};
static const struct word country_words[] = { WORD("brasil", "br"), WORD("brazil", "br"),
                                             WORD("bra", "br") };

static slice find_word(const struct word *words, size_t count, slice in)
{
    char room[32];
    if (in.len > sizeof room) return (slice){ NULL, 0 };
    slice folded = brazil_fold(in, room);
    for (size_t i = 0; i < count; i++)
        if (slice_eq(folded, words[i].from)) return words[i].to;
    return (slice){ NULL, 0 };
}
#define FIND_WORD(words, in) find_word((words), ARRAY_LEN(words), (in))

static slice keep(struct cleaner *cl, slice s)
{
    slice copy = arena_dup(cl->arena, s);
    if (!copy.ptr) cl->full = true;
    return copy;
}

static slice read_email(struct cleaner *cl, slice in)
{
    size_t at = slice_find(in, '@');
    bool good = at > 0 && at + 1 < in.len && in.len <= CLEAN_EMAIL_MAX && !is_mended(in) &&
                slice_find(in, ' ') == in.len &&
                slice_find(slice_sub(in, at + 1, in.len), '@') == in.len - at - 1;
    if (!good) return (slice){ NULL, 0 };
    slice lower = text_lower(in, cl->arena);
    if (!lower.ptr) cl->full = true;
    return lower;
}

static void read_phone(struct cleaner *cl, struct contact *c, slice in)
{
    struct brazil_phone phone;
    struct why why = { 0 };
    if (brazil_phone(in, &phone, &why) == OK) {
        c->field[CONTACT_phone] = keep(cl, brazil_phone_text(&phone));
        c->phone_error = (slice){ NULL, 0 };
    } else {
        c->phone_error = keep(cl, slice_str(why.text));
    }
}

static void read_document(struct cleaner *cl, struct contact *c, slice in, bool number)
{
    char out[BRAZIL_CNPJ_LEN];
    size_t len = 0;
    struct why why = { 0 };
    if (brazil_document(in, number, out, &len, &why) == OK) {
        c->field[CONTACT_document] = keep(cl, slice_of(out, len));
        c->document_error = (slice){ NULL, 0 };
    } else {
        c->document_error = keep(cl, slice_str(why.text));
    }
}

static void read_name(struct cleaner *cl, struct contact *c, enum contact_field f, slice in)
{
    struct brazil_name name;
    slice full = in;
    if (f == CONTACT_last_name) { /* "de Lima": the first word of a surname may be a particle */
        full = arena_printf(cl->arena, "X %.*s", SLICE_ARG(in));
        if (!full.ptr) cl->full = true;
    }
    enum err rc = brazil_name(full, cl->arena, &name, NULL);
    if (rc == ERR_LIMIT) cl->full = true;
    if (rc != OK) return;
    c->field[f] = f == CONTACT_last_name ? name.last : name.display;
    if (f != CONTACT_name) return;
    if (c->field[CONTACT_first_name].len + c->field[CONTACT_last_name].len > 0) return;
    c->field[CONTACT_first_name] = name.first;
    c->field[CONTACT_last_name] = name.last;
}

/* YYYY-MM-DD of a date, or of the day in front of a time. */
static slice read_day(struct cleaner *cl, slice in)
{
    char text[TIME_TEXT_MAX];
    int64_t ms = 0;
    bool bare = false;
    slice day = in.len > 10 && (in.ptr[10] == 'T' || in.ptr[10] == ' ') ? slice_sub(in, 0, 10) : in;
    if (time_parse(day, &ms, &bare, NULL) != OK || !bare) return (slice){ NULL, 0 };
    slice out =
        slice_sub(time_format(ms, text), 0, 10); /* midnight in Sao Paulo is the same day in UTC */
    return slice_cmp(out, SLICE("1900")) < 0 ? (slice){ NULL, 0 } : keep(cl, out);
}

static slice read_zip(struct cleaner *cl, slice in)
{
    char out[BRAZIL_CEP_LEN];
    struct why why = { 0 };
    if (brazil_cep(in, out, &why) == OK) return keep(cl, slice_of(out, sizeof out));
    return slice_eq(slice_str(why.text), SLICE("invalid")) ? (slice){ NULL, 0 }
                                                           : in; /* not of Brazil, perhaps */
}

static slice read_country(struct cleaner *cl, slice in)
{
    slice known = FIND_WORD(country_words, in);
    if (known.len > 0 || in.len != 2) return known;
    slice lower = text_lower(in, cl->arena);
    if (!lower.ptr) cl->full = true;
    for (size_t i = 0; i < lower.len; i++)
        if (lower.ptr[i] < 'a' || lower.ptr[i] > 'z') return (slice){ NULL, 0 };
    return lower;
}

static slice read_ip(struct cleaner *cl, slice in)
{
    uint8_t address[16];
    slice text = keep(cl, in); /* a NUL stands behind it, and clean_text left none inside */
    bool good = text.ptr && (inet_pton(AF_INET, text.ptr, address) == 1 ||
                             inet_pton(AF_INET6, text.ptr, address) == 1);
    return good ? text : (slice){ NULL, 0 };
}

void clean_contact(struct cleaner *cl, struct contact *c, enum contact_field f, slice in,
                   bool number)
{
    slice text = clean_text(cl, in), value = { NULL, 0 };
    if (text.len == 0) return;
    switch (f) {
    case CONTACT_phone: read_phone(cl, c, text); return;
    case CONTACT_document: read_document(cl, c, text, number); return;
    case CONTACT_name:
    case CONTACT_first_name:
    case CONTACT_last_name: read_name(cl, c, f, text); return;
    case CONTACT_email: value = read_email(cl, text); break;
    case CONTACT_external_id: value = is_mended(text) ? value : text; break;
    case CONTACT_birth_date: value = read_day(cl, text); break;
    case CONTACT_gender: value = FIND_WORD(gender_words, text); break;
    case CONTACT_consent: value = FIND_WORD(consent_words, text); break;
    case CONTACT_state:
        if (brazil_state(text, &value, NULL) != OK) value = text;
        break;
    case CONTACT_zip: value = read_zip(cl, text); break;
    case CONTACT_country: value = read_country(cl, text); break;
    case CONTACT_client_ip: value = read_ip(cl, text); break;
    default: value = text; break;
    }
    if (value.len > 0) c->field[f] = value;
}

void clean_contact_value(struct cleaner *cl, struct contact *c, enum contact_field f, json *v)
{
    if (yyjson_is_bool(v) && f == CONTACT_consent)
        clean_contact(cl, c, f, yyjson_get_bool(v) ? SLICE("granted") : SLICE("denied"), false);
    else
        clean_contact(cl, c, f, json_text(v), yyjson_is_raw(v));
}

void clean_contact_end(struct cleaner *cl, struct contact *c)
{
    slice first = c->field[CONTACT_first_name], last = c->field[CONTACT_last_name];
    if (c->field[CONTACT_name].len == 0 && first.len + last.len > 0) {
        slice name = arena_printf(cl->arena, "%.*s%s%.*s", SLICE_ARG(first),
                                  first.len && last.len ? " " : "", SLICE_ARG(last));
        if (!name.ptr) cl->full = true;
        c->field[CONTACT_name] = name;
    }
    bool brazilian =
        slice_starts(c->field[CONTACT_phone], SLICE("+55")) || c->field[CONTACT_document].len > 0;
    if (c->field[CONTACT_country].len == 0 && brazilian) c->field[CONTACT_country] = SLICE("br");
}

bool clean_contact_known(const struct contact *c)
{
    static const enum contact_field who[] = { CONTACT_email,       CONTACT_phone, CONTACT_document,
                                              CONTACT_external_id, CONTACT_name,  CONTACT_fbp,
                                              CONTACT_fbc,         CONTACT_fbclid };
    for (size_t i = 0; i < ARRAY_LEN(who); i++)
        if (c->field[who[i]].len > 0) return true;
    return false;
}

slice clean_type(struct cleaner *cl, slice kind, slice word)
{
    size_t n = 0, max = EVENT_TYPE_MAX;
    char *out = take(cl, max);
    if (!out) return (slice){ NULL, 0 };
    CHECK(kind.len + 2 <= max);
    memcpy(out, kind.ptr, kind.len);
    n = kind.len;
    out[n++] = '.';
    for (size_t i = 0; i < word.len && n < max; i++) {
        char c = word.ptr[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        out[n++] = plain ? c : '_';
    }
    if (word.len == 0) out[n++] = '_';
    return slice_of(out, n);
}
