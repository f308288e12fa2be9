/* campaign_recipients.c: whom a campaign goes to: a CSV, a JSON list, or a segment of the contacts; and what became of each.
 *
 * Nothing is dropped in silence: what cannot be taken is counted and told with its line and column (never with what stands there), a
 * person who is in the campaign already is counted as a duplicate. Added by the writer in steps; the same list again adds nobody. */
#include "api/routes.h"
#include "base/clock.h"
#include "base/csv.h"
#include "campaign/fill.h"
#include "records/campaign.h"

enum {
    PROBLEMS_SHOWN_MAX = 100,
    LIST_MAX = 10000, /* of one JSON list */
    PERSON_BYTES = 2 * FILL_VALUES_MAX + FILL_TEXT_MAX * 4,
    TEXTS_FULL = CAMPAIGN_STEP_ROWS * PERSON_BYTES / 2, /* added early then */
    TEXTS_MAX = CAMPAIGN_STEP_ROWS * PERSON_BYTES
};

struct problem {
    uint64_t line;
    uint32_t column; /* 0: of a JSON list, `line` is the item */
    slice text;
};

struct upload {
    struct call *call;
    struct config *config;
    const struct destination *to;
    uint64_t id;
    json *template;
    slice category;
    struct arena texts; /* of the people not added yet */
    struct campaign_person people[CAMPAIGN_STEP_ROWS];
    size_t count;
    int64_t added, duplicates, problems;
    struct problem shown[PROBLEMS_SHOWN_MAX];
    /* of a CSV */
    slice name[CSV_CELLS_MAX]; /* folded */
    size_t columns, phone;
};

static enum err problem(struct upload *u, uint64_t line, uint32_t column, const char *text)
{
    if (u->problems < PROBLEMS_SHOWN_MAX)
        u->shown[u->problems] =
            (struct problem){ line, column, arena_dup(u->call->x->arena, slice_str(text)) };
    u->problems++;
    return OK;
}

/* ---- into the store ---- */

static enum err add_run(void *ctx, struct store *s, struct why *why)
{
    struct upload *u = ctx;
    size_t added = 0;
    enum err rc = campaign_add(s, &u->call->app->ids, u->call->key.workspace_id, u->id, u->people,
                               u->count, &added, why);
    if (rc != OK) return rc;
    u->added += (int64_t)added;
    u->duplicates += (int64_t)(u->count - added);
    return OK;
}

static enum err flush(struct upload *u, struct why *why)
{
    enum err rc = u->count > 0 ? journal_call(u->call->app->journal, add_run, u, why) : OK;
    u->count = 0;
    arena_reset(&u->texts);
    return rc;
}

/* The column that is called so; the first when none is. */
static size_t cell_of(const struct upload *u, slice name)
{
    slice folded = fill_name(name, u->call->x->arena);
    size_t i = 0;
    while (i < u->columns && !slice_eq(u->name[i], folded)) i++;
    return i < u->columns ? i : 0;
}

/* Between two people. */
static enum err make_room(struct upload *u, struct why *why)
{
    return u->texts.used < TEXTS_FULL ? OK : flush(u, why);
}

/* One more. `r`: the record it stands in, NULL: it is item `number` of a JSON list. */
static enum err take(struct upload *u, slice person, slice data, uint64_t contact_id,
                     const struct csv_record *r, uint64_t number, struct why *why)
{
    json *values = NULL, *message = NULL;
    slice missing = { NULL, 0 };
    struct why reason;
    enum err rc = json_parse(data, &u->texts, &values, why);
    if (rc != OK) return rc;
    rc = campaign_message(u->template, u->category, person, values, u->to, &u->texts, &message,
                          &missing, &reason);
    if (rc == ERR_SYNTAX) {
        size_t i = r ? cell_of(u, missing) : 0;
        return problem(u, r ? r->line[i] : number, r ? r->column[i] : 0, reason.text);
    }
    if (rc != OK) return why_set(why, rc, "%s", reason.text);
    u->people[u->count++] =
        (struct campaign_person){ .person = person, .data = data, .contact_id = contact_id };
    return u->count == CAMPAIGN_STEP_ROWS ? flush(u, why) : OK;
}

/* ---- CSV ---- */

static bool is_phone(slice name)
{
    static const char *const names[] = { "telefone", "phone", "whatsapp", "celular",
                                         "numero",   "fone",  "to",       "number" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq(name, slice_str(names[i]))) return true;
    return false;
}

static enum err read_header(struct upload *u, const struct csv_record *r, struct why *why)
{
    slice asked = fill_name(call_query(u->call, "phone"), u->call->x->arena);
    u->columns = r->count;
    u->phone = CSV_CELLS_MAX;
    for (size_t i = 0; i < r->count; i++) {
        u->name[i] = fill_name(r->cell[i], u->call->x->arena);
        if (u->name[i].len == 0)
            return why_set(why, ERR_SYNTAX,
                           "line %u, column %u: a column needs a name of at most %d bytes",
                           r->line[i], r->column[i], FILL_NAME_MAX);
        for (size_t k = 0; k < i; k++)
            if (slice_eq(u->name[k], u->name[i]))
                return why_set(why, ERR_SYNTAX,
                               "line %u, column %u: this column's name is there already",
                               r->line[0], r->column[i]);
        bool phone = asked.len > 0 ? slice_eq(u->name[i], asked) : is_phone(u->name[i]);
        if (phone && u->phone == CSV_CELLS_MAX) u->phone = i;
    }
    if (u->phone < CSV_CELLS_MAX) return OK;
    return why_set(why, ERR_SYNTAX,
                   "line %u, column 1: no column is the number: call one telefone, phone, "
                   "celular, whatsapp or numero, or say ?phone=NAME",
                   r->line[0]);
}

static enum err take_record(struct upload *u, const struct csv_record *r, struct why *why)
{
    slice person;
    if (r->count != u->columns)
        return problem(u, r->line[r->count - 1], r->column[r->count - 1],
                       r->count < u->columns ? "fewer cells than the header has"
                                             : "more cells than the header has");
    if (campaign_person_of(r->cell[u->phone], &u->texts, &person, NULL) != OK)
        return problem(u, r->line[u->phone], r->column[u->phone],
                       "no valid number: write it with DDD, or +country code");
    struct buf b = buf_in(&u->texts, FILL_VALUES_MAX);
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < r->count; i++) {
        slice value = fill_value(r->cell[i], &u->texts);
        if (i == u->phone || value.len == 0) continue;
        if (value.len > FILL_VALUE_MAX)
            return problem(u, r->line[i], r->column[i], "a value has at most 1024 bytes");
        json_put_str(&b, u->name[i].ptr, value);
    }
    json_end_object(&b);
    if (!buf_ok(&b)) return problem(u, r->line[0], 1, "a line's values have at most 4096 bytes");
    return take(u, person, buf_slice(&b), 0, r, 0, why);
}

/* Can it be read to its end? Before anything of it is taken. */
static enum err check_csv(struct upload *u, struct csv csv, struct why *why)
{
    struct csv_record r;
    bool more = true;
    enum err rc = OK;
    while (rc == OK && more) {
        rc = csv_next(&csv, &u->texts, &r, &more, why);
        arena_reset(&u->texts);
    }
    return rc;
}

static enum err take_csv(struct upload *u, struct why *why)
{
    struct csv csv;
    struct csv_record r;
    bool more = false;
    csv_open(&csv, u->call->x->request.body);
    enum err rc = check_csv(u, csv, why);
    if (rc == OK) rc = csv_next(&csv, u->call->x->arena, &r, &more, why);
    if (rc == OK && !more) rc = why_set(why, ERR_SYNTAX, "line 1, column 1: there is no header");
    if (rc == OK) rc = read_header(u, &r, why);
    while (rc == OK && more) {
        rc = make_room(u, why);
        if (rc == OK) rc = csv_next(&csv, &u->texts, &r, &more, why);
        if (rc == OK && more) rc = take_record(u, &r, why);
    }
    return rc;
}

/* ---- JSON ---- */

static enum err put_values(struct upload *u, json *item, slice *data, const char **wrong)
{
    struct buf b = buf_in(&u->texts, FILL_VALUES_MAX);
    json_begin_object(&b, NULL);
    yyjson_obj_iter it = yyjson_obj_iter_with(item);
    for (json *k; (k = yyjson_obj_iter_next(&it));) {
        slice name = fill_name(json_str(k), &u->texts),
              value = fill_value(json_text(yyjson_obj_iter_get_val(k)), &u->texts);
        if (slice_eq(name, SLICE("to")) || slice_eq(name, SLICE("contact")) || value.len == 0)
            continue;
        if (name.len == 0 || value.len > FILL_VALUE_MAX)
            *wrong = "a name has at most 64 bytes, a value at most 1024";
        else
            json_put_str(&b, name.ptr, value);
    }
    json_end_object(&b);
    if (!buf_ok(&b)) *wrong = "a recipient's values have at most 4096 bytes";
    *data = buf_slice(&b);
    return OK;
}

/* By its id: the number and the values that the contact has, those given beside it first. */
static enum err find_contact(struct upload *u, json *item, slice given, slice *person, slice *data,
                             uint64_t *contact_id, const char **wrong, struct why *why)
{
    bool row = false;
    json *fields = NULL, *more = NULL;
    *contact_id = 0;
    if (id_parse(ID_CONTACT, json_get_text(item, "contact"), contact_id) != OK) {
        *wrong = "`contact` must be the id of a contact (con_...)";
        return OK;
    }
    struct stmt *q = store_stmt(u->call->store, SQL_RECORDS_CONTACT, why);
    stmt_i64(q, 1, (int64_t)u->call->key.workspace_id);
    stmt_i64(q, 2, (int64_t)*contact_id);
    enum err rc = stmt_step(q, &row, why);
    row = row && stmt_col_i64(q, 1) == 0;
    slice text = rc == OK && row ? arena_dup(&u->texts, stmt_col_text(q, 4)) : SLICE("{}");
    stmt_reset(q);
    if (rc == OK) rc = json_parse(text, &u->texts, &fields, why);
    if (rc == OK) rc = json_parse(given, &u->texts, &more, why);
    if (rc == OK && !row) *wrong = "there is no such contact";
    if (rc != OK || !row) return rc;
    rc = campaign_contact_values(fields, more, &u->texts, person, data, why);
    if (rc == OK && person->len == 0) *wrong = "the contact has no valid number";
    return rc;
}

static enum err take_item(struct upload *u, json *item, uint64_t number, struct why *why)
{
    slice person = { NULL, 0 }, data = SLICE("{}");
    uint64_t contact_id = 0;
    const char *wrong = yyjson_is_obj(item) ? NULL : "a recipient is an object";
    enum err rc = wrong ? OK : put_values(u, item, &data, &wrong);
    bool by_contact = json_get(item, "contact") != NULL;
    if (!wrong && by_contact == (json_get(item, "to") != NULL))
        wrong = "say to whom: either `to` or `contact`";
    if (rc == OK && !wrong && by_contact)
        rc = find_contact(u, item, data, &person, &data, &contact_id, &wrong, why);
    else if (!wrong &&
             campaign_person_of(json_get_text(item, "to"), &u->texts, &person, NULL) != OK)
        wrong = "no valid number: write it with DDD, or +country code";
    if (rc != OK) return rc;
    return wrong ? problem(u, number, 0, wrong)
                 : take(u, person, data, contact_id, NULL, number, why);
}

static enum err take_list(struct upload *u, json *list, struct why *why)
{
    size_t i, max;
    json *item;
    enum err rc = OK;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) > LIST_MAX)
        return why_set(why, ERR_SYNTAX, "`recipients` is a list of at most %d", LIST_MAX);
    yyjson_arr_foreach(list, i, max, item)
    {
        if (rc == OK) rc = make_room(u, why);
        if (rc == OK) rc = take_item(u, item, i + 1, why);
    }
    return rc;
}

/* ---- a segment ---- */

struct segment {
    struct upload *upload;
    slice text;
    bool set;
};

static enum err segment_run(void *ctx, struct store *s, struct why *why)
{
    struct segment *g = ctx;
    struct stmt *q = store_stmt(s, SQL_CAMPAIGNS_SEGMENT, why);
    stmt_i64(q, 1, (int64_t)g->upload->call->key.workspace_id);
    stmt_i64(q, 2, (int64_t)g->upload->id);
    stmt_i64(q, 3, clock_wall_ms());
    stmt_text(q, 4, g->text);
    enum err rc = stmt_run(q, why);
    g->set = rc == OK && store_changes(s) > 0;
    return rc;
}

/* Only noted down: the campaign thread walks the contacts. */
static enum err take_segment(struct upload *u, json *v, struct why *why)
{
    struct campaign_segment read;
    struct segment g = { .upload = u };
    enum err rc = campaign_segment_read(v, clock_wall_ms(), u->call->x->arena, &read, why);
    if (rc == OK) g.text = campaign_segment_text(&read, u->call->x->arena);
    if (rc == OK) rc = journal_call(u->call->app->journal, segment_run, &g, why);
    if (rc == OK && !g.set)
        rc = why_set(why, ERR_CONFLICT, "another segment of this campaign is still collected");
    campaign_wake(u->call->app->campaigns);
    return rc;
}

/* ---- the call ---- */

static enum err open_campaign(struct call *c, struct upload *u, struct why *why)
{
    bool row = false;
    enum err rc = id_parse(ID_CAMPAIGN, c->param[0], &u->id) == OK
                      ? OK
                      : why_set(why, ERR_MISSING, "there is no such campaign");
    struct stmt *q = rc == OK ? store_stmt(c->store, SQL_CAMPAIGNS_GET, why) : NULL;
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)u->id);
    if (rc == OK) rc = stmt_step(q, &row, why);
    if (rc == OK && !row) rc = why_set(why, ERR_MISSING, "there is no such campaign");
    if (rc == OK && stmt_col_i64(q, 3) > CAMPAIGN_PAUSED)
        rc = why_set(why, ERR_CONFLICT, "the campaign has ended: it takes nobody any more");
    slice template = { NULL, 0 };
    if (rc == OK) {
        u->to = config_destination_by_id(u->config, (uint64_t)stmt_col_i64(q, 2));
        u->category = arena_dup(c->x->arena, stmt_col_text(q, 4));
        template = arena_dup(c->x->arena, stmt_col_text(q, 5));
    }
    stmt_reset(q);
    if (rc == OK && (!u->to || !u->to->kind->messages))
        rc = why_set(why, ERR_CONFLICT, "the campaign's destination was deleted");
    return rc == OK ? json_parse(template, c->x->arena, &u->template, why) : rc;
}

static void answer(struct call *c, const struct upload *u, bool csv)
{
    struct buf *b = &c->out;
    json_begin_object(b, NULL);
    put_id(b, "campaign", ID_CAMPAIGN, (int64_t)u->id);
    json_put_i64(b, "added", u->added);
    json_put_i64(b, "duplicates", u->duplicates);
    json_put_i64(b, "problems", u->problems);
    json_begin_array(b, csv ? "lines" : "items");
    for (int64_t i = 0; i < u->problems && i < PROBLEMS_SHOWN_MAX; i++) {
        json_begin_object(b, NULL);
        json_put_i64(b, csv ? "line" : "item", (int64_t)u->shown[i].line);
        if (csv) json_put_i64(b, "column", u->shown[i].column);
        json_put_str(b, "problem", u->shown[i].text);
        json_end_object(b);
    }
    json_end_array(b);
    json_end_object(b);
    reply_json(c, 200);
}

static void add(struct call *c)
{
    struct why why;
    json *body = NULL;
    bool csv = request_is_type(&c->x->request, SLICE("text/csv"));
    struct upload *u = arena_new(c->x->arena, struct upload, 1);
    if (!u) {
        reply_error(c, 413, "too_large", "out of memory");
        return;
    }
    u->call = c;
    u->config = config_hold(&c->app->config);
    arena_init(&u->texts, TEXTS_MAX);
    enum err rc = open_campaign(c, u, &why);
    if (rc == OK && !csv) rc = call_body(c, false, &body, &why);
    json *segment = json_get(body, "segment"), *list = json_get(body, "recipients");
    if (rc == OK && !csv && (segment != NULL) == (list != NULL))
        rc = why_set(&why, ERR_SYNTAX,
                     "send a CSV (Content-Type: text/csv), {\"recipients\": [...]} or "
                     "{\"segment\": {...}}");
    if (rc == OK)
        rc = csv       ? take_csv(u, &why)
             : segment ? take_segment(u, segment, &why)
                       : take_list(u, list, &why);
    if (rc == OK) rc = flush(u, &why);
    if (u->added > 0) campaign_wake(c->app->campaigns);
    if (rc != OK) {
        reply_err(c, rc, &why);
    } else if (segment) {
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "campaign", ID_CAMPAIGN, (int64_t)u->id);
        json_put_bool(&c->out, "collecting", true);
        json_end_object(&c->out);
        reply_json(c, 202);
    } else {
        answer(c, u, csv);
    }
    arena_free(&u->texts);
    config_release(u->config);
}

/* ---- the list ---- */

static void put_recipient(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    json_begin_object(b, NULL);
    put_id(b, "id", ID_RECIPIENT, stmt_col_i64(q, 0));
    json_put_str(b, "state", slice_str(campaign_recipient_name[stmt_col_i64(q, 1)]));
    put_id(b, "contact", ID_CONTACT, stmt_col_i64(q, 2));
    json_put_opt(b, "to", c->key.pii ? stmt_col_text(q, 3) : SLICE("***"));
    json_put_opt(b, "reason", stmt_col_text(q, 4));
    put_id(b, "delivery", ID_DELIVERY, stmt_col_i64(q, 5));
    put_id(b, "message", ID_MESSAGE, stmt_col_i64(q, 6));
    json_put_time(b, "sent_at", stmt_col_i64(q, 7));
    json_put_time(b, "replied_at", stmt_col_i64(q, 8));
    json_put_time(b, "opted_out_at", stmt_col_i64(q, 9));
    json_put_time(b, "created_at", stmt_col_i64(q, 10));
    json_put_time(b, "updated_at", stmt_col_i64(q, 11));
    if (c->key.pii && stmt_col_text(q, 12).len > 0) json_put_raw(b, "values", stmt_col_text(q, 12));
    json_end_object(b);
}

static void list(struct call *c)
{
    struct why why;
    struct page page;
    uint64_t id = 0;
    int64_t state = -1;
    bool row = false;
    slice word = call_query(c, "state");
    enum err rc = page_read(c, &page, &why);
    if (rc == OK && id_parse(ID_CAMPAIGN, c->param[0], &id) == OK) {
        struct stmt *found = store_stmt(c->store, SQL_CAMPAIGNS_GET, &why);
        stmt_i64(found, 1, (int64_t)c->key.workspace_id);
        stmt_i64(found, 2, (int64_t)id);
        rc = stmt_step(found, &row, &why);
        stmt_reset(found);
    }
    if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such campaign");
    for (int i = 0; word.len && i < RECIPIENT_STATE_COUNT; i++)
        if (slice_eq(word, slice_str(campaign_recipient_name[i]))) state = i;
    if (rc == OK && word.len && state < 0)
        rc = why_set(&why, ERR_SYNTAX, "unknown `state` of a recipient");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(
        c->store, state < 0 ? SQL_CAMPAIGNS_RECIPIENTS : SQL_CAMPAIGNS_RECIPIENTS_IN, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    stmt_i64(q, 3, page.before);
    stmt_i64(q, 4, page.limit);
    if (state >= 0) stmt_i64(q, 5, state);
    page_put(c, q, &page, ID_RECIPIENT, put_recipient);
}

void api_campaign_recipients(struct call *c)
{
    if (slice_eq(c->x->request.method, SLICE("POST")))
        add(c);
    else
        list(c);
}
