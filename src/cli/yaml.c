/* yaml.c: the configuration file. libfyaml reads it, we write JSON: what is behind knows one format only. */
#include <errno.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/cli.h"

enum { FILE_MAX = 4 * 1024 * 1024, YAML_DEPTH_MAX = 32 };

enum err cli_read_file(const char *path, struct arena *arena, slice *out, struct why *why)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!f) return why_set(why, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    struct buf b = buf_in(arena, FILE_MAX);
    char chunk[8192];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;) buf_add(&b, slice_of(chunk, n));
    bool failed = ferror(f) != 0;
    if (f != stdin) fclose(f);
    if (failed) return why_set(why, ERR_IO, "cannot read %s", path);
    if (!buf_ok(&b)) return why_set(why, ERR_LIMIT, "%s is larger than %d bytes", path, FILE_MAX);
    *out = buf_slice(&b);
    return OK;
}

struct yaml {
    const char *name;
    struct buf *out;
    struct why *why;
};

static enum err wrong_at(struct yaml *y, struct fy_node *n, const char *fmt, const char *detail)
{
    struct fy_token *token = fy_node_is_scalar(n) ? fy_node_get_scalar_token(n) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    char text[160];
    (void)snprintf(text, sizeof text, fmt, detail);
    if (!mark) return why_set(y->why, ERR_SYNTAX, "%s: %s", y->name, text);
    return why_set(y->why, ERR_SYNTAX, "%s:%d:%d: %s", y->name, mark->line + 1, mark->column + 1,
                   text);
}

/* "${NAME}" from the environment; "$$" is one $. */
static enum err substitute(struct yaml *y, struct fy_node *n, slice in, slice *out)
{
    struct buf b = buf_in(y->out->arena, FILE_MAX);
    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] != '$' || i + 1 == in.len || (in.ptr[i + 1] != '{' && in.ptr[i + 1] != '$')) {
            buf_byte(&b, in.ptr[i]);
            continue;
        }
        if (in.ptr[++i] == '$') {
            buf_byte(&b, '$');
            continue;
        }
        size_t end = i + slice_find(slice_sub(in, i, in.len), '}');
        slice name = slice_sub(in, i + 1, end);
        if (end == in.len) return wrong_at(y, n, "\"${\" without \"}\"%s", "");
        const char *value = getenv(arena_dup(b.arena, name).ptr);
        if (!value)
            return wrong_at(y, n, "the environment has no %s", arena_dup(b.arena, name).ptr);
        buf_add(&b, slice_str(value));
        i = end;
    }
    *out = buf_slice(&b);
    return OK;
}

/* YAML 1.2 core schema: plain null, booleans and numbers are those; quoted is always text. A substituted value is text, too. */
static enum err put_scalar(struct yaml *y, struct fy_node *n, const char *key)
{
    size_t len = 0;
    const char *text = fy_node_get_scalar(n, &len);
    slice raw = slice_of(text ? text : "", len), value = raw;
    bool plain = fy_node_get_style(n) == FYNS_PLAIN;
    int64_t number;
    enum err rc = substitute(y, n, raw, &value);
    if (rc != OK) return rc;
    bool changed = slice_find(raw, '$') < raw.len;
    if (plain && !changed &&
        (raw.len == 0 || slice_eq(raw, SLICE("null")) || slice_eq(raw, SLICE("~"))))
        json_put_null(y->out, key);
    else if (plain && !changed && slice_eq(raw, SLICE("true")))
        json_put_bool(y->out, key, true);
    else if (plain && !changed && slice_eq(raw, SLICE("false")))
        json_put_bool(y->out, key, false);
    else if (plain && !changed && text_i64(raw, INT64_MIN, INT64_MAX, &number, NULL) == OK &&
             (raw.ptr[0] != '0' || raw.len == 1))
        json_put_i64(y->out, key, number);
    else
        json_put_str(y->out, key, value);
    return OK;
}

static enum err put_node(struct yaml *y, struct fy_node *n, const char *key, int depth);

static enum err put_mapping(struct yaml *y, struct fy_node *n, const char *key, int depth)
{
    enum err rc = OK;
    void *it = NULL;
    json_begin_object(y->out, key);
    for (struct fy_node_pair *p; rc == OK && (p = fy_node_mapping_iterate(n, &it));) {
        size_t len = 0;
        const char *name = fy_node_get_scalar(fy_node_pair_key(p), &len);
        if (!name) return wrong_at(y, n, "keys must be plain words%s", "");
        slice copy = arena_dup(y->out->arena, slice_of(name, len));
        if (!copy.ptr) return why_set(y->why, ERR_LIMIT, "%s is too large", y->name);
        rc = put_node(y, fy_node_pair_value(p), copy.ptr, depth + 1);
    }
    json_end_object(y->out);
    return rc;
}

static enum err put_node(struct yaml *y, struct fy_node *n, const char *key, int depth)
{
    if (depth > YAML_DEPTH_MAX)
        return why_set(y->why, ERR_LIMIT, "%s: nested deeper than %d", y->name, YAML_DEPTH_MAX);
    if (!n) {
        json_put_null(y->out, key);
        return OK;
    }
    if (fy_node_is_mapping(n)) return put_mapping(y, n, key, depth);
    if (!fy_node_is_sequence(n)) return put_scalar(y, n, key);
    enum err rc = OK;
    void *it = NULL;
    json_begin_array(y->out, key);
    for (struct fy_node *item; rc == OK && (item = fy_node_sequence_iterate(n, &it));)
        rc = put_node(y, item, NULL, depth + 1);
    json_end_array(y->out);
    return rc;
}

/* The first error libfyaml collected, with its place. */
static enum err first_error(struct fy_diag *diag, const char *name, struct why *why)
{
    void *it = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(diag, &it);
    if (!e) return why_set(why, ERR_SYNTAX, "%s: not YAML", name);
    return why_set(why, ERR_SYNTAX, "%s:%d:%d: %s", name, e->line, e->column, e->msg);
}

enum err yaml_to_json(slice text, const char *name, struct arena *arena, slice *out,
                      struct why *why)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    struct fy_diag *diag = fy_diag_create(&quiet);
    CHECK(diag);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = { .flags = FYPCF_RESOLVE_DOCUMENT, .diag = diag };
    struct fy_document *doc = fy_document_build_from_string(&cfg, text.ptr, text.len);
    struct buf b = buf_in(arena, FILE_MAX);
    struct yaml y = { name, &b, why };
    enum err rc = doc ? put_node(&y, fy_document_root(doc), NULL, 0) : first_error(diag, name, why);
    if (rc == OK && !buf_ok(&b)) rc = why_set(why, ERR_LIMIT, "%s is too large", name);
    *out = buf_slice(&b);
    fy_document_destroy(doc);
    fy_diag_destroy(diag);
    return rc;
}
