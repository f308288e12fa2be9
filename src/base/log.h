/* log.h: one line per thing that happened: a level, a "noun.verb", and fields. Ids and words, never bodies, secrets or personal
 * data. Text for people, JSON for machines (MALOTE_LOG). Lines of all threads go out whole. */
#ifndef MALOTE_BASE_LOG_H
#define MALOTE_BASE_LOG_H

#include <stdatomic.h>
#include <stdio.h>

#include "base/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

struct log {
    FILE *out;
    bool json;
    enum log_level level;
    _Atomic uint64_t counts[LOG_LEVEL_COUNT]; /* lines written, for the metrics */
};

struct log_field {
    const char *name;
    enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_ID } type;
    slice text;
    int64_t number;
    enum id_kind kind;
};

static inline struct log_field log_str(const char *name, slice v)
{
    return (struct log_field){ name, LOG_FIELD_TEXT, v, 0, 0 };
}
static inline struct log_field log_cstr(const char *name, const char *v)
{
    return log_str(name, slice_str(v));
}
static inline struct log_field log_int(const char *name, int64_t v)
{
    return (struct log_field){ name, LOG_FIELD_INT, { 0 }, v, 0 };
}
static inline struct log_field log_id(const char *name, enum id_kind kind, uint64_t id)
{
    return (struct log_field){ name, LOG_FIELD_ID, { 0 }, (int64_t)id, kind };
}
static inline struct log_field log_why(const struct why *why) { return log_cstr("why", why->text); }

/* Writes one line; arguments are not evaluated below the level. */
#define LOG(log, lvl, what, ...)                                                                   \
    do {                                                                                           \
        if ((lvl) >= (log)->level) {                                                               \
            const struct log_field fields_[] = { __VA_ARGS__ };                                    \
            log_write((log), (lvl), (what), fields_, ARRAY_LEN(fields_));                          \
        }                                                                                          \
    } while (0)
void log_write(struct log *log, enum log_level level, const char *what,
               const struct log_field *fields, size_t count);

#endif
