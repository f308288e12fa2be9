/* time.c: instants to and from text.
 *
 * Why so: platforms send local times of Sao Paulo without a zone. Its summers are a closed list
 * since 2019, so they stand here as a table: the result then depends neither on the tz database
 * nor on the TZ of the machine. */
#include "base/time.h"

#include <stdio.h>

#include "base/text.h"

int64_t time_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

slice time_format(int64_t unix_ms, char out[TIME_TEXT_MAX])
{
    int64_t days = unix_ms / 86400000, ms = unix_ms % 86400000;
    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = (int64_t)yoe + era * 400 + (month <= 2);
    if (year < 1 || year > 9999) return slice_of("", 0);
    const struct {
        unsigned value, digits;
        char after;
    } parts[] = {
        { (unsigned)year, 4, '-' },
        { month, 2, '-' },
        { day, 2, 'T' },
        { (unsigned)(ms / 3600000), 2, ':' },
        { (unsigned)(ms / 60000 % 60), 2, ':' },
        { (unsigned)(ms / 1000 % 60), 2, '.' },
        { (unsigned)(ms % 1000), 3, 'Z' },
    };
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (unsigned d = parts[i].digits, v = parts[i].value; d-- > 0; v /= 10)
            out[n + d] = (char)('0' + v % 10);
        n += parts[i].digits;
        out[n++] = parts[i].after;
    }
    return slice_of(out, n);
}

enum { DAY_MS = 86400000, HOUR_MS = 3600000 };

/* Numbers below this many digits are no instants: "2024" is a year and "20240310" a date without
 * marks. */
enum { TIME_DIGITS_MIN = 9 };
static const int64_t MS_FROM = 100000000000,
                     MS_MAX = 253402300799999; /* 10^11; the end of the year 9999 */

/* Summers of America/Sao_Paulo: from midnight (clocks jump to 01:00) of a day in `year` until
 * midnight (clocks fall back to 23:00) of a day in the year after. From the tz database; before
 * 1985 there was none since 1968, which is as far back as payments go. */
static const struct {
    int16_t year;
    uint8_t from_month, from_day, to_month, to_day;
} summers[] = {
    { 1985, 11, 2, 3, 15 },  { 1986, 10, 25, 2, 14 }, { 1987, 10, 25, 2, 7 },
    { 1988, 10, 16, 1, 29 }, { 1989, 10, 15, 2, 11 }, { 1990, 10, 21, 2, 17 },
    { 1991, 10, 20, 2, 9 },  { 1992, 10, 25, 1, 31 }, { 1993, 10, 17, 2, 20 },
    { 1994, 10, 16, 2, 19 }, { 1995, 10, 15, 2, 11 }, { 1996, 10, 6, 2, 16 },
    { 1997, 10, 6, 3, 1 },   { 1998, 10, 11, 2, 21 }, { 1999, 10, 3, 2, 27 },
    { 2000, 10, 8, 2, 18 },  { 2001, 10, 14, 2, 17 }, { 2002, 11, 3, 2, 16 },
    { 2003, 10, 19, 2, 15 }, { 2004, 11, 2, 2, 20 },  { 2005, 10, 16, 2, 19 },
    { 2006, 11, 5, 2, 25 },  { 2007, 10, 14, 2, 17 }, { 2008, 10, 19, 2, 15 },
    { 2009, 10, 18, 2, 21 }, { 2010, 10, 17, 2, 20 }, { 2011, 10, 16, 2, 26 },
    { 2012, 10, 21, 2, 17 }, { 2013, 10, 20, 2, 16 }, { 2014, 10, 19, 2, 22 },
    { 2015, 10, 18, 2, 21 }, { 2016, 10, 16, 2, 19 }, { 2017, 10, 15, 2, 18 },
    { 2018, 11, 4, 2, 17 },
};

/* A wall clock in Sao Paulo, written as if it were UTC, to the instant. The hour that exists
 * twice takes its first reading; the hour that does not exist counts on from the winter before
 * it. */
static int64_t from_sao_paulo(int64_t wall_ms)
{
    for (size_t i = ARRAY_LEN(summers); i-- > 0;) {
        int64_t year = summers[i].year;
        int64_t from = time_days_from_civil(year, summers[i].from_month, summers[i].from_day);
        int64_t to = time_days_from_civil(year + 1, summers[i].to_month, summers[i].to_day);
        if (wall_ms >= from * DAY_MS + HOUR_MS && wall_ms < to * DAY_MS)
            return wall_ms + 2 * HOUR_MS;
    }
    return wall_ms + 3 * HOUR_MS;
}

/* Takes exactly `digits` decimal digits from the front of *rest. */
static bool take_number(slice *rest, size_t digits, unsigned *out)
{
    uint64_t n = 0;
    if (rest->len < digits) return false;
    if (text_u64(slice_sub(*rest, 0, digits), UINT32_MAX, &n, NULL) != OK) return false;
    *out = (unsigned)n;
    *rest = slice_sub(*rest, digits, rest->len);
    return true;
}

static bool take_byte(slice *rest, char byte)
{
    if (rest->len == 0 || rest->ptr[0] != byte) return false;
    *rest = slice_sub(*rest, 1, rest->len);
    return true;
}

static bool take_date(slice *rest, int64_t *days)
{
    static const uint8_t month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned year, month, day;
    bool people = rest->len > 2 && rest->ptr[2] == '/';
    bool good = people ? take_number(rest, 2, &day) && take_byte(rest, '/') &&
                             take_number(rest, 2, &month) && take_byte(rest, '/') &&
                             take_number(rest, 4, &year)
                       : take_number(rest, 4, &year) && take_byte(rest, '-') &&
                             take_number(rest, 2, &month) && take_byte(rest, '-') &&
                             take_number(rest, 2, &day);
    if (!good || year < 1 || month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > month_days[month - 1] + (unsigned)(leap && month == 2)) return false;
    *days = time_days_from_civil(year, month, day);
    return true;
}

/* HH:MM[:SS[.fraction]] */
static bool take_clock(slice *rest, int64_t *ms)
{
    unsigned hour, minute, second = 0, thousandths = 0;
    if (!take_number(rest, 2, &hour) || !take_byte(rest, ':') || !take_number(rest, 2, &minute))
        return false;
    if (take_byte(rest, ':')) {
        if (!take_number(rest, 2, &second)) return false;
        if (take_byte(rest, '.')) {
            size_t digits = 0;
            for (unsigned digit; digits < 9 && take_number(rest, 1, &digit); digits++)
                if (digits < 3) thousandths += digit * (digits == 0 ? 100 : digits == 1 ? 10 : 1);
            if (digits == 0) return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    *ms = (int64_t)((hour * 60 + minute) * 60 + second) * 1000 + thousandths;
    return true;
}

/* "Z", "+HH:MM", "+HHMM", "+HH" or nothing. */
static bool take_zone(slice *rest, bool *given, int64_t *offset_ms)
{
    unsigned hours, minutes = 0;
    *given = rest->len > 0;
    *offset_ms = 0;
    if (rest->len == 0 || take_byte(rest, 'Z')) return true;
    bool west = take_byte(rest, '-');
    if (!west && !take_byte(rest, '+')) return false;
    if (!take_number(rest, 2, &hours)) return false;
    (void)take_byte(rest, ':');
    if (rest->len > 0 && !take_number(rest, 2, &minutes)) return false;
    if (hours > 23 || minutes > 59) return false;
    *offset_ms = (int64_t)(hours * 60 + minutes) * 60000 * (west ? -1 : 1);
    return true;
}

enum err time_parse(slice text, int64_t *out, bool *bare_date, struct why *why)
{
    slice rest = slice_trim(text);
    uint64_t number = 0;
    int64_t days, clock_ms = 0, offset_ms = 0;
    bool zoned = false;
    if (bare_date) *bare_date = false;
    if (rest.len == 0) return why_set(why, ERR_SYNTAX, "empty");
    if (rest.len >= TIME_DIGITS_MIN && text_u64(rest, (uint64_t)MS_MAX, &number, NULL) == OK) {
        *out = (int64_t)number >= MS_FROM ? (int64_t)number : (int64_t)number * 1000;
        return OK;
    }
    if (!take_date(&rest, &days)) return why_set(why, ERR_SYNTAX, "invalid_date");
    bool bare = rest.len == 0;
    if (!bare) {
        if (!take_byte(&rest, 'T') && !take_byte(&rest, ' '))
            return why_set(why, ERR_SYNTAX, "invalid_date");
        if (!take_clock(&rest, &clock_ms) || !take_zone(&rest, &zoned, &offset_ms) || rest.len > 0)
            return why_set(why, ERR_SYNTAX, "invalid_date");
    }
    int64_t wall_ms = days * DAY_MS + clock_ms;
    *out = zoned ? wall_ms - offset_ms : from_sao_paulo(wall_ms);
    if (bare_date) *bare_date = bare;
    return OK;
}
