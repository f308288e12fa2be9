/* log.c: renders a line into a buffer of its own, then writes it in one call. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/time.h"

enum { LOG_LINE_MAX = 4096 };

static const char *const level_names[] = { "debug", "info", "warn", "error" };
_Static_assert(ARRAY_LEN(level_names) == LOG_LEVEL_COUNT, "every level has a name");

static void put_json(struct buf *b, const char *time, enum log_level level, const char *what,
                     const struct log_field *f, size_t count)
{
    char id[ID_TEXT_MAX];
    json_begin_object(b, NULL);
    json_put_str(b, "time", slice_str(time));
    json_put_str(b, "level", slice_str(level_names[level]));
    json_put_str(b, "what", slice_str(what));
    for (size_t i = 0; i < count; i++) {
        if (f[i].type == LOG_FIELD_INT)
            json_put_i64(b, f[i].name, f[i].number);
        else if (f[i].type == LOG_FIELD_ID)
            json_put_str(b, f[i].name, id_text(f[i].kind, (uint64_t)f[i].number, id));
        else
            json_put_str(b, f[i].name, f[i].text);
    }
    json_end_object(b);
}

/* Control characters would let an input fake a line of its own. */
static void put_plain(struct buf *b, slice s)
{
    bool quote = s.len == 0 || slice_find(s, ' ') < s.len;
    if (quote) buf_byte(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        buf_byte(b, (unsigned char)c < 0x20 || c == 0x7f || c == '"' ? '?' : c);
    }
    if (quote) buf_byte(b, '"');
}

static void put_text(struct buf *b, const char *time, enum log_level level, const char *what,
                     const struct log_field *f, size_t count)
{
    char id[ID_TEXT_MAX];
    buf_printf(b, "%s %-5s %s", time, level_names[level], what);
    for (size_t i = 0; i < count; i++) {
        buf_printf(b, " %s=", f[i].name);
        if (f[i].type == LOG_FIELD_INT)
            buf_printf(b, "%lld", (long long)f[i].number);
        else if (f[i].type == LOG_FIELD_ID)
            buf_add(b, id_text(f[i].kind, (uint64_t)f[i].number, id));
        else
            put_plain(b, f[i].text);
    }
}

void log_write(struct log *log, enum log_level level, const char *what,
               const struct log_field *fields, size_t count)
{
    char time[TIME_TEXT_MAX + 1];
    slice t = time_format(clock_wall_ms(), time);
    time[t.len] = '\0';
    struct arena a;
    arena_init(&a, 4 * LOG_LINE_MAX);
    struct buf b = buf_in(&a, LOG_LINE_MAX);
    (log->json ? put_json : put_text)(&b, time, level, what, fields, count);
    buf_byte(&b, '\n');
    if (buf_ok(&b)) (void)fwrite(b.ptr, 1, b.len, log->out);
    if (level >= LOG_WARN) (void)fflush(log->out);
    arena_free(&a);
    atomic_fetch_add_explicit(&log->counts[level], 1, memory_order_relaxed);
}
