/* http_fuzz.c: any body through the general source, with every kind of field mapped. */
#include "fuzz.h"

extern const struct source_kind source_http;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const settings =
        "{\"scheme\":\"token\",\"secret\":\"t\",\"pointer\":\"/secret\",\"type_pointer\":\"/"
        "event\",\"type_map\":"
        "{\"purchase_approved\":\"order.paid\",\"subscription_renewed\":\"subscription.renewed\"},"
        "\"key_pointer\":\"/data/id\",\"time_pointer\":\"/data/createdAt\",\"fields\":{"
        "\"contact.email\":\"/data/customer/email\",\"contact.phone\":\"/data/customer/phone\","
        "\"contact.name\":\"/data/customer/name\",\"contact.document\":\"/data/customer/"
        "docNumber\","
        "\"contact.birth_date\":\"/data/customer/birthDate\",\"contact.client_ip\":\"/"
        "ip\",\"order.number\":\"/data/id\","
        "\"order.amount\":\"/data/amount\",\"order.installments\":\"/data/"
        "installments\",\"order.paid_at\":\"/data/paidAt\","
        "\"order.item.id\":\"/data/product/id\",\"subscription.number\":\"/data/subscription/id\","
        "\"subscription.amount\":\"/data/subscription/amount\",\"checkout.number\":\"/data/refId\","
        "\"checkout.abandoned\":\"/data/abandoned\",\"checkout.list_price\":\"/data/offer/"
        "price\"}}";
    const struct request r = { .body = slice_of(data, size), .received_ms = 1773144000000 };
    fuzz_kind(&source_http, settings, &r);
    return 0;
}
