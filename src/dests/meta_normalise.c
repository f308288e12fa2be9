/* meta_normalise.c: the normal forms of customer data, one small function per field and a table
 * that names them.
 *
 * The order is the same for each: trim -> nothing left: absent -> a digest already: pass it ->
 * normalise -> hash. Where Meta's own libraries disagree, the published page decides, then the
 * newest library; the vectors name the answers that are tolerable. Text is not composed (NFC): the
 * page asks for UTF-8 and says nothing on composition. */
#include "dests/meta_normalise.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "dests/meta_case.h"
#include "dests/meta_places.h"

enum {
    EMAIL_BYTES_MAX = 254, /* RFC 5321, 4.5.3.1.3 less the brackets */
    PHONE_DIGITS_MIN = 7,
    PHONE_DIGITS_MAX = 15, /* E.164 */
    BIRTH_YEAR_MIN = 1900,
    MD5_HEX = 32,
};

/* Which characters `filter` drops. */
enum { DROP_BLANKS = 1, DROP_PUNCTUATION = 2, DROP_DIGITS = 4 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static slice trim(slice s)
{
    size_t step;
    while (s.len && meta_case_is_blank(text_utf8_get(s, &step))) s = slice_sub(s, step, s.len);
    for (;;) { /* backwards: to the start of the last sequence */
        size_t at = s.len;
        while (at > 0 && ((unsigned char)s.ptr[at - 1] & 0xc0) == 0x80) at--;
        if (at == 0) return s;
        if (!meta_case_is_blank(text_utf8_get(slice_sub(s, at - 1, s.len), &step))) return s;
        s.len = at - 1;
    }
}

/* Lower case without the characters named by `drop`. Invalid UTF-8 is dropped: it cannot be hashed
 * as text. */
static void filter(struct buf *out, slice in, unsigned drop)
{
    for (size_t step; in.len; in = slice_sub(in, step, in.len)) {
        uint32_t code = text_utf8_get(in, &step);
        char bytes[4];
        if (code == 0xfffd && step == 1) continue;
        if ((drop & DROP_BLANKS) && meta_case_is_blank(code)) continue;
        if ((drop & DROP_PUNCTUATION) && meta_case_is_punctuation(code)) continue;
        if ((drop & DROP_DIGITS) && code >= '0' && code <= '9') continue;
        buf_add(out, slice_of(bytes, text_utf8_put(meta_case_lower(code), bytes)));
    }
}

/* 64 or 32 hex digits; Meta's own libraries append a dot and 2 or 8 characters, which pass
 * unchanged. 0: no digest. */
static size_t digest_len(slice s)
{
    size_t hex = 0;
    while (hex < s.len && (is_digit(s.ptr[hex]) || (s.ptr[hex] >= 'a' && s.ptr[hex] <= 'f') ||
                           (s.ptr[hex] >= 'A' && s.ptr[hex] <= 'F')))
        hex++;
    if (hex != HASH_SHA256_HEX && hex != MD5_HEX) return 0;
    if (hex == s.len) return hex;
    slice mark = slice_sub(s, hex + 1, s.len);
    if (s.ptr[hex] != '.' || (mark.len != 2 && mark.len != 8)) return 0;
    for (size_t i = 0; i < mark.len; i++)
        if (!is_alnum(mark.ptr[i]) && mark.ptr[i] != '_' && mark.ptr[i] != '-') return 0;
    return hex;
}

/* Each of these writes the normal form of `in` (trimmed, not empty) into `out`; false: no value of
 * the field. */
typedef bool normal_form(slice in, struct buf *out);

static bool domain_ok(slice domain)
{
    size_t labels = 0;
    slice label = { NULL, 0 };
    while (slice_cut(&domain, '.', &label)) {
        if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' &&
                !((unsigned char)label.ptr[i] & 0x80))
                return false;
        labels++;
    }
    return labels >= 2;
}

/* RFC 5322 dot-atom as Meta's library takes it: quoted local parts and address literals are
 * refused. */
static bool local_ok(slice local)
{
    slice atom;
    if (local.len == 0) return false;
    while (slice_cut(&local, '.', &atom)) {
        if (atom.len == 0) return false;
        for (size_t i = 0; i < atom.len; i++) {
            char c = atom.ptr[i];
            if (!is_alnum(c) && !((unsigned char)c & 0x80) &&
                (c < ' ' || !strchr("!#$%&'*+/=?^_`{|}~-", c)))
                return false;
        }
    }
    return true;
}

static bool email_form(slice in, struct buf *out)
{
    size_t at = slice_find(in, '@');
    if (in.len > EMAIL_BYTES_MAX || at == in.len || !text_utf8_valid(in)) return false;
    if (!local_ok(slice_sub(in, 0, at)) || !domain_ok(slice_sub(in, at + 1, in.len))) return false;
    filter(out, in, 0);
    return true;
}

static bool phone_form(slice in, struct buf *out)
{
    size_t digits = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (!is_digit(in.ptr[i]) || (digits == 0 && in.ptr[i] == '0'))
            continue; /* leading zeros are dialling prefixes */
        buf_byte(out, in.ptr[i]);
        digits++;
    }
    return digits >= PHONE_DIGITS_MIN && digits <= PHONE_DIGITS_MAX;
}

static bool name_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION);
    return true;
}

/* The first `count` characters of a name. */
static void name_start(slice in, size_t count, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION);
    slice all = buf_slice(out);
    size_t bytes = 0, step;
    while (count-- > 0 && bytes < all.len) {
        (void)text_utf8_get(slice_sub(all, bytes, all.len), &step);
        bytes += step;
    }
    out->len = bytes;
}

static bool first_five_form(slice in, struct buf *out)
{
    name_start(in, 5, out);
    return true;
}

static bool initial_form(slice in, struct buf *out)
{
    name_start(in, 1, out);
    return true;
}

static bool gender_form(slice in, struct buf *out)
{
    static const struct {
        const char *word, *code;
    } words[] = {
        { "f", "f" }, { "female", "f" }, { "feminino", "f" },
        { "m", "m" }, { "male", "m" },   { "masculino", "m" },
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!slice_eq_nocase(in, slice_str(words[i].word))) continue;
        buf_add(out, slice_str(words[i].code));
        return true;
    }
    return false;
}

static bool day_exists(uint64_t year, uint64_t month, uint64_t day)
{
    static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (year < BIRTH_YEAR_MIN || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days[month - 1])
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day < 29 || leap;
}

/* Eight digits are taken as they stand (all of Meta's libraries do, whatever order they are in), if
 * they are a date at all. */
static bool eight_digits_form(uint64_t n, slice in, struct buf *out)
{
    uint64_t year = n % 10000, first = n / 1000000, second = n / 10000 % 100;
    bool known = day_exists(n / 10000, n / 100 % 100, n % 100) || day_exists(year, first, second) ||
                 day_exists(year, second, first);
    buf_add(out, in);
    return known;
}

/* Year first as ISO 8601 has it, or month/day/year as the official library reads it; day/month only
 * where nothing else fits. */
static bool birth_form(slice in, struct buf *out)
{
    uint64_t part[3] = { 0 }, n = 0;
    size_t count = 0, first_len = 0;
    if (in.len == 8 && text_u64(in, UINT32_MAX, &n, NULL) == OK)
        return eight_digits_form(n, in, out);
    for (size_t i = 0; i < in.len && count < ARRAY_LEN(part);) {
        size_t len = 0;
        while (i + len < in.len && is_digit(in.ptr[i + len])) len++;
        if (len > 0 && text_u64(slice_sub(in, i, i + len), 9999, &part[count], NULL) != OK)
            return false;
        if (len > 0 && count++ == 0) first_len = len;
        i += len ? len : 1;
    }
    if (count < ARRAY_LEN(part)) return false;
    uint64_t year = part[2], month = part[0], day = part[1];
    if (first_len == 4) {
        year = part[0];
        month = part[1];
        day = part[2];
    } else if (month > 12) {
        month = part[1];
        day = part[0];
    }
    if (!day_exists(year, month, day)) return false;
    buf_printf(out, "%04u%02u%02u", (unsigned)year, (unsigned)month, (unsigned)day);
    return true;
}

static bool city_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION | DROP_DIGITS);
    return true;
}

/* Names of states of the USA and provinces of Canada become their codes; anything else keeps its
 * letters. */
static bool state_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION | DROP_DIGITS);
    slice code = meta_places_state_code(buf_slice(out));
    if (code.len == 0) return true;
    out->len = 0;
    buf_add(out, code);
    return true;
}

static bool postcode_form(slice in, struct buf *out)
{
    filter(out, slice_sub(in, 0, slice_find(in, '-')), DROP_BLANKS);
    return out->len >= 2;
}

static bool country_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION | DROP_DIGITS);
    slice code = meta_places_country(buf_slice(out));
    out->len = 0;
    buf_add(out, code);
    return code.len > 0;
}

static bool external_id_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS);
    return true;
}

static bool number_form(slice in, uint64_t min, uint64_t max, size_t digits_min, size_t digits_max,
                        struct buf *out)
{
    uint64_t n;
    if (in.len < digits_min || in.len > digits_max || text_u64(in, max, &n, NULL) != OK || n < min)
        return false;
    buf_printf(out, "%0*u", (int)digits_max, (unsigned)n);
    return true;
}

static bool birth_day_form(slice in, struct buf *out) { return number_form(in, 1, 31, 1, 2, out); }
static bool birth_month_form(slice in, struct buf *out)
{
    return number_form(in, 1, 12, 1, 2, out);
}
static bool birth_year_form(slice in, struct buf *out)
{
    return number_form(in, 0, 9999, 4, 4, out);
}

/* ISO 4217: three letters. Whether they are in the list is not checked: it changes, and Meta knows
 * it. */
static bool currency_form(slice in, struct buf *out)
{
    filter(out, in, DROP_BLANKS | DROP_PUNCTUATION);
    slice code = buf_slice(out);
    for (size_t i = 0; i < code.len; i++)
        if (code.ptr[i] < 'a' || code.ptr[i] > 'z') return false;
    return code.len == 3;
}

static normal_form *const forms[META_FIELD_COUNT] = {
    [META_FIELD_EM] = email_form,
    [META_FIELD_PH] = phone_form,
    [META_FIELD_FN] = name_form,
    [META_FIELD_LN] = name_form,
    [META_FIELD_GE] = gender_form,
    [META_FIELD_DB] = birth_form,
    [META_FIELD_CT] = city_form,
    [META_FIELD_ST] = state_form,
    [META_FIELD_ZP] = postcode_form,
    [META_FIELD_COUNTRY] = country_form,
    [META_FIELD_EXTERNAL_ID] = external_id_form,
    [META_FIELD_F5FIRST] = first_five_form,
    [META_FIELD_F5LAST] = first_five_form,
    [META_FIELD_FI] = initial_form,
    [META_FIELD_DOBD] = birth_day_form,
    [META_FIELD_DOBM] = birth_month_form,
    [META_FIELD_DOBY] = birth_year_form,
    [META_FIELD_CURRENCY] = currency_form,
};

struct buf meta_normalise_work(struct arena *arena)
{
    /* Lower case can be longer in UTF-8 than upper case (U+023A), never by more than half. */
    return buf_in(arena, 2 * META_NORMALISE_RAW_MAX);
}

enum err meta_normalise(enum meta_field field, slice raw, struct buf *work, struct meta_normal *out)
{
    *out = (struct meta_normal){ META_UNUSABLE, { NULL, 0 } };
    if (raw.len > META_NORMALISE_RAW_MAX) return OK;
    slice in = trim(raw);
    work->len = 0;
    if (in.len == 0) {
        out->usable = META_ABSENT;
        return OK;
    }
    size_t hex = field == META_FIELD_CURRENCY ? 0 : digest_len(in);
    bool usable = true;
    if (hex > 0) {
        filter(work, slice_sub(in, 0, hex), 0);
        buf_add(work, slice_sub(in, hex, in.len));
    } else {
        usable = forms[field](in, work);
    }
    if (!buf_ok(work)) return ERR_LIMIT;
    if (usable && work->len > 0)
        *out = (struct meta_normal){ hex > 0 ? META_DIGEST : META_TEXT, buf_slice(work) };
    return OK;
}

enum err meta_normalise_hash(enum meta_field field, slice raw, struct buf *work, slice *out)
{
    struct meta_normal normal;
    *out = (slice){ NULL, 0 };
    enum err rc = meta_normalise(field, raw, work, &normal);
    if (rc != OK || normal.text.len == 0) return rc;
    char *hex = NULL;
    if (normal.usable == META_DIGEST)
        *out = arena_dup(work->arena, normal.text);
    else if ((hex = arena_alloc(work->arena, HASH_SHA256_HEX)))
        *out = hash_sha256_hex(normal.text, hex);
    return out->ptr ? OK : ERR_LIMIT;
}

enum err meta_normalise_city_ascii(slice text, struct arena *arena, slice *out)
{
    enum { LATIN_LAST = 0x24f };
    struct buf ascii = buf_in(arena, META_NORMALISE_RAW_MAX);
    *out = (slice){ NULL, 0 };
    size_t step;
    for (slice rest = text; rest.len; rest = slice_sub(rest, step, rest.len)) {
        uint32_t code = text_utf8_get(rest, &step);
        if (code > LATIN_LAST) return OK; /* another script: what is left over would be no city */
        if (code < 0x80) buf_byte(&ascii, (char)code);
    }
    if (!buf_ok(&ascii)) return ERR_LIMIT;
    if (ascii.len > 0 && ascii.len < text.len) *out = buf_slice(&ascii);
    return OK;
}

slice meta_normalise_state_twin(slice text) { return meta_places_brazil_twin(text); }

static bool ipv4_public(const uint8_t a[4])
{
    static const struct {
        uint8_t net[4];
        unsigned bits;
    } refused[] = {
        { { 0 }, 8 },         { { 10 }, 8 },        { { 100, 64 }, 10 },
        { { 127 }, 8 },       { { 169, 254 }, 16 }, { { 172, 16 }, 12 },
        { { 192, 168 }, 16 }, { { 224 }, 4 },       { { 240 }, 4 },
    };
    uint32_t address = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        uint32_t net = (uint32_t)refused[i].net[0] << 24 | (uint32_t)refused[i].net[1] << 16;
        if ((address ^ net) >> (32 - refused[i].bits) == 0) return false;
    }
    return true;
}

bool meta_normalise_ip_ok(slice text)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, zero[15] = { 0 };
    char name[INET6_ADDRSTRLEN];
    uint8_t a[16];
    if (text.len == 0 || text.len >= sizeof name || slice_find(text, '\0') < text.len) return false;
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET, name, a) == 1) return ipv4_public(a);
    if (inet_pton(AF_INET6, name, a) != 1) return false;
    if (memcmp(a, mapped, sizeof mapped) == 0) return ipv4_public(a + sizeof mapped);
    if (memcmp(a, zero, sizeof zero) == 0 && a[15] <= 1) return false; /* unspecified, loopback */
    if ((a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0x80)))
        return false;    /* unique local; link and site local */
    return a[0] != 0xff; /* multicast */
}
