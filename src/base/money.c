/* money.c: decimal text to integer cents.
 *
 * Way: text or JSON number -> struct decimal (digits and a power of ten) -> cents. Everything
 * that can be ambiguous is settled while the decimal is read; turning it into cents is the same
 * for all. */
#include "base/money.h"

#include "base/text.h"

/* More digits than any sender writes; a double prints 17, a decimal library perhaps 34. */
enum { DIGITS_MAX = 64, EXPONENT_MAX = 1000 };
/* Of a double, so fewer digits cannot be noise; and how many equal digits make a tail noise. */
enum { NOISE_DIGITS_MIN = 15, NOISE_RUN = 4 };

/* value = digits * 10^-scale */
struct decimal {
    char digits[DIGITS_MAX]; /* 0..9, no leading zeros */
    int count;
    int scale;
    bool negative;
};

static enum err fault(struct why *why, const char *word)
{
    return why_set(why, ERR_SYNTAX, "%s", word);
}

static enum err add_digit(struct decimal *d, char c, struct why *why)
{
    if (c < '0' || c > '9') return fault(why, "not_a_number");
    if (d->count == 0 && c == '0') return OK;
    if (d->count == DIGITS_MAX) return why_set(why, ERR_LIMIT, "too_large");
    d->digits[d->count++] = (char)(c - '0');
    return OK;
}

/* The digit that stands for 10^-place (1 = tenths); 0 where there is none. */
static int digit_at(const struct decimal *d, int place)
{
    int index = d->count - d->scale - 1 + place;
    return index >= 0 && index < d->count ? d->digits[index] : 0;
}

/* Is what stands behind `decimals` places nothing but the noise of a binary fraction? *up: it
 * rounds up. */
static bool is_noise(const struct decimal *d, int decimals, bool *up)
{
    int first = digit_at(d, decimals + 1);
    if (d->count < NOISE_DIGITS_MIN || (first != 0 && first != 9)) return false;
    for (int i = 2; i <= NOISE_RUN; i++)
        if (digit_at(d, decimals + i) != first) return false;
    *up = first == 9;
    return true;
}

/* The value times 10^decimals as a whole number. */
static enum err to_whole(const struct decimal *d, int decimals, const char *too_fine, int64_t *out,
                         struct why *why)
{
    int64_t n = 0;
    bool up = false, exact = true;
    if (d->negative && d->count > 0) return fault(why, "negative");
    int whole = d->count - d->scale +
                decimals; /* how many of the digits stand before the cut; may be past either end */
    if (d->count > 0 && whole > 19) return why_set(why, ERR_LIMIT, "too_large");
    for (int i = whole < 0 ? 0 : whole; i < d->count; i++) exact = exact && d->digits[i] == 0;
    if (!exact && !is_noise(d, decimals, &up)) return fault(why, too_fine);
    for (int i = 0; i < whole && d->count > 0; i++) {
        n = n * 10 + (i < d->count ? d->digits[i] : 0);
        if (n > MONEY_CENTS_MAX) return why_set(why, ERR_LIMIT, "too_large");
    }
    n += up;
    if (n > MONEY_CENTS_MAX) return why_set(why, ERR_LIMIT, "too_large");
    *out = n;
    return OK;
}

/* A JSON number: the parser has checked its grammar, but nothing here relies on that. */
static enum err read_number(slice text, struct decimal *d, struct why *why)
{
    *d = (struct decimal){ 0 };
    size_t i = 0, digits = 0;
    bool point = false;
    if (text.len > 0 && text.ptr[0] == '-') d->negative = true, i++;
    for (; i < text.len && text.ptr[i] != 'e' && text.ptr[i] != 'E'; i++) {
        if (text.ptr[i] == '.' && !point) {
            point = true;
            continue;
        }
        enum err rc = add_digit(d, text.ptr[i], why);
        if (rc != OK) return rc;
        d->scale += point;
        digits++;
    }
    if (digits == 0) return fault(why, "not_a_number");
    if (i < text.len) {
        int64_t exponent = 0;
        slice tail = slice_sub(text, i + 1, text.len);
        if (tail.len > 0 && tail.ptr[0] == '+') tail = slice_sub(tail, 1, tail.len);
        enum err rc = text_i64(tail, -EXPONENT_MAX, EXPONENT_MAX, &exponent, NULL);
        if (rc == ERR_SYNTAX) return fault(why, "not_a_number");
        if (rc != OK) return why_set(why, ERR_LIMIT, "too_large");
        d->scale -= (int)exponent;
    }
    return OK;
}

/* Without "R$" and blanks (also U+00A0) at the front, and without a sign on either side of "R$". */
static slice skip_currency(slice s, bool *negative)
{
    static const slice skipped[] = { SLICE_INIT("R$"), SLICE_INIT(" "), SLICE_INIT("\xc2\xa0") };
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < ARRAY_LEN(skipped); i++) {
            if (!slice_starts(s, skipped[i])) continue;
            s = slice_sub(s, skipped[i].len, s.len);
            again = true;
        }
        if (s.len > 0 && s.ptr[0] == '-' && !*negative) {
            *negative = again = true;
            s = slice_sub(s, 1, s.len);
        }
    }
    return s;
}

/* Thousands groups: every group but the first has exactly three digits, the first has one to
 * three. */
static bool is_grouped(slice whole, char mark)
{
    slice group;
    for (size_t i = 0; slice_cut(&whole, mark, &group); i++)
        if (i == 0 ? group.len < 1 || group.len > 3 : group.len != 3) return false;
    return true;
}

/* Which byte of s is the decimal mark: its position, or s.len for none; *group is the mark of
 * thousands or 0. */
static enum err find_mark(slice s, size_t *at, char *group, struct why *why)
{
    size_t marks[2] = { 0, 0 }, last = s.len;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '.' && s.ptr[i] != ',') continue;
        marks[s.ptr[i] == ',']++;
        last = i;
    }
    *at = last;
    *group = 0;
    if (last == s.len) return OK;
    bool comma = s.ptr[last] == ',';
    size_t same = marks[comma], other = marks[!comma];
    if (same > 1 && other > 0) return fault(why, "not_a_number");
    if (same > 1) { /* 1.234.567 */
        *at = s.len;
        *group = s.ptr[last];
    } else if (other > 0) { /* 1.234,56 */
        *group = comma ? '.' : ',';
    } else if (s.len - last == 4 && last >= 1 && last <= 3 && s.ptr[0] != '0') { /* 1.234 */
        return fault(why, "ambiguous");
    }
    return OK;
}

static enum err read_text(slice text, struct decimal *d, struct why *why)
{
    *d = (struct decimal){ 0 };
    if (slice_trim(text).len == 0) return fault(why, "empty");
    slice s = slice_trim(skip_currency(slice_trim(text), &d->negative));
    size_t mark;
    char group;
    enum err rc = find_mark(s, &mark, &group, why);
    if (rc != OK) return rc;
    slice whole = slice_sub(s, 0, mark), decimals = slice_sub(s, mark + 1, s.len);
    if (group && !is_grouped(whole, group)) return fault(why, "not_a_number");
    if (whole.len == 0 || (mark < s.len && decimals.len == 0)) return fault(why, "not_a_number");
    for (size_t i = 0; i < whole.len && rc == OK; i++)
        if (group == 0 || whole.ptr[i] != group) rc = add_digit(d, whole.ptr[i], why);
    for (size_t i = 0; i < decimals.len && rc == OK; i++) {
        rc = add_digit(d, decimals.ptr[i], why);
        d->scale++;
    }
    return rc;
}

enum err money_parse(slice text, int64_t *cents, struct why *why)
{
    struct decimal d;
    enum err rc = read_text(text, &d, why);
    return rc == OK ? to_whole(&d, 2, "too_many_decimals", cents, why) : rc;
}

enum err money_from_json(json *v, int64_t *cents, struct why *why)
{
    struct decimal d;
    if (!yyjson_is_raw(v))
        return yyjson_is_str(v) ? money_parse(json_str(v), cents, why) : fault(why, "not_a_number");
    enum err rc = read_number(json_text(v), &d, why);
    return rc == OK ? to_whole(&d, 2, "too_many_decimals", cents, why) : rc;
}

enum err money_parse_cents(slice text, int64_t *cents, struct why *why)
{
    struct decimal d;
    slice s = slice_trim(text);
    if (s.len == 0) return fault(why, "empty");
    enum err rc = read_number(s, &d, why);
    if (rc != OK) return rc;
    return d.scale != 0 ? fault(why, "not_an_integer")
                        : to_whole(&d, 0, "not_an_integer", cents, why);
}

enum err money_cents_from_json(json *v, int64_t *cents, struct why *why)
{
    struct decimal d;
    if (!yyjson_is_raw(v))
        return yyjson_is_str(v) ? money_parse_cents(json_str(v), cents, why)
                                : fault(why, "not_a_number");
    enum err rc = read_number(json_text(v), &d, why);
    return rc == OK ? to_whole(&d, 0, "not_an_integer", cents, why) : rc;
}
