/* metrics_test.c: histograms are right to a fifth, and the Prometheus text is well formed. */
#include "test.h"

#include "metrics/metrics.h"

static void quantiles(void **state UNUSED)
{
    static const int64_t values[] = { 0,   1,   2,    3,     4,     5,       7,        8,
                                      100, 999, 1000, 65535, 65536, 1000000, 59999999, 3600000000 };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        static struct histogram h;
        memset(&h, 0, sizeof h);
        assert_int_equal(histogram_quantile(&h, 0.5), 0);
        for (int n = 0; n < 10; n++) histogram_add(&h, values[i]);
        int64_t got = histogram_quantile(&h, 0.5), least = values[i] < 1 ? 1 : values[i];
        /* never below what was measured; a quarter of the power of two below it at most above */
        if (got < least || (double)got > (double)least * 1.25 + 1)
            fail_msg("%lld gives %lld", (long long)values[i], (long long)got);
        assert_int_equal(got, histogram_quantile(&h, 0.99));
    }
}

static void odd_values(void **state UNUSED)
{
    static struct histogram h;
    memset(&h, 0, sizeof h);
    histogram_add(&h, -5);
    histogram_add(&h, INT64_MAX); /* into the last bucket, not beyond */
    assert_int_equal(h.count, 2);
    assert_true(histogram_quantile(&h, 0) <= 2);
    assert_true(histogram_quantile(&h, 1) > 3600000000);
}

static void spread(void **state UNUSED)
{
    static struct histogram h;
    memset(&h, 0, sizeof h);
    for (int64_t us = 1; us <= 10000; us++) histogram_add(&h, us);
    static const struct {
        double p;
        int64_t want;
    } cases[] = { { 0.5, 5000 }, { 0.9, 9000 }, { 0.99, 9900 } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t got = histogram_quantile(&h, cases[i].p);
        assert_true(got >= cases[i].want && got <= cases[i].want * 5 / 4);
    }
    assert_int_equal(h.sum_us, 10000 * 10001 / 2);
}

static void slots_of_sources(void **state UNUSED)
{
    static struct metrics m;
    struct source_metrics *seen[SOURCES_METERED_MAX];
    memset(&m, 0, sizeof m);
    for (uint64_t id = 1; id <= SOURCES_METERED_MAX; id++) {
        seen[id - 1] = metrics_source(&m, id * 1000);
        for (uint64_t k = 1; k < id; k++) assert_ptr_not_equal(seen[id - 1], seen[k - 1]);
    }
    for (uint64_t id = 1; id <= SOURCES_METERED_MAX; id++)
        assert_ptr_equal(metrics_source(&m, id * 1000), seen[id - 1]);
    assert_non_null(metrics_source(&m, 7)); /* one more than there are slots shares one */
}

static void text(void **state UNUSED)
{
    static struct metrics m;
    struct arena a;
    memset(&m, 0, sizeof m);
    arena_init(&a, 1 << 20);
    struct buf b = buf_in(&a, 1 << 18);
    metrics_add(&m, METRIC_events_stored, 42);
    histogram_add(&m.ack, 1500);
    metrics_write(&m, &b);
    assert_true(buf_ok(&b));
    slice rest = buf_slice(&b), line;
    assert_true(slice_find_slice(rest, SLICE("\nmalote_events_stored_total 42\n")) < rest.len);
    assert_true(slice_find_slice(rest, SLICE("\nmalote_ack_seconds_count 1\n")) < rest.len);
    assert_true(slice_ends(rest, SLICE("\n")));
    while (slice_cut(&rest, '\n', &line)) {
        if (line.len == 0 || line.ptr[0] == '#') continue;
        size_t blank = slice_find(line, ' ');
        assert_true(slice_starts(line, SLICE("malote_")) && blank + 1 < line.len);
        assert_int_equal(slice_find(slice_sub(line, blank + 1, line.len), ' '),
                         line.len - blank - 1);
    }
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(quantiles), cmocka_unit_test(odd_values),
                                        cmocka_unit_test(spread),
                                        cmocka_unit_test(slots_of_sources),
                                        cmocka_unit_test(text) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
