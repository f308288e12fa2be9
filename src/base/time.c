/* time.c: instants to and from text. */
#include "base/time.h"

#include <stdio.h>

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
    int len = snprintf(out, TIME_TEXT_MAX, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", (int)year, month, day,
                       (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    return slice_of(out, (size_t)len);
}

enum err time_parse(slice text, int64_t *out, bool *bare_date, struct why *why)
{
    (void)text; (void)out; (void)bare_date;
    return why_set(why, ERR_SYNTAX, "not written yet");
}
