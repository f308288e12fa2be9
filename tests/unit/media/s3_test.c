/* s3_test.c: the settings of a bucket, requests to it, and what its answers mean. */
#include "test.h"

#include "media/s3.h"

#define HASH "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct s3_options options(const char *place, const char *endpoint, const char *style)
{
    return (struct s3_options){ place, endpoint, "sa-east-1", "AKIA", "se/cr+et", style };
}

static void addresses(void **state UNUSED)
{
    static const struct {
        const char *place, *endpoint, *style, *url;
    } cases[] = {
        { "s3://files", NULL, NULL, "https://files.s3.sa-east-1.amazonaws.com/ba/" HASH },
        { "s3://files/", NULL, "path", "https://s3.sa-east-1.amazonaws.com/files/ba/" HASH },
        { "s3://fi.les/a/B_c", NULL, NULL,
          "https://s3.sa-east-1.amazonaws.com/fi.les/a/B_c/ba/" HASH },
        { "s3://files/a/", "http://[::1]:9000/", NULL, "http://[::1]:9000/files/a/ba/" HASH },
        { "s3://files/a", "https://r2.example", "host", "https://files.r2.example/a/ba/" HASH },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct s3_options o = options(cases[i].place, cases[i].endpoint, cases[i].style);
        struct outgoing out;
        struct arena a;
        struct s3 s3;
        struct why why;
        arena_init(&a, 65536);
        assert_int_equal(s3_read(&o, &s3, &why), OK);
        assert_int_equal(
            s3_request(&s3, "PUT", s3_name(SLICE(HASH), &a), SLICE(HASH), &a, &out, &why), OK);
        assert_true(slice_eq(out.url, slice_str(cases[i].url)));
        assert_string_equal(s3.signer.scope, "aws:amz:sa-east-1:s3");
        assert_true(slice_eq(out.headers[0].value, SLICE(HASH)));
        arena_free(&a);
    }
}

static void slips(void **state UNUSED)
{
    static const struct {
        const char *place, *endpoint, *region, *key, *secret, *style;
    } cases[] = {
        { "s3://", NULL, "r", "k", "s", NULL },
        { "s3://ab", NULL, "r", "k", "s", NULL },
        { "s3://Files", NULL, "r", "k", "s", NULL },
        { "s3://files/a b", NULL, "r", "k", "s", NULL },
        { "s3://files/a%2fb", NULL, "r", "k", "s", NULL },
        { "s3://files//a", NULL, "r", "k", "s", NULL },
        { "s3://files/a//b", NULL, "r", "k", "s", NULL },
        { "s3://files/a/../b", NULL, "r", "k", "s", NULL },
        { "s3://files", "ftp://x.example", "r", "k", "s", NULL },
        { "s3://files", "https://", "r", "k", "s", NULL },
        { "s3://files", "https://x.example/path", "r", "k", "s", NULL },
        { "s3://files", "https://u:p@x.example", "r", "k", "s", NULL },
        { "s3://files", NULL, "", "k", "s", NULL },
        { "s3://files", NULL, "a:b", "k", "s", NULL },
        { "s3://files", NULL, "r", "", "s", NULL },
        { "s3://files", NULL, "r", "k", NULL, NULL },
        { "s3://files", NULL, "r", "k:x", "s", NULL },
        { "s3://files", NULL, "r", "k", "s\n", NULL },
        { "s3://files", NULL, "r", "k", "s", "virtual" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct s3_options o = { cases[i].place, cases[i].endpoint, cases[i].region,
                                cases[i].key,   cases[i].secret,   cases[i].style };
        struct s3 s3;
        struct why why;
        assert_int_equal(s3_read(&o, &s3, &why), ERR_SYNTAX);
    }
}

static void answers(void **state UNUSED)
{
    static const struct {
        int status;
        const char *body;
        enum err rc;
        const char *words;
    } cases[] = {
        { 404, "<Error><Code>NoSuchKey</Code></Error>", ERR_MISSING, "not in the bucket" },
        { 404, "", ERR_MISSING, "not in the bucket" },
        { 404, "<Error><Code>NoSuchBucket</Code></Error>", ERR_DENIED, "no such bucket" },
        { 403, "<Error><Code>SignatureDoesNotMatch</Code><Message>AKIA</Message></Error>",
          ERR_DENIED, "secret" },
        { 400, "<Code>AuthorizationHeaderMalformed</Code><Region>eu-1</Region>", ERR_DENIED,
          "expected: eu-1" },
        { 403, "<Code>Strange</Code>", ERR_DENIED, "403 Strange" },
        { 403, "<html>", ERR_DENIED, "S3: 403 " },
        { 301, "", ERR_DENIED, "elsewhere" },
        { 500, "<Code>Internal Error with words</Code>", ERR_REMOTE, "S3: 500 " },
        { 503, "<Code>SlowDown</Code>", ERR_REMOTE, "503 SlowDown" },
        { 500, "<Code>", ERR_REMOTE, "S3: 500 " },
        { 500, "<Code", ERR_REMOTE, "S3: 500 " },
        { 200, "", ERR_REMOTE, "ETag" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reply r = { .status = cases[i].status, .body = slice_str(cases[i].body) };
        struct why why;
        assert_int_equal(s3_refusal(&r, &why), cases[i].rc);
        assert_non_null(strstr(why.text, cases[i].words));
        assert_null(strstr(why.text, "AKIA"));
        assert_null(strstr(why.text, "with words"));
        assert_false(s3_took(&r));
    }
    struct dest_header etag = { SLICE_INIT("etag"), SLICE_INIT("\"x\""), false };
    struct reply good = { .status = 200, .headers = &etag, .header_count = 1 };
    assert_true(s3_took(&good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(slips),
        cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
