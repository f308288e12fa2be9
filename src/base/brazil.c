/* brazil.c: phones, CPF, CNPJ, CEP, states and names. Every rule is in docs/formats.md with its
 * origin. */
#include "base/brazil.h"

#include "base/text.h"

enum { DIGITS_MAX = 24 }; /* more than any phone or document with carrier and country code */

static enum err fault(struct why *why, const char *word)
{
    return why_set(why, ERR_SYNTAX, "%s", word);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits of `text` into out; bytes in `skipped` are left out, any other one is refused. */
static enum err collect(slice text, const char *skipped, char out[DIGITS_MAX], size_t *count,
                        struct why *why)
{
    size_t n = 0;
    slice marks = slice_str(skipped);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (slice_find(marks, c) < marks.len) continue;
        if (c == '\xc2' && i + 1 < text.len && text.ptr[i + 1] == '\xa0') { /* no-break space */
            i++;
            continue;
        }
        if (!is_digit(c)) return fault(why, "invalid_characters");
        if (n == DIGITS_MAX) return fault(why, "bad_length");
        out[n++] = c;
    }
    *count = n;
    return n ? OK : fault(why, "empty");
}

/* ---- phones ---- */

const char *const brazil_phone_type_name[] = { "mobile", "landline", "foreign" };
_Static_assert(ARRAY_LEN(brazil_phone_type_name) == BRAZIL_PHONE_TYPE_COUNT,
               "every type has a name");

/* Area codes in use, by first digit: which second digits exist. */
static bool is_ddd(char first, char second)
{
    static const char *const seconds[10] = {
        "",     "123456789", "12478",  "1234578",   "123456789",
        "1345", "123456789", "134579", "123456789", "123456789",
    };
    slice known = slice_str(seconds[first - '0']);
    return slice_find(known, second) < known.len;
}

/* 0800, 0300, 0500, 0900 and the 8-digit 400x, 3003: no person stands behind them and no area
 * code belongs to them. */
static bool is_service_number(slice digits)
{
    static const slice prefixes[] = { SLICE_INIT("0800"), SLICE_INIT("0300"), SLICE_INIT("0500"),
                                      SLICE_INIT("0900") };
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (slice_starts(digits, prefixes[i])) return true;
    return digits.len == 8 &&
           (slice_starts(digits, SLICE("400")) || slice_starts(digits, SLICE("3003")));
}

static void put_phone(struct brazil_phone *out, const slice *parts, size_t count,
                      enum brazil_phone_type type)
{
    *out = (struct brazil_phone){ .type = type };
    for (size_t i = 0; i < count; i++) {
        CHECK(out->len + parts[i].len <= BRAZIL_PHONE_MAX);
        memcpy(out->text + out->len, parts[i].ptr, parts[i].len);
        out->len += parts[i].len;
    }
}

static enum err national_phone(slice digits, bool country_given, struct brazil_phone *out,
                               struct why *why)
{
    if (is_service_number(digits)) return fault(why, "not_geographic");
    if (digits.ptr[0] == '0') { /* trunk prefix, perhaps with the two digits of a carrier */
        if (digits.len == 11 || digits.len == 12)
            digits = slice_sub(digits, 1, digits.len);
        else if (digits.len == 13 || digits.len == 14)
            digits = slice_sub(digits, 3, digits.len);
    } else if (!country_given && (digits.len == 12 || digits.len == 13) &&
               slice_starts(digits, SLICE("55"))) {
        digits = slice_sub(digits, 2, digits.len);
    }
    if (digits.len == 8 || digits.len == 9) return fault(why, "missing_ddd");
    if (digits.len != 10 && digits.len != 11) return fault(why, "bad_length");
    if (!is_ddd(digits.ptr[0], digits.ptr[1])) return fault(why, "invalid_ddd");
    char lead = digits.ptr[2];
    if (digits.len == 11 ? lead != '9' : lead < '2') return fault(why, "invalid_subscriber");
    bool landline = digits.len == 10 && lead <= '5';
    bool old_mobile =
        digits.len == 10 && (lead == '6' || lead >= '8'); /* 7 was radio and has eight digits */
    slice parts[] = { SLICE("+55"), slice_sub(digits, 0, 2), SLICE("9"),
                      slice_sub(digits, 2, digits.len) };
    if (!old_mobile) parts[2].len = 0;
    put_phone(out, parts, ARRAY_LEN(parts), landline ? BRAZIL_LANDLINE : BRAZIL_MOBILE);
    out->ninth_digit_added = old_mobile;
    return OK;
}

enum err brazil_phone(slice text, struct brazil_phone *out, struct why *why)
{
    char room[DIGITS_MAX];
    size_t count = 0;
    slice s = slice_trim(text);
    if (s.len == 0) return fault(why, "empty");
    if (slice_find(s, '@') < s.len || slice_find_slice(s, SLICE("-group")) < s.len ||
        slice_find_slice(s, SLICE("-broadcast")) < s.len)
        return fault(why, "not_a_phone"); /* ids of WhatsApp chats */
    bool plus = s.ptr[0] == '+';
    enum err rc = collect(plus ? slice_sub(s, 1, s.len) : s, " ()-./\t", room, &count, why);
    if (rc != OK) return rc;
    slice digits = slice_of(room, count);
    if (!plus && slice_starts(digits, SLICE("00"))) {
        plus = true;
        digits = slice_sub(digits, 2, digits.len);
    }
    if (!plus) return national_phone(digits, false, out, why);
    if (slice_starts(digits, SLICE("55")))
        digits = slice_sub(digits, 2, digits.len);
    else {
        if (digits.len < 8 || digits.len > 15 || digits.ptr[0] == '0')
            return fault(why, "bad_length");
        put_phone(out, (slice[]){ SLICE("+"), digits }, 2, BRAZIL_FOREIGN);
        return OK;
    }
    return digits.len ? national_phone(digits, true, out, why) : fault(why, "bad_length");
}

/* ---- documents ---- */

static bool all_equal(const char *text, size_t len)
{
    for (size_t i = 1; i < len; i++)
        if (text[i] != text[0]) return false;
    return true;
}

/* Check digit over text[0..len): weights go up from 2 at the right end, back to 2 after `top`. A
 * character counts its ASCII code less 48, which for digits is their value. CPF and CNPJ share
 * it: a rest of 0 or 1 gives 0. */
static char check_digit(const char *text, size_t len, unsigned top)
{
    unsigned sum = 0, weight = 2;
    for (size_t i = len; i-- > 0; weight = weight == top ? 2 : weight + 1)
        sum += (unsigned)(text[i] - '0') * weight;
    unsigned rest = sum % 11;
    return (char)('0' + (rest < 2 ? 0 : 11 - rest));
}

static bool checks_out(const char *text, size_t len, unsigned top)
{
    return check_digit(text, len - 2, top) == text[len - 2] &&
           check_digit(text, len - 1, top) == text[len - 1];
}

enum err brazil_cpf(slice text, char out[BRAZIL_CPF_LEN], struct why *why)
{
    char room[DIGITS_MAX];
    size_t count = 0;
    enum err rc = collect(slice_trim(text), " .-/", room, &count, why);
    if (rc != OK) return rc;
    if (count != BRAZIL_CPF_LEN) return fault(why, "bad_length");
    if (all_equal(room, count)) return fault(why, "repeated_digits"); /* they pass the sum */
    if (!checks_out(room, count, BRAZIL_CPF_LEN)) return fault(why, "bad_check_digit");
    memcpy(out, room, BRAZIL_CPF_LEN);
    return OK;
}

enum err brazil_cnpj(slice text, char out[BRAZIL_CNPJ_LEN], struct why *why)
{
    char room[BRAZIL_CNPJ_LEN];
    size_t count = 0;
    slice s = slice_trim(text), marks = SLICE(" .-/");
    if (s.len == 0) return fault(why, "empty");
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (slice_find(marks, c) < marks.len) continue;
        if (c >= 'a' && c <= 'z') c = (char)(c - 32);
        if (!is_digit(c) && (c < 'A' || c > 'Z')) return fault(why, "invalid_characters");
        if (count == BRAZIL_CNPJ_LEN) return fault(why, "bad_length");
        room[count++] = c;
    }
    if (count != BRAZIL_CNPJ_LEN) return fault(why, "bad_length");
    if (!is_digit(room[12]) || !is_digit(room[13])) return fault(why, "invalid_characters");
    if (all_equal(room, count)) return fault(why, "repeated_digits");
    if (!checks_out(room, count, 9)) return fault(why, "bad_check_digit");
    memcpy(out, room, BRAZIL_CNPJ_LEN);
    return OK;
}

enum err brazil_document(slice text, bool number, char out[BRAZIL_CNPJ_LEN], size_t *len,
                         struct why *why)
{
    char padded[BRAZIL_CNPJ_LEN];
    slice s = slice_trim(text), marks = SLICE(" .-/");
    size_t count = 0;
    bool letters = false;
    for (size_t i = 0; i < s.len; i++) {
        bool mark = slice_find(marks, s.ptr[i]) < marks.len;
        count += !mark;
        letters = letters || (!mark && !is_digit(s.ptr[i]));
    }
    if (number && count == s.len && count > 0 && count <= BRAZIL_CNPJ_LEN) {
        size_t want = count <= BRAZIL_CPF_LEN ? BRAZIL_CPF_LEN : BRAZIL_CNPJ_LEN;
        memset(padded, '0', sizeof padded);
        memcpy(padded + want - count, s.ptr, count);
        s = slice_of(padded, count = want);
    }
    bool company = count == BRAZIL_CNPJ_LEN || (letters && count > BRAZIL_CPF_LEN);
    enum err rc = company ? brazil_cnpj(s, out, why) : brazil_cpf(s, out, why);
    if (rc == OK) *len = company ? BRAZIL_CNPJ_LEN : BRAZIL_CPF_LEN;
    return rc;
}

enum err brazil_cep(slice text, char out[BRAZIL_CEP_LEN], struct why *why)
{
    char room[DIGITS_MAX];
    size_t count = 0;
    enum err rc = collect(slice_trim(text), " .-", room, &count, why);
    if (rc != OK) return rc;
    if (count != BRAZIL_CEP_LEN && count != BRAZIL_CEP_LEN - 1) return fault(why, "bad_length");
    bool short_by_one = count < BRAZIL_CEP_LEN;
    if (all_equal(room, count) && room[0] == '0') return fault(why, "invalid");
    out[0] = '0';
    memcpy(out + short_by_one, room, count);
    return OK;
}

/* ---- letters ---- */

/* Latin-1 letters U+00C0..U+00FF without their accent; 0: no letter or none that loses one. */
static const char latin1_base[] = "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0\0"
                                  "aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y";
_Static_assert(sizeof latin1_base == 64 + 1, "one per code point");

slice brazil_phone_of(slice digits, struct arena *arena)
{
    struct brazil_phone phone;
    slice text = arena_printf(arena, "+%.*s", SLICE_ARG(digits));
    if (!text.ptr || brazil_phone(text, &phone, NULL) != OK) return text;
    return arena_dup(arena, brazil_phone_text(&phone));
}

slice brazil_fold(slice text, char *out)
{
    size_t n = 0;
    for (size_t i = 0, step; i < text.len; i += step) {
        char plain = text.ptr[i];
        if ((unsigned char)plain < 0x80) { /* nearly all of them */
            out[n++] = plain >= 'A' && plain <= 'Z' ? (char)(plain + 32) : plain;
            step = 1;
            continue;
        }
        uint32_t code = text_utf8_get(slice_sub(text, i, text.len), &step);
        char base = code >= 0xc0 && code <= 0xff ? latin1_base[code - 0xc0] : 0;
        if (code >= 0x300 && code <= 0x36f) continue; /* a combining accent */
        if (base) {
            out[n++] = base;
        } else {
            memcpy(out + n, text.ptr + i, step);
            n += step;
        }
    }
    return slice_of(out, n);
}

enum err brazil_state(slice text, slice *code, struct why *why)
{
    static const struct {
        slice code, name;
    } states[] = {
#define STATE(code, name) { SLICE_INIT(code), SLICE_INIT(name) }
        STATE("AC", "acre"),
        STATE("AL", "alagoas"),
        STATE("AP", "amapa"),
        STATE("AM", "amazonas"),
        STATE("BA", "bahia"),
        STATE("CE", "ceara"),
        STATE("DF", "distrito federal"),
        STATE("ES", "espirito santo"),
        STATE("GO", "goias"),
        STATE("MA", "maranhao"),
        STATE("MT", "mato grosso"),
        STATE("MS", "mato grosso do sul"),
        STATE("MG", "minas gerais"),
        STATE("PA", "para"),
        STATE("PB", "paraiba"),
        STATE("PR", "parana"),
        STATE("PE", "pernambuco"),
        STATE("PI", "piaui"),
        STATE("RJ", "rio de janeiro"),
        STATE("RN", "rio grande do norte"),
        STATE("RS", "rio grande do sul"),
        STATE("RO", "rondonia"),
        STATE("RR", "roraima"),
        STATE("SC", "santa catarina"),
        STATE("SP", "sao paulo"),
        STATE("SE", "sergipe"),
        STATE("TO", "tocantins"),
#undef STATE
    };
    char room[64];
    slice s = slice_trim(text);
    if (s.len == 0) return fault(why, "empty");
    if (s.len > sizeof room) return fault(why, "unknown_state");
    slice folded = brazil_fold(s, room);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (!slice_eq_nocase(s, states[i].code) && !slice_eq(folded, states[i].name)) continue;
        *code = states[i].code;
        return OK;
    }
    return fault(why, "unknown_state");
}

/* ---- names ---- */

/* Case of ASCII and Latin-1 letters; others stay as typed. */
static uint32_t change_case(uint32_t code, bool upper)
{
    bool is_lower = (code >= 'a' && code <= 'z') || (code >= 0xe0 && code <= 0xfe && code != 0xf7);
    bool is_upper = (code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde && code != 0xd7);
    if (upper && is_lower) return code - 32;
    return !upper && is_upper ? code + 32 : code;
}

static bool is_one_of(slice word, const char *const *list)
{
    while (*list && !slice_eq_nocase(word, slice_str(*list))) list++;
    return *list != NULL;
}

/* One word in display form behind out; the case of a letter never changes its length. */
static size_t put_word(slice word, bool first_word, char *out)
{
    static const char *const particles[] = { "da", "de", "do", "das", "dos", "e", NULL };
    static const char *const numerals[] = { "ii", "iii", "iv", NULL };
    bool lower = !first_word && is_one_of(word, particles), upper = is_one_of(word, numerals),
         initial = true;
    size_t n = 0;
    for (size_t i = 0, step; i < word.len; i += step) {
        uint32_t code = text_utf8_get(slice_sub(word, i, word.len), &step);
        n += text_utf8_put(change_case(code, !lower && (upper || initial)), out + n);
        initial = code == '-' || code == '\'' || code == 0x2019;
    }
    return n;
}

static bool has_letter(slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) return true;
    }
    return false;
}

/* The next word of *rest, which has blanks, tabs, line ends and U+00A0 between its words. */
static bool next_word(slice *rest, slice *word)
{
    size_t from = 0, to;
    const slice s = *rest;
    while (from < s.len && ((unsigned char)s.ptr[from] <= ' ' ||
                            slice_starts(slice_sub(s, from, s.len), SLICE("\xc2\xa0"))))
        from += (unsigned char)s.ptr[from] <= ' ' ? 1 : 2;
    for (to = from; to < s.len; to++)
        if ((unsigned char)s.ptr[to] <= ' ' ||
            slice_starts(slice_sub(s, to, s.len), SLICE("\xc2\xa0")))
            break;
    *word = slice_sub(s, from, to);
    *rest = slice_sub(s, to, s.len);
    return word->len > 0;
}

enum err brazil_name(slice text, struct arena *arena, struct brazil_name *out, struct why *why)
{
    slice rest = text, word;
    size_t n = 0, first = 0;
    if (text.len > BRAZIL_NAME_MAX) return fault(why, "too_long");
    if (!text_utf8_valid(text) || slice_find(text, '@') < text.len) return fault(why, "not_a_name");
    char *room = arena_alloc(arena, text.len + 1);
    if (!room) return why_set(why, ERR_LIMIT, "arena full");
    while (next_word(&rest, &word)) {
        if (n > 0) room[n++] = ' ';
        n += put_word(word, n == 0, room + n);
        if (first == 0) first = n;
    }
    if (n == 0) return fault(why, "empty");
    if (!has_letter(slice_of(room, n))) return fault(why, "not_a_name");
    out->display = slice_of(room, n);
    out->first = slice_of(room, first);
    out->last = first < n ? slice_of(room + first + 1, n - first - 1) : (slice){ NULL, 0 };
    return OK;
}
