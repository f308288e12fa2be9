/* draft_test.c: what a person wrote is checked whole, and its secrets leave the part that may be shown. */
#include "test.h"

#include "hub.h"

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_configure(
        &hub,
        "{\"sources\":[{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-"
        "t\",\"secret\":\"old\","
        "\"type\":\"lead.created\",\"path\":\"/api/shop\"}],"
        "\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://crm.example\"}],"
        "\"routes\":[{\"name\":\"all\",\"on\":\"order.*\",\"to\":\"crm\"}]}");
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

static enum err draft(enum config_noun noun, uint64_t id, const char *text, const char *old_secrets,
                      struct arena *a, struct config_draft *out, struct why *why)
{
    json *v = NULL;
    struct config *c = config_hold(&hub.config);
    if (json_parse(slice_str(text), a, &v, why) != OK) fail_msg("%s", why->text);
    enum err rc = config_draft(c, noun, HUB_WORKSPACE, id, v, slice_str(old_secrets), a, out, why);
    config_release(c);
    return rc;
}

#define NEW_SHOP                                                                                   \
    "{\"name\":\"site\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\",\"type\":"       \
    "\"lead.created\""

static void secrets_are_split(void **state UNUSED)
{
    static const struct {
        const char *given, *old, *secrets;
    } cases[] = {
        { NEW_SHOP ",\"secret\":\"hush\"}", "", "{\"secret\":\"hush\"}" },
        { NEW_SHOP ",\"secret\":[\"hush\",\"older\"]}", "{}", "{\"secret\":[\"hush\",\"older\"]}" },
        { NEW_SHOP "}", "{\"secret\":\"kept\"}",
          "{\"secret\":\"kept\"}" }, /* need not be repeated */
        { NEW_SHOP ",\"secret\":\"hush\"}", "{\"secret\":\"kept\"}",
          "{\"secret\":\"hush\"}" }, /* but may be changed */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct config_draft d;
        struct why why = { .code = OK };
        arena_init(&a, 1 << 20);
        if (draft(CONFIG_SOURCE, 0, cases[i].given, cases[i].old, &a, &d, &why) != OK)
            fail_msg("%s", why.text);
        assert_slice(d.name, SLICE("site"));
        assert_slice(d.kind, SLICE("http"));
        assert_slice(d.secrets, slice_str(cases[i].secrets));
        assert_slice(d.settings,
                     SLICE("{\"scheme\":\"token\",\"header\":\"x-t\",\"type\":\"lead.created\"}"));
        arena_free(&a);
    }
}

static void what_is_refused(void **state UNUSED)
{
    static const struct {
        enum config_noun noun;
        uint64_t id;
        const char *given;
        enum err want;
        const char *says;
    } cases[] = {
        { CONFIG_SOURCE, 0, "[]", ERR_SYNTAX, "object" },
        { CONFIG_SOURCE, 0, "{}", ERR_SYNTAX, "`name`" },
        { CONFIG_SOURCE, 0, "{\"name\":\"A b\",\"kind\":\"http\"}", ERR_SYNTAX, "`name`" },
        { CONFIG_SOURCE, 0, "{\"name\":\"x\"}", ERR_MISSING, "unknown kind" },
        { CONFIG_SOURCE, 0, "{\"name\":\"x\",\"kind\":\"meta-capi\"}", ERR_MISSING,
          "unknown kind" },
        { CONFIG_SOURCE, 0, "{\"name\":\"x\",\"kind\":\"malote\"}", ERR_CONFLICT, "hub's own" },
        { CONFIG_SOURCE, 0, NEW_SHOP "}", ERR_SYNTAX, "secret" },
        { CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"s\",\"colour\":1}", ERR_SYNTAX, "`colour`" },
        { CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"s\",\"path\":\"api\"}", ERR_SYNTAX, "`path`" },
        { CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"s\",\"path\":\"/api/events\"}", ERR_CONFLICT,
          "hub's own" },
        { CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"s\",\"path\":\"/api/v1/events\"}", ERR_CONFLICT,
          "hub's own" },
        { CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"s\",\"path\":\"/api/shop\"}", ERR_CONFLICT,
          "path" },
        { CONFIG_SOURCE, 0,
          "{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\",\"secret\":"
          "\"s\","
          "\"type\":\"lead.created\"}",
          ERR_CONFLICT, "shop" },
        { CONFIG_SOURCE, 1,
          "{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\",\"secret\":"
          "\"s\","
          "\"type\":\"lead.created\",\"path\":\"/api/shop\"}",
          OK, NULL }, /* itself */
        { CONFIG_DESTINATION, 0,
          "{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://a.example\"}", ERR_CONFLICT,
          "crm" },
        { CONFIG_DESTINATION, 1,
          "{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://a.example\"}", OK, NULL },
        { CONFIG_DESTINATION, 0, "{\"name\":\"x\",\"kind\":\"http\"}", ERR_SYNTAX, "`url`" },
        { CONFIG_DESTINATION, 0,
          "{\"name\":\"x\",\"kind\":\"http\",\"url\":\"https://a.example\",\"retries\":[\"soon\"]}",
          ERR_SYNTAX, "duration" },
        { CONFIG_DESTINATION, 0,
          "{\"name\":\"x\",\"kind\":\"http\",\"url\":\"https://a.example\",\"timeout\":\"10m\"}",
          ERR_SYNTAX, "`timeout`" },
        { CONFIG_ROUTE, 0, "{\"name\":\"all\",\"on\":\"*\",\"to\":\"crm\"}", ERR_CONFLICT, "all" },
        { CONFIG_ROUTE, 1, "{\"name\":\"all\",\"on\":\"*\",\"to\":\"crm\"}", OK, NULL },
        { CONFIG_ROUTE, 0, "{\"name\":\"x\",\"on\":\"*\",\"to\":\"nowhere\"}", ERR_MISSING,
          "`to`" },
        { CONFIG_ROUTE, 0, "{\"name\":\"x\",\"on\":\"*\",\"to\":\"crm\",\"from\":\"nobody\"}",
          ERR_MISSING, "`from`" },
        { CONFIG_ROUTE, 0, "{\"name\":\"x\",\"on\":[],\"to\":\"crm\"}", ERR_SYNTAX, "`on`" },
        { CONFIG_ROUTE, 0, "{\"name\":\"x\",\"on\":\"*\",\"to\":\"crm\",\"priority\":\"first\"}",
          ERR_SYNTAX, "high" },
        { CONFIG_ROUTE, 0, "{\"name\":\"x\",\"on\":\"*\",\"to\":\"crm\",\"delay\":\"later\"}",
          ERR_SYNTAX, "duration" },
        { CONFIG_ROUTE, 0,
          "{\"name\":\"x\",\"on\":\"*\",\"to\":\"crm\",\"delay\":\"2h\",\"priority\":\"low\"}", OK,
          NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        struct config_draft d;
        struct why why = { .code = OK };
        arena_init(&a, 1 << 20);
        enum err rc = draft(cases[i].noun, cases[i].id, cases[i].given, "", &a, &d, &why);
        if (rc != cases[i].want) fail_msg("%s: %s (%s)", cases[i].given, err_name(rc), why.text);
        if (cases[i].says && !strstr(why.text, cases[i].says))
            fail_msg("%s: %s", cases[i].given, why.text);
        arena_free(&a);
    }
}

/* Stored sealed, loaded again; another key opens nothing. */
static void loading(void **state UNUSED)
{
    struct arena a;
    struct config_draft d;
    struct why why = { .code = OK };
    struct seal_key key = { .id = { 1 } }, other = { .bytes = { 9 }, .id = { 2 } };
    struct config *c = NULL;
    slice sealed;
    arena_init(&a, 1 << 20);
    assert_int_equal(draft(CONFIG_SOURCE, 0, NEW_SHOP ",\"secret\":\"hush\",\"rate_per_min\":30}",
                           "", &a, &d, &why),
                     OK);
    assert_int_equal(
        seal_close(&key, config_seal_context(CONFIG_SOURCE, 77, &a), d.secrets, &a, &sealed), OK);
    char hex[512];
    slice digits = { hex, 0 };
    for (size_t i = 0; i < sealed.len; i++)
        digits.len += (size_t)snprintf(hex + digits.len, sizeof hex - digits.len, "%02x",
                                       (unsigned char)sealed.ptr[i]);
    slice sql =
        arena_printf(&a, "INSERT INTO sources VALUES (77, 1, 'site', 'http', '%.*s', X'%s', 5, 6)",
                     SLICE_ARG(d.settings), hex);
    hub_run(&hub, sql.ptr);
    assert_int_equal(config_load(hub.store, &key, &c, &why), OK);
    const struct source *s = config_source_by_name(c, 1, SLICE("site"));
    assert_non_null(s);
    assert_ptr_equal(config_source_by_id(c, 77), s);
    assert_ptr_equal(config_source_by_path(c, SLICE("/in/default/site")), s);
    assert_int_equal(s->rate_per_min, 30);
    assert_true(s->enabled);
    config_release(c);
    assert_int_equal(config_load(hub.store, &other, &c, &why), ERR_DENIED);
    assert_non_null(strstr(why.text, "source site"));
    assert_null(strstr(why.text, "hush"));
    assert_null(c);
    hub_run(&hub, "UPDATE sources SET id = 78"); /* secrets moved to another record */
    assert_int_equal(config_load(hub.store, &key, &c, &why), ERR_DENIED);
    arena_free(&a);
}

/* A destination of some 300 KiB: blanks are kept as they were written. */
static void add_large(int id, int workspace_id)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, hold, "
             "created_ms, updated_ms) VALUES (%d, %d, 'd%d', 'http', "
             "'{\"url\":\"https://a.example\"' || replace(hex(zeroblob(150000)), '0', ' ') || '}', "
             "X'', '', 1, 1)",
             id, workspace_id, id);
    hub_run(&hub, sql);
}

/* One tenant's records leave room for the others'; the owner may fill what there is for changes, and a start has some more. */
static void shares(void **state UNUSED)
{
    struct why why = { .code = OK };
    struct seal_key key = { .id = { 1 } };
    struct config *c = NULL;
    int id = 100, records = 0;
    hub_run(&hub, "INSERT INTO workspaces VALUES (2, 'second', 0, 1)");
    for (; records < 1000 && config_check(hub.store, &key, 2, &why) == OK; records++)
        add_large(id++, 2);
    assert_in_range(records, 2, 999);
    assert_non_null(strstr(why.text, "8 MiB"));
    assert_int_equal(config_check(hub.store, &key, 1, &why), OK);
    for (records = 0; records < 1000 && config_check(hub.store, &key, 1, &why) == OK; records++)
        add_large(id++, 1);
    assert_in_range(records, 2, 999);
    assert_null(strstr(why.text, "destination d"));
    assert_int_equal(config_load(hub.store, &key, &c, &why), OK); /* it starts all the same */
    config_release(c);
}

/* Each workspace has the hub's own source, whatever the tables hold; routes may name it, no path leads to it. */
static void builtin_source(void **state UNUSED)
{
    static const char *const nowhere[] = { "", "/", "/in/default/malote", "malote" };
    struct why why = { .code = OK };
    struct seal_key key = { .id = { 1 } };
    struct config *c = NULL;
    hub_run(&hub, "INSERT INTO workspaces VALUES (2, 'second', 0, 1);"
                  "INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, "
                  "hold, created_ms, updated_ms) VALUES (9, 1, 'ops', 'http', "
                  "'{\"url\":\"https://ops.example\"}', X'', '', 1, 1);"
                  "INSERT INTO routes VALUES (8, 1, 'alerts', "
                  "'{\"from\":\"malote\",\"on\":[\"*\"],\"to\":\"ops\"}', 1, 1)");
    if (config_load(hub.store, &key, &c, &why) != OK) fail_msg("%s", why.text);
    for (uint64_t ws = 1; ws <= 2; ws++) {
        const struct source *s = config_source_builtin(c, ws);
        assert_non_null(s);
        assert_ptr_equal(config_source_by_name(c, ws, SLICE("malote")), s);
        assert_ptr_equal(config_source_by_id(c, s->id), s);
        assert_true(s->workspace_id == ws && s->enabled && s->path.len == 0);
    }
    assert_ptr_equal(c->routes[0].from, config_source_builtin(c, 1));
    assert_null(config_source_builtin(c, 3));
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
        assert_null(config_source_by_path(c, slice_str(nowhere[i])));
    config_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(secrets_are_split, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(loading, setup, teardown),
        cmocka_unit_test_setup_teardown(shares, setup, teardown),
        cmocka_unit_test_setup_teardown(builtin_source, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
