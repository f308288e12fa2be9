/* cakto_fuzz.c: any body through the Cakto source. */
#include "fuzz.h"

extern const struct source_kind source_cakto;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct request r = { .body = slice_of(data, size), .received_ms = 1773144000000 };
    fuzz_kind(&source_cakto, "{\"secret\":\"7d0c5a1e-0000-4000-8000-00000000ca01\"}", &r);
    fuzz_kind(&source_cakto, "{\"secret\":\"s\",\"products\":[\"P\"],\"signed_only\":true}", &r);
    return 0;
}
