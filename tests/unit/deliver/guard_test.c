/* guard_test.c: every special-purpose range at its edges, in each of its spellings, and the operator's exceptions. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "deliver/guard.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage out = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&out;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        v4->sin_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        v6->sin6_family = AF_INET6;
    else
        fail_msg("%s", text);
    return out;
}

static bool allows(const struct guard *g, const char *text)
{
    struct sockaddr_storage a = address(text);
    return guard_allows(g, (const struct sockaddr *)(const void *)&a);
}

static void addresses(void **state UNUSED)
{
    static const struct {
        const char *address;
        bool allowed;
    } cases[] = {
        { "1.1.1.1", true },
        { "0.0.0.0", false },
        { "0.255.255.255", false },
        { "9.255.255.255", true },
        { "10.0.0.0", false },
        { "10.255.255.255", false },
        { "11.0.0.0", true },
        { "100.63.255.255", true },
        { "100.64.0.0", false },
        { "100.127.255.255", false },
        { "100.128.0.0", true },
        { "126.255.255.255", true },
        { "127.0.0.1", false },
        { "127.255.255.254", false },
        { "128.0.0.1", true },
        { "169.253.255.255", true },
        { "169.254.169.254", false },
        { "169.255.0.0", true },
        { "172.15.255.255", true },
        { "172.16.0.1", false },
        { "172.31.255.255", false },
        { "172.32.0.0", true },
        { "192.0.0.1", false },
        { "192.0.1.1", true },
        { "192.0.2.1", false },
        { "192.88.99.1", false },
        { "192.167.255.255", true },
        { "192.168.1.1", false },
        { "192.169.0.0", true },
        { "198.17.255.255", true },
        { "198.18.0.1", false },
        { "198.19.255.255", false },
        { "198.20.0.0", true },
        { "198.51.100.7", false },
        { "203.0.113.7", false },
        { "203.0.114.1", true },
        { "223.255.255.255", true },
        { "224.0.0.1", false },
        { "239.255.255.255", false },
        { "240.0.0.1", false },
        { "255.255.255.255", false },
        /* IPv6 */
        { "2606:4700::1111", true },
        { "2001:4860:4860::8888", true },
        { "2a00:1450:4001::1", true },
        { "::", false },
        { "::1", false },
        { "::7f00:1", false },
        { "100::1", false },
        { "100:0:0:1::1", true },
        { "2001::1", false },
        { "2001:1ff:ffff::1", false },
        { "2001:200::1", true },
        { "2001:db8::1", false },
        { "2002:7f00:1::", false },
        { "3fff::1", false },
        { "3fff:1000::1", true },
        { "5f00::1", false },
        { "fbff::1", true },
        { "fc00::1", false },
        { "fdff::1", false },
        { "fe7f::1", true },
        { "fe80::1", false },
        { "febf::1", false },
        { "fec0::1", false },
        { "ff02::1", false },
        /* IPv4 inside IPv6: judged as the IPv4 address, or refused */
        { "::ffff:127.0.0.1", false },
        { "::ffff:10.1.2.3", false },
        { "::ffff:169.254.169.254", false },
        { "::ffff:1.1.1.1", true },
        { "64:ff9b::127.0.0.1", false },
        { "64:ff9b::1.1.1.1", false },
        { "64:ff9b:1::1", false },
        { "::ffff:0:7f00:1", false },
    };
    struct guard none = { .count = 0 };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (allows(&none, cases[i].address) != cases[i].allowed)
            fail_msg("%s must be %s", cases[i].address, cases[i].allowed ? "allowed" : "refused");
}

static void exceptions(void **state UNUSED)
{
    static const struct {
        const char *nets, *address;
        bool allowed;
    } cases[] = {
        { "127.0.0.0/8", "127.0.0.1", true },
        { "127.0.0.0/8", "::ffff:127.0.0.1", true },
        { "127.0.0.0/8", "::1", false },
        { "::1", "::1", true },
        { "::1", "::2", false },
        { "10.1.2.3", "10.1.2.3", true },
        { "10.1.2.3", "10.1.2.4", false },
        { "10.1.2.0/25", "10.1.2.127", true },
        { "10.1.2.0/25", "10.1.2.128", false },
        { "10.0.0.0/8,192.168.0.0/16", "192.168.9.9", true },
        { " 10.0.0.0/8  fc00::/7 ", "fd00::1", true },
        { "10.0.0.0/8", "192.168.9.9", false },
        { "0.0.0.0/0", "127.0.0.1", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "10.0.0.1", true },
        { "127.0.0.0/31", "127.0.0.1", true },
        { "127.0.0.0/31", "127.0.0.2", false },
        { "::ffff:10.0.0.0/104", "10.9.9.9", true },
        { "", "127.0.0.1", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct guard g;
        struct why why = { .code = OK };
        if (guard_read(slice_str(cases[i].nets), &g, &why) != OK)
            fail_msg("%s: %s", cases[i].nets, why.text);
        if (allows(&g, cases[i].address) != cases[i].allowed)
            fail_msg("%s in \"%s\"", cases[i].address, cases[i].nets);
    }
}

static void what_is_no_network(void **state UNUSED)
{
    static const char *const cases[] = {
        "localhost",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/8x",
        "::/129",
        "10.0.0",
        "/8",
        "10.0.0.0/8/8",
        "127.0.0.1:80",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct guard g;
        struct why why = { .code = OK };
        slice text = test_exact(slice_str(cases[i]));
        if (guard_read(text, &g, &why) != ERR_SYNTAX) fail_msg("%s", cases[i]);
        assert_true(why.text[0] != '\0');
        free((void *)(uintptr_t)text.ptr);
    }
    char many[16 * (GUARD_NETS_MAX + 1)] = "";
    for (size_t i = 0; i <= GUARD_NETS_MAX; i++) memcpy(many + 9 * i, "10.0.0.1,", 10);
    struct guard g;
    assert_int_equal(guard_read(slice_str(many), &g, NULL), ERR_LIMIT);
    assert_int_equal(guard_read(slice_of(many, 9 * GUARD_NETS_MAX), &g, NULL), OK);
}

static void other_families(void **state UNUSED)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct guard g;
    assert_int_equal(guard_read(SLICE("0.0.0.0/0 ::/0"), &g, NULL), OK);
    assert_false(guard_allows(&g, (const struct sockaddr *)(const void *)&local));
    assert_false(guard_lists(&g, (const struct sockaddr *)(const void *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(what_is_no_network),
        cmocka_unit_test(other_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
