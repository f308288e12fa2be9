/* settings.c: one table in, checked and typed values out. */
#include "config/settings.h"

#include "base/buf.h"

static enum err wrong(struct why *why, const struct setting *s, const char *what)
{
    return why_set(why, ERR_SYNTAX, "setting `%s`: %s", s->name, what);
}

static enum err read_text(const struct setting *s, json *v, struct arena *arena, slice *out,
                          struct why *why)
{
    size_t longest = s->max > 0 ? (size_t)s->max : SETTING_TEXT_MAX;
    slice text = json_text(v);
    if (!yyjson_is_str(v) && !yyjson_is_raw(v)) return wrong(why, s, "text is expected");
    if (text.len > longest) return wrong(why, s, "too long");
    *out = arena_dup(arena, text);
    return out->ptr ? OK : why_set(why, ERR_LIMIT, "settings too large");
}

static enum err read_list(const struct setting *s, json *v, struct arena *arena,
                          struct setting_value *out, struct why *why)
{
    size_t count = yyjson_is_arr(v) ? yyjson_arr_size(v) : 1;
    if (count > SETTING_LIST_MAX) return wrong(why, s, "too many items");
    out->items = arena_new(arena, struct setting_pair, count);
    if (!out->items) return why_set(why, ERR_LIMIT, "settings too large");
    for (size_t i = 0; i < count; i++) {
        json *item = yyjson_is_arr(v) ? yyjson_arr_get(v, i) : v;
        enum err rc = read_text(s, item, arena, &out->items[i].value, why);
        if (rc != OK) return rc;
    }
    out->count = count;
    return OK;
}

static enum err read_map(const struct setting *s, json *v, struct arena *arena,
                         struct setting_value *out, struct why *why)
{
    if (!yyjson_is_obj(v)) return wrong(why, s, "a map of texts is expected");
    if (yyjson_obj_size(v) > SETTING_LIST_MAX) return wrong(why, s, "too many entries");
    out->items = arena_new(arena, struct setting_pair, yyjson_obj_size(v));
    if (!out->items) return why_set(why, ERR_LIMIT, "settings too large");
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (json *key; (key = yyjson_obj_iter_next(&it));) {
        enum err rc = read_text(s, key, arena, &out->items[out->count].name, why);
        if (rc == OK)
            rc = read_text(s, yyjson_obj_iter_get_val(key), arena, &out->items[out->count].value,
                           why);
        if (rc != OK) return rc;
        out->count++;
    }
    return OK;
}

static enum err read_url(const struct setting *s, slice text, struct why *why)
{
    size_t scheme = slice_starts(text, SLICE("https://"))  ? 8
                    : slice_starts(text, SLICE("http://")) ? 7
                                                           : 0;
    if (scheme == 0 || text.len == scheme)
        return wrong(why, s, "an absolute http:// or https:// URL is expected");
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f) return wrong(why, s, "a URL has no blanks");
    slice authority = slice_sub(text, scheme, text.len);
    authority = slice_sub(authority, 0, slice_find(authority, '/'));
    if (slice_find(authority, '@') < authority.len)
        return wrong(why, s, "no user or password in the URL; use a header setting");
    return OK;
}

static enum err read_value(const struct setting *s, json *v, struct arena *arena,
                           struct setting_value *out, struct why *why)
{
    enum err rc = OK;
    switch (s->type) {
    case SETTING_TEXT: rc = read_text(s, v, arena, &out->text, why); break;
    case SETTING_URL:
        rc = read_text(s, v, arena, &out->text, why);
        if (rc == OK) rc = read_url(s, out->text, why);
        break;
    case SETTING_INT:
        if (!json_i64(v, &out->number)) return wrong(why, s, "a whole number is expected");
        if (out->number < s->min || out->number > s->max)
            return why_set(why, ERR_SYNTAX, "setting `%s`: must be %lld to %lld", s->name,
                           (long long)s->min, (long long)s->max);
        break;
    case SETTING_BOOL:
        if (!yyjson_is_bool(v) && !slice_eq(json_text(v), SLICE("true")) &&
            !slice_eq(json_text(v), SLICE("false")))
            return wrong(why, s, "true or false is expected");
        out->number = json_truth(v);
        break;
    case SETTING_CHOICE: {
        rc = read_text(s, v, arena, &out->text, why);
        if (rc != OK) return rc;
        size_t i = 0;
        while (s->choices[i] && !slice_eq(out->text, slice_str(s->choices[i]))) i++;
        if (!s->choices[i]) {
            char known[WHY_TEXT_MAX] = "";
            size_t used = 0;
            for (i = 0; s->choices[i] && used + strlen(s->choices[i]) + 3 < sizeof known; i++) {
                if (i > 0) known[used++] = ',', known[used++] = ' ';
                memcpy(known + used, s->choices[i], strlen(s->choices[i]) + 1);
                used += strlen(s->choices[i]);
            }
            return why_set(why, ERR_SYNTAX, "setting `%s`: must be one of %s", s->name, known);
        }
        break;
    }
    case SETTING_LIST: rc = read_list(s, v, arena, out, why); break;
    case SETTING_MAP: rc = read_map(s, v, arena, out, why); break;
    }
    out->present = rc == OK;
    return rc;
}

/* A default stands in the table as text; lists and maps as JSON. */
static enum err read_fallback(const struct setting *s, struct arena *arena,
                              struct setting_value *out, struct why *why)
{
    slice text = slice_str(s->fallback);
    if (s->type != SETTING_LIST && s->type != SETTING_MAP) {
        struct buf quoted = buf_in(arena, SETTING_TEXT_MAX);
        json_put_str(&quoted, NULL, text);
        text = buf_slice(&quoted);
    }
    json *v = NULL;
    enum err rc = json_parse(text, arena, &v, why);
    return rc == OK ? read_value(s, v, arena, out, why) : rc;
}

static bool is_blank(slice text) { return slice_trim(text).len == 0; }

/* A variable of the environment that is set but empty must not pass for a secret, nor take one away unseen. */
static enum err refuse_empty(const struct setting *s, const struct setting_value *v,
                             struct why *why)
{
    size_t blank = 0, count = v->count;
    switch (s->type) {
    case SETTING_TEXT:
    case SETTING_URL:
    case SETTING_CHOICE:
        count = 1;
        blank = is_blank(v->text);
        break;
    case SETTING_LIST:
    case SETTING_MAP:
        for (size_t i = 0; i < count; i++) blank += is_blank(v->items[i].value);
        break;
    case SETTING_INT:
    case SETTING_BOOL: return OK;
    }
    if (s->required && blank == count) return wrong(why, s, "is required and must not be empty");
    if (s->secret && blank > 0) return wrong(why, s, "is empty; leave it out to have none");
    return OK;
}

static const struct setting *find(const struct setting *table, size_t count, slice name,
                                  size_t *index)
{
    for (*index = 0; *index < count; (*index)++)
        if (slice_eq(name, slice_str(table[*index].name))) return &table[*index];
    return NULL;
}

static bool listed(const char *const *names, slice name)
{
    for (size_t i = 0; names && names[i]; i++)
        if (slice_eq(name, slice_str(names[i]))) return true;
    return false;
}

enum err settings_read(const struct setting *table, size_t count, json *given,
                       const char *const *ignore, struct arena *arena, struct settings *out,
                       struct why *why)
{
    *out = (struct settings){ .table = table, .count = count };
    out->values = arena_new(arena, struct setting_value, count ? count : 1);
    if (!out->values) return why_set(why, ERR_LIMIT, "settings too large");
    if (given && !yyjson_is_obj(given))
        return why_set(why, ERR_SYNTAX, "settings must be an object");
    yyjson_obj_iter it;
    json *key = NULL;
    if (given) {
        it = yyjson_obj_iter_with(given);
        key = yyjson_obj_iter_next(&it);
    }
    for (; key; key = yyjson_obj_iter_next(&it)) {
        size_t index;
        const struct setting *s = find(table, count, json_str(key), &index);
        json *v = yyjson_obj_iter_get_val(key);
        if (!s && listed(ignore, json_str(key))) continue;
        if (!s)
            return why_set(why, ERR_SYNTAX, "unknown setting `%.*s`",
                           SLICE_ARG(slice_sub(json_str(key), 0, 60)));
        if (yyjson_is_null(v)) continue; /* null = use the default */
        enum err rc = read_value(s, v, arena, &out->values[index], why);
        if (rc != OK) return rc;
    }
    for (size_t i = 0; i < count; i++) {
        if (out->values[i].present) continue;
        if (table[i].required) return wrong(why, &table[i], "is required");
        enum err rc =
            table[i].fallback ? read_fallback(&table[i], arena, &out->values[i], why) : OK;
        if (rc != OK) return rc;
    }
    return OK;
}

enum err settings_check_given(const struct settings *s, struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < s->count; i++)
        if (s->values[i].present) rc = refuse_empty(&s->table[i], &s->values[i], why);
    return rc;
}

slice settings_map_find(const struct setting_value *map, slice name)
{
    for (size_t i = 0; i < map->count; i++)
        if (slice_eq(map->items[i].name, name)) return map->items[i].value;
    return (slice){ NULL, 0 };
}

slice settings_map_get(const struct settings *s, size_t index, slice name)
{
    return settings_map_find(settings_get(s, index), name);
}

const struct setting_value *settings_named(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->table[i].name, name) == 0) return &s->values[i];
    return NULL;
}
